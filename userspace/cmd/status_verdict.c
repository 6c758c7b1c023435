/* SPDX-License-Identifier: MIT */
/* One function for each kind of problem, in the order in which they are told. NAN compares as false. */
#include "cmd/status_verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/status_format.h"

static void _printf_(2, 3) add(struct status *s, const char *fmt, ...)
{
	va_list args;

	if (s->n_problems == STATUS_PROBLEMS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(s->problems[s->n_problems++], STATUS_PROBLEM_BYTES, fmt, args);
	va_end(args);
}

static bool is_recent(const struct status *s, double at_s)
{
	return s->now_s - at_s <= STATUS_RECENT_S;
}

static void judge_ports(struct status *s)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (!s->ports[i].listening)
			add(s, "nothing listens on port %u", s->ports[i].port);
}

static const char *wait_of(uint64_t n)
{
	return n == 1 ? "waits" : "wait";
}

static void judge_accepting(struct status *s)
{
	char since[STATUS_CELL_MAX];

	for (size_t i = 0; i < s->n_ports; i++) {
		const struct status_port *p = &s->ports[i];
		double seconds = s->now_s - p->waiting_since_s;

		if (!(seconds >= STATUS_STUCK_S))
			continue;
		status_format_duration(seconds, since);
		if (p->queue_length != STATUS_UNKNOWN)
			add(s,
			    "nobody takes new connections on port %u for %s now: %" PRIu64
			    " %s to be accepted",
			    p->port, since, p->queue_length, wait_of(p->queue_length));
		else
			add(s, "nobody takes new connections on port %u for %s now", p->port,
			    since);
	}
}

static bool is_same(const char *end, const char *other)
{
	return *end && strcmp(end, other) == 0;
}

/* One end is told once: as that of memory, as that of the main process, or as a crash. */
static void judge_ends(struct status *s)
{
	char ago[STATUS_CELL_MAX];
	bool oom = is_recent(s, s->last_oom_s);

	if (oom) {
		status_format_duration(s->now_s - s->last_oom_s, ago);
		add(s, "out of memory: %s was killed %s ago%s%s",
		    is_same(s->last_oom, s->last_exit) ? "its main process" : "a process", ago,
		    *s->last_oom ? ": " : "", s->last_oom);
	}
	if (*s->last_exit && s->last_exit_expected == 0 && is_recent(s, s->last_exit_s) &&
	    !(oom && is_same(s->last_oom, s->last_exit))) {
		status_format_duration(s->now_s - s->last_exit_s, ago);
		add(s, "its main process ended %s ago: %s", ago, s->last_exit);
	}
	if (*s->last_crash && is_recent(s, s->last_crash_s) &&
	    !is_same(s->last_crash, s->last_exit) &&
	    !(oom && is_same(s->last_crash, s->last_oom))) {
		status_format_duration(s->now_s - s->last_crash_s, ago);
		add(s, "a process was killed %s ago: %s", ago, s->last_crash);
	}
}

static void judge_lives(struct status *s)
{
	if (s->crash_loop == 1 && s->crashes != STATUS_UNKNOWN)
		add(s, "crash loop: its main process ended %" PRIu64 " times, one after another",
		    s->crashes);
	else if (s->crash_loop == 1)
		add(s, "crash loop");
	judge_ends(s);
}

static void judge_queues(struct status *s)
{
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct status_port *p = &s->ports[i];

		if (p->queue_length != STATUS_UNKNOWN && p->queue_limit != STATUS_UNKNOWN &&
		    p->queue_length > p->queue_limit) /* the kernel lets in one more than that */
			add(s,
			    "the listen queue of port %u is full: %" PRIu64
			    " %s to be accepted, more find no room",
			    p->port, p->queue_length, wait_of(p->queue_length));
		if (p->drops != STATUS_UNKNOWN && p->drops >= STATUS_DROPS)
			add(s, "port %u turned clients away: %" PRIu64 " segments dropped", p->port,
			    p->drops);
	}
}

static void judge_requests(struct status *s)
{
	if (s->errors != STATUS_UNKNOWN && s->errors >= STATUS_ERRORS &&
	    s->error_ratio >= STATUS_ERROR_RATIO)
		add(s, "%.0f %% of the requests fail", s->error_ratio * 100);
}

static void judge_limits(struct status *s)
{
	if (s->least_free_fds < STATUS_FREE_FDS)
		add(s, "a process may open only %" PRIu64 " files more", s->least_free_fds);
	if (s->cpu_throttled_ratio >= STATUS_THROTTLED_RATIO)
		add(s, "its CPU limit is used up %.0f %% of the time",
		    s->cpu_throttled_ratio * 100);
}

static void judge_restore(struct status *s)
{
	if (*s->update_unfinished)
		add(s, "an update is unfinished (isamon update app --resume or --abort): %s",
		    s->update_unfinished);
	if (*s->restore_unfinished)
		add(s, "a restore is unfinished (isamon restore --resume or --abort): %s",
		    s->restore_unfinished);
}

void status_judge(struct status *s)
{
	s->n_problems = 0;
	judge_ports(s);
	judge_accepting(s);
	judge_lives(s);
	judge_queues(s);
	judge_requests(s);
	judge_limits(s);
	judge_restore(s);
	s->judged = true;
	s->fine = s->service_up && !s->n_problems;
}
