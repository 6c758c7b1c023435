/* SPDX-License-Identifier: MIT */
/*
 * Three passes over the same list. PSS of those that have one already is read anew only within a collection's own
 * budget: what goes on behind it is for newcomers alone, and costs once for each.
 */
#include "cmd/process_sampler.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "probe/proc.h"

#define COLLECT_NS 10000000
#define PSS_NS 5000000
#define STEP_NS 2000000
#define PSS_BYTES_MAX (512ull << 20) /* whose page tables are walked in one go: some ms */
#define PSS_ONE_MAX (4ull << 30)     /* of a process by itself: some 40 ms, each pss_interval */

static void say_refused(struct process_sampler *s, const struct proc_sample *sample)
{
	if (s->said_refused || (sample->known & PROC_FDS) || !(sample->known & PROC_MEMORY))
		return;
	log_warning("the files of process %u of %s cannot be read: that takes CAP_SYS_PTRACE and "
		    "CAP_DAC_READ_SEARCH; some of its figures are missing",
		    sample->pid, s->service);
	s->said_refused = true;
}

/* Returns false if it has gone. */
static bool sample(struct process_sampler *s, const struct member *m,
		   const struct http_worker *workers, size_t n_workers)
{
	struct process_figures f = { .role = (enum process_role)m->role, .parent = m->parent };
	int err = task_probe_read(s->probe, m->pid, &f.sample);

	if (err == -ESRCH || (!err && f.sample.start_ns / PROC_TICK_NS != m->start_ticks))
		return false;
	if (err)
		return true;
	say_refused(s, &f.sample);
	f.at_ns = clock_monotonic_ns();
	for (size_t i = 0; i < n_workers; i++) {
		if (workers[i].pid != f.sample.pid)
			continue;
		f.has_requests = true;
		f.requests = workers[i].requests;
	}
	process_metrics_take(s->metrics, &f);
	return true;
}

static const struct member *next(struct process_pass *pass, const struct member *list, size_t n)
{
	pass->left--;
	pass->at = pass->at < n ? pass->at : 0;
	return &list[pass->at++];
}

static void go_on_with_figures(struct process_sampler *s, const struct member *list, size_t n,
			       uint64_t budget_ns, struct process_gone *gone)
{
	const uint64_t end_ns = clock_monotonic_ns() + budget_ns;
	struct http_worker workers[HTTP_WORKERS_MAX];
	size_t n_workers = s->http ? http_metrics_workers(s->http, workers) : 0;

	while (s->figures.left && n && gone->n < PROCESS_GONE_MAX &&
	       clock_monotonic_ns() < end_ns) {
		const struct member *m = next(&s->figures, list, n);

		if (!sample(s, m, workers, n_workers))
			gone->pids[gone->n++] = m->pid;
	}
}

static bool is_due(const struct process_sampler *s, const struct process_times *t, uint64_t now_ns,
		   bool newcomers)
{
	if (!t->at_ns || !t->resident_bytes || t->resident_bytes > PSS_ONE_MAX)
		return false;
	return !t->pss_ns || (!newcomers && now_ns >= t->pss_ns + s->pss_interval_ns);
}

static void go_on_with_pss(struct process_sampler *s, struct process_pass *pass,
			   const struct member *list, size_t n, uint64_t budget_ns)
{
	uint64_t now_ns = clock_monotonic_ns(), left_bytes = PSS_BYTES_MAX;
	const uint64_t end_ns = now_ns + budget_ns;

	for (; pass->left && n && now_ns < end_ns; now_ns = clock_monotonic_ns()) {
		const struct member *m = next(pass, list, n);
		struct process_times t = process_metrics_times(s->metrics, m->pid, m->start_ticks);
		struct proc_sample read = { 0 };

		if (!is_due(s, &t, now_ns, pass == &s->newcomers))
			continue;
		/* One that is too large for what is left is the first one of the next time. */
		if (t.resident_bytes > left_bytes && left_bytes < PSS_BYTES_MAX) {
			pass->at--;
			pass->left++;
			return;
		}
		left_bytes -= t.resident_bytes < left_bytes ? t.resident_bytes : left_bytes;
		if (proc_read_pss("/proc", m->pid, &read) == 0)
			process_metrics_take_pss(s->metrics, m->pid, m->start_ticks, read.pss_bytes,
						 now_ns);
	}
}

void process_sampler_begin(struct process_sampler *s, const struct member *list, size_t n,
			   struct process_gone *ret_gone)
{
	ret_gone->n = 0;
	s->begun_ns = clock_monotonic_ns();
	s->figures.left = n;
	s->pss.left = s->newcomers.left = s->pss_interval_ns ? n : 0;
	go_on_with_figures(s, list, n, COLLECT_NS, ret_gone);
	go_on_with_pss(s, &s->pss, list, n, PSS_NS);
}

void process_sampler_step(struct process_sampler *s, const struct member *list, size_t n,
			  struct process_gone *ret_gone)
{
	ret_gone->n = 0;
	if (!n)
		s->figures.left = s->newcomers.left = 0;
	else if (s->figures.left)
		go_on_with_figures(s, list, n, STEP_NS, ret_gone);
	else
		go_on_with_pss(s, &s->newcomers, list, n, STEP_NS);
}

bool process_sampler_busy(const struct process_sampler *s)
{
	return s->figures.left || s->newcomers.left;
}
