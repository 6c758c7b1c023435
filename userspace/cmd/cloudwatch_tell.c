/* SPDX-License-Identifier: MIT */
/* What the daemon's CloudWatch tells of itself: to the page, to `isamon status`, to `isamon metrics`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/endpoint.h"
#include "cmd/cloudwatch_impl.h"
#include "cmd/cloudwatch_json.h"
#include "cmd/cloudwatch_options.h"
#include "ship/put_metric_data.h"

static void push_figures(const struct cloudwatch *w, struct push_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (w->parts.push)
		push_stats(w->parts.push, ret);
}

bool cloudwatch_up(const struct cloudwatch *w)
{
	struct push_stats s;

	push_figures(w, &s);
	return cloudwatch_parts_are_open(&w->parts) && s.state != AWS_NO_CREDENTIALS &&
	       s.state != AWS_NO_REGION && s.state != AWS_DENIED;
}

struct cloudwatch_figures *cloudwatch_figures(struct cloudwatch *w)
{
	struct spool_stats spool = { 0 };
	struct push_stats push;

	if (w->parts.spool)
		spool = spool_stats(w->parts.spool);
	push_figures(w, &push);
	w->figures = (struct cloudwatch_figures){
		.enabled = cloudwatch_enabled(w),
		.has_spool = w->parts.spool != NULL,
		.minutes = cloudwatch_parts_waiting(&w->parts),
		.bytes = spool.bytes,
		.oldest_s = spool.oldest_s,
		.pushed = spool.pushed,
		.rejected = spool.rejected,
		.maybe_twice = spool.maybe_twice,
		.dropped = { spool.dropped_age, spool.dropped_size, spool.dropped_full,
			     w->parts.lost },
		.requests = push.requests,
		.retries = push.retries,
		.failures = push.failures,
		.sent_bytes = push.sent_bytes,
		.last_success_s = push.last_success_s,
	};
	if (w->parts.pending)
		w->figures.dropped[CLOUDWATCH_DROP_DISK_FULL] += pending_dropped(w->parts.pending);
	return &w->figures;
}

void cloudwatch_status(struct cloudwatch *w, struct status *s)
{
	const struct cloudwatch_figures *f = cloudwatch_figures(w);
	struct push_stats push;

	if (!f->enabled)
		return;
	push_figures(w, &push);
	s->cloudwatch_on = 1;
	s->cloudwatch_minutes = f->minutes;
	if (f->last_success_s > 0)
		s->cloudwatch_success_s = (double)f->last_success_s;
	snprintf(s->cloudwatch_problem, sizeof(s->cloudwatch_problem), "%.*s",
		 (int)sizeof(s->cloudwatch_problem) - 1,
		 w->why.len ? buf_str(&w->why) : push.error);
	for (char *c = s->cloudwatch_problem; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
}

/* --- isamon metrics */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* What is configured is known without a session, which there is none of where nothing can be pushed. */
static const char *instance_id(const struct cloudwatch *w)
{
	if (w->parts.session)
		return identity_instance_id(aws_session_identity(w->parts.session));
	return *or_empty(w->config->aws_instance_id) ? w->config->aws_instance_id : NULL;
}

static const char *region(const struct cloudwatch *w)
{
	if (w->parts.session)
		return identity_region(aws_session_identity(w->parts.session));
	return w->config->aws_region;
}

static void tell_identity(const struct cloudwatch *w, struct cloudwatch_told *t)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(CLOUDWATCH_TEXT_MAX);
	struct endpoint e;

	snprintf(t->region, sizeof(t->region), "%s", or_empty(region(w)));
	snprintf(t->instance_id, sizeof(t->instance_id), "%s", or_empty(instance_id(w)));
	if (endpoint_find(ENDPOINT_CLOUDWATCH, w->config->aws_endpoint_url_cloudwatch,
			  w->config->aws_endpoint_url, t->region, &e, &why) == 0)
		snprintf(t->endpoint, sizeof(t->endpoint), "%s", e.url);
}

static int write_state(struct buf *out, void *ctx)
{
	struct cloudwatch *w = ctx;
	const struct cloudwatch_figures *f = cloudwatch_figures(w);
	struct cloudwatch_told t = { .enabled = f->enabled };
	struct push_stats push;

	push_figures(w, &push);
	t.open = cloudwatch_parts_are_open(&w->parts);
	t.waiting = f->minutes;
	t.pushed = f->pushed;
	t.rejected = f->rejected;
	for (int i = 0; i < CLOUDWATCH_DROP_N; i++)
		t.dropped += f->dropped[i];
	t.asked = w->asked;
	t.ended = w->ended;
	snprintf(t.why, sizeof(t.why), "%s", buf_str(&w->why));
	snprintf(t.error, sizeof(t.error), "%s", push.error);
	tell_identity(w, &t);
	return cloudwatch_json_write(&t, out);
}

static void on_pushed(void *ctx)
{
	struct cloudwatch *w = ctx;

	w->ended = w->asked;
}

/* One that comes while another is under way ends with it. */
static int write_push(struct buf *out, void *ctx)
{
	struct cloudwatch *w = ctx;
	int err = w->parts.push ? push_now(w->parts.push, on_pushed, w) : -ENOENT;

	w->asked++;
	if (err && err != -EBUSY)
		w->ended = w->asked;
	return write_state(out, ctx);
}

struct body {
	struct put_request request;
	const struct put_options *options;
};

static int add_minute(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	struct body *b = ctx;

	(void)id;
	return put_add(&b->request, b->options, start_s, payload, n);
}

static int write_body(const struct cloudwatch *w, struct buf *out)
{
	_cleanup_(cloudwatch_push_options_done) struct cloudwatch_push_options o;
	struct body b = { .options = &o.push.put };
	int err = cloudwatch_push_options(w->config, &o);

	if (err)
		return err;
	o.push.put.instance_id = instance_id(w);
	err = put_begin(&b.request, &o.push.put);
	if (!err)
		err = minute_preview(w->parts.minute, add_minute, &b);
	if (!err || err == -E2BIG)
		err = put_end(&b.request);
	if (!err)
		err = buf_add(out, b.request.body.data, b.request.body.len);
	put_done(&b.request);
	return err;
}

static int write_preview(struct buf *out, void *ctx)
{
	struct cloudwatch *w = ctx;
	int err;

	if (w->parts.minute)
		cloudwatch_look(w);
	err = write_state(out, ctx);
	if (err || !w->parts.minute)
		return err;
	return write_body(w, out);
}

void cloudwatch_targets(struct cloudwatch *w, struct listener_target ret[static CLOUDWATCH_TARGETS])
{
	ret[0] = (struct listener_target){ CLOUDWATCH_TARGET, write_state, w };
	ret[1] = (struct listener_target){ CLOUDWATCH_TARGET_PREVIEW, write_preview, w };
	ret[2] = (struct listener_target){ CLOUDWATCH_TARGET_PUSH, write_push, w };
}
