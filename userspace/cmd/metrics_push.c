/* SPDX-License-Identifier: MIT */
/*
 * isamon metrics push --once. A daemon is asked to push and then, again and again, how far it is; where none runs its
 * lock is taken, so that none begins meanwhile, and its part is played.
 */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "aws/endpoint.h"
#include "base/clock.h"
#include "base/file.h"
#include "cmd/cloudwatch.h"
#include "cmd/cloudwatch_parts.h"
#include "cmd/cmd.h"
#include "cmd/metrics_cmd.h"

#define ANSWER_MAX (1u << 20)
#define WHY_MAX 8192
#define AGAIN_MS 100
/* A call takes a minute at most, its retries included; one that hears nothing for longer will not. */
#define SILENCE_S 120
#define BEGIN_S 15 /* a daemon that was just started opens its files */
#define QUIET_S 2  /* who waits for longer is told what for */

/* "pushed 3 minutes, 1 waits", and on standard error what is wrong; @why: "" if nothing is. Returns the exit status. */
static int tell_pushed(uint64_t pushed, uint64_t rejected, uint64_t waiting, const char *why)
{
	printf("pushed %" PRIu64 " %s, %" PRIu64 " %s\n", pushed,
	       pushed == 1 ? "minute" : "minutes", waiting, waiting == 1 ? "waits" : "wait");
	if (rejected)
		fprintf(stderr,
			METRICS_PUSH ": CloudWatch refused %" PRIu64
				     " for good, which are given up: %s\n",
			rejected, *why ? why : "the daemon's log says why");
	else if (*why)
		fprintf(stderr, METRICS_PUSH ": %s\n", why);
	return rejected || *why || waiting ? CMD_FAILED : CMD_OK;
}

static void say_waiting(const char *endpoint)
{
	fprintf(stderr, METRICS_PUSH ": waiting for %s ...\n",
		*endpoint ? endpoint : "CloudWatch, whose region is not known yet");
}

/* --- by the daemon */

static int cannot(const struct cloudwatch_told *t)
{
	if (!t->enabled)
		fprintf(stderr, METRICS_PUSH
			": CloudWatch is off in the daemon that runs: write enabled = yes in "
			"[cloudwatch], then systemctl reload isamon\n");
	else
		fprintf(stderr, METRICS_PUSH ": the daemon cannot push: %s\n",
			*t->why ? t->why : "it is just beginning; try again");
	return CMD_FAILED;
}

static int follow(const struct config *c, const struct cloudwatch_told *begun)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
	const uint64_t quiet_ns = clock_monotonic_ns() + QUIET_S * NS_PER_SEC;
	uint64_t due_ns = clock_monotonic_ns() + SILENCE_S * NS_PER_SEC;
	struct cloudwatch_told now = *begun;
	bool said = false;
	uint64_t pushed = begun->pushed;
	int err;

	while (now.ended < begun->asked) {
		if (clock_monotonic_ns() > due_ns) {
			fprintf(stderr,
				METRICS_PUSH ": the daemon has not come to an end in %d s\n",
				SILENCE_S);
			return CMD_FAILED;
		}
		if (!said && clock_monotonic_ns() > quiet_ns) {
			say_waiting(now.endpoint);
			said = true;
		}
		poll(NULL, 0, AGAIN_MS);
		err = metrics_ask(METRICS_PUSH, c, CLOUDWATCH_TARGET, &body, &now, NULL);
		if (err == -ENOENT)
			fprintf(stderr, METRICS_PUSH ": the daemon ended meanwhile\n");
		if (err)
			return CMD_FAILED;
		if (!now.enabled || !now.open)
			return cannot(&now);
		if (now.asked < begun->asked) {
			fprintf(stderr,
				METRICS_PUSH ": the daemon began anew meanwhile; try again\n");
			return CMD_FAILED;
		}
		if (now.pushed != pushed)
			due_ns = clock_monotonic_ns() + SILENCE_S * NS_PER_SEC;
		pushed = now.pushed;
	}
	return tell_pushed(now.pushed - begun->pushed, now.rejected - begun->rejected, now.waiting,
			   now.waiting || now.rejected > begun->rejected ? now.error : "");
}

/* The disk is waited for. */
static bool is_beginning(const struct cloudwatch_told *t)
{
	return t->enabled && !t->open && !*t->why;
}

/* --- alone */

static void on_quiet(evutil_socket_t fd, short what, void *ctx)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct cloudwatch_parts *p = ctx;
	const struct config *c = p->config;
	const char *region =
		p->session ? identity_region(aws_session_identity(p->session)) : c->aws_region;
	struct endpoint e = { .url = "" };

	(void)fd;
	(void)what;
	endpoint_find(ENDPOINT_CLOUDWATCH, c->aws_endpoint_url_cloudwatch, c->aws_endpoint_url,
		      region ? region : "", &e, &why);
	say_waiting(e.url);
}

static void on_pushed(void *ctx)
{
	bool *ended = ctx;

	*ended = true;
}

/* Until what waits in memory is on the disk, and it is known where we are; and then until it is pushed. */
static int push_all(struct cloudwatch_parts *p)
{
	struct spool_stats before = spool_stats(p->spool), after;
	bool ended = false;
	struct push_stats s;
	int err;

	while (p->adding || !identity_settled(aws_session_identity(p->session)))
		event_base_loop(p->base, EVLOOP_ONCE);
	err = push_now(p->push, on_pushed, &ended);
	if (err) {
		fprintf(stderr, METRICS_PUSH ": %s\n", strerror(-err));
		return CMD_FAILED;
	}
	while (!ended)
		event_base_loop(p->base, EVLOOP_ONCE);
	push_stats(p->push, &s);
	after = spool_stats(p->spool);
	return tell_pushed(after.pushed - before.pushed, after.rejected - before.rejected,
			   cloudwatch_parts_waiting(p), s.error);
}

static int open_all(struct cloudwatch_parts *p, struct buf *why)
{
	int err;

	while ((err = cloudwatch_parts_open(p, (int64_t)(clock_realtime_ns() / NS_PER_SEC), why)) ==
	       -EINPROGRESS)
		event_base_loop(p->base, EVLOOP_ONCE);
	return err;
}

static int lock(const struct config *c, int *ret_fd)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	pid_t holder = 0;
	int err = file_make_directory(c->runtime_directory, 0755);

	if (!err)
		err = buf_printf(&path, "%s/isamon.lock", c->runtime_directory);
	if (!err)
		err = file_lock(buf_str(&path), ret_fd, &holder);
	if (err == -EBUSY)
		fprintf(stderr,
			METRICS_PUSH
			": process %d is at work in %s, but does not answer; if it is a "
			"daemon that was just started, try again\n",
			(int)holder, c->runtime_directory);
	else if (err == -EACCES)
		fprintf(stderr, METRICS_PUSH ": %s is for root; try it with sudo\n",
			c->runtime_directory);
	else if (err)
		fprintf(stderr, METRICS_PUSH ": cannot lock %s: %s\n", c->runtime_directory,
			strerror(-err));
	return err;
}

/* Without a daemon, in its place for a moment. */
static int push_alone(const struct config *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct timeval quiet = { .tv_sec = QUIET_S };
	_cleanup_(file_closep) int lock_fd = -1;
	struct cloudwatch_parts parts = { 0 };
	int status = CMD_FAILED;

	if (!c->cloudwatch_enabled) {
		fprintf(stderr, METRICS_PUSH ": CloudWatch is off: write enabled = yes in "
					     "[cloudwatch]\n");
		return CMD_FAILED;
	}
	if (lock(c, &lock_fd))
		return CMD_FAILED;
	cloudwatch_parts_init(&parts, event_base_new(), c);
	if (!parts.base)
		fprintf(stderr, METRICS_PUSH ": %s\n", strerror(ENOMEM));
	else if (event_base_once(parts.base, -1, EV_TIMEOUT, on_quiet, &parts, &quiet))
		fprintf(stderr, METRICS_PUSH ": %s\n", strerror(ENOMEM));
	else if (open_all(&parts, &why))
		fprintf(stderr, METRICS_PUSH ": %s", buf_str(&why));
	else
		status = push_all(&parts);
	cloudwatch_parts_close(&parts);
	if (parts.base)
		event_base_free(parts.base);
	return status;
}

int metrics_push(const struct config *c)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
	uint64_t due_ns = clock_monotonic_ns() + BEGIN_S * NS_PER_SEC;
	struct cloudwatch_told t;
	int err;

	do {
		err = metrics_ask(METRICS_PUSH, c, CLOUDWATCH_TARGET, &body, &t, NULL);
		if (err == -ENOENT)
			return push_alone(c);
	} while (!err && is_beginning(&t) && clock_monotonic_ns() < due_ns &&
		 poll(NULL, 0, AGAIN_MS) == 0);
	if (!err && t.enabled && t.open)
		err = metrics_ask(METRICS_PUSH, c, CLOUDWATCH_TARGET_PUSH, &body, &t, NULL);
	if (err)
		return CMD_FAILED;
	return t.enabled && t.open ? follow(c, &t) : cannot(&t);
}
