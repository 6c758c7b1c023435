/* SPDX-License-Identifier: MIT */
/* Words for states, and the state of several processes together. */
#include "care/service_state.h"

const char *service_run_word(enum service_run run)
{
	switch (run) {
	case SERVICE_RUNNING: return "running";
	case SERVICE_STARTING: return "starting";
	case SERVICE_STOPPING: return "stopping";
	case SERVICE_STOPPED: return "stopped";
	case SERVICE_FAILED: return "failed";
	case SERVICE_UNKNOWN: break;
	}
	return "unknown";
}

void service_state_sum(struct service_state *s)
{
	s->run = s->n ? SERVICE_RUNNING : SERVICE_UNKNOWN;
	for (size_t i = 0; i < s->n; i++)
		if (s->processes[i].run > s->run)
			s->run = s->processes[i].run;
}

int service_exit_signal(int exit_status)
{
	return exit_status > 128 && exit_status <= 128 + 64 ? exit_status - 128 : 0;
}
