/* SPDX-License-Identifier: MIT */
/* The page of the jobs. A reload between two pieces of it may make jobs fewer: then what is left of a family is skipped. */
#include "metrics/jobs_page.h"

#include "base/util.h"
#include "metrics/families.h"

static const char *const results[JOBS_RESULTS] = { "ok",         "failed",      "signal",
						   "time_limit", "not_started", "interrupted" };
static const char *const reasons[JOBS_SKIPPED] = { "overlap", "missed" };

static bool has_jobs(const void *ctx)
{
	const struct jobs_page *p = ctx;

	return p->n > 0;
}

static size_t n_jobs(const void *ctx)
{
	const struct jobs_page *p = ctx;

	return p->n;
}

static size_t n_results(const void *ctx)
{
	return n_jobs(ctx) * JOBS_RESULTS;
}

static size_t n_reasons(const void *ctx)
{
	return n_jobs(ctx) * JOBS_SKIPPED;
}

static void write_u64(struct expo *e, const struct expo_family *f, const struct job_figures *j,
		      const char *label, const char *value, uint64_t v)
{
	_cleanup_(buf_done) struct buf labels = BUF_INIT(1024);

	expo_label(&labels, "job", j->name);
	if (label)
		expo_label(&labels, label, value);
	expo_u64(e, f, buf_str(&labels), v);
}

/* Nothing where @ms is none. */
static void write_ms(struct expo *e, const struct expo_family *f, const struct job_figures *j,
		     int64_t ms, int64_t least)
{
	_cleanup_(buf_done) struct buf labels = BUF_INIT(1024);

	if (ms < least)
		return;
	expo_label(&labels, "job", j->name);
	expo_double(e, f, buf_str(&labels), (double)ms / 1000);
}

#define JOB(ctx, item) (&((const struct jobs_page *)(ctx))->list[item])

static void write_running(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	write_u64(e, f, JOB(ctx, i), NULL, NULL, JOB(ctx, i)->running);
}

static void write_overdue(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	write_u64(e, f, JOB(ctx, i), NULL, NULL, JOB(ctx, i)->overdue);
}

static void write_last_run(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	write_ms(e, f, JOB(ctx, i), JOB(ctx, i)->last_run_ms, 1);
}

static void write_success(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	write_ms(e, f, JOB(ctx, i), JOB(ctx, i)->last_success_ms, 1);
}

static void write_duration(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	write_ms(e, f, JOB(ctx, i), JOB(ctx, i)->last_duration_ms, 0);
}

static void write_runs(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	const struct job_figures *j = JOB(ctx, i / JOBS_RESULTS);

	i %= JOBS_RESULTS;
	write_u64(e, f, j, "result", results[i], j->runs[i]);
}

static void write_skipped(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	const struct job_figures *j = JOB(ctx, i / JOBS_SKIPPED);

	i %= JOBS_SKIPPED;
	write_u64(e, f, j, "reason", reasons[i], j->skipped[i]);
}

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_job_last_success_timestamp_seconds", "When the last run of a job that was ok ended.", "seconds",
		    EXPO_GAUGE },
	  .there = has_jobs, .n_items = n_jobs, .write = write_success },
	{ .expo = { "isamon_job_last_run_timestamp_seconds", "When the last run of a job began.", "seconds", EXPO_GAUGE },
	  .there = has_jobs, .n_items = n_jobs, .write = write_last_run },
	{ .expo = { "isamon_job_last_duration_seconds", "How long the last run of a job took.", "seconds", EXPO_GAUGE },
	  .there = has_jobs, .n_items = n_jobs, .write = write_duration },
	{ .expo = { "isamon_job_runs", "Runs of a job by how they ended.", NULL, EXPO_COUNTER },
	  .there = has_jobs, .n_items = n_results, .write = write_runs },
	{ .expo = { "isamon_job_skipped", "Times of a job at which it was not started.", NULL, EXPO_COUNTER },
	  .there = has_jobs, .n_items = n_reasons, .write = write_skipped },
	{ .expo = { "isamon_job_running", "Whether a job runs now.", NULL, EXPO_GAUGE },
	  .there = has_jobs, .n_items = n_jobs, .write = write_running },
	{ .expo = { "isamon_job_overdue", "Whether a job should have been started a quarter of an hour ago, and was not.",
		    NULL, EXPO_GAUGE },
	  .there = has_jobs, .n_items = n_jobs, .write = write_overdue },
};
/* clang-format on */

bool jobs_page_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
