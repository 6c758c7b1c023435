/* SPDX-License-Identifier: MIT */
/* A summary without any process says nothing: then all of it stays unknown. */
#include "cmd/status_fill.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void status_fill_processes(const struct process_summary *p, pid_t main, struct status *s)
{
	size_t n = 0;

	for (unsigned int role = 0; role < PROCESS_N_ROLES; role++)
		n += p->processes[role];
	if (!n)
		return;
	if (main > 0 && p->processes[PROCESS_MAIN])
		s->main_pid = (uint64_t)main;
	s->mains = p->processes[PROCESS_MAIN];
	s->workers = p->processes[PROCESS_WORKER];
	s->helpers = p->processes[PROCESS_HELPER];
	s->memory_bytes = p->memory_bytes;
	s->swap_bytes = p->swap_bytes;
	s->memory_ratio = p->memory_ratio;
	s->threads = p->threads;
	s->open_fds = p->open_fds;
	s->least_free_fds = p->least_free_fds;
	s->cpu_ratio = p->cpu_ratio;
	s->cpus_used = p->cpu_ratio * (double)sysconf(_SC_NPROCESSORS_ONLN);
	if (s->service_up && p->start_time_s > 0)
		s->up_since_s = p->start_time_s;
}

/* "uvicorn 4711: signal 9 (Killed)" */
static void say_end(const struct life_record *r, char text[static STATUS_WORDS_MAX])
{
	const int status = (int)r->status, comm = (int)strnlen(r->comm, sizeof(r->comm));

	if (WIFSIGNALED(status))
		snprintf(text, STATUS_WORDS_MAX, "%.*s %u: signal %d (%s)", comm, r->comm, r->pid,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, STATUS_WORDS_MAX, "%.*s %u: exit status %d", comm, r->comm, r->pid,
			 WEXITSTATUS(status));
}

void status_fill_life(const struct life_summary *l, struct status *s)
{
	s->restarts = l->restarts;
	if (!l->has_totals)
		return;
	s->oom_kills = l->oom_kills;
	s->crashes = l->crashes;
	s->crash_loop = l->crash_loop;
	if (l->main_exit.wall_s > 0) {
		say_end(&l->main_exit.record, s->last_exit);
		s->last_exit_s = l->main_exit.wall_s;
		s->last_exit_expected = life_status_expected(l->main_exit.record.status);
	}
	if (l->kill.wall_s > 0) {
		say_end(&l->kill.record, s->last_kill);
		s->last_kill_s = l->kill.wall_s;
	}
	if (l->crash.wall_s > 0) {
		say_end(&l->crash.record, s->last_crash);
		s->last_crash_s = l->crash.wall_s;
	}
	if (l->oom.wall_s > 0) {
		say_end(&l->oom.record, s->last_oom);
		s->last_oom_s = l->oom.wall_s;
	}
}

static void add_problem(struct buf *out, const char *name, const char *problem)
{
	if (buf_printf(out, "%s%s %s", out->len ? "; " : "", name, problem))
		out->err = 0; /* the next may be shorter */
}

void status_fill_jobs(const struct jobs_page *p, struct status *s)
{
	static const char *const how[JOBS_RESULTS] = {
		[JOBS_FAILED] = "failed",
		[JOBS_SIGNAL] = "was ended by a signal",
		[JOBS_TIME_LIMIT] = "took too long",
		[JOBS_NOT_STARTED] = "could not be started",
		[JOBS_INTERRUPTED] = "was interrupted",
	};
	_cleanup_(buf_done) struct buf out = BUF_INIT(sizeof(s->jobs_problem) - 1);

	if (!p->n)
		return;
	s->jobs = p->n;
	s->jobs_running = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct job_figures *j = &p->list[i];

		s->jobs_running += j->running;
		if (j->enabled && j->last_result > JOBS_OK)
			add_problem(&out, j->name, how[j->last_result]);
		if (j->overdue)
			add_problem(&out, j->name, "is overdue");
	}
	snprintf(s->jobs_problem, sizeof(s->jobs_problem), "%s", buf_str(&out));
}
