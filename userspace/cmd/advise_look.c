/* SPDX-License-Identifier: MIT */
/* isamon advise: what AWS and the daemon are asked. Invariant: nothing is changed there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "check/advice_lifecycle.h"
#include "cmd/advise_cmd.h"
#include "cmd/cloudwatch.h"
#include "cmd/cloudwatch_json.h"
#include "serve/ask.h"
#include "ship/cost.h"

#define ANSWER_MAX (8u << 20)
#define ASK_MS 5000
#define WHY_MAX 2048

static const char *given(const char *text)
{
	return *text ? text : NULL;
}

int advise_s3_open(const struct config *c, struct advise_s3 *ret, struct buf *why)
{
	const struct s3_options o = {
		.bucket = c->backup_s3_bucket,
		.region = given(c->aws_region),
		.endpoint_url = given(c->aws_endpoint_url_s3),
		.endpoint_url_all = given(c->aws_endpoint_url),
	};
	int err;

	*ret = (struct advise_s3){ .s3 = NULL };
	err = tool_aws_open(ADVISE, c, &ret->aws);
	if (err)
		return err;
	return s3_new(ret->aws.base, aws_session_transport(ret->aws.session),
		      aws_session_credentials(ret->aws.session),
		      aws_session_identity(ret->aws.session), &o, why, &ret->s3);
}

void advise_s3_close(struct advise_s3 *s)
{
	s3_free(s->s3);
	lone_session_close(&s->aws);
}

static void note(struct advice_aws *aws, const char *what, const char *why)
{
	if (!*aws->why)
		snprintf(aws->why, sizeof(aws->why), "%s: %s", what, why);
}

/* --- S3 */

static void ask_lifecycle(const struct config *c, struct advice_aws *aws)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct s3_lifecycle l = { .rules = BUF_INIT(ADVICE_FILE_MAX) };
	struct advice_lifecycle found;
	struct advise_s3 s;
	char prefix[1100];
	int err = advise_s3_open(c, &s, &why);

	if (err) {
		note(aws, "S3", why.len ? buf_str(&why) : strerror(-err));
	} else if (s3_lifecycle_get(s.s3, &l)) {
		note(aws, "S3", s3_why(s.s3));
	} else if (advice_lifecycle_prefix(c, prefix, sizeof(prefix)) == 0 &&
		   advice_lifecycle_read(buf_str(&l.rules), l.rules.len, prefix, &found)) {
		buf_reset(&aws->lifecycle);
		aws->has_lifecycle = buf_add(&aws->lifecycle, buf_str(&l.rules), l.rules.len) == 0;
		aws->covers_prefix = found.covers;
		aws->aborts_uploads = found.aborts_uploads;
	} else {
		note(aws, "S3", "the bucket's lifecycle is not understood");
	}
	buf_done(&l.rules);
	advise_s3_close(&s);
}

/* --- CloudWatch Logs */

static void take_group(const struct config *c, const json_t *body, struct advice_aws *aws)
{
	const json_t *list = json_object_get(body, "logGroups"), *g;
	size_t i;

	json_array_foreach(list, i, g) {
		if (strcmp(json_member_text(g, "logGroupName", ""), c->logs_group) != 0)
			continue;
		aws->has_group = true;
		aws->group_retention_days =
			json_integer_value(json_object_get(g, "retentionInDays"));
		aws->group_bytes = (uint64_t)json_integer_value(json_object_get(g, "storedBytes"));
	}
}

static void ask_group(const struct config *c, struct advice_aws *aws)
{
	_cleanup_(json_freep) json_t *request =
		json_pack("{s:s}", "logGroupNamePrefix", c->logs_group);
	struct tool_answer answer;
	struct lone_session a;

	if (!request || tool_aws_open(ADVISE, c, &a)) {
		note(aws, "CloudWatch Logs", "AWS cannot be spoken to");
		return;
	}
	if (tool_call(&a, AWS_LOGS, "DescribeLogGroups", request, &answer) == 0)
		take_group(c, answer.body, aws);
	else
		note(aws, "CloudWatch Logs", buf_str(&answer.why));
	tool_answer_done(&answer);
	lone_session_close(&a);
}

/* --- the daemon */

static void count_metrics(const struct config *c, const char *body, struct advice_metrics *ret)
{
	const unsigned int interval_s = (unsigned int)c->cloudwatch_interval_s;
	struct cost all;

	ret->n = cloudwatch_json_metrics(body, NULL);
	ret->n_routes = cloudwatch_json_metrics(body, "Route");
	all = cost_month(ret->n, interval_s, 1);
	ret->usd = all.metrics_usd;
	ret->routes_usd = cost_month(ret->n_routes, interval_s, 0).metrics_usd;
	ret->requests_usd = all.requests_usd;
	ret->requests_usd_minutes = cost_month(ret->n, 60, 1).requests_usd;
	ret->known = ret->n > 0;
}

static void ask_metrics(const struct config *c, struct advice_metrics *ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096), answer = BUF_INIT(ANSWER_MAX);
	struct cloudwatch_told *t;
	const char *body;

	if (buf_printf(&path, "%s/isamon.sock", c->runtime_directory) ||
	    ask_daemon(buf_str(&path), CLOUDWATCH_TARGET_PREVIEW, ASK_MS, &answer))
		return;
	t = calloc(1, sizeof(*t));
	if (t && cloudwatch_json_parse(buf_str(&answer), t, &body) == 0 && *body)
		count_metrics(c, body, ret);
	free(t);
}

void advise_ask(const struct config *c, struct advice_host *h)
{
	if (*c->backup_s3_bucket)
		ask_lifecycle(c, &h->aws);
	if (c->logs_enabled)
		ask_group(c, &h->aws);
	if (c->cloudwatch_enabled)
		ask_metrics(c, &h->metrics);
}
