#!/bin/bash
# SPDX-License-Identifier: MIT
# Alarms and dashboards become what the configuration says, once, and those of others stay as they are.
# beside: yes
# limit: 180
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
. "$(dirname "$0")/../fixtures/aws.sh"
need curl script /usr/bin/aws
"$PY" -c "import botocore" 2>/dev/null || skip "needs python3-botocore"
ID="i-0fa4e15a3c0ffee00"
TOPIC=arn:aws:sns:us-east-1:123456789012:AlertTopic

# conf [LINE...]: the configuration; the lines are alarms, or more of [cloudwatch] before them.
conf() {
	aws_conf "$@" >"$T/isamon.conf"
}

# expect STATUS PATTERNS COMMAND...: of isamon; each line of PATTERNS (extended) must be in its output.
expect() {
	local want=$1 patterns=$2 got=0 pattern
	shift 2
	timeout 60 "$ISAMON" "$@" --config "$T/isamon.conf" >"$T/out" 2>&1 </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon $*: status $got, expected $want: $(cat "$T/out")"
	while IFS= read -r pattern; do
		[ -z "$pattern" ] || grep -qE -e "$pattern" "$T/out" || fail "isamon $*: no '$pattern' in: $(cat "$T/out")"
	done <<<"$patterns"
	! grep -qF "$AWS_SECRET_ACCESS_KEY" "$T/out" || fail "isamon $*: prints the secret"
}

calls() { fake requests operation="$1" select=operation | wc -l; }
alarm() { fake alarms name="$1" "select=$2"; }

# expect_alarm NAME FIELDS VALUES
expect_alarm() {
	local have
	have=$(alarm "$1" "$2")
	[ "$have" = "$3" ] || fail "$1: $2 is '$have', expected '$3'"
}

error_rate=('[alarm "HighErrorRate"]' 'description = Alarma por alta tasa de errores' 'metric = ErrorCount' 'statistic = Sum'
	'period = 300' 'threshold = 10' 'comparison = GreaterThanThreshold' 'evaluation_periods = 1' "action = $TOPIC")
slow=('[alarm "Slow"]' 'metric = ResponseTime' 'statistic = p99' 'period = 60' 'evaluation_periods = 5' 'datapoints_to_alarm = 3'
	'low_samples = ignore' 'missing_data = notBreaching')
cpu=('[alarm "CPU-{instance_id}"]' 'metric = CPUUtilization' 'dimension = InstanceId={instance_id}' 'statistic = Average'
	'threshold = 80')

start_fake_aws

say "== the guide's own command, as it stands"
aws() { AWS_CLI_OUTPUT=json aws_cli "$@"; }
aws cloudwatch put-metric-alarm \
  --alarm-name "HighErrorRate" \
  --alarm-description "Alarma por alta tasa de errores" \
  --metric-name "ErrorCount" \
  --namespace "AgentISA" \
  --statistic "Sum" \
  --period 300 \
  --threshold 10 \
  --comparison-operator "GreaterThanThreshold" \
  --evaluation-periods 1 \
  --alarm-actions "arn:aws:sns:us-east-1:123456789012:AlertTopic"
conf "${error_rate[@]}"
expect 0 "^HighErrorRate: as configured, but not isamon's" alarms diff
grep -q -- '->' "$T/out" && fail "the guide's alarm differs: $(cat "$T/out")"
expect 0 "^HighErrorRate: as configured, but not isamon's
left as it is; --adopt" alarms apply
[ "$(calls PutMetricAlarm)" = 1 ] || fail "apply put the guide's alarm again"
expect 2 "say --yes" alarms apply --adopt
expect_alarm HighErrorRate Tags '{}'
expect 0 "^adopted HighErrorRate$" alarms apply --adopt --yes
expect_alarm HighErrorRate Tags '{"isamon": "agent-isa"}'
expect 0 "^1 alarm, as configured$" alarms diff
[ "$(calls PutMetricAlarm)" = 1 ] || fail "an alarm that is the same was put"

say "== create, and again"
conf "${error_rate[@]}" "${slow[@]}" 'threshold = 5000' "${cpu[@]}"
expect 1 "^Slow: not there: ResponseTime p99 of 60 s > 5000, 3 of 5$
^CPU-$ID: not there: CPUUtilization \{InstanceId=$ID\} Average of 300 s > 80$" alarms diff
expect 0 "^Slow: not there" alarms apply --dry-run
[ "$(fake alarms select=AlarmName)" = HighErrorRate ] || fail "--dry-run made something"
expect 0 "^created Slow$
^created CPU-$ID$" alarms apply
expect_alarm Slow ExtendedStatistic,Period,Threshold,EvaluationPeriods,DatapointsToAlarm,TreatMissingData,EvaluateLowSampleCountPercentile \
	"p99 60 5000.0 5 3 notBreaching ignore"
expect_alarm "CPU-$ID" Tags,Dimensions \
	"{\"isamon\": \"agent-isa\", \"isamon-instance\": \"$ID\"} [{\"Name\": \"InstanceId\", \"Value\": \"$ID\"}]"
puts=$(calls PutMetricAlarm)
expect 0 "^3 alarms, as configured$" alarms apply
[ "$(calls PutMetricAlarm)" = "$puts" ] || fail "the second apply sent a PutMetricAlarm"
expect 0 "^NAME +STATE +CONFIGURATION +RULE
^HighErrorRate +INSUFFICIENT_DATA +as configured +ErrorCount Sum of 300 s > 10" alarms list
"$PY" - "$T/out" <<'END' || fail "the columns of alarms list are not below each other: $(cat "$T/out")"
import sys
head, *rows = open(sys.argv[1]).read().splitlines()
starts = [head.index(word) for word in head.split()]
assert len(rows) == 3 and all(row[n - 1] == " " != row[n] for row in rows for n in starts[1:])
END

say "== drift, and what is not isamon's"
aws cloudwatch put-metric-alarm --alarm-name Slow --metric-name ResponseTime --namespace AgentISA --extended-statistic p90 \
	--period 60 --threshold 5000 --comparison-operator GreaterThanThreshold --evaluation-periods 5
aws cloudwatch put-metric-alarm --alarm-name Theirs --metric-name ErrorCount --namespace AgentISA --statistic Sum \
	--period 60 --threshold 1 --comparison-operator GreaterThanThreshold --evaluation-periods 1 --tags Key=isamon,Value=shop
aws cloudwatch put-metric-alarm --alarm-name Elsewhere --metric-name X --namespace Other --statistic Sum \
	--period 60 --threshold 1 --comparison-operator GreaterThanThreshold --evaluation-periods 1
theirs=$(fake alarms name=Theirs)
expect 1 "^Slow: differs$
^  statistic: p90 -> p99$
^  datapoints_to_alarm: 5 -> 3$
^  missing_data: missing -> notBreaching$
^  low_samples: evaluate -> ignore$" alarms diff
grep -qE 'Theirs|Elsewhere|threshold' "$T/out" && fail "diff tells too much: $(cat "$T/out")"
expect 0 "^Theirs .*not isamon's" alarms list
[ "$(fake requests operation=ListTagsForResource | grep -c Elsewhere)" = 0 ] || fail "asks for tags of a foreign namespace"
expect 2 "Create 0, change 1, adopt 0, delete 0\? There is no terminal to ask: say --yes" alarms apply
expect_alarm Slow ExtendedStatistic p90
expect 0 "^  statistic: p90 -> p99$
^changed Slow$" alarms apply --yes
expect_alarm Slow ExtendedStatistic,DatapointsToAlarm,Tags 'p99 3 {"isamon": "agent-isa"}'
expect 0 "3 alarms, as configured" alarms diff
"$ISAMON" alarms list --json --config "$T/isamon.conf" | "$PY" -c '
import json, sys
rows = {a["name"]: a for a in json.load(sys.stdin)["alarms"]}
assert rows["Slow"]["status"] == "same" and rows["Slow"]["owner"] == "isamon" and rows["Slow"]["differences"] == [], rows
assert rows["Theirs"]["owner"] == "foreign" and "Elsewhere" not in rows, rows' || fail "list --json"

say "== a configured name that is somebody else's"
conf "${error_rate[@]}" "${slow[@]}" 'threshold = 5000' "${cpu[@]}" \
	'[alarm "Theirs"]' 'metric = ErrorCount' 'statistic = Sum' 'threshold = 2' 'period = 60'
expect 1 "^Theirs: differs, and is not isamon's$
^  threshold: 1 -> 2$
Theirs: is not isamon's \(no tag isamon=agent-isa\), and is left as it is" alarms apply --yes
[ "$(fake alarms name=Theirs)" = "$theirs" ] || fail "a foreign alarm was touched"

say "== on a terminal"
script -qec "'$ISAMON' alarms apply --adopt --config '$T/isamon.conf'" /dev/null <<<n >"$T/tty.log" || :
grep -q 'adopt 1, delete 0? \[y/N\]' "$T/tty.log" || fail "does not ask: $(cat "$T/tty.log")"
[ "$(fake alarms name=Theirs)" = "$theirs" ] || fail "no was taken for yes"
script -qec "'$ISAMON' alarms apply --adopt --config '$T/isamon.conf'" /dev/null <<<y >"$T/tty.log" || fail "apply on a terminal"
expect_alarm Theirs Threshold,Tags '2.0 {"isamon": "agent-isa"}'

say "== left over, and another host's"
conf "${error_rate[@]}" "${cpu[@]}"
sed -i "s/^instance_id = .*/instance_id = i-other/" "$T/isamon.conf"
expect 0 "^created CPU-i-other$" alarms apply
conf "${error_rate[@]}" "${cpu[@]}"
expect 1 "^Slow: not configured any more
^Theirs: not configured any more" alarms diff
grep -q i-other "$T/out" && fail "another host's alarm is taken for left over: $(cat "$T/out")"
expect 0 "CPU-i-other .*another host's" alarms list
expect 0 "^Slow: not configured any more" alarms apply
expect_alarm Slow AlarmName Slow
expect 2 "delete 2" alarms apply --prune
expect 0 "^deleted Slow$
^deleted Theirs$" alarms apply --prune --yes
[ "$(fake alarms select=AlarmName | tr '\n' ' ')" = "CPU-$ID CPU-i-other Elsewhere HighErrorRate " ] ||
	fail "after --prune: $(fake alarms select=AlarmName)"

say "== delete"
expect 1 "Elsewhere: there is no such alarm" alarms delete Elsewhere --yes
aws cloudwatch put-metric-alarm --alarm-name Foreign --metric-name ErrorCount --namespace AgentISA --statistic Sum \
	--period 60 --threshold 1 --comparison-operator GreaterThanThreshold --evaluation-periods 1
expect 1 "Foreign: is not isamon's" alarms delete Foreign --yes
expect 0 "^deleted CPU-i-other$" alarms delete CPU-i-other --yes
expect 0 "^HighErrorRate: would be deleted" alarms delete --dry-run
expect 2 "say --yes" alarms delete
expect 0 "^deleted HighErrorRate$
^deleted CPU-$ID$" alarms delete --yes
[ "$(fake alarms select=AlarmName | tr '\n' ' ')" = "Elsewhere Foreign " ] || fail "after delete: $(fake alarms select=AlarmName)"

say "== many: pages, and the rate"
fake reset
lines=()
for i in $(seq 100); do lines+=("[alarm \"Nr $i\"]" 'metric = ErrorCount' 'statistic = Sum' "threshold = $i"); done
"$PY" - "$AWS_URL" <<'END'
import botocore.session, sys
client = botocore.session.get_session().create_client("cloudwatch", endpoint_url=sys.argv[1])
for i in range(205):
    client.put_metric_alarm(AlarmName="A %d" % i, MetricName="X", Namespace="Other", Statistic="Sum", Period=60, Threshold=1,
                            ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1)
END
conf "${lines[@]:0:80}"
fake limit operation=PutMetricAlarm rate=3
expect 0 "^created Nr 20$" alarms apply
[ "$(fake alarms select=AlarmName | grep -c Nr)" = 20 ] || fail "20 alarms were to be made"
[ "$(fake requests operation=PutMetricAlarm code=Throttling | wc -l)" = 0 ] || fail "PutMetricAlarm more often than 3 a second"
before=$(calls DescribeAlarms)
expect 0 "^20 alarms, as configured" alarms diff
[ $(($(calls DescribeAlarms) - before)) = 3 ] || fail "225 alarms are three pages, not $(($(calls DescribeAlarms) - before))"

say "== what AWS refuses for one does not keep the others"
conf "${lines[@]:0:92}"
fake fault reject operation=PutMetricAlarm times=1 >/dev/null
expect 3 "isamon alarms: Nr 21: .*InvalidParameterValue
^created Nr 22$" alarms apply
expect 0 "^created Nr 21$" alarms apply
fake fault refuse operation=ListTagsForResource times=1 >/dev/null
expect 3 "^Nr 1: not known: .*AccessDenied" alarms diff
fake faults/off
fake fault refuse operation=DescribeAlarms >/dev/null
expect 3 "isamon alarms: .*AccessDenied" alarms diff
fake faults/off
# Where the instance is not known, those alarms that need it wait.
conf "${lines[@]:0:80}" "${cpu[@]}" "${lines[@]:92:4}"
sed -i '/^instance_id\|^imds_endpoint/d' "$T/isamon.conf"
AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 expect 3 "^CPU-\{instance_id\}: not known: .*write instance_id
^created Nr 24$" alarms apply
sed -i '/^access_key_id\|^secret_access_key\|^imds_endpoint/d' "$T/isamon.conf"
status=0
env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 \
	"$ISAMON" alarms diff --config "$T/isamon.conf" >"$T/out" 2>&1 || status=$?
[ $status = 3 ] || fail "without credentials: status $status: $(cat "$T/out")"
grep -qi credentials "$T/out" || fail "without credentials: $(cat "$T/out")"

say "== usage"
conf "${error_rate[@]}"
expect 2 "say what: list, diff, apply or delete" alarms
expect 2 'unknown command "frobnicate"' alarms frobnicate
expect 2 'unexpected argument "x"' alarms list x
expect 2 "prune and --adopt are for apply" alarms diff --prune
expect 2 'unknown command "frobnicate"' dashboard frobnicate
expect 2 "name takes 1 to 255" dashboard diff --name 'a b'

say "== the dashboard"
fake reset
conf "${error_rate[@]}" "${cpu[@]}"
expect 1 "^dashboard agent-isa: not there$" dashboard diff
expect 0 "" dashboard apply --dry-run
[ "$(calls PutDashboard)" = 0 ] || fail "--dry-run made a dashboard"
expect 0 "^created dashboard agent-isa$" dashboard apply
expect 0 "as configured" dashboard apply
[ "$(calls PutDashboard)" = 1 ] || fail "a dashboard that is the same was put"
"$ISAMON" dashboard print --config "$T/isamon.conf" 2>"$T/err" | true || fail "dashboard print, which nobody reads: $(cat "$T/err")"
expect 0 '"title": "Response time"
SEARCH.*AgentISA.*,InstanceId. MetricName=' dashboard print
# With an alarm it has a widget more: that differs.
expect 0 created alarms apply
expect 1 "/widgets/0/type: \"metric\" -> \"alarm\"" dashboard diff
expect 2 "Replace the dashboard agent-isa\? There is no terminal to ask: say --yes" dashboard apply
expect 0 "^replaced dashboard agent-isa$" dashboard apply --yes
fake dashboards | grep -q "alarm:CPU-$ID" || fail "the alarms are not on the dashboard"
# Another host would make the same.
sed -i "s/^instance_id = .*/instance_id = i-other/" "$T/isamon.conf"
expect 0 "as configured" dashboard diff
# The same, written otherwise, is the same.
aws cloudwatch get-dashboard --dashboard-name agent-isa --query DashboardBody --output text |
	"$PY" -c 'import json, sys; print(json.dumps(json.load(sys.stdin), indent=3, sort_keys=True))' >"$T/body"
aws cloudwatch put-dashboard --dashboard-name copy --dashboard-body "file://$T/body" >/dev/null
expect 0 "^dashboard copy: as configured$" dashboard diff --name copy
aws cloudwatch put-dashboard --dashboard-name copy --dashboard-body '{"widgets":[]}' >/dev/null
expect 1 "^dashboard copy: differs$
^  /widgets/0: \(none\) -> " dashboard diff --name copy
fake fault messages operation=PutDashboard times=1 >/dev/null
expect 0 "CloudWatch says of .*: ." dashboard apply --name copy --yes
fake fault refuse operation=PutDashboard times=1 >/dev/null
expect 3 "isamon dashboard: .*AccessDenied" dashboard apply --name third
# Everything that can be published has its widget, and CloudWatch has nothing to say of it.
conf 'latency_by_route = yes' 'queue = yes' 'turns = yes' 'restarts = yes' 'probes = yes' 'processes = yes' 'spool_age = yes' \
	'log_errors = yes' 'exceptions = yes' 'jobs = yes' 'dashboard = everything' '[logs]' 'enabled = yes' \
	'[job "j"]' 'schedule = @daily' 'command = version' "${error_rate[@]}"
expect 0 "^created dashboard everything$" dashboard apply
! grep -q "CloudWatch says" "$T/out" || fail "$(cat "$T/out")"
"$ISAMON" dashboard diff --json --config "$T/isamon.conf" | "$PY" -c "
import json, sys
d = json.load(sys.stdin)
assert d[\"same\"] and d[\"there\"] and d[\"differences\"] == [], d" || fail "diff --json"
