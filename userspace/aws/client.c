/* SPDX-License-Identifier: MIT */
/*
 * The life of a call: region, credentials, attempt, judgement, and again or the end.
 *
 * Invariant: a call waits for exactly one of its timer, the credentials and the transport. Whoever started it is
 * told from the timer or the transport only, so never from within a call of ours or of the credentials.
 */
#include "aws/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "aws/client_impl.h"
#include "aws/timestamp.h"
#include "base/clock.h"

#define SENTENCE_MAX 2048
/* AWS bears five minutes. What is less than this is no reason to sign again. */
#define SKEW_MIN_S 30

static void begin(struct aws_call *call);

static void call_free(struct aws_call *call)
{
	if (call->timer)
		event_free(call->timer);
	buf_done(&call->body);
	buf_done(&call->message);
	keys_done(&call->keys);
	free(call);
}

static void call_unlink(struct aws_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else
		call->client->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
}

static void finish(struct aws_call *call, enum aws_failure failure)
{
	struct aws_answer *a = &call->answer;

	call_unlink(call);
	client_scrub(call, call->code);
	client_scrub(call, call->request_id);
	a->failure = failure;
	a->code = call->code;
	a->message = failure == AWS_OK ? "" : buf_str(&call->message);
	a->request_id = call->request_id;
	if (!a->body)
		a->body = "";
	call->fn(a, call->ctx);
	call_free(call);
}

static void finish_with(struct aws_call *call, enum aws_failure failure, const char *why)
{
	client_explain(call, why);
	finish(call, failure);
}

static void later(struct aws_call *call, enum client_step step, uint32_t ms)
{
	const struct timeval in = { ms / 1000, ms % 1000 * 1000 };

	/* It is the transport's, and gone by then. */
	call->answer.body = NULL;
	call->answer.body_len = 0;
	call->step = step;
	event_add(call->timer, &in);
}

/* --- judgement */

static uint32_t random_u32(void)
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) == sizeof(r))
		return r;
	return (uint32_t)(clock_monotonic_ns() * 2654435761u);
}

/* Tries again, if class, attempts, bucket and the server's wish allow it. Returns whether. */
static bool again(struct aws_call *call, enum retry_class class)
{
	uint32_t ms;

	if (call->retries + 1 >= call->attempts_max ||
	    call->answer.retry_after_ms > RETRY_DELAY_MAX_MS)
		return false;
	call->cost = retry_take(&call->client->bucket, class);
	if (!call->cost)
		return false;
	ms = retry_delay_ms(class, ++call->retries, random_u32());
	if (ms < call->answer.retry_after_ms)
		ms = (uint32_t)call->answer.retry_after_ms;
	later(call, CLIENT_BEGIN, ms);
	return true;
}

static time_t now_s(void)
{
	return (time_t)(clock_realtime_ns() / NS_PER_SEC);
}

/* Whether the answer's date is another than the one that we signed with; then that is the skew. */
static bool learn_skew(struct aws_call *call, const struct transport_answer *a)
{
	_cleanup_(buf_done) struct buf date = BUF_INIT(64);
	int64_t skew_s;
	time_t theirs;

	if (!transport_header(a, "date", &date) || timestamp_parse_http(buf_str(&date), &theirs))
		return false;
	skew_s = (int64_t)theirs - (int64_t)now_s();
	if (llabs(skew_s - call->skew_s) < SKEW_MIN_S)
		return false;
	call->client->skew_s = skew_s;
	return true;
}

static void note_retry_after(struct aws_call *call, const struct transport_answer *a)
{
	_cleanup_(buf_done) struct buf ms = BUF_INIT(64), other = BUF_INIT(64);

	transport_header(a, "x-amz-retry-after", &ms);
	transport_header(a, "retry-after", &other);
	call->answer.retry_after_ms = retry_asked_ms(buf_str(&ms), buf_str(&other),
						     now_s() + (time_t)call->client->skew_s);
}

/* There was no whole answer. */
static void judge_failure(struct aws_call *call, const struct transport_answer *a)
{
	const bool final = a->err == -EFBIG || a->err == -ENOMEM || a->err == -EKEYREJECTED ||
			   a->err == -ENOENT;

	call->answer.outcome_unknown |= !a->unsent;
	client_explain_transport(call, a->err, a->why);
	if (!again(call, final ? RETRY_NO : RETRY_TRANSIENT))
		finish(call, AWS_TRANSIENT);
}

static enum aws_failure failure_of(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_REJECTED: return AWS_REJECTED;
	case FAULT_TRANSIENT: return AWS_TRANSIENT;
	case FAULT_THROTTLED: return AWS_THROTTLED;
	case FAULT_CREDENTIALS: return AWS_NO_CREDENTIALS;
	case FAULT_DENIED:
	case FAULT_ENDPOINT: return AWS_DENIED;
	}
	return AWS_TRANSIENT;
}

/* Once more at once, where a second attempt is another one: on the right clock, with other keys. Returns whether. */
static bool again_otherwise(struct aws_call *call, const struct transport_answer *a)
{
	if (!call->again_for_skew && fault_is_skew(call->code) && learn_skew(call, a)) {
		call->again_for_skew = true;
		later(call, CLIENT_BEGIN, 0);
		return true;
	}
	credentials_reject(call->client->credentials);
	if (call->again_for_credentials)
		return false;
	call->again_for_credentials = true;
	later(call, CLIENT_BEGIN, 0);
	return true;
}

static void judge_error(struct aws_call *call, const struct transport_answer *a)
{
	enum fault_kind kind;
	struct fault f;

	fault_read(a, &f);
	kind = fault_kind(a->status, f.code);
	if (kind == FAULT_REJECTED && f.is_xml && call->service != AWS_STS)
		kind = FAULT_ENDPOINT; /* S3, say, refuses everything: nothing may be thrown away for that */
	memcpy(call->code, f.code, sizeof(call->code));
	/* A server that failed may have done its work before, and a 200 that is no success says nothing about it. */
	if (a->status < 300 || (a->status >= 500 && kind != FAULT_THROTTLED))
		call->answer.outcome_unknown = true;
	client_scrub(call, f.code);
	client_explain_answer(call, kind, &f);
	if (kind == FAULT_CREDENTIALS && again_otherwise(call, a))
		return;
	if (!again(call, fault_retry(a->status, kind)))
		finish(call, failure_of(kind));
}

static void judge_answer(struct aws_call *call, const struct transport_answer *a)
{
	if (a->status / 100 != 2 ||
	    !fault_is_success(a, call->operation, call->service == AWS_STS)) {
		judge_error(call, a);
		return;
	}
	retry_give(&call->client->bucket, call->cost);
	finish(call, AWS_OK);
}

static void on_answer(const struct transport_answer *a, void *ctx)
{
	struct aws_call *call = ctx;

	call->under_way = NULL;
	call->code[0] = '\0';
	call->answer.status = a->status;
	call->answer.body = a->body;
	call->answer.body_len = a->body_len;
	if (!a->unsent)
		call->answer.sent_bytes += call->body.len;
	fault_request_id(a, call->request_id, sizeof(call->request_id));
	note_retry_after(call, a);
	if (a->err)
		judge_failure(call, a);
	else
		judge_answer(call, a);
	/* The call may be gone now. */
}

/* --- the way to an attempt */

static void on_key(int err, const struct sigv4_key *key, const char *why, void *ctx)
{
	struct aws_call *call = ctx;

	keys_done(&call->keys);
	if (!err)
		err = keys_set(&call->keys, key->id, key->secret, key->token, 0);
	if (err)
		client_explain(call, key ? "the keys cannot be used" : why);
	later(call, err ? CLIENT_FINISH : CLIENT_SEND, 0);
}

static enum endpoint_service endpoint_of(const struct aws_call *call, const char **ret_configured)
{
	const struct aws_client_options *o = &call->client->options;

	switch (call->service) {
	case AWS_LOGS: *ret_configured = o->logs_endpoint_url; return ENDPOINT_LOGS;
	case AWS_STS: *ret_configured = o->sts_endpoint_url; return ENDPOINT_STS;
	default: *ret_configured = o->cloudwatch_endpoint_url; return ENDPOINT_CLOUDWATCH;
	}
}

/* Where to; ends the call if that is not known. Returns whether it is. */
static bool find_endpoint(struct aws_call *call)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	const struct aws_client *c = call->client;
	const char *region = identity_region(c->identity), *configured;
	const enum endpoint_service service = endpoint_of(call, &configured);
	const char *unknown = identity_why(c->identity);

	if (!region) {
		finish_with(
			call, AWS_NO_REGION,
			*unknown ?
				unknown :
				"the region is not known yet; set region in [aws] if it stays so");
		return false;
	}
	if (endpoint_find(service, configured, c->options.endpoint_url, region, &call->endpoint,
			  &why)) {
		finish_with(call, AWS_NO_REGION, buf_str(&why));
		return false;
	}
	return true;
}

static void begin(struct aws_call *call)
{
	if (find_endpoint(call) && credentials_get(call->client->credentials, on_key, call))
		finish_with(call, AWS_TRANSIENT, "no memory to ask for credentials");
}

static void send_attempt(struct aws_call *call)
{
	const char *region = identity_region(call->client->identity);

	/* The region may be another by now, but one that was known does not become unknown. */
	if (!region || client_send(call, region, on_answer)) {
		finish_with(call, AWS_TRANSIENT, "no memory to send the request");
		return;
	}
	call->answer.attempts++;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct aws_call *call = ctx;

	(void)fd;
	(void)what;
	switch (call->step) {
	case CLIENT_BEGIN: begin(call); break;
	case CLIENT_SEND: send_attempt(call); break;
	case CLIENT_FINISH: finish(call, AWS_NO_CREDENTIALS); break;
	}
}

/* --- outside */

int aws_client_new(struct event_base *base, struct transport *t, struct credentials *c,
		   struct identity *i, const struct aws_client_options *o, struct aws_client **ret)
{
	struct aws_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->base = base;
	client->transport = t;
	client->credentials = c;
	client->identity = i;
	client->options = *o;
	retry_bucket_init(&client->bucket);
	*ret = client;
	return 0;
}

void aws_client_free(struct aws_client *c)
{
	if (!c)
		return;
	while (c->calls)
		aws_call_cancel(c->calls);
	free(c);
}

int aws_client_call(struct aws_client *c, const struct aws_request *r, aws_done_fn fn, void *ctx,
		    struct aws_call **ret_call)
{
	struct aws_call *call = calloc(1, sizeof(*call));
	int err;

	if (!call)
		return -ENOMEM;
	call->client = c;
	call->fn = fn;
	call->ctx = ctx;
	buf_init(&call->message, SENTENCE_MAX);
	err = client_take_request(call, r);
	if (!err)
		call->timer = event_new(c->base, -1, 0, on_timer, call);
	if (err || !call->timer) {
		call_free(call);
		return -ENOMEM;
	}
	call->next = c->calls;
	if (call->next)
		call->next->prev = call;
	c->calls = call;
	later(call, CLIENT_BEGIN, 0);
	if (ret_call)
		*ret_call = call;
	return 0;
}

void aws_call_cancel(struct aws_call *call)
{
	if (!call)
		return;
	credentials_cancel(call->client->credentials, call);
	transport_cancel(call->under_way);
	call_unlink(call);
	call_free(call);
}

int64_t aws_client_skew_s(const struct aws_client *c)
{
	return c->skew_s;
}
