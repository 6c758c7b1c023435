/* SPDX-License-Identifier: MIT */
/*
 * Makes what a batch did not find: the stream; where there is no group either, the group, how long it keeps what is in it, and
 * the stream again. Whoever has made groups beforehand needs to allow no more than CreateLogStream and PutLogEvents.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "logs/log_push_impl.h"

static void on_answer(const struct aws_answer *a, void *ctx);

static json_t *body_of(const struct log_lane *l, const char *group, const char *stream)
{
	switch (l->create) {
	case CREATE_GROUP: return json_pack("{s:s}", "logGroupName", group);
	case CREATE_RETENTION:
		return json_pack("{s:s,s:i}", "logGroupName", group, "retentionInDays",
				 (int)l->push->options.retention_days);
	default: return json_pack("{s:s,s:s}", "logGroupName", group, "logStreamName", stream);
	}
}

static int call(struct log_lane *l)
{
	static const char *const operations[] = {
		[CREATE_STREAM] = "CreateLogStream",
		[CREATE_GROUP] = "CreateLogGroup",
		[CREATE_RETENTION] = "PutRetentionPolicy",
		[CREATE_STREAM_AGAIN] = "CreateLogStream",
	};
	const struct lane_batch *b = log_flight(l);
	_cleanup_(json_freep) json_t *root = body_of(l, b->group, b->stream);
	_cleanup_(buf_done) struct buf body = BUF_INIT(8192);
	struct aws_request r = { .service = AWS_LOGS, .operation = operations[l->create] };
	int err = root ? json_add_text(root, JSON_COMPACT, &body) : -ENOMEM;

	if (err)
		return err;
	r.body = body.data;
	r.body_len = body.len;
	return aws_client_call(l->push->client, &r, on_answer, l, &l->call);
}

static void begin(struct log_lane *l)
{
	l->state = LANE_CREATING;
	if (call(l)) /* for lack of memory: the batch comes here again */
		log_flight_again(l);
	else
		l->push->n_calls++;
}

static void say_retention(struct log_lane *l, const struct aws_answer *a)
{
	if (!l->said_retention)
		log_warning("log \"%s\": group %s keeps its events for ever: %s", l->config->name,
			    log_flight(l)->group, a->message);
	l->said_retention = true;
}

/* Whether the step is done. */
static bool is_done(struct log_lane *l, const struct aws_answer *a)
{
	if (a->failure == AWS_OK || !strcmp(a->code, "ResourceAlreadyExistsException"))
		return true;
	if (l->create != CREATE_RETENTION ||
	    (a->failure != AWS_DENIED && a->failure != AWS_REJECTED))
		return false;
	say_retention(l, a);
	return true;
}

static void on_answer(const struct aws_answer *a, void *ctx)
{
	struct log_lane *l = ctx;
	const bool done = is_done(l, a);

	l->call = NULL;
	l->push->n_calls--;
	log_push_soon(l->push);
	if (l->create == CREATE_STREAM && !strcmp(a->code, "ResourceNotFoundException")) {
		l->create = CREATE_GROUP;
	} else if (!done) {
		log_flight_fail(l, a);
		return;
	} else if (l->create == CREATE_GROUP) {
		l->create =
			l->push->options.retention_days ? CREATE_RETENTION : CREATE_STREAM_AGAIN;
	} else if (l->create == CREATE_RETENTION) {
		l->create = CREATE_STREAM_AGAIN;
	} else {
		l->created = true;
		log_info("log \"%s\" goes to stream %s of group %s, which was made for it",
			 l->config->name, log_flight(l)->stream, log_flight(l)->group);
		log_flight_again(l);
		return;
	}
	begin(l);
}

void log_create_begin(struct log_lane *l)
{
	l->create = CREATE_STREAM;
	begin(l);
}
