/* SPDX-License-Identifier: MIT */
/* The instance against what was used of it: its size, how it is paid, when it must run, and whether one size can fit. For EC2 only. */
#include <ctype.h>
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

static void tell_use(const struct advice_case *c, const struct advice_minutes *m, struct buf *out)
{
	if (*c->host->instance_type)
		buf_printf(out, "%s; ", c->host->instance_type);
	buf_printf(out, "in the %.1f days that were watched: of its %.0f CPUs ",
		   (double)m->watched_s / ADVICE_DAY_S, advice_last(m, advice_cpus));
	advice_percent(out, advice_quantile(m, advice_host_cpu, 0.5, NULL));
	buf_add_str(out, " or less were busy in half of the minutes, ");
	advice_percent(out, advice_quantile(m, advice_host_cpu, 0.95, NULL));
	buf_add_str(out, " or less in 95 %, ");
	advice_percent(out, advice_quantile(m, advice_host_cpu, 0.99, NULL));
	buf_add_str(out, " or less in 99 %; of its ");
	advice_bytes(out, advice_last(m, advice_host_memory));
	buf_add_str(out, " memory never less than ");
	advice_percent(out, advice_least(m, advice_host_available));
	buf_add_str(out, " were available\n");
}

/* --- types: "m5.large" */

/* Each has twice the memory of the one before it, and from large on twice the CPUs. */
static const char *const sizes[] = { "nano",   "micro",   "small",   "medium",  "large",
				     "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge" };
#define MEDIUM 3
#define LARGE 4

static size_t size_of(const char *type)
{
	const char *dot = strchr(type, '.');

	for (size_t i = 0; dot && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (strcmp(dot + 1, sizes[i]) == 0)
			return i;
	return SIZE_MAX;
}

/* t2, t3, t3a, t4g: a share of each CPU for ever, all of it while credits last.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html */
static bool is_burstable(const char *type)
{
	return type[0] == 't' && type[1] >= '0' && type[1] <= '9';
}

/* The smallest of the family: of burstable ones nano, of Arm's (m6g, c7gn) medium, else large. */
static size_t smallest_of(const char *type)
{
	const char *generation = type + strcspn(type, "0123456789");
	const size_t attributes = strspn(generation, "0123456789");

	if (is_burstable(type))
		return 0;
	return generation[attributes] == 'g' && type[0] != 'g' ? MEDIUM : LARGE;
}

/* "m5.large" of "m5.xlarge", with @by = -1; or what it is in words. */
static void other_size(const char *type, int by, char *to, size_t size)
{
	const size_t at = size_of(type);

	if (at == SIZE_MAX || (by < 0 && !at) ||
	    (by > 0 && at + 1 == sizeof(sizes) / sizeof(sizes[0])))
		snprintf(to, size, "FAMILY.SIZE");
	else
		snprintf(to, size, "%.*s.%s", (int)strcspn(type, "."), type,
			 sizes[by < 0 ? at - 1 : at + 1]);
}

static const char *id_of(const struct advice_case *c)
{
	return *c->host->instance_id ? c->host->instance_id : "ID";
}

static void add_resize(const struct advice_case *c, const char *type, struct buf *out)
{
	const char *id = id_of(c);

	buf_printf(out,
		   "aws ec2 stop-instances --instance-ids %s\n"
		   "aws ec2 wait instance-stopped --instance-ids %s\n"
		   "aws ec2 modify-instance-attribute --instance-id %s \\\n"
		   "  --instance-type %s\n"
		   "aws ec2 start-instances --instance-ids %s\n",
		   id, id, id, type, id);
}

static void add_undo(const char *type, struct buf *out)
{
	if (*type)
		buf_printf(out, "the same with %s", type);
	else
		buf_add_str(out, "the same with the old type");
}

static int advise_smaller(const struct advice_case *c, const struct advice_minutes *m,
			  struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const char *type = c->host->instance_type;
	const bool burstable = is_burstable(type), fewer_cpus = !burstable || size_of(type) > LARGE;
	char smaller[64];

	other_size(type, -1, smaller, sizeof(smaller));
	tell_use(c, m, &d.evidence);
	if (!*type || size_of(type) == SIZE_MAX)
		buf_printf(
			&d.change,
			"# the next smaller size of the family, with 1/%d of the CPUs and of the memory, if "
			"it has one:\n",
			FACT_SIZE_FACTOR);
	add_resize(c, smaller, &d.change);
	buf_add_str(&d.effect, "about half the price of the instance");
	if (fewer_cpus) {
		buf_add_str(&d.effect, "; by the measured use 99 minutes of 100 would be at ");
		advice_percent(&d.effect,
			       FACT_SIZE_FACTOR * advice_quantile(m, advice_host_cpu, 0.99, NULL));
		buf_add_str(&d.effect, " of its CPUs or below");
	}
	if (burstable)
		buf_add_str(
			&d.effect,
			". It is burstable: what it used on average must be below the baseline of the "
			"smaller size, else its credits run out or are billed (see CPUCreditBalance in "
			"CloudWatch)");
	buf_add_str(
		&d.effect,
		". The service stands for some minutes, and the public address changes if it is no Elastic "
		"IP. Limits of network and disk are smaller, too: they are not measured here");
	add_undo(type, &d.undo);
	return advice_draft_add(ret, &d, "cost.smaller", "A smaller instance would do", false);
}

static int advise_larger(const struct advice_case *c, const struct advice_minutes *m, double steal,
			 struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const char *type = c->host->instance_type;
	char larger[64];

	tell_use(c, m, &d.evidence);
	other_size(type, 1, larger, sizeof(larger));
	if (steal >= STEAL) {
		buf_add_str(&d.evidence, "in the worst 5 % of the minutes the host did not get ");
		advice_percent(&d.evidence, steal);
		buf_add_str(&d.evidence, " of the CPU that it wanted (steal)");
		if (!*type || is_burstable(type))
			buf_printf(&d.evidence, ": %s the credits are used up then",
				   *type ? "it is burstable, and" :
					   "of a burstable type (t2, t3, t4g)");
		buf_add_char(&d.evidence, '\n');
		buf_add_str(&d.change,
			    *type && !is_burstable(type) ?
				    "# stop and start it: it comes up on other hardware\n" :
				    "# a family that is not burstable (m, c), of the same size\n");
		buf_add_str(&d.effect, "all of its CPUs, always");
	} else {
		if (strchr(larger, '.') && strcmp(larger, "FAMILY.SIZE") == 0)
			buf_add_str(&d.change, "# the next larger size of the family:\n");
		add_resize(c, larger, &d.change);
		buf_add_str(
			&d.effect,
			is_burstable(type) && size_of(type) < LARGE ?
				"twice the memory at about twice the price, but not more CPUs: those come with "
				"xlarge, or with a family that is not burstable" :
				"about twice the CPUs and the memory, at about twice the price");
	}
	if (steal >= STEAL && *type && !is_burstable(type))
		buf_add_str(&d.undo, "nothing to undo: it is the same instance");
	else
		add_undo(type, &d.undo);
	return advice_draft_add(ret, &d, "cost.larger", "The instance is too small", false);
}

/* What was measured on another size speaks of that. Returns whether there is enough of this one. */
static bool this_size(const struct advice_case *c, struct advices *ret, struct advice_minutes *m)
{
	const struct advice_minutes cpus = advice_since(c->minutes, advice_cpus, 0);

	*m = advice_since(&cpus, advice_host_memory, 0.05);
	return advice_enough(ret, "instance size (since it changed)", ADVICE_A_WEEK, m);
}

int advice_cost_instance(const struct advice_case *c, struct advices *ret)
{
	const char *type = c->host->instance_type;
	struct advice_minutes m;
	double cpu, often, steal, left, cpus;

	if (!this_size(c, ret, &m))
		return 0;
	cpu = advice_quantile(&m, advice_host_cpu, 0.99, NULL);
	often = advice_quantile(&m, advice_host_cpu, 0.95, NULL);
	steal = advice_quantile(&m, advice_host_steal, 0.95, NULL);
	left = advice_least(&m, advice_host_available);
	cpus = advice_last(&m, advice_cpus);
	if (isnan(cpu) || isnan(left) || isnan(cpus))
		return 0;
	if (steal >= STEAL || often >= LARGE_CPU)
		return advise_larger(c, &m, steal, ret);
	if (cpus < FACT_SIZE_FACTOR || cpu > SMALL_CPU || left < SMALL_FREE)
		return 0;
	if (*type && size_of(type) <= smallest_of(type))
		return 0; /* there is none */
	return advise_smaller(c, &m, ret);
}

/* --- hours */

struct hours {
	double busy[HOURS];       /* minutes in which somebody was there */
	unsigned int days[HOURS]; /* on which it was watched for the most of it */
};

/* A conversation may be open for hours without a request that ends; and what is not known is no proof of an empty house. */
static bool is_used(const struct history_minute *m)
{
	return m->requests != 0 || m->in_flight_max != 0 || m->websockets_max != 0;
}

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
		ret->busy[hour % HOURS] += is_used(&m->list[i]);
	}
}

/* The longest time, around midnight too, of hours in which nothing came on any day. Returns its hours. */
static unsigned int idle_hours(const struct hours *h, unsigned int *ret_first)
{
	unsigned int best = 0, run = 0;

	for (unsigned int i = 0; i < 2 * HOURS; i++) {
		const unsigned int at = i % HOURS;

		run = h->busy[at] > 0 || h->days[at] < IDLE_DAYS ? 0 : run + 1;
		if (run > best && run <= HOURS) {
			best = run;
			*ret_first = (i + 1 - run) % HOURS;
		}
	}
	return best;
}

/* Names of schedules are of [0-9a-zA-Z-_.], 64 at most. */
static void add_name(const struct config *c, const char *what, struct buf *out)
{
	for (size_t i = 0; i < 56 && c->service_name[i]; i++) {
		const char ch = c->service_name[i];

		buf_add_char(out, isascii(ch) && (isalnum((unsigned char)ch) || strchr("-_.", ch)) ?
					  ch :
					  '-');
	}
	buf_printf(out, "-%s", what);
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
		"from %02u:00 to %02u:00 UTC no request came and nobody was connected, on any of the %.1f days that "
		"were watched\n",
		first, last, (double)c->minutes->watched_s / ADVICE_DAY_S);
	buf_add_str(
		&d.change,
		"# ROLE may call ec2:StopInstances and ec2:StartInstances, and trusts scheduler.amazonaws.com; times are UTC\n");
	for (int i = 0; i < 2; i++) {
		buf_add_str(&d.change, "aws scheduler create-schedule --name ");
		add_name(c->config, i ? "start" : "stop", &d.change);
		buf_printf(&d.change,
			   " \\\n  --schedule-expression 'cron(%s %u * * ? *)' \\\n"
			   "  --flexible-time-window Mode=OFF \\\n"
			   "  --target '{\"RoleArn\": \"ROLE\",\n"
			   "    \"Arn\": \"arn:aws:scheduler:::aws-sdk:ec2:%sInstances\",\n"
			   "    \"Input\": \"{\\\"InstanceIds\\\": [\\\"%s\\\"]}\"}'\n",
			   i ? "45" : "15", i ? (last + HOURS - 1) % HOURS : first,
			   i ? "start" : "stop", id_of(c));
	}
	buf_printf(
		&d.effect,
		"about %.0f %% of the instance's hours are not paid; its disks and addresses are. Jobs of these "
		"hours (the backup!) must be moved, and what comes then finds nobody",
		100.0 * (n - 0.5) / HOURS);
	buf_add_str(&d.undo, "aws scheduler delete-schedule --name ");
	add_name(c->config, "stop", &d.undo);
	buf_add_str(&d.undo, "; the same of ");
	add_name(c->config, "start", &d.undo);
	return advice_draft_add(ret, &d, "cost.schedule", "Hours in which nobody comes", false);
}

/* --- how it is paid, and how many */

int advice_cost_reserved(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double span = span_s(c->all), watched = (double)c->all->watched_s;
	struct advice_minutes m;

	if (watched < RESERVED_DAYS * ADVICE_DAY_S || watched < RESERVED_WATCHED * span)
		return 0;
	if (!this_size(c, ret, &m) || advices_find(ret, "cost.smaller") ||
	    advices_find(ret, "cost.larger") || advices_find(ret, "cost.schedule") ||
	    advices_find(ret, "cost.scaling"))
		return 0;
	buf_add_str(&d.evidence, "isamon saw the host run for ");
	advice_percent(&d.evidence, watched / span);
	buf_printf(&d.evidence, " of the last %.0f days, and nothing speaks for another size\n",
		   span / ADVICE_DAY_S);
	buf_add_str(
		&d.change,
		"# a Savings Plan of one year for it, if it has none (who pays sees that, the host does not):\n"
		"aws savingsplans describe-savings-plans\n"
		"aws ce get-savings-plans-purchase-recommendation \\\n"
		"  --savings-plans-type COMPUTE_SP --term-in-years ONE_YEAR \\\n"
		"  --payment-option NO_UPFRONT --lookback-period-in-days THIRTY_DAYS\n");
	buf_printf(
		&d.effect,
		"less than on demand: how much for one year says the second command. AWS names up to %d %% (%d %% if "
		"it is bound to a family and a region), which is for three years paid ahead; the commitment is "
		"paid whether it is used or not",
		FACT_SAVINGS_COMPUTE, FACT_SAVINGS_INSTANCE);
	buf_add_str(&d.undo, "none: it is bought for its term");
	return advice_draft_add(ret, &d, "cost.reserved", "It always runs: commit to it", false);
}

int advice_cost_scaling(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	struct advice_minutes m;
	double peak, calm;

	if (!this_size(c, ret, &m))
		return 0;
	peak = advice_quantile(&m, advice_host_cpu, 0.98, NULL);
	calm = advice_quantile(&m, advice_host_cpu, 0.5, NULL);
	if (isnan(peak) || peak < PEAK || calm > CALM)
		return 0;
	tell_use(c, &m, &d.evidence);
	buf_add_str(
		&d.evidence,
		"in half of the minutes it is nearly idle, and in 2 % of them it is nearly full\n");
	buf_add_str(&d.change,
		    "# a group of the instance's image, GROUP, and in it:\n"
		    "aws autoscaling put-scaling-policy --auto-scaling-group-name GROUP \\\n"
		    "  --policy-name cpu --policy-type TargetTrackingScaling \\\n"
		    "  --target-tracking-configuration '{\"TargetValue\": 50,\n"
		    "    \"PredefinedMetricSpecification\":\n"
		    "      {\"PredefinedMetricType\": \"ASGAverageCPUUtilization\"}}'\n");
	buf_add_str(
		&d.effect,
		"small instances that come at the peaks and go after them, instead of a large one that waits");
	if (c->config->n_databases)
		buf_add_str(
			&d.effect,
			". Not as it stands: the service's data are in SQLite on this host; they must go to a "
			"database that several instances share first");
	buf_add_str(
		&d.undo,
		"aws autoscaling delete-policy --auto-scaling-group-name GROUP --policy-name cpu; one instance as "
		"before");
	return advice_draft_add(ret, &d, "cost.scaling", "Peaks that scaling would carry", false);
}
