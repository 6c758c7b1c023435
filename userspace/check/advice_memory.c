/* SPDX-License-Identifier: MIT */
/* Memory that grows day by day, and a host that has none left. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/advice_impl.h"
#include "config/job.h"

#define GROWTH_DAYS 5
#define GROWTH_A_DAY 0.03 /* of the first day's */
#define GROWTH_BYTES (32u << 20)
#define SHORT_LEFT 0.1
#define SHORT_SHARE 0.01

/* --- growth */

/* A gap in which the service, or the host, may have been started anew without anybody to see it. */
#define GAP_S 600

static bool is_gap(const struct advice_minutes *m, size_t i)
{
	return i && m->list[i].start_s - m->list[i - 1].start_s > GAP_S;
}

/* Medians of the memory of one day each, the last one first; of minutes since the last restart or gap only. Returns their number. */
static size_t daily(const struct advice_minutes *m, double days[HISTORY_DAYS])
{
	const int64_t end_s = m->n ? m->list[m->n - 1].start_s + HISTORY_MINUTE_S : 0;
	size_t to = m->n, n = 0;

	while (n < HISTORY_DAYS && to) {
		size_t from = to;

		while (from && m->list[from - 1].restarts <= 0 &&
		       (from == to || !is_gap(m, from)) &&
		       m->list[from - 1].start_s >= end_s - (int64_t)(n + 1) * ADVICE_DAY_S)
			from--;
		if (from == to)
			break;
		const struct advice_minutes day = { .list = m->list + from, .n = to - from };

		days[n] = advice_quantile(&day, advice_memory, 0.5, NULL);
		if (isnan(days[n]))
			break;
		n++;
		if (from && (m->list[from - 1].restarts > 0 || is_gap(m, from)))
			break;
		to = from;
	}
	return n;
}

/* Each day more than the one before it: that is no cache that fills, and no busy day. */
static bool grows(const double days[], size_t n)
{
	const double all = n > 1 ? days[0] - days[n - 1] : 0;

	for (size_t i = 0; i + 1 < n; i++)
		if (days[i] <= days[i + 1])
			return false;
	return n >= GROWTH_DAYS && all >= GROWTH_BYTES &&
	       all / (double)(n - 1) >= GROWTH_A_DAY * days[n - 1];
}

#define JOB \
	"\n[job \"restart\"]\n" \
	"# Until the leak is found.\n" \
	"schedule = 30 4 * * %s\n" \
	"command = service restart"
#define WEEK 7
#define ROOM 0.7

/* One that was followed already. */
static bool has_job(const struct config *c)
{
	for (size_t i = 0; i < c->n_jobs; i++)
		if (strcmp(c->jobs[i]->command, "service restart") == 0)
			return true;
	return false;
}

static int change_job(const struct advice_case *c, bool weekly, struct buf *out)
{
	char job[256];
	int err;

	snprintf(job, sizeof(job), JOB, weekly ? "SUN" : "*");
	err = advice_append(c->host, c->config_path, job, out);
	if (err == -ENOMEM)
		return err;
	if (err)
		buf_printf(out, "%s\n", job);
	return buf_add_str(out, "# then: isamon check-config && systemctl reload isamon\n");
}

int advice_memory_grows(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	double days[HISTORY_DAYS] = { 0 }, requests, workers, available, a_day;
	const size_t n = daily(c->minutes, days);
	bool weekly;
	unsigned int after;
	bool by_job;
	int err;

	if (!grows(days, n))
		return 0;
	buf_add_str(&d.evidence,
		    "the service's memory (each day's median), without a restart between: ");
	for (size_t i = n; i-- > 0;) {
		advice_bytes(&d.evidence, days[i]);
		buf_add_str(&d.evidence, i ? ", " : "\n");
	}
	a_day = (days[0] - days[n - 1]) / (double)(n - 1);
	available = advice_last(c->minutes, advice_host_available) *
		    advice_last(c->minutes, advice_host_memory);
	if (!isnan(available)) {
		buf_add_str(&d.evidence, "the host has ");
		advice_bytes(&d.evidence, available);
		buf_printf(&d.evidence, " available now: enough for %.0f %s more of that\n",
			   floor(available / a_day),
			   floor(available / a_day) == 1 ? "day" : "days");
	}
	/* What a restart gives back is there as well. */
	weekly = isnan(available) || WEEK * a_day <= ROOM * (available + days[0] - days[n - 1]);
	requests = advice_sum(c->minutes, advice_requests) * ADVICE_DAY_S /
		   (double)c->minutes->watched_s;
	workers = advice_last(c->minutes, advice_workers);
	after = (unsigned int)fmin(fmax(requests / fmax(workers, 1), 1000), 1000000);
	err = advice_change_recycle(c, after, &d.change);
	by_job = err == -ENOENT;
	if (by_job && has_job(c->config))
		return 0;
	if (by_job)
		err = change_job(c, weekly, &d.change);
	if (err)
		return err;
	buf_add_str(&d.effect, "the service uses ");
	advice_bytes(&d.effect, a_day);
	buf_add_str(&d.effect, " more each day: something is kept that nobody needs. ");
	if (by_job)
		buf_add_str(&d.effect,
			    weekly ? "A restart each Sunday gives it back" :
				     "A restart each night gives it back (a week would be too "
				     "long for the host's memory)");
	else
		buf_printf(
			&d.effect,
			"A worker that is replaced after about a day (%u requests) gives it back",
			after);
	buf_add_str(&d.effect, "; that does not mend the leak");
	buf_add_str(&d.undo, by_job ? "take the job away, and then systemctl reload isamon" :
				      "take the option away, and then ");
	if (!by_job)
		advice_restart(c, &d.undo);
	return advice_draft_add(ret, &d, "memory.grows", "Memory that only grows", false);
}

/* --- shortage */

static double low_memory(const struct history_minute *m)
{
	return 1 - advice_host_available(m);
}

int advice_memory_short(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	/* Of the host and the number of workers that there are now. */
	const struct advice_minutes host = advice_since(c->minutes, advice_host_memory, 0.05),
				    now = advice_since(&host, advice_workers, 0), *m = &now;
	const double share = advice_share(m, low_memory, 1 - SHORT_LEFT),
		     total = advice_last(m, advice_host_memory),
		     own = advice_most(m, advice_memory), workers = advice_last(m, advice_workers),
		     swap = advice_quantile(m, advice_host_swap, 0.95, NULL);
	int err = 0;

	if (!advice_enough(ret, "memory (since the host or its workers changed)", ADVICE_A_DAY, m))
		return 0;
	if (share < SHORT_SHARE || isnan(total))
		return 0;
	buf_add_str(&d.evidence, "in ");
	advice_percent(&d.evidence, share);
	buf_printf(&d.evidence, " of the minutes less than %.0f %% of the host's ",
		   100 * SHORT_LEFT);
	advice_bytes(&d.evidence, total);
	buf_add_str(&d.evidence, " memory were available; at the worst ");
	advice_percent(&d.evidence, advice_least(m, advice_host_available));
	buf_add_char(&d.evidence, '\n');
	if (own > 0) {
		buf_add_str(&d.evidence, "the service had ");
		advice_bytes(&d.evidence, own);
		buf_add_str(&d.evidence, " at most");
		if (!isnan(workers))
			buf_printf(&d.evidence, ", with %.0f %s", workers,
				   workers > 1 ? "workers" : "worker");
		buf_add_char(&d.evidence, '\n');
	}
	if (!isnan(swap)) {
		buf_add_str(&d.evidence, "swap in use, in 95 % of the minutes at most: ");
		advice_bytes(&d.evidence, swap);
		buf_add_char(&d.evidence, '\n');
	}
	if (own > total / 2 && workers > 1)
		err = advice_change_workers(c, (unsigned int)workers - 1, &d.change);
	else
		buf_add_str(
			&d.change,
			c->host->on_ec2 ?
				"# an instance with more memory (the next size of its family), or "
				"less of what takes it: isamon top, isamon doctor system\n" :
				"# more memory for the host, or less of what takes it: isamon top, "
				"isamon doctor system\n");
	if (err)
		return err;
	buf_add_str(
		&d.effect,
		"the kernel does not end the service for want of memory, and files that are read often "
		"stay in its cache");
	buf_add_str(&d.undo, "the old number, or the old size");
	return advice_draft_add(ret, &d, "memory.short", "The host's memory runs out", false);
}
