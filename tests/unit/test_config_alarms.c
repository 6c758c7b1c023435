/* SPDX-License-Identifier: MIT */
/* [alarm "NAME"]: what is taken, what is refused and why; the examples. */
#include "unit.h"

#include "config_sources.h"

#define BASE "[alarm \"A\"]\nmetric = ErrorCount\nstatistic = Sum\nthreshold = 1\n"
#define TOPIC "arn:aws:sns:us-east-1:123456789012:T"
#define LONG64 "0123456789012345678901234567890123456789012345678901234567890123"

static void sets_every_key(void)
{
	static const char text[] =
		"[alarm \"H {instance_id}\"]\nmetric = Own\nnamespace = Other/One\ndimension = A=b\n"
		"dimension = C=d=e\nstatistic = p99.9\nperiod = 3600\nthreshold = -1.5e3\n"
		"comparison = <=\nevaluation_periods = 168\ndatapoints_to_alarm = 3\n"
		"missing_data = notBreaching\nlow_samples = ignore\ndescription = a = \"b\", ñ\n"
		"action = " TOPIC "\naction = arn:aws-cn:sns:cn-north-1:123456789012:T\n"
		"ok_action = arn:aws:automate:us-east-1:ec2:reboot\n"
		"insufficient_data_action = " TOPIC "\nactions_enabled = no\n"
		"[alarm \"second\"]\nmetric = ErrorCount\nstatistic = Sum\nthreshold = 0\n"
		"comparison = GreaterThanOrEqualToThreshold\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;
	const struct config_alarm *a;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), 0);
	REQUIRE_STR(buf_str(&found), "");
	REQUIRE_UINT(c->n_alarms, 2);
	a = c->alarms[0];
	EXPECT_STR(a->name, "H {instance_id}");
	EXPECT_STR(a->metric, "Own");
	EXPECT_STR(a->metric_namespace, "Other/One");
	EXPECT_UINT(a->n_dimensions, 2);
	EXPECT_STR(a->dimensions[1], "C=d=e");
	EXPECT_STR(a->statistic, "p99.9");
	EXPECT_UINT(a->period_s, 3600);
	EXPECT_NEAR(a->threshold, -1500, 0);
	EXPECT_STR(config_alarm_comparison_name(a), "LessThanOrEqualToThreshold");
	EXPECT_UINT(a->evaluation_periods, 168);
	EXPECT_UINT(a->datapoints_to_alarm, 3);
	EXPECT_INT((int)a->missing_data, CONFIG_MISSING_NOT_BREACHING);
	EXPECT_INT((int)a->low_samples, CONFIG_LOW_SAMPLES_IGNORE);
	EXPECT_STR(a->description, "a = \"b\", ñ");
	EXPECT(a->n_actions == 2 && a->n_ok_actions == 1 && a->n_nodata_actions == 1);
	EXPECT(!a->actions_enabled);
	a = c->alarms[1];
	EXPECT_STR(a->metric_namespace, "");
	EXPECT_UINT(a->period_s, 300);
	EXPECT_UINT(a->evaluation_periods, 1);
	EXPECT_UINT(a->datapoints_to_alarm, 0);
	EXPECT_STR(config_alarm_comparison_name(a), "GreaterThanOrEqualToThreshold");
	EXPECT_INT((int)a->missing_data, CONFIG_MISSING_MISSING);
	EXPECT(a->actions_enabled);
}

static void takes(void)
{
	static const char *const rows[] = {
		BASE "period = 60\nevaluation_periods = 1440",
		BASE "period = 86400\nevaluation_periods = 7",
		BASE "period = 10\n[cloudwatch]\nstorage_resolution = 1",
		BASE "period = 20\nnamespace = Other",
		BASE "dimension = InstanceId={instance_id}",
		BASE
		"dimension = B=2\ndimension = A=1\n[cloudwatch]\ndimension = A=1\ndimension = B=2",
		"[alarm \"" LONG64 LONG64 LONG64
		"012345678901234567890123456789012345678901234567890"
		"1234ññññññññ\"]\nmetric = ErrorCount\nstatistic = Sum\nthreshold = 1\n",
		"[alarm \"A]\"]\nmetric = Mine\nnamespace = AgentISA\nstatistic = IQM\nthreshold = 1",
		"[cloudwatch]\nqueue = yes\n[alarm \"A\"]\nmetric = QueueTime\nstatistic = p90\n"
		"threshold = 1\nlow_samples = ignore\n",
		"[cloudwatch]\nprobes = yes\n[alarm \"A\"]\nmetric = ProbeUp\nstatistic = Minimum\n"
		"threshold = 1\ndimension = Probe=http\ndimension = InstanceId=i-1\n",
		"[cloudwatch]\nlatency_by_route = yes\n[alarm \"A\"]\nmetric = ResponseTime\n"
		"statistic = p90\nthreshold = 1\ndimension = Route=/api/files/{session_id}\n",
	};

	expect_taken(rows, ARRAY_SIZE(rows));
}

static void refuses(void)
{
	static const struct refused rows[] = {
		{ "\n[alarm \"A\"]\n",
		  "t.conf:2: [alarm \"A\"] metric = must be given: write a metric, such as ErrorCount\n"
		  "t.conf:2: [alarm \"A\"] statistic = must be given: write one such as Sum, Average, "
		  "Maximum or p99\n"
		  "t.conf:2: [alarm \"A\"] threshold = must be given: write the number that the metric "
		  "is compared with\n" },
		{ BASE "threshold = x\n",
		  "t.conf:5: [alarm \"A\"] threshold = x: stands in line 4 already; keep one of them\n" },
		{ "[alarm \"A\"]\nmetric = ErrorCount\nstatistic = Sum\nthreshold = 0x10\n",
		  "t.conf:4: [alarm \"A\"] threshold = 0x10: not a number; write one such as 10 or 0.5\n" },
		{ BASE "[alarm \"A\"]\n",
		  "t.conf:5: [alarm \"A\"]: stands in line 1 already; give it another name, or make "
		  "one of them\n" },
		{ "[alarm \"A\"]\nmetric = ErorCount\nstatistic = Sum\nthreshold = 1\n",
		  "t.conf:2: [alarm \"A\"] metric = ErorCount: isamon publishes no such metric; write "
		  "one of RequestCount, ResponseTime, ErrorCount, CPUUtilization, MemoryUtilization; "
		  "or, if another program publishes it, the namespace too\n" },
		{ "[alarm \"A\"]\nmetric = QueueTime\nstatistic = p99\nthreshold = 1\n",
		  "t.conf:2: [alarm \"A\"] metric = QueueTime: isamon publishes this only with queue = "
		  "yes in [cloudwatch]; write that, or remove the alarm\n" },
		{ "[alarm \"A\"]\nmetric = QueueTime\nstatistic = p99\nthreshold = 1\nnamespace = "
		  "AgentISA\n",
		  "t.conf:2: [alarm \"A\"] metric = QueueTime: isamon publishes this only with queue = "
		  "yes in [cloudwatch]; write that, or remove the alarm\n" },
		{ "[alarm \"A\"]\nmetric = ResponseTime\nstatistic = p99\nthreshold = 1\ndimension = "
		  "Route=/a\n",
		  "t.conf:2: [alarm \"A\"] metric = ResponseTime: isamon publishes this with the "
		  "dimension Route only with latency_by_route = yes in [cloudwatch]; write that, or "
		  "remove the alarm\n" },
		{ "[alarm \"A\"]\nmetric = ProbeUp\nstatistic = Sum\nthreshold = 1\n",
		  "t.conf:1: [alarm \"A\"] dimension = must be given: isamon publishes ProbeUp by "
		  "probe; write Probe=http\n" },
		{ BASE "dimension = Route=/a\n",
		  "t.conf:5: [alarm \"A\"] dimension = Route: isamon publishes ErrorCount without this "
		  "dimension; remove it\n" },
		{ BASE "dimension = Host=a\n",
		  "t.conf:5: [alarm \"A\"] dimension = Host=a: isamon publishes without dimensions, "
		  "with InstanceId, and with all those of [cloudwatch] together; write one of these "
		  "sets\n" },
		{ BASE "dimension = A=1\n[cloudwatch]\ndimension = A=1\ndimension = B=1\n",
		  "t.conf:5: [alarm \"A\"] dimension = A=1: isamon publishes without dimensions, "
		  "with InstanceId, and with all those of [cloudwatch] together; write one of these "
		  "sets\n" },
		{ BASE "dimension = A\ndimension = B=1\ndimension = B=2\n",
		  "t.conf:5: [alarm \"A\"] dimension = A: not Name=Value; write one such as "
		  "AutoScalingGroupName=web\n"
		  "t.conf:7: [alarm \"A\"] dimension = B=2: stands here twice; write each name once\n" },
		{ "[alarm \"A\"]\nmetric = ErrorCount\nstatistic = sum\nthreshold = 1\n",
		  "t.conf:3: [alarm \"A\"] statistic = sum: not known; write SampleCount, Average, Sum, "
		  "Minimum, Maximum, or a percentile such as p99\n" },
		{ "[alarm \"A\"]\nmetric = MemoryUtilization\nstatistic = p99\nthreshold = 1\n",
		  "t.conf:3: [alarm \"A\"] statistic = p99: isamon sends MemoryUtilization without its "
		  "single values, so there are no percentiles of it; write Average or Maximum\n" },
		{ BASE "low_samples = ignore\n",
		  "t.conf:5: [alarm \"A\"] low_samples = ignore: is for percentiles only; remove it\n" },
		{ BASE "period = 90\n",
		  "t.conf:5: [alarm \"A\"] period = 90: CloudWatch knows 10, 20, 30 and multiples of 60; "
		  "write one of these\n" },
		{ BASE "period = 30\n",
		  "t.conf:5: [alarm \"A\"] period = 30: less than a minute needs storage_resolution = 1 "
		  "in [cloudwatch]; write that, or a multiple of 60\n" },
		{ BASE "period = 60\nevaluation_periods = 1441\n",
		  "t.conf:6: [alarm \"A\"] evaluation_periods = 1441: with period = 60 that is 86460 s, "
		  "and CloudWatch looks back 86400 at most; write at most 1440\n" },
		{ BASE "period = 3600\nevaluation_periods = 169\n",
		  "t.conf:6: [alarm \"A\"] evaluation_periods = 169: with period = 3600 that is 608400 "
		  "s, and CloudWatch looks back 604800 at most; write at most 168\n" },
		{ BASE "datapoints_to_alarm = 2\n",
		  "t.conf:5: [alarm \"A\"] datapoints_to_alarm = 2: of evaluation_periods = 1; write at "
		  "most as many\n" },
		{ BASE "comparison = ==\n",
		  "t.conf:5: [alarm \"A\"] comparison = ==: not known; write one of >, >=, <, <=, "
		  "GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold, "
		  "LessThanOrEqualToThreshold\n" },
		{ BASE "missing_data = no\n",
		  "t.conf:5: [alarm \"A\"] missing_data = no: not known; write one of missing, "
		  "notBreaching, breaching, ignore\n" },
		{ BASE "namespace = :x\n",
		  "t.conf:5: [alarm \"A\"] namespace = :x: may not begin with a colon; write another\n" },
		{ BASE "action = " TOPIC
		       "\naction = me@example.com\nok_action = arn:aws:sns:x:1:T\n",
		  "t.conf:6: [alarm \"A\"] action = me@example.com: not an ARN; write one such as "
		  "arn:aws:sns:us-east-1:123456789012:AlertTopic\n"
		  "t.conf:7: [alarm \"A\"] ok_action = arn:aws:sns:x:1:T: not an ARN; write one such as "
		  "arn:aws:sns:us-east-1:123456789012:AlertTopic\n" },
		{ BASE "action = " TOPIC "\naction = " TOPIC "\n",
		  "t.conf:6: [alarm \"A\"] action = " TOPIC
		  ": stands here twice; remove one of them\n" },
		{ BASE "action = " TOPIC "1\naction = " TOPIC "2\naction = " TOPIC
		       "3\naction = " TOPIC "4\naction = " TOPIC "5\naction = " TOPIC "6\n",
		  "t.conf:10: [alarm \"A\"] action = " TOPIC "6: one too many; there may be 5\n" },
		{ "[alarm \"" LONG64 LONG64 LONG64 LONG64 "\"]\nmetric = x\n",
		  "t.conf:1: [alarm \"" LONG64 LONG64 LONG64 LONG64
		  "\"]: a name has at most 255 characters; write a shorter one\n" },
		{ "[alarm \"a\xe2\x80\x8b\"]\n",
		  "t.conf:1: [alarm \"a\xe2\x80\x8b\"]: the name has characters that cannot be seen; "
		  "write others\n" },
	};

	expect_refused(rows, ARRAY_SIZE(rows));
}

static void statistics(void)
{
	static const struct {
		const char *text;
		bool plain, extended;
	} rows[] = {
		{ "Sum", true, false },
		{ "SampleCount", true, false },
		{ "p0", false, true },
		{ "p0.0", false, true },
		{ "p99", false, true },
		{ "p99.99", false, true },
		{ "p100", false, true },
		{ "p100.0", false, true },
		{ "p100.1", false, false },
		{ "p101", false, false },
		{ "p", false, false },
		{ "p-1", false, false },
		{ "P99", false, false },
		{ "tm90", false, true },
		{ "wm98", false, true },
		{ "tc10.5", false, true },
		{ "ts50", false, true },
		{ "IQM", false, true },
		{ "PR(10:200.5)", false, true },
		{ "PR(:200)", false, true },
		{ "PR(:)", false, false },
		{ "TM(10%:90%)", false, true },
		{ "TM(:95%)", false, true },
		{ "WM(80%:)", false, true },
		{ "TC(0.005:0.030)", false, true },
		{ "TS(80%:", false, false },
		{ "", false, false },
		{ "sum", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("the statistic \"%s\"", rows[i].text);
		EXPECT(config_alarm_is_plain_statistic(rows[i].text) == rows[i].plain);
		EXPECT(config_alarm_is_extended_statistic(rows[i].text) == rows[i].extended);
	}
}

static void takes_a_hundred(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(20000), found = BUF_INIT(1000);
	_cleanup_(config_freep) struct config *c = NULL, *none = NULL;

	for (int i = 1; i <= CONFIG_ALARMS_MAX; i++)
		buf_printf(&text,
			   "[alarm \"%d\"]\nmetric = ErrorCount\nstatistic = Sum\n"
			   "threshold = %d\n",
			   i, i);
	EXPECT_INT(parse(text.data, text.len, &c, &found), 0);
	REQUIRE(c);
	EXPECT_UINT(c->n_alarms, CONFIG_ALARMS_MAX);
	EXPECT_NEAR(c->alarms[99]->threshold, 100, 0);
	buf_add_str(&text, "[alarm \"more\"]\nmetric = x\n");
	EXPECT_INT(parse(text.data, text.len, &none, &found), -EINVAL);
	EXPECT_STR(buf_str(&found),
		   "t.conf:401: [alarm \"more\"]: one too many; there may be 100 alarms\n");
}

/* dist/isamon.conf with its alarms uncommented, and what they need switched on. */
static void example_load(struct config **ret, struct buf *found)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000), whole = BUF_INIT(100000);
	bool alarms = false;

	REQUIRE_INT(file_read("dist/isamon.conf", &text), 0);
	for (const char *at = buf_str(&text); *at; at += strcspn(at, "\n") + 1) {
		size_t n = strcspn(at, "\n") + 1;
		bool is_key = at[0] == '#' && at[1] >= 'a' && at[1] <= 'z';

		alarms |= strncmp(at, "#[alarm ", 8) == 0;
		if ((alarms && (is_key || strncmp(at, "#[", 2) == 0)) ||
		    strncmp(at, "#restarts =", 11) == 0 || strncmp(at, "#spool_age =", 12) == 0 ||
		    strncmp(at, "#log_errors =", 13) == 0 || strncmp(at, "#jobs =", 7) == 0) {
			at++;
			n--;
		}
		if (strncmp(at, "restarts = no\n", n) == 0)
			buf_add_str(&whole, "restarts = yes\n");
		else if (strncmp(at, "spool_age = no\n", n) == 0)
			buf_add_str(&whole, "spool_age = yes\n");
		else if (strncmp(at, "log_errors = no\n", n) == 0)
			buf_add_str(&whole, "log_errors = yes\n");
		else if (strncmp(at, "jobs = no\n", n) == 0)
			buf_add_str(&whole, "jobs = yes\n");
		else if (strncmp(at, "[logs]\n", n) == 0)
			buf_add_str(&whole, "[logs]\nenabled = yes\n");
		else
			buf_add(&whole, at, n);
	}
	buf_add_str(&whole, "[job \"j\"]\nschedule = @daily\ncommand = version\n");
	parse(whole.data, whole.len, ret, found);
}

static void examples_are_fine(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;
	const struct config_alarm *a;

	example_load(&c, &found);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE(c);
	REQUIRE_UINT(c->n_alarms, 10);
	/* The guide's, to the letter. */
	a = c->alarms[0];
	EXPECT_STR(a->name, "HighErrorRate");
	EXPECT_STR(a->description, "Alarma por alta tasa de errores");
	EXPECT_STR(a->metric, "ErrorCount");
	EXPECT_STR(a->metric_namespace, "");
	EXPECT_STR(c->cloudwatch_namespace, "AgentISA");
	EXPECT_STR(a->statistic, "Sum");
	EXPECT_UINT(a->period_s, 300);
	EXPECT_NEAR(a->threshold, 10, 0);
	EXPECT_STR(config_alarm_comparison_name(a), "GreaterThanThreshold");
	EXPECT_UINT(a->evaluation_periods, 1);
	EXPECT_UINT(a->datapoints_to_alarm, 0);
	REQUIRE_UINT(a->n_actions, 1);
	EXPECT_STR(a->actions[0], "arn:aws:sns:us-east-1:123456789012:AlertTopic");
	EXPECT(a->n_dimensions == 0 && a->n_ok_actions == 0 && a->n_nodata_actions == 0);
}

static void survives_lack_of_memory(void)
{
	static const char text[] = BASE "action = " TOPIC "\ndimension = InstanceId=x\n";

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		int err = parse(text, sizeof(text) - 1, &c, &found);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "every key of an alarm can be set", sets_every_key },
		{ NULL, takes },
		{ NULL, refuses },
		{ NULL, statistics },
		{ "there may be a hundred alarms", takes_a_hundred },
		{ "the examples are fine, and the first is the guide's", examples_are_fine },
		{ "the nth allocation failing is an error, and nothing leaks",
		  survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
