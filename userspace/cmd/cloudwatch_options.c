/* SPDX-License-Identifier: MIT */
/* The keys of [cloudwatch] and [aws], which config_check() has found to be fine. */
#include "cmd/cloudwatch_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

void cloudwatch_minute_options(const struct config *c, struct minute_options *ret)
{
	*ret = (struct minute_options){
		.interval_s = (unsigned int)c->cloudwatch_interval_s,
		.latency_by_route = c->cloudwatch_latency_by_route,
		.queue = c->cloudwatch_queue,
		.turns = c->cloudwatch_turns,
		.restarts = c->cloudwatch_restarts,
		.probes = c->cloudwatch_probes,
		.processes = c->cloudwatch_processes,
		.spool_age = c->cloudwatch_spool_age,
		.log_errors = c->cloudwatch_log_errors,
		.exceptions = c->cloudwatch_exceptions,
		.jobs = c->cloudwatch_jobs,
	};
}

bool cloudwatch_same_minute_options(const struct minute_options *a, const struct minute_options *b)
{
	return a->interval_s == b->interval_s && a->latency_by_route == b->latency_by_route &&
	       a->queue == b->queue && a->turns == b->turns && a->restarts == b->restarts &&
	       a->probes == b->probes && a->processes == b->processes &&
	       a->spool_age == b->spool_age && a->log_errors == b->log_errors &&
	       a->exceptions == b->exceptions && a->jobs == b->jobs;
}

void cloudwatch_spool_limits(const struct config *c, struct spool_limits *ret)
{
	*ret = (struct spool_limits){
		.max_age_s = c->cloudwatch_spool_days * DAY_S,
		.max_bytes = c->cloudwatch_spool_bytes,
	};
}

int cloudwatch_push_options(const struct config *c, struct cloudwatch_push_options *ret)
{
	*ret = (struct cloudwatch_push_options){
		.push = {
			.put = {
				.metric_namespace = c->cloudwatch_namespace,
				.resolution_s = (unsigned int)c->cloudwatch_resolution_s,
			},
			.interval_s = (unsigned int)c->cloudwatch_interval_s,
		},
	};
	for (size_t i = 0; i < c->n_cloudwatch_dimensions; i++) {
		const char *text = c->cloudwatch_dimensions[i], *equals = strchr(text, '=');
		struct put_options *put = &ret->push.put;

		if (!equals)
			continue;
		ret->names[i] = strndup(text, (size_t)(equals - text));
		if (!ret->names[i])
			return -ENOMEM;
		put->dimensions[put->n_dimensions++] =
			(struct datum_dimension){ ret->names[i], equals + 1 };
	}
	return 0;
}

void cloudwatch_push_options_done(struct cloudwatch_push_options *o)
{
	for (size_t i = 0; i < CONFIG_DIMENSIONS_MAX; i++)
		free(o->names[i]);
	*o = (struct cloudwatch_push_options){ 0 };
}

bool cloudwatch_same_aws(const struct config *a, const struct config *b)
{
#define SAME(field) (strcmp(a->field, b->field) == 0)
	return SAME(aws_region) && SAME(aws_instance_id) && SAME(aws_profile) &&
	       SAME(aws_credentials_file) && SAME(aws_config_file) && SAME(aws_access_key_id) &&
	       SAME(aws_secret_access_key) && SAME(aws_session_token) && SAME(aws_proxy) &&
	       SAME(aws_ca_bundle) && SAME(aws_endpoint_url) && SAME(aws_endpoint_url_cloudwatch) &&
	       SAME(aws_endpoint_url_sts) && SAME(aws_imds_endpoint);
#undef SAME
}
