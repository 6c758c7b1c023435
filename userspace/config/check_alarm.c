/* SPDX-License-Identifier: MIT */
/* Checks of [alarm "NAME"]: PutMetricAlarm's rules (API reference), and that there can be data: an
 * alarm on a metric that nobody publishes stays silent for ever. */
#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "config/problems.h"
#include "config/published.h"

#define HOUR_S 3600ull

/* Of whom the check is; what is @ours is in the namespace that isamon publishes into. */
struct alarm_check {
	struct config_check *check;
	const struct config *c;
	const struct config_alarm *a;
	bool ours;
	const char *own; /* the dimension "Route" or "Probe", if the alarm has it */
};

static void _printf_(3, 4) failed(struct alarm_check *x, const char *key, const char *fmt, ...)
{
	char text[1600];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check_failed_alarm(x->check, x->a, key, 0);
	buf_printf(x->check->problems, "%s\n", text);
}

static void check_given(struct alarm_check *x)
{
	static const char missing[] = "must be given: %s";

	if (!*x->a->metric)
		failed(x, "metric", missing, "write a metric, such as ErrorCount");
	if (!*x->a->statistic)
		failed(x, "statistic", missing, "write one such as Sum, Average, Maximum or p99");
	/* What stands there and is no number has been told already. */
	if (isnan(x->a->threshold) && !check_alarm_says(x->check, x->a, "threshold"))
		failed(x, "threshold", missing,
		       "write the number that the metric is compared with");
}

static void list_metrics(const struct config *c, struct buf *to)
{
	size_t n;
	const struct published *p = published_list(&n);

	for (size_t i = 0; i < n; i++)
		if (!p[i].dimension && published_is_on(c, &p[i]))
			buf_printf(to, "%s%s", to->len ? ", " : "", p[i].metric);
}

static void metric_unknown(struct alarm_check *x)
{
	_cleanup_(buf_done) struct buf names = BUF_INIT(512);

	/* Somebody else may publish there; who says the namespace knows. */
	if (*x->a->metric_namespace)
		return;
	list_metrics(x->c, &names);
	failed(x, "metric",
	       "%s: isamon publishes no such metric; write one of %s; or, if another program publishes it, "
	       "the namespace too",
	       x->a->metric, buf_str(&names));
}

static void check_metric(struct alarm_check *x)
{
	const struct published *p = published_find(x->a->metric, x->own);

	if (!*x->a->metric || !x->ours)
		return;
	if (!p && published_find(x->a->metric, NULL))
		return; /* its dimension is the problem */
	if (!p && strcmp(x->a->metric, "ProbeUp") == 0)
		return; /* likewise */
	if (!p) {
		metric_unknown(x);
		return;
	}
	if (!published_is_on(x->c, p))
		failed(x, "metric",
		       "%s: isamon publishes this%s%s only with %s = yes in [cloudwatch]; write that, or remove the alarm",
		       x->a->metric, x->own ? " with the dimension " : "", x->own ?: "", p->key);
}

static void check_statistic(struct alarm_check *x)
{
	const struct published *p = published_find(x->a->metric, x->own);
	const char *s = x->a->statistic;
	bool extended = config_alarm_is_extended_statistic(s);

	if (*s && !extended && !config_alarm_is_plain_statistic(s))
		failed(x, "statistic",
		       "%s: not known; write SampleCount, Average, Sum, Minimum, Maximum, or a percentile "
		       "such as p99",
		       s);
	if (extended && x->ours && p && !p->percentiles)
		failed(x, "statistic",
		       "%s: isamon sends %s without its single values, so there are no percentiles of "
		       "it; write Average or Maximum",
		       s, x->a->metric);
	if (x->a->low_samples == CONFIG_LOW_SAMPLES_IGNORE && *s && (!extended || s[0] != 'p'))
		failed(x, "low_samples", "ignore: is for percentiles only; remove it");
}

/* API reference, PutMetricAlarm, Period and EvaluationPeriods. */
static void check_period(struct alarm_check *x)
{
	unsigned long long period = x->a->period_s, n = x->a->evaluation_periods;
	unsigned long long most = (period >= HOUR_S ? 7 : 1) * DAY_S;

	if (period % 60 && period != 10 && period != 20 && period != 30)
		failed(x, "period",
		       "%llu: CloudWatch knows 10, 20, 30 and multiples of 60; write one of these",
		       period);
	else if (period < 60 && x->ours && x->c->cloudwatch_resolution_s != 1)
		failed(x, "period",
		       "%llu: less than a minute needs storage_resolution = 1 in [cloudwatch]; write that, "
		       "or a multiple of 60",
		       period);
	if (period * n > most)
		failed(x, "evaluation_periods",
		       "%llu: with period = %llu that is %llu s, and CloudWatch looks back %llu at most; "
		       "write at most %llu",
		       n, period, period * n, most, most / period);
	if (x->a->datapoints_to_alarm > n)
		failed(x, "datapoints_to_alarm",
		       "%llu: of evaluation_periods = %llu; write at most as many",
		       (unsigned long long)x->a->datapoints_to_alarm, n);
}

/* (arn:aws:automate:REGION:ec2:reboot and its like have no account) */
static bool is_arn(const char *s)
{
	static const char pattern[] =
		"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}|ec2)?:[!-~]+$";
	regex_t re;
	bool matches;

	if (strlen(s) > 1024 || regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	matches = regexec(&re, s, 0, NULL, 0) == 0;
	regfree(&re);
	return matches;
}

static void check_actions(struct alarm_check *x, const char *key, char *const *actions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_arn(actions[i]))
			continue;
		check_failed_alarm(x->check, x->a, key, i);
		buf_printf(x->check->problems,
			   "%.200s: not an ARN; write one such as "
			   "arn:aws:sns:us-east-1:123456789012:AlertTopic\n",
			   actions[i]);
	}
}

static size_t name_len(const char *dimension)
{
	return strcspn(dimension, "=");
}

static bool has_name(const char *dimension, const char *name)
{
	return strlen(name) == name_len(dimension) && strncmp(dimension, name, strlen(name)) == 0;
}

static bool is_configured(const struct config *c, const char *dimension)
{
	for (size_t i = 0; i < c->n_cloudwatch_dimensions; i++)
		if (strcmp(c->cloudwatch_dimensions[i], dimension) == 0)
			return true;
	return false;
}

/* Whether isamon publishes with these: none, InstanceId, or all those of [cloudwatch]; each with
 * those of the metric's own. */
static bool is_published_set(const struct alarm_check *x)
{
	size_t rest = 0, instance = 0, configured = 0;

	for (size_t i = 0; i < x->a->n_dimensions; i++) {
		const char *d = x->a->dimensions[i];

		if (x->own && has_name(d, x->own))
			continue;
		rest++;
		instance += has_name(d, "InstanceId");
		configured += is_configured(x->c, d);
	}
	return rest == 0 || (rest == 1 && instance == 1) ||
	       (rest == configured && configured == x->c->n_cloudwatch_dimensions);
}

static void check_dimension_sets(struct alarm_check *x)
{
	const struct published *p = published_find(x->a->metric, x->own);

	if (!x->ours || (!p && *x->a->metric_namespace))
		return;
	if (!p && x->own && published_find(x->a->metric, NULL))
		failed(x, "dimension", "%s: isamon publishes %s without this dimension; remove it",
		       x->own, x->a->metric);
	else if (!p && strcmp(x->a->metric, "ProbeUp") == 0)
		failed(x, "dimension",
		       "must be given: isamon publishes ProbeUp by probe; write Probe=http");
	else if (p && !is_published_set(x))
		failed(x, "dimension",
		       "%.200s: isamon publishes without dimensions, with InstanceId, and with all those "
		       "of [cloudwatch] together; write one of these sets",
		       x->a->dimensions[0]);
}

static bool check_each_dimension(struct alarm_check *x)
{
	bool fine = true;
	size_t n;

	for (size_t i = 0; i < x->a->n_dimensions; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(256);
		const char *d = x->a->dimensions[i];

		if (check_dimension(d, &why, &n))
			for (size_t j = 0; j < i && !why.len; j++)
				if (strncmp(d, x->a->dimensions[j], n + 1) == 0)
					buf_add_str(&why,
						    "stands here twice; write each name once");
		if (!why.len && !why.err)
			continue;
		fine = false;
		check_failed_alarm(x->check, x->a, "dimension", i);
		buf_printf(x->check->problems, "%.200s: %s\n", d, buf_str(&why));
	}
	return fine;
}

static const char *own_dimension(const struct config_alarm *a)
{
	for (size_t i = 0; i < a->n_dimensions; i++) {
		if (has_name(a->dimensions[i], "Route"))
			return "Route";
		if (has_name(a->dimensions[i], "Probe"))
			return "Probe";
	}
	return NULL;
}

static void check_alarm(struct config_check *check, const struct config_alarm *a)
{
	struct alarm_check x = { .check = check, .c = check->c, .a = a, .own = own_dimension(a) };

	x.ours = !*a->metric_namespace ||
		 strcmp(a->metric_namespace, check->c->cloudwatch_namespace) == 0;
	if (a->metric_namespace[0] == ':')
		failed(&x, "namespace", "%s: may not begin with a colon; write another",
		       a->metric_namespace);
	check_given(&x);
	check_metric(&x);
	check_statistic(&x);
	check_period(&x);
	if (check_each_dimension(&x))
		check_dimension_sets(&x);
	check_actions(&x, "action", a->actions, a->n_actions);
	check_actions(&x, "ok_action", a->ok_actions, a->n_ok_actions);
	check_actions(&x, "insufficient_data_action", a->nodata_actions, a->n_nodata_actions);
}

void check_alarms(struct config_check *check)
{
	for (size_t i = 0; i < check->c->n_alarms; i++)
		check_alarm(check, check->c->alarms[i]);
}
