/* SPDX-License-Identifier: MIT */
/* What PutMetricAlarm is given, and whether DescribeAlarms' answer is the same. */
#include "unit.h"

#include <math.h>

#include "base/json.h"
#include "config_sources.h"
#include "ship/alarm.c"
#include "ship/alarm_diff.c"

#define GUIDE \
	"[alarm \"HighErrorRate\"]\ndescription = Alarma por alta tasa de errores\n" \
	"metric = ErrorCount\nstatistic = Sum\nperiod = 300\nthreshold = 10\n" \
	"comparison = GreaterThanThreshold\nevaluation_periods = 1\n" \
	"action = arn:aws:sns:us-east-1:123456789012:AlertTopic\n"
#define HOST \
	"[alarm \"CPU {instance_id}\"]\ndescription = of {instance_id}{instance_id}\n" \
	"metric = CPUUtilization\ndimension = InstanceId={instance_id}\nstatistic = p99.9\n" \
	"low_samples = ignore\nperiod = 60\nthreshold = 0.1\nevaluation_periods = 5\n" \
	"datapoints_to_alarm = 3\nmissing_data = breaching\nactions_enabled = no\n"

static void expect_wanted(const char *text, const char *instance_id, const char *expected)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), got = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = config_of(text);
	_cleanup_(json_freep) json_t *wanted = NULL;

	REQUIRE(c);
	REQUIRE_INT(alarm_wanted(c, c->alarms[0], instance_id, &why, &wanted), 0);
	REQUIRE_INT(alarm_add_tags(c, c->alarms[0], instance_id, wanted), 0);
	json_add_text(wanted, JSON_COMPACT | JSON_SORT_KEYS, &got);
	EXPECT_STR(buf_str(&got), expected);
}

static void makes_parameters(void)
{
	expect_wanted(
		GUIDE, NULL,
		"{\"ActionsEnabled\":true,"
		"\"AlarmActions\":[\"arn:aws:sns:us-east-1:123456789012:AlertTopic\"],"
		"\"AlarmDescription\":\"Alarma por alta tasa de errores\","
		"\"AlarmName\":\"HighErrorRate\",\"ComparisonOperator\":\"GreaterThanThreshold\","
		"\"EvaluationPeriods\":1,\"MetricName\":\"ErrorCount\",\"Namespace\":\"AgentISA\","
		"\"Period\":300,\"Statistic\":\"Sum\","
		"\"Tags\":[{\"Key\":\"isamon\",\"Value\":\"agent-isa\"}],"
		"\"Threshold\":10.0,\"TreatMissingData\":\"missing\"}");
	expect_wanted(HOST, "i-1",
		      "{\"ActionsEnabled\":false,\"AlarmDescription\":\"of i-1i-1\","
		      "\"AlarmName\":\"CPU i-1\",\"ComparisonOperator\":\"GreaterThanThreshold\","
		      "\"DatapointsToAlarm\":3,\"Dimensions\":[{\"Name\":\"InstanceId\","
		      "\"Value\":\"i-1\"}],\"EvaluateLowSampleCountPercentile\":\"ignore\","
		      "\"EvaluationPeriods\":5,\"ExtendedStatistic\":\"p99.9\","
		      "\"MetricName\":\"CPUUtilization\",\"Namespace\":\"AgentISA\",\"Period\":60,"
		      "\"Tags\":[{\"Key\":\"isamon\",\"Value\":\"agent-isa\"},"
		      "{\"Key\":\"isamon-instance\",\"Value\":\"i-1\"}],"
		      "\"Threshold\":0.10000000000000001,\"TreatMissingData\":\"breaching\"}");
}

static void needs_the_instance(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	_cleanup_(config_freep) struct config *c = config_of(HOST);
	json_t *wanted = NULL;
	char id[300];

	REQUIRE(c);
	EXPECT_INT(alarm_wanted(c, c->alarms[0], NULL, &why, &wanted), -ENOENT);
	EXPECT_STR(buf_str(&why),
		   "the id of the instance is not known; write instance_id in [aws]");
	memset(id, 'x', sizeof(id));
	id[252] = '\0';
	buf_reset(&why);
	EXPECT_INT(alarm_wanted(c, c->alarms[0], id, &why, &wanted), -E2BIG);
	EXPECT_STR(buf_str(&why),
		   "with the id of the instance the name has more than 255 characters");
	EXPECT(!wanted);
}

static void note(const char *field, const char *have, const char *want, void *ctx)
{
	buf_printf(ctx, "%s: %s -> %s\n", field, have, want);
}

static int diff(const json_t *described, const json_t *wanted, struct buf *lines)
{
	_cleanup_(json_freep) json_t *have = alarm_normal(described), *want = alarm_normal(wanted);

	return alarm_diff(have, want, note, lines);
}

static void compares(void)
{
	/* How CloudWatch tells the guide's alarm, with members changed or added by each row. */
	static const char described[] =
		"{'AlarmName': 'HighErrorRate', 'AlarmArn': 'arn:x', 'ActionsEnabled': true,"
		"'AlarmActions': ['arn:aws:sns:us-east-1:123456789012:AlertTopic'],"
		"'OKActions': [], 'InsufficientDataActions': [], 'Dimensions': [], 'Threshold': 10,"
		"'AlarmDescription': 'Alarma por alta tasa de errores', 'StateValue': 'OK',"
		"'ComparisonOperator': 'GreaterThanThreshold', 'EvaluationPeriods': 1,"
		"'MetricName': 'ErrorCount', 'Namespace': 'AgentISA', 'Period': 300,"
		"'Statistic': 'Sum'}";
	static const struct {
		const char *change, *expected;
	} rows[] = {
		{ "{}", "" },
		{ "{'Threshold': 10.0, 'TreatMissingData': 'missing', 'DatapointsToAlarm': 1}",
		  "" },
		{ "{'EvaluateLowSampleCountPercentile': 'evaluate', 'AlarmArn': 'y'}", "" },
		{ "{'Threshold': 10.5}", "threshold: 10.5 -> 10\n" },
		{ "{'Threshold': 0.1}", "threshold: 0.1 -> 10\n" },
		{ "{'Period': 60, 'Statistic': 'Average'}",
		  "statistic: Average -> Sum\nperiod: 60 -> 300\n" },
		{ "{'Statistic': null, 'ExtendedStatistic': 'p99'}", "statistic: p99 -> Sum\n" },
		{ "{'Unit': 'Count'}", "unit: Count -> \n" },
		{ "{'DatapointsToAlarm': 2, 'EvaluationPeriods': 3}",
		  "evaluation_periods: 3 -> 1\ndatapoints_to_alarm: 2 -> 1\n" },
		{ "{'TreatMissingData': 'ignore', 'ActionsEnabled': false}",
		  "missing_data: ignore -> missing\nactions_enabled: no -> yes\n" },
		{ "{'Dimensions': [{'Name': 'B', 'Value': '2'}, {'Name': 'A', 'Value': '1'}]}",
		  "dimension: A=1, B=2 -> \n" },
		{ "{'OKActions': ['b', 'a'], 'AlarmDescription': 'x\\u001b[2J'}",
		  "description: x?[2J -> Alarma por alta tasa de errores\nok_action: a, b -> \n" },
		{ "{'Metrics': [{'Id': 'm'}], 'MetricName': null}",
		  "metric:  -> ErrorCount\nexpression: metric math -> \n" },
		{ "{'Threshold': 'x', 'OKActions': 3, 'Dimensions': {}}", "threshold: 0 -> 10\n" },
	};
	_cleanup_(config_freep) struct config *c = config_of(GUIDE);
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	_cleanup_(json_freep) json_t *wanted = NULL;

	REQUIRE(c);
	REQUIRE_INT(alarm_wanted(c, c->alarms[0], NULL, &why, &wanted), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf lines = BUF_INIT(1000), text = BUF_INIT(4000);
		_cleanup_(json_freep) json_t *have = NULL, *change = NULL;
		int n = 0;

		unit_begin("an alarm with %s", rows[i].change);
		for (const char *at = described; *at; at++)
			buf_add_char(&text, *at == '\'' ? '"' : *at);
		have = json_loads(buf_str(&text), 0, NULL);
		buf_reset(&text);
		for (const char *at = rows[i].change; *at; at++)
			buf_add_char(&text, *at == '\'' ? '"' : *at);
		change = json_loads(buf_str(&text), 0, NULL);
		REQUIRE(have && change);
		json_object_update(have, change);
		for (const char *at = rows[i].expected; *at; at++)
			n += *at == '\n';
		EXPECT_INT(diff(have, wanted, &lines), n);
		EXPECT_STR(buf_str(&lines), rows[i].expected);
	}
}

static void describes(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ GUIDE, "ErrorCount Sum of 300 s > 10" },
		{ HOST, "CPUUtilization {InstanceId=i-1} p99.9 of 60 s > 0.1, 3 of 5" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000), line = BUF_INIT(1000);
		_cleanup_(config_freep) struct config *c = config_of(rows[i].text);
		_cleanup_(json_freep) json_t *wanted = NULL, *normal = NULL;

		unit_begin("%s", rows[i].expected);
		REQUIRE(c);
		REQUIRE_INT(alarm_wanted(c, c->alarms[0], "i-1", &why, &wanted), 0);
		normal = alarm_normal(wanted);
		EXPECT_INT(alarm_describe(normal, &line), 0);
		EXPECT_STR(buf_str(&line), rows[i].expected);
	}
}

static void owners(void)
{
	static const struct {
		const char *tags;
		enum alarm_owner owner;
	} rows[] = {
		{ "{\"Tags\":[]}", ALARM_FOREIGN },
		{ "{}", ALARM_FOREIGN },
		{ "{\"Tags\":[{\"Key\":\"isamon\"}]}", ALARM_FOREIGN },
		{ "{\"Tags\":[{\"Key\":\"isamon\",\"Value\":\"shop\"}]}", ALARM_FOREIGN },
		{ "{\"Tags\":[{\"Key\":\"Isamon\",\"Value\":\"agent-isa\"}]}", ALARM_FOREIGN },
		{ "{\"Tags\":[{\"Key\":\"a\",\"Value\":\"b\"},"
		  "{\"Key\":\"isamon\",\"Value\":\"agent-isa\"}]}",
		  ALARM_OURS },
		{ "{\"Tags\":[{\"Key\":\"isamon\",\"Value\":\"agent-isa\"},"
		  "{\"Key\":\"isamon-instance\",\"Value\":\"i-1\"}]}",
		  ALARM_OURS },
		{ "{\"Tags\":[{\"Key\":\"isamon\",\"Value\":\"agent-isa\"},"
		  "{\"Key\":\"isamon-instance\",\"Value\":\"i-2\"}]}",
		  ALARM_OTHER_INSTANCE },
	};
	_cleanup_(config_freep) struct config *c = config_of("");

	REQUIRE(c);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(json_freep) json_t *tags = json_loads(rows[i].tags, 0, NULL);

		unit_begin("whose an alarm with %s is", rows[i].tags);
		REQUIRE(tags);
		EXPECT_INT((int)alarm_owner(c, tags, "i-1"), (int)rows[i].owner);
	}
}

/* Of what jansson allocates, too. */
static void survives_lack_of_memory(void)
{
	_cleanup_(config_freep) struct config *c = config_of(HOST);

	REQUIRE(c);
	json_set_alloc_funcs(nomem_malloc, free);
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		_cleanup_(json_freep) json_t *wanted = NULL, *normal = NULL;
		int err = alarm_wanted(c, c->alarms[0], "i-1", &why, &wanted);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		if (err)
			continue;
		err = alarm_add_tags(c, c->alarms[0], "i-1", wanted);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		if (err)
			continue;
		normal = alarm_normal(wanted);
		EXPECT((normal == NULL) == nomem_hit());
	}
	json_set_alloc_funcs(malloc, free);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the configuration becomes PutMetricAlarm's parameters", makes_parameters },
		{ "an alarm of each host needs the id of the instance", needs_the_instance },
		{ NULL, compares },
		{ NULL, describes },
		{ NULL, owners },
		{ "the nth allocation failing is an error, and nothing leaks",
		  survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
