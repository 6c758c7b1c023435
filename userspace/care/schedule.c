/* SPDX-License-Identifier: MIT */
/* When jobs are started, and what becomes of them. Invariant: a job has a process, or a configuration, or both. */
#include "care/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "care/schedule_impl.h"

#define PLAN_S 60 /* so often the zone is asked anew */
#define LOOK_S 5  /* and whether somebody else runs a job */

struct recorded {
	int lock_fd;
};

static int64_t wall_ms(void)
{
	return (int64_t)(clock_realtime_ns() / 1000000);
}

static void job_free(struct job *j)
{
	TAILQ_REMOVE(&j->schedule->jobs, j, entry);
	free(j);
}

/* --- the end of a run */

static void say_end(const struct job_run *r)
{
	_cleanup_(buf_done) struct buf how = BUF_INIT(200);
	const double seconds = (double)(r->ended_ms - r->started_ms) / 1000;

	job_result_describe(r->result, r->code, &how);
	if (r->result == JOB_OK)
		log_info("job %s: ok, in %.1f s", r->job, seconds);
	else
		log_error("job %s: %s, after %.1f s; isamon jobs history %s shows what it wrote",
			  r->job, buf_str(&how), seconds, r->job);
}

static void say_recorded(int err)
{
	if (err)
		log_warning("a run of a job is not in the history: %s", strerror(-err));
}

static void on_begun(int err, void *ctx)
{
	(void)ctx;
	say_recorded(err);
}

static void on_recorded(int err, void *ctx)
{
	struct recorded *r = ctx;

	say_recorded(err);
	file_closep(&r->lock_fd);
	free(r);
}

/* The lock is held until the end is in the history, so that nobody finds a run there that goes on without it. */
static int record(struct schedule *s, const struct job_run *r, int *lock_fd)
{
	struct recorded *keep;
	int err;

	if (!s->history)
		return 0;
	keep = malloc(sizeof(*keep));
	if (!keep)
		return -ENOMEM;
	keep->lock_fd = *lock_fd;
	err = job_history_end(s->history, r, on_recorded, keep);
	if (err)
		free(keep);
	else
		*lock_fd = -1;
	return err;
}

static void remember(struct job *j, const struct job_run *r)
{
	j->state.last = *r;
	j->state.last.output = NULL;
	j->state.last.output_len = 0;
	j->state.runs[r->result]++;
	if (r->result == JOB_OK)
		j->state.success_ms = r->ended_ms;
	else
		schedule_failed(j->schedule);
	j->changes++;
}

static void record_end(struct job *j, const struct job_run *r, int *lock_fd)
{
	say_recorded(record(j->schedule, r, lock_fd));
	remember(j, r);
	say_end(r);
}

static void on_ended(const struct job_run *r, int *lock_fd, void *ctx)
{
	struct job *j = ctx;

	j->process = NULL;
	record_end(j, r, lock_fd);
	j->mark = j->config ? job_process_mark(j->schedule->config->runtime_directory, r->job) : 0;
	if (!j->config)
		job_free(j);
}

/* --- its beginning */

static void skip(struct job *j, unsigned int why, int64_t now_s)
{
	struct schedule *s = j->schedule;

	j->skipped[why]++;
	if (s->history && job_history_seen(s->history, j->state.job, now_s))
		log_debug("job %s: cannot be written to the history", j->state.job);
}

static void not_started(struct job *j, int err, int64_t now_s)
{
	struct job_run r = {
		.scheduled_s = j->due_s,
		.started_ms = wall_ms(),
		.result = JOB_NOT_STARTED,
		.code = -err,
		.bytes = -1,
	};
	int no_lock = -1;

	r.ended_ms = r.started_ms;
	snprintf(r.job, sizeof(r.job), "%s", j->state.job);
	if (j->schedule->history && job_history_seen(j->schedule->history, j->state.job, now_s))
		log_debug("job %s: cannot be written to the history", j->state.job);
	record_end(j, &r, &no_lock);
}

static void start(struct job *j, int64_t now_s)
{
	struct schedule *s = j->schedule;
	const struct job_process_how how = {
		.job = j->config,
		.program = s->program,
		.config_path = s->config_path,
		.runtime_directory = s->config->runtime_directory,
		.scheduled_s = j->due_s,
		.echo_fd = -1,
	};
	struct job_run r;
	pid_t holder = 0;
	int err = job_process_start(s->base, &how, on_ended, j, &holder, &r, &j->process);

	if (err == -EBUSY) {
		log_warning("job %s: not started, because it runs already (process %d)",
			    j->state.job, (int)holder);
		skip(j, JOBS_OVERLAP, now_s);
		return;
	}
	if (err) {
		not_started(j, err, now_s);
		return;
	}
	log_info("job %s: started", j->state.job);
	j->state.last = r;
	j->changes++;
	j->mark = job_process_mark(s->config->runtime_directory, j->state.job);
	err = s->history ? job_history_begin(s->history, &r, now_s, on_begun, NULL) : 0;
	say_recorded(err);
}

/* Its time has come. */
static void due(struct job *j, int64_t now_s)
{
	const int64_t late_s = now_s - j->due_s;

	if (j->process) {
		log_warning(
			"job %s: not started, because its last run has not ended; it began %lld s ago",
			j->state.job, (long long)(now_s - j->state.last.started_ms / 1000));
		skip(j, JOBS_OVERLAP, now_s);
	} else if (late_s > SCHEDULE_LATE_S && j->config->missed == CONFIG_JOB_SKIP) {
		log_warning("job %s: its time was missed, by %lld s, and is skipped", j->state.job,
			    (long long)late_s);
		skip(j, JOBS_MISSED, now_s);
		j->watched_s = now_s;
	} else {
		if (late_s > SCHEDULE_LATE_S)
			log_warning("job %s: its time was missed, by %lld s; it is run now",
				    j->state.job, (long long)late_s);
		start(j, now_s);
	}
	j->state.seen_to_s = now_s;
	schedule_plan(j, now_s);
}

void schedule_plan(struct job *j, int64_t now_s)
{
	if (j->state.seen_to_s > now_s + SCHEDULE_BACK_S)
		j->state.seen_to_s = now_s;
	j->due_s = j->config && j->config->enabled && j->known ?
			   cron_next(&j->cron, j->state.seen_to_s) :
			   0;
}

void schedule_tick(struct schedule *s, int64_t now_s)
{
	const bool plan = now_s < s->ticked_s || now_s >= s->planned_s + PLAN_S;
	struct job *j, *next;

	s->ticked_s = now_s;
	if (plan)
		s->planned_s = now_s;
	JOBS_EACH(j, next, &s->jobs)
	{
		if (plan)
			schedule_plan(j, now_s);
		if (j->due_s && j->due_s <= now_s)
			due(j, now_s);
	}
	if (now_s >= s->looked_s && now_s < s->looked_s + LOOK_S)
		return;
	s->looked_s = now_s;
	if (!s->looking && schedule_is_stale(s))
		schedule_look(s, now_s);
}

/* --- what there is */

static struct job *job_find(struct schedule *s, const char *name)
{
	struct job *j;

	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		if (strcmp(j->state.job, name) == 0)
			return j;
	}
	return NULL;
}

static struct job *job_add(struct schedule *s, const char *name)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->schedule = s;
	snprintf(j->state.job, sizeof(j->state.job), "%s", name);
	TAILQ_INSERT_TAIL(&s->jobs, j, entry);
	return j;
}

static void use_job(struct schedule *s, const struct config_job *c, int64_t now_s)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct job *j = job_find(s, c->name);
	struct cron cron;

	if (!j)
		j = job_add(s, c->name);
	if (!j || cron_parse(c->schedule, &why, &cron)) {
		log_error("job %s: not scheduled: %s", c->name, j ? buf_str(&why) : "no memory");
		return;
	}
	j->config = c;
	j->cron = cron;
	if (strcmp(j->state.schedule, c->schedule) != 0) {
		snprintf(j->state.schedule, sizeof(j->state.schedule), "%s", c->schedule);
		j->state.seen_to_s = now_s;
		j->known = false;
	}
	schedule_plan(j, now_s);
}

/* Where nothing is run by itself nothing is recorded, and no file is opened, until somebody enables a job. */
static bool is_any_enabled(const struct config *c)
{
	for (size_t i = 0; i < c->n_jobs; i++)
		if (c->jobs[i]->enabled)
			return true;
	return false;
}

void schedule_use(struct schedule *s, const struct config *c, int64_t now_s)
{
	struct job *j, *next;
	int err = 0;

	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		j->config = NULL;
	}
	s->config = c;
	for (size_t i = 0; i < c->n_jobs; i++)
		use_job(s, c->jobs[i], now_s);
	JOBS_EACH(j, next, &s->jobs)
	{
		if (!j->config && !j->process)
			job_free(j);
	}
	s->ticked_s = now_s;
	s->told = false;
	if (!s->history && is_any_enabled(c))
		err = job_history_new(s->base, c->state_directory, &s->history);
	if (err)
		log_error("jobs have no history: %s", strerror(-err));
	if (c->n_jobs)
		schedule_look(s, now_s);
}

int schedule_new(struct event_base *base, const char *program, const char *config_path,
		 struct schedule **ret)
{
	struct schedule *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->base = base;
	s->program = program;
	s->config_path = config_path;
	TAILQ_INIT(&s->jobs);
	*ret = s;
	return 0;
}

void schedule_stop(struct schedule *s)
{
	struct job *j;

	if (!s)
		return;
	TAILQ_FOREACH(j, &s->jobs, entry)
	{
		if (j->process)
			job_process_stop(j->process);
	}
}

void schedule_free(struct schedule *s)
{
	const uint64_t until_ns = clock_monotonic_ns() + SCHEDULE_STOP_S * NS_PER_SEC;
	struct job *j, *next;

	if (!s)
		return;
	schedule_stop(s);
	JOBS_EACH(j, next, &s->jobs)
	{
		if (j->process)
			job_process_finish(j->process, until_ns);
	}
	job_history_close(s->history, SCHEDULE_STOP_DISK_S * 1000);
	while ((j = TAILQ_FIRST(&s->jobs)))
		job_free(j);
	free(s);
}
