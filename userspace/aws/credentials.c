/* SPDX-License-Identifier: MIT */
/*
 * Keeps what the chain has found, and decides for each request: give, give and fetch behind it, wait for a fetch, or refuse
 * (judge()). Fetches end in the loop, never within credentials_get(), so keys that a callback looks at stay as they are.
 */
#include "aws/credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "aws/credentials_chain.h"
#include "aws/keys.h"
#include "base/clock.h"
#include "base/log.h"

#define SOURCE_SIZE 256
#define AHEAD_S 900
#define MUST_AHEAD_S 600
#define JITTER_S 60
#define HOLD_S 60          /* between two fetches of keys that never last long */
#define HOLD_EXPIRED_S 300 /* of IMDS's expired ones; up to twice that */
#define PAUSE_MAX_S 60
#define ACCEPTED_S 300 /* keys that were not rejected for so long had been good */
#define LOOK_S 60      /* between two looks at the files */

struct waiter {
	TAILQ_ENTRY(waiter) entry;
	credentials_fn fn;
	void *ctx;
};

struct credentials {
	struct credentials_options o;
	struct credentials_chain *chain;
	TAILQ_HEAD(waiters, waiter) waiters;
	bool running; /* a walk along the chain */

	struct keys keys; /* the last that were found; none: id is NULL */
	char source[SOURCE_SIZE];
	bool of_instance, of_files;
	bool rejected;           /* AWS does not want them */
	bool rejected_meanwhile; /* by one who did not know what the walk under way will bring */
	bool walked_twice;
	uint64_t refresh_at_s, must_at_s; /* real time; UINT64_MAX: never */
	uint64_t hold_until_ns; /* monotonic: until then they are given whatever their age */
	uint64_t found_ns;

	uint64_t pause_until_ns; /* no walk until then */
	unsigned int pause_s;    /* the last one; 0: none */
	int err;                 /* of the last walk */
	struct buf why;
	bool warned;         /* of a walk that failed while there are keys */
	bool warned_expired; /* of keys that were expired when they came */

	uint64_t stamp; /* of the files, before they were read */
	uint64_t look_at_ns;
};

enum verdict { GIVE, GIVE_AND_WALK, WAIT, REFUSE };

static uint64_t now_s(void)
{
	return clock_realtime_ns() / NS_PER_SEC;
}

/* 0 to @n - 1; without the kernel's randomness by the clock, for want of better. */
static unsigned int jitter(unsigned int n)
{
	unsigned int r;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = (unsigned int)clock_monotonic_ns();
	return r % n;
}

static bool has_keys(const struct credentials *c)
{
	return c->keys.id && !c->rejected;
}

static bool is_expired(const struct credentials *c)
{
	return c->keys.expires && now_s() >= (uint64_t)c->keys.expires;
}

/* At most once a minute. */
static bool files_changed(struct credentials *c)
{
	const struct profile_options files = credentials_profile_options(&c->o);
	uint64_t now_ns = clock_monotonic_ns();

	if (!c->of_files || now_ns < c->look_at_ns)
		return false;
	c->look_at_ns = now_ns + LOOK_S * NS_PER_SEC;
	return profile_stamp(&files) != c->stamp;
}

static enum verdict judge(struct credentials *c)
{
	bool may_walk = c->running || clock_monotonic_ns() >= c->pause_until_ns;

	if (!has_keys(c))
		return may_walk ? WAIT : REFUSE;
	if (may_walk && files_changed(c))
		return WAIT;
	if (clock_monotonic_ns() < c->hold_until_ns || now_s() < c->refresh_at_s)
		return GIVE;
	if (now_s() < c->must_at_s)
		return may_walk ? GIVE_AND_WALK : GIVE;
	if (may_walk)
		return WAIT;
	return is_expired(c) && !c->of_instance ? REFUSE : GIVE;
}

/* --- the walk */

static void on_found(const struct credentials_found *f, void *ctx);

static int walk(struct credentials *c)
{
	const struct profile_options files = credentials_profile_options(&c->o);
	int err;

	if (c->running)
		return 0;
	c->stamp = profile_stamp(&files);
	c->look_at_ns = clock_monotonic_ns() + LOOK_S * NS_PER_SEC;
	err = credentials_chain_walk(c->chain, on_found, c);
	c->running = !err;
	return err;
}

/* 1 s, doubling to 60 s. */
static void pause_walks(struct credentials *c)
{
	c->pause_s = c->pause_s ? c->pause_s * 2 : 1;
	if (c->pause_s > PAUSE_MAX_S)
		c->pause_s = PAUSE_MAX_S;
	c->pause_until_ns = clock_monotonic_ns() + c->pause_s * NS_PER_SEC;
}

static void explain(struct credentials *c, int err, const char *why)
{
	c->err = err;
	buf_reset(&c->why);
	buf_add_str(&c->why, why);
}

/* How long the keys are good for. Those that are given out shortly before their end, or after it, would be fetched at each
 * request; they are held for a while. */
static void plan(struct credentials *c)
{
	uint64_t expires_s = (uint64_t)c->keys.expires, real_s = now_s(), hold_s = HOLD_S;

	c->refresh_at_s = c->must_at_s = UINT64_MAX;
	c->hold_until_ns = 0;
	if (!expires_s) {
		c->warned_expired = false;
		return;
	}
	c->refresh_at_s = expires_s - AHEAD_S - jitter(JITTER_S);
	c->must_at_s = expires_s - MUST_AHEAD_S;
	if (real_s < c->refresh_at_s) {
		c->warned_expired = false;
		return;
	}
	if (real_s >= expires_s && c->of_instance)
		hold_s = HOLD_EXPIRED_S + jitter(HOLD_EXPIRED_S);
	else if (real_s < expires_s && expires_s - real_s < hold_s)
		hold_s = expires_s - real_s;
	c->hold_until_ns = clock_monotonic_ns() + hold_s * NS_PER_SEC;
	if (real_s >= expires_s && !c->warned_expired)
		log_warning(
			"the AWS credentials that %s gives are expired by this host's clock; they are used "
			"all the same, and asked for again every %s",
			c->source, c->of_instance ? "5 to 10 minutes" : "minute");
	c->warned_expired = real_s >= expires_s;
}

static void take_found(struct credentials *c, const struct credentials_found *f)
{
	bool again = c->rejected && keys_same(&c->keys, f->keys);

	keys_done(&c->keys);
	c->keys = *f->keys;
	*f->keys = (struct keys){ 0 };
	c->of_instance = f->of_instance;
	c->of_files = f->of_files;
	c->rejected = false;
	c->warned = false;
	c->found_ns = clock_monotonic_ns();
	snprintf(c->source, sizeof(c->source), "%s", f->source);
	if (again) {
		pause_walks(c);
		explain(c, -EACCES, "");
		buf_printf(&c->why,
			   "AWS does not accept the credentials of %s, and there are no "
			   "other ones there: are they still valid, and is the clock right?",
			   c->source);
	} else {
		c->pause_s = 0;
		c->pause_until_ns = 0;
		explain(c, 0, "");
	}
	plan(c);
}

static void take_failure(struct credentials *c, const struct credentials_found *f)
{
	pause_walks(c);
	explain(c, f->err, f->why);
	if (has_keys(c) && !c->warned)
		log_warning("the AWS credentials of %s could not be fetched anew, the old ones are "
			    "used as long as they last: %s",
			    c->source, f->why);
	c->warned = has_keys(c);
}

static void serve(struct credentials *c, enum verdict verdict, credentials_fn fn, void *ctx)
{
	struct sigv4_key key;

	if (verdict == REFUSE) {
		fn(c->err, NULL, buf_str(&c->why), ctx);
		return;
	}
	key = keys_sigv4(&c->keys);
	fn(0, &key, "", ctx);
}

/* Each callback may change what the next one gets: it may reject the keys, or begin a walk. */
static void serve_waiters(struct credentials *c)
{
	struct waiter *w;

	while (!c->running && (w = TAILQ_FIRST(&c->waiters))) {
		enum verdict verdict = judge(c);
		struct waiter its = *w;

		if (verdict == WAIT) {
			if (walk(c) == 0)
				return;
			pause_walks(c);
			explain(c, -ENOMEM, strerror(ENOMEM));
			continue;
		}
		TAILQ_REMOVE(&c->waiters, w, entry);
		free(w);
		serve(c, verdict, its.fn, its.ctx);
	}
}

static void on_found(const struct credentials_found *f, void *ctx)
{
	struct credentials *c = ctx;
	bool in_doubt = c->rejected_meanwhile && !c->walked_twice && !f->err &&
			keys_same(&c->keys, f->keys);

	c->running = false;
	c->rejected_meanwhile = false;
	/* The walk may have passed the source before it had others. */
	c->walked_twice = in_doubt;
	if (in_doubt && walk(c) == 0)
		return;
	if (f->err)
		take_failure(c, f);
	else
		take_found(c, f);
	serve_waiters(c);
}

/* --- the face */

int credentials_get(struct credentials *c, credentials_fn fn, void *ctx)
{
	enum verdict verdict = judge(c);
	struct waiter *w;

	if (verdict == GIVE_AND_WALK)
		walk(c); /* (if there is no memory for it, the next request tries) */
	if (verdict != WAIT) {
		serve(c, verdict, fn, ctx);
		return 0;
	}
	w = malloc(sizeof(*w));
	if (!w || walk(c)) {
		free(w);
		return -ENOMEM;
	}
	w->fn = fn;
	w->ctx = ctx;
	TAILQ_INSERT_TAIL(&c->waiters, w, entry);
	return 0;
}

void credentials_reject(struct credentials *c)
{
	if (!c->keys.id)
		return;
	c->rejected_meanwhile = c->running;
	if (!c->rejected && clock_monotonic_ns() - c->found_ns > ACCEPTED_S * NS_PER_SEC) {
		c->pause_s = 0;
		c->pause_until_ns = 0;
	}
	c->rejected = true;
}

void credentials_cancel(struct credentials *c, void *ctx)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&c->waiters); w; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->ctx != ctx)
			continue;
		TAILQ_REMOVE(&c->waiters, w, entry);
		free(w);
	}
}

const char *credentials_source(const struct credentials *c)
{
	return c->source;
}

int credentials_new(struct event_base *base, struct transport *t,
		    const struct credentials_options *o, struct credentials **ret)
{
	struct credentials *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->o = *o;
	TAILQ_INIT(&c->waiters);
	buf_init(&c->why, 4000);
	snprintf(c->source, sizeof(c->source), "none");
	err = credentials_chain_new(base, t, &c->o, &c->chain);
	if (err) {
		credentials_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void credentials_free(struct credentials *c)
{
	struct waiter *w;

	if (!c)
		return;
	credentials_chain_free(c->chain);
	while ((w = TAILQ_FIRST(&c->waiters))) {
		TAILQ_REMOVE(&c->waiters, w, entry);
		free(w);
	}
	keys_done(&c->keys);
	buf_done(&c->why);
	free(c);
}
