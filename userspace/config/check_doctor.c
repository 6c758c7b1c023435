/* SPDX-License-Identifier: MIT */
/* Checks of [doctor]. */
#include "base/host_port.h"
#include "config/problems.h"

void check_doctor(struct config_check *check)
{
	const struct config *c = check->c;
	struct host_port at;

	for (size_t i = 0; i < c->n_doctor_endpoints; i++) {
		if (host_port_parse(c->doctor_endpoints[i], &at) == 0)
			continue;
		check_failed_nth(check, "doctor", "endpoint", i);
		buf_printf(
			check->problems,
			"%.200s: not a host and a port; write HOST:PORT, such as github.com:443\n",
			c->doctor_endpoints[i]);
	}
	for (size_t i = 0; i < c->n_doctor_certificates; i++) {
		const char *text = c->doctor_certificates[i];

		if (*text == '/' || host_port_parse(text, &at) == 0)
			continue;
		check_failed_nth(check, "doctor", "certificate", i);
		buf_printf(
			check->problems,
			"%.200s: neither a file nor a host and a port; write an absolute path, or "
			"HOST:PORT\n",
			text);
	}
}
