/* SPDX-License-Identifier: MIT */
/* The table of the service's checks. */
#include "check/service_checks.h"

#include <errno.h>

#include "care/service_control.h"

#define WHY_MAX 4096

static int look_manager(const struct check_input *in, struct findings *out)
{
	_cleanup_(service_control_closep) struct service_control *s = NULL;
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct finding_text t = { .id = "service.manager" };
	struct service_state state;
	int err = service_control_open(in->config, NULL, &why, &s);

	if (!err)
		err = service_control_state(s, &state, &why);
	if (err) {
		t.result = FINDING_PROBLEM;
		return findings_add(out, &t, "%s", buf_str(&why));
	}
	t.result = state.run == SERVICE_RUNNING ? FINDING_FINE : FINDING_PROBLEM;
	return findings_add(out, &t, "%s: %s %s", service_control_manager(s),
			    service_control_name(s), service_run_word(state.run));
}

const struct check service_checks[] = {
	{ .area = "service", .id = "service.manager", .run = look_manager, .timeout_ms = 12000 },
};
const size_t n_service_checks = ARRAY_SIZE(service_checks);
