/* SPDX-License-Identifier: MIT */
/* Calls of AWS by a command, one after the other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/tool.h"

#define REQUEST_MAX (2u << 20)
#define WHY_MAX 2048
#define ATTEMPTS 5
/* Of 100 alarms: more than any account has. */
#define PAGES_MAX 1000

int tool_aws_open(const char *command, const struct config *c, struct lone_session *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = lone_session_open(c, &why, ret);

	if (!err)
		return 0;
	fprintf(stderr, "%s: %s\n", command, why.len ? buf_str(&why) : strerror(-err));
	lone_session_close(ret);
	return err;
}

void tool_answer_done(struct tool_answer *answer)
{
	buf_done(&answer->why);
	json_decref(answer->body);
	answer->body = NULL;
}

static void answered(const struct aws_answer *a, void *ctx)
{
	struct tool_answer *answer = ctx;
	char plain[WHY_MAX];

	answer->failure = a->failure;
	snprintf(answer->code, sizeof(answer->code), "%s", a->code ? a->code : "");
	answer->body = json_loadb(a->body ? a->body : "", a->body_len, 0, NULL);
	if (a->failure == AWS_OK)
		return;
	utf8_make_plain(a->message ? a->message : "", WHY_MAX, plain, sizeof(plain));
	buf_add_str(&answer->why, *plain ? plain : "AWS does not say why");
}

int tool_call(struct lone_session *a, enum aws_service service, const char *operation,
	      const json_t *request, struct tool_answer *ret)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(REQUEST_MAX);
	struct aws_request r = {
		.service = service,
		.operation = operation,
		.attempts = ATTEMPTS,
	};
	int err;

	memset(ret, 0, sizeof(*ret));
	buf_init(&ret->why, WHY_MAX);
	ret->failure = AWS_TRANSIENT;
	err = json_add_text(request, JSON_COMPACT | JSON_REAL_PRECISION(17), &body);
	r.body = buf_str(&body);
	r.body_len = body.len;
	if (!err)
		err = aws_session_ask(a->session, &r, answered, ret);
	if (err && !ret->why.len)
		buf_printf(&ret->why, "%s: %s", operation, strerror(-err));
	return err || ret->failure != AWS_OK ? -EIO : 0;
}

static int each_of(const json_t *list, tool_alarm_fn fn, void *ctx)
{
	const json_t *alarm;
	size_t i;

	json_array_foreach(list, i, alarm) {
		int err = fn(alarm, ctx);

		if (err)
			return err;
	}
	return 0;
}

/* *token: of the page, then of the next one; NULL: it was the last. */
static int page(struct lone_session *a, bool composite, json_t **token, tool_alarm_fn fn, void *ctx,
		struct buf *why)
{
	_cleanup_(tool_answer_done) struct tool_answer answer = { 0 };
	_cleanup_(json_freep) json_t *request =
		json_pack("{s:i,s:[s]}", "MaxRecords", 100, "AlarmTypes", "MetricAlarm");
	int err = request ? 0 : -ENOMEM;

	if (composite)
		err |= json_array_append_new(json_object_get(request, "AlarmTypes"),
					     json_string("CompositeAlarm"));
	if (*token)
		err |= json_object_set(request, "NextToken", *token);
	if (err)
		return -ENOMEM;
	if (tool_call(a, AWS_CLOUDWATCH, "DescribeAlarms", request, &answer)) {
		buf_add_str(why, buf_str(&answer.why));
		return -EIO;
	}
	json_decref(*token);
	*token = json_incref(json_object_get(answer.body, "NextToken"));
	err = each_of(json_object_get(answer.body, "MetricAlarms"), fn, ctx);
	return err ?: each_of(json_object_get(answer.body, "CompositeAlarms"), fn, ctx);
}

int tool_each_alarm(struct lone_session *a, bool composite, tool_alarm_fn fn, void *ctx,
		    struct buf *why)
{
	_cleanup_(json_freep) json_t *token = NULL;
	int err = 0;

	for (unsigned int i = 0; i < PAGES_MAX; i++) {
		err = page(a, composite, &token, fn, ctx, why);
		if (err || !json_is_string(token))
			return err;
	}
	buf_printf(why, "DescribeAlarms does not come to an end after %d pages", PAGES_MAX);
	return -EIO;
}
