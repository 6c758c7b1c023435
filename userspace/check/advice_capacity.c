/* SPDX-License-Identifier: MIT */
/* The instance against what was used of it: its size, how it is paid, when it must run, and whether one size can fit. For EC2 only. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check/advice_facts.h"
#include "check/advice_impl.h"

/* With half of it, 99 minutes of 100 are at 70 % of the CPUs or below, and a fifth of the memory is free at the worst. */
#define SMALL_CPU 0.35
#define SMALL_FREE 0.6
#define LARGE_CPU 0.85
#define STEAL 0.05
#define RESERVED_WATCHED 0.95
#define RESERVED_DAYS 14
#define IDLE_HOURS 6
#define IDLE_DAYS 5
#define PEAK 0.7
#define CALM 0.2
#define HOURS 24

static double span_s(const struct advice_minutes *m)
{
	return m->n ? (double)(m->list[m->n - 1].start_s - m->list[0].start_s + HISTORY_MINUTE_S) :
		      0;
}

static void tell_use(const struct advice_minutes *m, struct buf *out)
{
	buf_printf(out, "in %.1f days that were watched: %.0f CPUs, ",
		   (double)m->watched_s / ADVICE_DAY_S, advice_last(m, advice_cpus));
	advice_percent(out, advice_quantile(m, advice_host_cpu, 0.5, NULL));
	buf_add_str(out, " busy in half of the minutes, ");
	advice_percent(out, advice_quantile(m, advice_host_cpu, 0.99, NULL));
	buf_add_str(out, " in the busiest 1 %; of ");
	advice_bytes(out, advice_last(m, advice_host_memory));
	buf_add_str(out, " memory never less than ");
	advice_percent(out, advice_least(m, advice_host_available));
	buf_add_str(out, " free\n");
}

static int advise_smaller(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;

	tell_use(c->minutes, &d.evidence);
	buf_printf(
		&d.change,
		"the next smaller size of the same family, with 1/%d of the CPUs and of the memory:\n"
		"aws ec2 stop-instances --instance-ids ID\n"
		"aws ec2 modify-instance-attribute --instance-id ID --instance-type FAMILY.SIZE\n"
		"aws ec2 start-instances --instance-ids ID\n",
		FACT_SIZE_FACTOR);
	buf_add_str(
		&d.effect,
		"half the price of the instance; by the measured use 99 minutes of 100 would be below ");
	advice_percent(&d.effect,
		       FACT_SIZE_FACTOR * advice_quantile(c->minutes, advice_host_cpu, 0.99, NULL));
	buf_add_str(
		&d.effect,
		" of its CPUs. The service stands for some minutes. Network and disk limits are halved, too: "
		"they are not measured here");
	buf_add_str(&d.undo, "the same with the old type");
	return advice_draft_add(ret, &d, "cost.smaller", "A smaller instance would do", false);
}

static int advise_larger(const struct advice_case *c, double steal, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;

	tell_use(c->minutes, &d.evidence);
	if (steal >= STEAL) {
		buf_add_str(&d.evidence, "in the worst 5 % of the minutes the host did not get ");
		advice_percent(&d.evidence, steal);
		buf_add_str(
			&d.evidence,
			" of the CPU that it wanted (steal): of a burstable type (t2, t3, t4g) the credits "
			"are used up then\n");
		buf_add_str(&d.change, "a family that is not burstable (m, c), of the same size\n");
		buf_add_str(&d.effect, "all of its CPUs, always");
	} else {
		buf_add_str(&d.change, "the next size of the family\n");
		buf_add_str(&d.effect, "twice the CPUs and the memory, at twice the price");
	}
	buf_add_str(&d.undo, "the old type");
	return advice_draft_add(ret, &d, "cost.larger", "The instance is too small", false);
}

int advice_cost_instance(const struct advice_case *c, struct advices *ret)
{
	const double cpu = advice_quantile(c->minutes, advice_host_cpu, 0.99, NULL),
		     often = advice_quantile(c->minutes, advice_host_cpu, 0.95, NULL),
		     steal = advice_quantile(c->minutes, advice_host_steal, 0.95, NULL),
		     left = advice_least(c->minutes, advice_host_available),
		     cpus = advice_last(c->minutes, advice_cpus);

	if (isnan(cpu) || isnan(left) || isnan(cpus))
		return 0;
	if (steal >= STEAL || often >= LARGE_CPU)
		return advise_larger(c, steal, ret);
	if (cpus >= FACT_SIZE_FACTOR && cpu <= SMALL_CPU && left >= SMALL_FREE)
		return advise_smaller(c, ret);
	return 0;
}

/* --- hours */

struct hours {
	double requests[HOURS];
	unsigned int days[HOURS]; /* on which it was watched for the most of it */
};

static void count_hours(const struct advice_minutes *m, struct hours *ret)
{
	int64_t hour = -1, watched_s = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i <= m->n; i++) {
		const int64_t now = i < m->n ? m->list[i].start_s / ADVICE_HOUR_S : -1;

		if (now != hour) {
			if (hour >= 0 && watched_s >= ADVICE_HOUR_S / 2)
				ret->days[hour % HOURS]++;
			hour = now;
			watched_s = 0;
		}
		if (i == m->n)
			return;
		watched_s += m->list[i].watched_s > 0 ? m->list[i].watched_s : 0;
		if (m->list[i].requests > 0)
			ret->requests[hour % HOURS] += (double)m->list[i].requests;
	}
}

/* The longest time, around midnight too, of hours in which nothing came on any day. Returns its hours. */
static unsigned int idle_hours(const struct hours *h, unsigned int *ret_first)
{
	unsigned int best = 0, run = 0;

	for (unsigned int i = 0; i < 2 * HOURS; i++) {
		const unsigned int at = i % HOURS;

		run = h->requests[at] > 0 || h->days[at] < IDLE_DAYS ? 0 : run + 1;
		if (run > best && run <= HOURS) {
			best = run;
			*ret_first = (i + 1 - run) % HOURS;
		}
	}
	return best;
}

int advice_cost_schedule(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	unsigned int first = 0, n, last;
	struct hours h;

	count_hours(c->minutes, &h);
	n = idle_hours(&h, &first);
	if (n < IDLE_HOURS || n == HOURS)
		return 0;
	last = (first + n) % HOURS;
	buf_printf(
		&d.evidence,
		"from %02u:00 to %02u:00 UTC no request came on any of the days that were watched\n",
		first, last);
	for (int i = 0; i < 2; i++)
		buf_printf(
			&d.change,
			"aws scheduler create-schedule --name %s-%s --schedule-expression 'cron(%s %u * * ? *)' "
			"--flexible-time-window Mode=OFF --target '{\"Arn\": "
			"\"arn:aws:scheduler:::aws-sdk:ec2:%sInstances\", \"RoleArn\": \"ROLE\", \"Input\": "
			"\"{\\\"InstanceIds\\\": [\\\"ID\\\"]}\"}'\n",
			c->config->service_name, i ? "start" : "stop", i ? "45" : "15",
			i ? (last + HOURS - 1) % HOURS : first, i ? "start" : "stop");
	buf_printf(
		&d.effect,
		"about %.0f %% of the instance's hours are not paid; its disks and addresses are. Jobs of these "
		"hours (the backup!) must be moved, and what comes then finds nobody",
		100.0 * n / HOURS);
	buf_printf(&d.undo, "aws scheduler delete-schedule --name %s-stop; the same of %s-start",
		   c->config->service_name, c->config->service_name);
	return advice_draft_add(ret, &d, "cost.schedule", "Hours in which nobody comes", false);
}

/* --- how it is paid, and how many */

int advice_cost_reserved(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double span = span_s(c->all), watched = (double)c->all->watched_s;

	if (watched < RESERVED_DAYS * ADVICE_DAY_S || watched < RESERVED_WATCHED * span)
		return 0;
	/* What is to change first is not bound for a year. */
	if (advices_find(ret, "cost.smaller") || advices_find(ret, "cost.larger"))
		return 0;
	buf_printf(&d.evidence, "the host ran for ");
	advice_percent(&d.evidence, watched / span);
	buf_printf(&d.evidence, " of the last %.0f days, and its size fits\n", span / ADVICE_DAY_S);
	buf_add_str(
		&d.change,
		"a Savings Plan of one year for it, if it has none (who pays sees that, the host does not):\n"
		"aws savingsplans describe-savings-plans\n"
		"aws ce get-savings-plans-purchase-recommendation --savings-plans-type COMPUTE_SP "
		"--term-in-years ONE_YEAR --payment-option NO_UPFRONT --lookback-period-in-days "
		"THIRTY_DAYS\n");
	buf_printf(
		&d.effect,
		"up to %d %% less than on demand (%d %% if it is bound to a family and a region); the commitment "
		"is paid whether it is used or not",
		FACT_SAVINGS_COMPUTE, FACT_SAVINGS_INSTANCE);
	buf_add_str(&d.undo, "none: it is bought for its term");
	return advice_draft_add(ret, &d, "cost.reserved", "It always runs: commit to it", false);
}

int advice_cost_scaling(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double peak = advice_quantile(c->minutes, advice_host_cpu, 0.98, NULL),
		     calm = advice_quantile(c->minutes, advice_host_cpu, 0.5, NULL);

	if (isnan(peak) || peak < PEAK || calm > CALM)
		return 0;
	tell_use(c->minutes, &d.evidence);
	buf_add_str(&d.evidence,
		    "most of the time it is idle, and at its peaks it is nearly full\n");
	buf_printf(
		&d.change,
		"aws autoscaling put-scaling-policy --auto-scaling-group-name %s --policy-name cpu --policy-type "
		"TargetTrackingScaling --target-tracking-configuration '{\"TargetValue\": 50, "
		"\"PredefinedMetricSpecification\": {\"PredefinedMetricType\": "
		"\"ASGAverageCPUUtilization\"}}'\n",
		c->config->service_name);
	buf_add_str(
		&d.effect,
		"small instances that come at the peaks and go after them, instead of a large one that waits");
	if (c->config->n_databases)
		buf_add_str(
			&d.effect,
			". Not as it stands: the service's data are in SQLite on this host; they must go to a "
			"database that several instances share first");
	buf_add_str(&d.undo, "aws autoscaling delete-policy; one instance as before");
	return advice_draft_add(ret, &d, "cost.scaling", "Peaks that scaling would carry", false);
}
