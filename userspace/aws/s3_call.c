/* SPDX-License-Identifier: MIT */
/*
 * One call of S3, blocking: keys, signature, attempt, judgement, pause, and again.
 *
 * Invariant: nothing of a call is under way when s3_do() returns. Keys are copied for an attempt and wiped after it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "aws/s3_impl.h"
#include "aws/s3_xml.h"
#include "aws/timestamp.h"
#include "aws/uri.h"
#include "base/clock.h"
#include "base/sha256.h"

#define ATTEMPTS_MAX 6u
#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS 60000 /* of what is small */
#define STALL_S 120 /* completing many parts may take S3 long; it sends white space meanwhile */
#define ANSWER_MAX ((size_t)8 << 20)
#define SKEW_MIN_S 30

struct attempt {
	struct s3 *s;
	const struct s3_call *call;
	struct keys keys;
	bool have_keys, done;
	int err;
	enum retry_class retry;
	bool again_now; /* on another clock, or with other keys */
	bool *skew_tried, *keys_tried;
};

void s3_add(struct s3_call *c, const char *name, const char *value)
{
	if (value && *value && c->n_headers < S3_HEADERS_MAX)
		c->headers[c->n_headers++] = (struct sigv4_header){ name, value };
}

void s3_header(const struct s3 *s, const char *name, char *to, size_t size)
{
	_cleanup_(buf_done) struct buf value = BUF_INIT(size - 1);
	const struct transport_answer a = { .headers = buf_str(&s->headers) };

	*to = '\0';
	if (transport_header(&a, name, &value))
		memcpy(to, buf_str(&value), value.len + 1);
}

/* --- waiting */

static int wait_for(const struct s3 *s, const bool *done)
{
	while (!*done)
		if (event_base_loop(s->base, EVLOOP_ONCE))
			return -EIO;
	return 0;
}

static void on_pause(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	*(bool *)ctx = true;
}

static int pause_ms(struct s3 *s, uint32_t ms)
{
	const struct timeval in = { ms / 1000, ms % 1000 * 1000 };
	bool over = false;
	struct event *timer = evtimer_new(s->base, on_pause, &over);
	int err;

	if (!timer)
		return -ENOMEM;
	err = event_add(timer, &in) ? -ENOMEM : wait_for(s, &over);
	event_free(timer);
	return err ? err : s3_progress(s);
}

/* --- keys */

static void on_key(int err, const struct sigv4_key *key, const char *why, void *ctx)
{
	struct attempt *a = ctx;

	a->have_keys = true;
	if (!err)
		err = keys_set(&a->keys, key->id, key->secret, key->token, 0);
	if (!err)
		return;
	a->err = err == -ENOMEM ? err : -EACCES;
	s3_fail(a->s, a->err, a->call->operation, a->call->key, "%s", why);
}

static int get_keys(struct attempt *a)
{
	int err = credentials_get(a->s->credentials, on_key, a);

	if (!err)
		err = wait_for(a->s, &a->have_keys);
	credentials_cancel(a->s->credentials, a);
	return err ? err : a->err;
}

/* --- judgement */

static time_t now_s(void)
{
	return (time_t)(clock_realtime_ns() / NS_PER_SEC);
}

static bool learn_skew(struct attempt *at, const struct transport_answer *a)
{
	_cleanup_(buf_done) struct buf date = BUF_INIT(64);
	int64_t skew_s;
	time_t theirs;

	if (*at->skew_tried || !transport_header(a, "date", &date) ||
	    timestamp_parse_http(buf_str(&date), &theirs))
		return false;
	skew_s = (int64_t)theirs - (int64_t)now_s();
	if (llabs(skew_s - at->s->skew_s) < SKEW_MIN_S)
		return false;
	at->s->skew_s = skew_s;
	return *at->skew_tried = true;
}

static void judge_failure(struct attempt *at, const struct transport_answer *a)
{
	struct s3 *s = at->s;
	const bool final = a->ours || a->err == -EFBIG || a->err == -ENOMEM ||
			   a->err == -EKEYREJECTED || a->err == -ENOENT;

	s->outcome_unknown |= !a->unsent;
	at->err = a->err == -ENOENT && !a->ours ? -EKEYREJECTED : a->err;
	at->retry = final ? RETRY_NO : RETRY_TRANSIENT;
	s3_fail(s, at->err, at->call->operation, at->call->key, "%s%s",
		a->err == -ECANCELED ? "stopped" : a->why,
		final ? "" :
			"; is the network up, and are proxy and endpoint_url_s3 of [aws] right?");
}

/* What S3 finds wrong with a body that we sent right was spoiled on its way, or is another by now: once more tells. */
static bool is_spoiled(const char *code)
{
	return !strcmp(code, "BadDigest") || !strcmp(code, "XAmzContentSHA256Mismatch") ||
	       !strcmp(code, "IncompleteBody") || !strcmp(code, "XAmzContentChecksumMismatch");
}

static void read_fault(struct attempt *at, const struct transport_answer *a, struct fault *f)
{
	_cleanup_(buf_done) struct buf id = BUF_INIT(200);

	fault_read(a, f);
	/* HEAD has no body: what S3 means is the status, if it was S3 that answered. */
	if (f->code[0] || strcmp(at->call->method, "HEAD") != 0 ||
	    !transport_header(a, "x-amz-request-id", &id))
		return;
	if (a->status == 404)
		memcpy(f->code, "NoSuchKey", sizeof("NoSuchKey"));
	else if (a->status == 403)
		memcpy(f->code, "AccessDenied", sizeof("AccessDenied"));
	else if (a->status == 400)
		memcpy(f->code, "BadRequest", sizeof("BadRequest"));
}

static void judge_error(struct attempt *at, const struct transport_answer *a)
{
	struct s3 *s = at->s;
	enum fault_kind kind;
	struct fault f;

	read_fault(at, a, &f);
	kind = fault_kind(a->status, f.code);
	if (is_spoiled(f.code) || a->status == 409)
		kind = FAULT_TRANSIENT;
	if (a->status < 300 || (a->status >= 500 && kind != FAULT_THROTTLED))
		s->outcome_unknown = true;
	memcpy(s->code, f.code, sizeof(s->code));
	at->retry = is_spoiled(f.code) || a->status == 409 ? RETRY_TRANSIENT :
							     fault_retry(a->status, kind);
	at->err = s3_explain_answer(s, at->call, a, kind, &f, &at->keys);
	if (at->err == -EXDEV) {
		at->retry = RETRY_NO;
	} else if (kind == FAULT_CREDENTIALS) {
		at->again_now = fault_is_skew(f.code) && learn_skew(at, a);
		if (!at->again_now) {
			credentials_reject(s->credentials);
			at->again_now = !*at->keys_tried;
			*at->keys_tried = true;
		}
	}
}

/* What is to have no body is S3's by its request id; a captive portal also says 200. */
static bool is_success(const struct attempt *at, const struct transport_answer *a)
{
	_cleanup_(buf_done) struct buf id = BUF_INIT(200);
	struct s3_xml root;

	if (a->status / 100 != 2)
		return false;
	if (at->call->root)
		return s3_xml_root(a->body, a->body_len, at->call->root, &root);
	return !a->body_len && transport_header(a, "x-amz-request-id", &id);
}

static void on_answer(const struct transport_answer *a, void *ctx)
{
	struct attempt *at = ctx;
	struct s3 *s = at->s;

	at->done = true;
	s->status = a->status;
	s->code[0] = '\0';
	buf_reset(&s->headers);
	buf_reset(&s->body);
	buf_add_str(&s->headers, a->headers);
	if (a->err) {
		judge_failure(at, a);
	} else if (!is_success(at, a)) {
		judge_error(at, a);
	} else if (buf_add(&s->body, a->body, a->body_len) || s->headers.err) {
		at->err = -ENOMEM;
		s3_fail(s, at->err, at->call->operation, at->call->key, "no memory");
	}
}

/* --- an attempt */

static int make_path(const struct s3 *s, const struct s3_call *c, struct buf *path)
{
	buf_add_str(path, s->prefix);
	buf_add_char(path, '/');
	if (c->key)
		uri_encode(path, c->key, strlen(c->key), false);
	return path->err;
}

static int sign(struct attempt *at, struct s3_call *c, const char *path, const char *hash,
		char date[SIGV4_DATE], struct buf *authorization)
{
	struct s3 *s = at->s;
	const struct sigv4_key key = keys_sigv4(&at->keys);
	const struct sigv4_request q = {
		.method = c->method,
		.path = path,
		.query = c->query ? c->query : "",
		.headers = c->headers,
		.n_headers = c->n_headers,
		.payload_hash = hash,
		.region = s->region,
		.service = "s3",
		.time = now_s() + (time_t)s->skew_s,
		.options = SIGV4_S3,
	};
	int err = sigv4_sign(&q, &key, authorization);

	if (err)
		return err;
	sigv4_date(q.time, date);
	s3_add(c, "X-Amz-Date", date);
	s3_add(c, "X-Amz-Content-Sha256", hash);
	s3_add(c, "X-Amz-Security-Token", at->keys.token);
	s3_add(c, "Authorization", buf_str(authorization));
	return 0;
}

static int send_attempt(struct attempt *at, struct transport_call **ret)
{
	_cleanup_(secret_buf_done) struct buf authorization = BUF_INIT(4096);
	_cleanup_(buf_done) struct buf path = BUF_INIT(16384), url = BUF_INIT(32768);
	struct s3 *s = at->s;
	struct s3_call c = *at->call;
	char hash[SHA256_HEX], date[SIGV4_DATE];
	struct transport_request r = {
		.method = c.method,
		.headers = c.headers,
		.body = c.body,
		.body_len = c.body_len,
		.source = c.source,
		.sink = c.sink,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = c.no_timeout ? 0 : TIMEOUT_MS,
		.stall_s = STALL_S,
		.bytes_per_s = s->options.bytes_per_s,
		.answer_max = ANSWER_MAX,
	};
	int err = c.hash ? 0 : sha256_hex(c.body, c.body_len, hash);

	s3_add(&c, "Host", s->host);
	if (!err)
		err = make_path(s, &c, &path);
	if (!err)
		err = sign(at, &c, buf_str(&path), c.hash ? c.hash : hash, date, &authorization);
	if (!err)
		err = buf_printf(&url, "%s%s%s%s", s->origin, buf_str(&path), c.query ? "?" : "",
				 c.query ? c.query : "");
	if (err)
		return err;
	r.url = buf_str(&url);
	r.n_headers = c.n_headers;
	return transport_start(s->transport, &r, on_answer, at, ret);
}

static int try_once(struct attempt *at)
{
	struct transport_call *call = NULL;
	int err = get_keys(at);

	if (!err)
		err = send_attempt(at, &call);
	if (!err) {
		err = wait_for(at->s, &at->done);
		if (!at->done)
			transport_cancel(call);
	}
	if (err && !at->err)
		s3_fail(at->s, err, at->call->operation, at->call->key, "cannot be asked: %s",
			strerror(-err));
	if (err)
		at->err = err;
	keys_done(&at->keys);
	return at->err;
}

static uint32_t random_u32(void)
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) == sizeof(r))
		return r;
	return (uint32_t)(clock_monotonic_ns() * 2654435761u);
}

/* What the last answer asks for; it has none if there was no answer. */
static uint32_t asked_pause_ms(const struct s3 *s)
{
	char ms[24], other[64];

	s3_header(s, "x-amz-retry-after", ms, sizeof(ms));
	s3_header(s, "retry-after", other, sizeof(other));
	return retry_asked_ms(ms, other, now_s() + (time_t)s->skew_s);
}

/* Whether there is another attempt, after the pause that it needs. */
static bool again(struct s3 *s, const struct attempt *at, unsigned int *n, unsigned int *cost,
		  int *ret_err)
{
	uint32_t ms, asked;

	if (at->again_now)
		return true;
	if (++*n >= ATTEMPTS_MAX || !(*cost = retry_take(&s->bucket, at->retry)))
		return false;
	ms = retry_delay_ms(at->retry, *n, random_u32());
	asked = asked_pause_ms(s);
	if (asked > RETRY_DELAY_MAX_MS)
		return false;
	*ret_err = pause_ms(s, ms > asked ? ms : asked);
	return !*ret_err;
}

int s3_do(struct s3 *s, const struct s3_call *c)
{
	bool skew_tried = false, keys_tried = false;
	unsigned int n = 0, cost = 0;
	int err = s3_find_place(s), stop = 0;

	s->outcome_unknown = false;
	while (!err) {
		struct attempt at = {
			.s = s, .call = c, .skew_tried = &skew_tried, .keys_tried = &keys_tried
		};

		if (c->before && c->before(c->ctx))
			n = 0;
		if (!try_once(&at)) {
			retry_give(&s->bucket, cost);
			return 0;
		}
		if (!again(s, &at, &n, &cost, &stop))
			return stop ? stop : at.err;
	}
	return err;
}
