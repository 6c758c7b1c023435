/* SPDX-License-Identifier: MIT */
/* What the schedule knows of its jobs: from the history, and for the metrics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "care/schedule_impl.h"

_Static_assert(JOBS_OK == JOB_OK - 1 && JOBS_INTERRUPTED == JOB_INTERRUPTED - 1 &&
		       JOBS_RESULTS == JOB_RESULTS - 1,
	       "results of the page are those of the history but the first");

/* --- failures */

void schedule_failed(struct schedule *s)
{
	s->n_failures++;
	s->failures.now++;
}

static void begin_failures(struct schedule *s, bool lasting, uint64_t first)
{
	s->failures = (struct schedule_failures){
		.known = true, .lasting = lasting, .counter = clock_monotonic_ns(), .first = first
	};
}

/* What was seen here since the history was asked is not in the answer. */
static void take_failures(struct schedule *s, uint64_t recorded)
{
	if (!s->failures.lasting)
		begin_failures(s, true, recorded);
	s->failures.now = recorded + s->n_failures - s->n_failures_asked;
}

static void count_alone(struct schedule *s)
{
	if (s->failures.known)
		return;
	begin_failures(s, false, 0);
	s->failures.now = s->n_failures;
}

void schedule_failures(const struct schedule *s, struct schedule_failures *ret)
{
	*ret = s->failures;
}

/* --- the history */

static struct job *job_of(struct schedule *s, const struct job_state *state)
{
	struct job *j;

	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		if (j->config && strcmp(j->state.job, state->job) == 0 &&
		    strcmp(j->state.schedule, state->schedule) == 0)
			return j;
	}
	return NULL;
}

/* Nobody ended it: whoever ran it died. */
static void find_interrupted(struct schedule *s, struct job *j)
{
	if (j->state.last.result != JOB_RUNNING || !j->state.last.started_ms || j->process ||
	    !job_process_is_free(s->config->runtime_directory, j->state.job))
		return;
	log_error("job %s: its last run was interrupted: what ran it was ended", j->state.job);
	j->state.last.result = JOB_INTERRUPTED;
	j->state.runs[JOB_INTERRUPTED]++;
	schedule_failed(s);
	if (job_history_interrupted(s->history, j->state.job))
		log_debug("job %s: cannot be written to the history", j->state.job);
}

static void take_in(struct schedule *s, struct job *j, const struct job_state *state)
{
	const int64_t seen_to_s = j->state.seen_to_s;
	const struct job_run last = j->state.last;

	if (!j->known && state->seen_to_s == seen_to_s)
		j->watched_s = seen_to_s; /* it is new */
	j->state = *state;
	/* What was seen to meanwhile is on its way there. */
	if (j->known)
		j->state.seen_to_s = seen_to_s;
	if (j->process)
		j->state.last = last;
	find_interrupted(s, j);
}

static void say_unknown(struct schedule *s, int err)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);

	if (s->told)
		return;
	s->told = true;
	job_history_why(s->history, &why);
	log_error("the history of jobs cannot be read: %s; jobs are run when their time comes, but "
		  "of what was missed nothing is known",
		  why.len ? buf_str(&why) : strerror(-err));
}

static void on_looked(int err, const struct job_state *list, size_t n, uint64_t failures, void *ctx)
{
	struct schedule *s = ctx;

	s->looking = false;
	if (err) {
		say_unknown(s, err);
		count_alone(s);
	} else {
		take_failures(s, failures);
	}
	for (size_t i = 0; i < n; i++) {
		struct job *j = job_of(s, &list[i]);

		if (!j)
			continue;
		/* What was read is older than what is known here. */
		if (j->known && j->changes != j->looked_at) {
			j->mark = 0;
			continue;
		}
		if (!err)
			take_in(s, j, &list[i]);
		j->known = true;
		schedule_plan(j, s->ticked_s);
	}
}

void schedule_look(struct schedule *s, int64_t now_s)
{
	struct job_state *list = calloc(CONFIG_JOBS_MAX, sizeof(*list));
	struct job *j;
	size_t n = 0;
	int err = list && s->history ? 0 : -ENOMEM;

	s->n_failures_asked = s->n_failures;
	if (err)
		count_alone(s);
	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		if (!j->config || n == CONFIG_JOBS_MAX)
			continue;
		j->mark = job_process_mark(s->config->runtime_directory, j->state.job);
		if (err) {
			j->known = true;
			schedule_plan(j, now_s);
		} else {
			list[n++] = j->state;
			j->looked_at = j->changes;
		}
	}
	if (!err)
		err = job_history_look(s->history, list, n, on_looked, s);
	s->looking = !err;
	free(list);
}

bool schedule_is_stale(const struct schedule *s)
{
	const struct job *j;

	if (!s->history)
		return false;
	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		if (!j->config || j->process)
			continue;
		if (!j->known ||
		    j->mark != job_process_mark(s->config->runtime_directory, j->state.job) ||
		    (j->state.last.started_ms && j->state.last.result == JOB_RUNNING &&
		     job_process_is_free(s->config->runtime_directory, j->state.job)))
			return true;
	}
	return false;
}

/* --- the page */

static bool is_overdue(const struct job *j, int64_t now_s)
{
	int64_t from_s = j->state.last.started_ms / 1000, next_s;

	if (!j->config->enabled || !j->known)
		return false;
	if (from_s < j->watched_s)
		from_s = j->watched_s;
	next_s = cron_next(&j->cron, from_s ? from_s : j->state.seen_to_s);
	return next_s && next_s + SCHEDULE_OVERDUE_S < now_s;
}

static void fill(const struct job *j, int64_t now_s, struct job_figures *f)
{
	const struct job_run *last = &j->state.last;

	*f = (struct job_figures){
		.enabled = j->config->enabled,
		.running = last->started_ms && last->result == JOB_RUNNING,
		.overdue = is_overdue(j, now_s),
		.last_result = last->started_ms ? (int)last->result - 1 : -1,
		.last_run_ms = last->started_ms,
		.last_success_ms = j->state.success_ms,
		.last_duration_ms = last->ended_ms >= last->started_ms && last->ended_ms ?
					    last->ended_ms - last->started_ms :
					    -1,
	};
	snprintf(f->name, sizeof(f->name), "%s", j->state.job);
	memcpy(f->runs, &j->state.runs[JOB_OK], sizeof(f->runs));
	memcpy(f->skipped, j->skipped, sizeof(f->skipped));
}

struct jobs_page *schedule_page(struct schedule *s, int64_t now_s)
{
	const struct job *j;

	s->page.n = 0;
	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		if (j->config && s->page.n < JOBS_PAGE_MAX)
			fill(j, now_s, &s->page.list[s->page.n++]);
	}
	return &s->page;
}
