/* SPDX-License-Identifier: MIT */
/* The list of metrics. Invariant: each key is one of [cloudwatch], yes or no. */
#include "config/published.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"
#include "config/schema.h"

static const struct published published_metrics[] = {
	{ "RequestCount", NULL, NULL, true },
	{ "ResponseTime", NULL, NULL, true },
	{ "ErrorCount", NULL, NULL, true },
	{ "CPUUtilization", NULL, NULL, true },
	{ "MemoryUtilization", NULL, NULL, false },
	{ "ResponseTime", "Route", "latency_by_route", true },
	{ "QueueTime", NULL, "queue", true },
	{ "TurnTime", NULL, "turns", true },
	{ "Restarts", NULL, "restarts", true },
	{ "ProbeUp", "Probe", "probes", false },
	{ "Processes", NULL, "processes", false },
	{ "SpoolAge", NULL, "spool_age", false },
	{ "LogErrors", NULL, "log_errors", true },
	{ "Exceptions", NULL, "exceptions", true },
	{ "JobFailures", NULL, "jobs", true },
	{ "JobsOverdue", NULL, "jobs", true },
};

const struct published *published_list(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(published_metrics);
	return published_metrics;
}

const struct published *published_find(const char *metric, const char *dimension)
{
	for (size_t i = 0; i < ARRAY_SIZE(published_metrics); i++) {
		const struct published *p = &published_metrics[i];

		if (strcmp(p->metric, metric) == 0 && !p->dimension == !dimension &&
		    (!dimension || strcmp(p->dimension, dimension) == 0))
			return p;
	}
	return NULL;
}

bool published_is_on(const struct config *c, const struct published *p)
{
	const struct schema_key *k;

	if (!p->key)
		return true;
	k = schema_find_key(schema_config(), "cloudwatch", p->key);
	assert(k && k->type == SCHEMA_BOOL);
	return *(const bool *)((const char *)c + k->offset);
}
