/* SPDX-License-Identifier: MIT */
/* What the daemon has seen of the service: restarts, OOM kills, how long requests waited. Nothing of that can be known without it. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>

#include "base/util.h"
#include "check/service_checks_impl.h"
#include "metrics/status_json.h"
#include "serve/ask.h"

#define ANSWER_MAX (1u << 20)
#define ASK_MS 2000
#define AGAIN_MS 1100 /* figures are collected once a second */
#define RECENT_S 3600
#define QUEUE_SLOW_S 0.5

static int ask_once(const char *socket_path, struct status *ret)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
	int err = ask_daemon(socket_path, "/status", ASK_MS, &body);

	return err ? err : status_json_parse(buf_str(&body), body.len, ret);
}

/* The first answer after a while is without rates. */
static int ask(const struct config *c, struct status *ret)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), "%s/isamon.sock", c->runtime_directory);
	err = ask_once(path, ret);
	if (err || isfinite(ret->interval_s))
		return err;
	poll(NULL, 0, AGAIN_MS);
	return ask_once(path, ret);
}

static bool is_recent(const struct status *s, double at_s)
{
	return s->now_s - at_s < RECENT_S; /* NAN: no */
}

static int tell_restarts(const struct status *s, struct findings *out)
{
	struct finding_text t = { .id = "service.restarts" };

	if (s->crash_loop == 1) {
		t.result = FINDING_PROBLEM;
		t.meaning = "the service ends again and again";
		t.remedy = "isamon logs tail; the last lines before each end tell why";
	} else if (*s->last_crash && is_recent(s, s->last_crash_s)) {
		t.result = FINDING_WARNING;
		t.meaning = "it ended unexpectedly within the last hour";
		t.remedy = "isamon logs tail; the last lines before that tell why";
	} else if (s->restarts != STATUS_UNKNOWN && s->restarts) {
		t.result = FINDING_NOTE;
	}
	if (s->restarts == STATUS_UNKNOWN) {
		t.result = t.result == FINDING_FINE ? FINDING_NOTE : t.result;
		return findings_add(out, &t, "not known yet");
	}
	return findings_add(out, &t, "%llu since isamon runs%s%s", (unsigned long long)s->restarts,
			    *s->last_exit ? "; last end: " : "", s->last_exit);
}

static int tell_oom(const struct status *s, struct findings *out)
{
	struct finding_text t = { .id = "service.oom" };

	/* What was not looked at is not fine. */
	if (s->oom_kills == STATUS_UNKNOWN) {
		t.result = FINDING_NOTE;
		return findings_add(out, &t, "not known: ends of processes are not seen here");
	}
	if (s->oom_kills) {
		t.result = is_recent(s, s->last_oom_s) ? FINDING_WARNING : FINDING_NOTE;
		t.meaning = "memory ran out, and the kernel ended a process of the service";
		t.remedy = "isamon top shows who takes it; fewer workers, or more memory";
	}
	return findings_add(out, &t, "%llu killed for lack of memory%s%s",
			    (unsigned long long)s->oom_kills, *s->last_oom ? "; last: " : "",
			    s->last_oom);
}

static int tell_queue(const struct status *s, struct findings *out)
{
	struct finding_text t = { .id = "service.queue" };

	if (!isfinite(s->queue_p99_s))
		return findings_add(out, &t, "no request came lately");
	if (s->queue_p99_s > QUEUE_SLOW_S) {
		t.result = FINDING_WARNING;
		t.meaning = "requests lie in the socket, for the event loop is busy with something";
		t.remedy = "move what computes or waits out of the event loop, or add workers";
	}
	return findings_add(out, &t, "99 of 100 requests were read within %.0f ms",
			    s->queue_p99_s * 1e3);
}

/* One that hangs runs. */
static const char *why_not(int err)
{
	switch (err) {
	case -EACCES: return "may be asked by root only";
	case -ENOENT:
	case -ECONNREFUSED: return "does not run";
	default: return "does not answer";
	}
}

int service_look_past(const struct check_input *in, struct findings *out)
{
	struct status s;
	int err = ask(in->config, &s);

	if (err)
		return findings_add(
			out,
			&(struct finding_text){
				.id = "service.restarts",
				.result = FINDING_NOTE,
				.meaning = "restarts, OOM kills and queue times are not known",
				.remedy = err == -EACCES ? "run this as root" :
					  err == -ENOENT || err == -ECONNREFUSED ?
							   "systemctl start isamon" :
							   "isamon doctor isamon" },
			"the daemon %s", why_not(err));
	err = tell_restarts(&s, out);
	if (!err)
		err = tell_oom(&s, out);
	return err ? err : tell_queue(&s, out);
}
