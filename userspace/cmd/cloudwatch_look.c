/* SPDX-License-Identifier: MIT */
/* Processes that are not known, while nobody listens, are none; while somebody does, nothing is said of them. */
#include "cmd/cloudwatch_look.h"

void cloudwatch_fill_look(const struct service_usage *usage, const struct self *self,
			  struct minute_look *l)
{
	l->has_processes = usage->known || (!usage->processes && !self->service_up);
	l->cpu_ns = usage->cpu_ns;
	l->cpus = usage->cpus;
	l->memory_ratio = usage->memory_ratio;
	l->processes = usage->processes;
	l->restarts = usage->restarts;
	for (l->n_probes = 0; l->n_probes < self->n_probes && l->n_probes < MINUTE_PROBES_MAX;
	     l->n_probes++) {
		l->probes[l->n_probes].name = self->probes[l->n_probes].name;
		l->probes[l->n_probes].up = self->probes[l->n_probes].up;
	}
}
