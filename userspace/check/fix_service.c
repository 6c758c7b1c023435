/* SPDX-License-Identifier: MIT */
/* Repairs of the service: started, or started anew. */
#include "check/fix_impl.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "check/unfinished.h"
#include "probe/listeners.h"

static int listening(const uint16_t *ports, size_t n, bool *up, void *ctx)
{
	(void)ctx;
	return listeners_find("/proc", ports, n, up);
}

/* Whoever has stopped the service for a while starts it; that may have begun since it was planned. */
static int apply_service(struct fix *x, struct buf *said, struct buf *why)
{
	_cleanup_(file_closep) int lock_fd = -1;
	int err = unfinished_hold(x->config, true, why, &lock_fd);

	if (err == -EBUSY)
		return err;
	buf_reset(why);
	err = x->restart ? service_control_restart(x->control, 0, why) :
			   service_control_start(x->control, 0, why);
	if (!err)
		buf_printf(said, "%s was %s, and is healthy", x->config->service_name,
			   x->restart ? "restarted" : "started");
	return err;
}

int fix_plan_service(struct fix *x, bool restart, struct buf *why)
{
	const struct service_hooks hooks = { .listening = listening };
	int err = unfinished_refuse(x->config, why);

	if (!err)
		err = service_control_open(x->config, &hooks, why, &x->control);
	if (err)
		return err;
	x->restart = restart;
	x->apply = apply_service;
	snprintf(x->title, sizeof(x->title), "%s %s (%s %s)", restart ? "restart" : "start",
		 x->config->service_name, service_control_manager(x->control),
		 service_control_name(x->control));
	return 0;
}
