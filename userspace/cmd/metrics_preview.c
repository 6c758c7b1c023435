/* SPDX-License-Identifier: MIT */
/* isamon metrics preview: the daemon's answer, or what waits in the state file, made readable. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/endpoint.h"
#include "base/json.h"
#include "cmd/cloudwatch.h"
#include "cmd/cloudwatch_options.h"
#include "cmd/cmd.h"
#include "cmd/metrics_cmd.h"
#include "ship/cost.h"
#include "store/spool_peek.h"

#define ANSWER_MAX (8u << 20)
#define TEXT_MAX (32u << 20)

struct preview {
	const struct config *config;
	bool json;
};

static void write_head(const struct cloudwatch_told *t)
{
	if (*t->endpoint)
		printf("POST %s\n", t->endpoint);
	else
		printf("POST https://monitoring.REGION.amazonaws.com/   (the region is not known)\n");
	printf("content-type: application/x-amz-json-1.0\n"
	       "x-amz-target: GraniteServiceVersion20100801.PutMetricData\n\n");
}

static void write_cost(const struct config *c, size_t n_metrics)
{
	struct cost cost = cost_month(n_metrics, (unsigned int)c->cloudwatch_interval_s, 1);

	printf("\n%zu %s, %.0f requests: %.2f + %.2f USD a month, by the prices of us-east-1\n",
	       n_metrics, n_metrics == 1 ? "metric" : "metrics", cost.requests, cost.metrics_usd,
	       cost.requests_usd);
}

static int show(const struct preview *v, const struct cloudwatch_told *t, const char *body)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	int err = cloudwatch_json_pretty(body, &text);

	if (err) {
		fprintf(stderr, METRICS_PREVIEW ": %s\n", strerror(-err));
		return CMD_FAILED;
	}
	if (!v->json)
		write_head(t);
	fwrite(buf_str(&text), 1, text.len, stdout);
	if (!v->json)
		write_cost(v->config, cloudwatch_json_metrics(body, NULL));
	return CMD_OK;
}

/* --- of the daemon */

static int cannot(const struct cloudwatch_told *t)
{
	if (!t->enabled)
		fprintf(stderr, METRICS_PREVIEW
			": CloudWatch is off in the daemon that runs, so it counts no minutes: write "
			"enabled = yes in [cloudwatch], then systemctl reload isamon\n");
	else
		fprintf(stderr, METRICS_PREVIEW ": the daemon counts no minutes: %s\n",
			*t->why ? t->why : "it is just beginning; try again");
	return CMD_FAILED;
}

static int show_answer(const struct preview *v, const struct cloudwatch_told *t, const char *body)
{
	int status = show(v, t, body);

	if (status || v->json)
		return status;
	if (!*t->instance_id)
		printf("The instance id is not known (yet), so there is no dimension InstanceId.\n");
	if (t->waiting)
		printf("%" PRIu64 " %s to be pushed beside this%s%s\n", t->waiting,
		       t->waiting == 1 ? "minute waits" : "minutes wait", *t->error ? ": " : ".",
		       t->error);
	return CMD_OK;
}

/* --- of the state file */

struct waiting {
	struct put_request request;
	struct cloudwatch_push_options options;
	uint64_t shown;
};

static int add_waiting(const struct spool_minute *m, void *ctx)
{
	struct waiting *w = ctx;
	int err =
		put_add(&w->request, &w->options.push.put, m->start_s, m->payload, m->payload_len);

	w->shown += !err;
	return err;
}

static void tell_endpoint(const struct config *c, struct cloudwatch_told *t)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(CLOUDWATCH_TEXT_MAX);
	struct endpoint e;

	if (endpoint_find(ENDPOINT_CLOUDWATCH, c->aws_endpoint_url_cloudwatch, c->aws_endpoint_url,
			  c->aws_region, &e, &why) == 0)
		snprintf(t->endpoint, sizeof(t->endpoint), "%s", e.url);
}

static int read_waiting(const struct config *c, struct waiting *w, uint64_t *ret_n, struct buf *why)
{
	struct put_options *put = &w->options.push.put;
	int err = cloudwatch_push_options(c, &w->options);

	if (*c->aws_instance_id)
		put->instance_id = c->aws_instance_id;
	if (!err)
		err = put_begin(&w->request, put);
	if (!err)
		err = spool_peek(c->state_directory, add_waiting, w, ret_n, why);
	if (!err || err == -ENOENT)
		err = put_end(&w->request);
	return err;
}

static int preview_alone(const struct preview *v)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct cloudwatch_told t = { .enabled = false };
	struct waiting w = { .shown = 0 };
	uint64_t n = 0;
	int err = read_waiting(v->config, &w, &n, &why), status = CMD_FAILED;

	if (err) {
		fprintf(stderr, METRICS_PREVIEW ": %s\n", why.len ? buf_str(&why) : strerror(-err));
	} else if (!n) {
		fprintf(stderr,
			METRICS_PREVIEW
			": no daemon runs, and no minutes wait in %s: there is nothing to show; %s\n",
			v->config->state_directory,
			v->config->cloudwatch_enabled ?
				"start isamon" :
				"write enabled = yes in [cloudwatch], then start isamon");
	} else {
		fprintf(stderr,
			METRICS_PREVIEW
			": no daemon runs: this is made of the configuration and of "
			"the oldest %" PRIu64 " of %" PRIu64 " %s in %s\n",
			w.shown, n, n == 1 ? "minute that waits" : "minutes that wait",
			v->config->state_directory);
		tell_endpoint(v->config, &t);
		status = show(v, &t, buf_str(&w.request.body));
	}
	put_done(&w.request);
	cloudwatch_push_options_done(&w.options);
	return status;
}

int metrics_preview(const struct config *c, bool json)
{
	_cleanup_(buf_done) struct buf answer = BUF_INIT(ANSWER_MAX);
	const struct preview v = { c, json };
	struct cloudwatch_told t;
	const char *body;
	int err;

	err = metrics_ask(METRICS_PREVIEW, c, CLOUDWATCH_TARGET_PREVIEW, &answer, &t, &body);
	if (err == -ENOENT)
		return preview_alone(&v);
	if (err)
		return CMD_FAILED;
	return *body ? show_answer(&v, &t, body) : cannot(&t);
}
