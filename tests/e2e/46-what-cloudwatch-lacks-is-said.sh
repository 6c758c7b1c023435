#!/bin/bash
# SPDX-License-Identifier: MIT
# What CloudWatch needs and cannot have is said once, with what to do; the rest of isamon works, nothing that was counted
# is lost, and it goes on when it can. Where it is off there is nothing of it. What the commands say of all that.
# beside: yes
# limit: 240
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl ab
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

SERVICE_PORT=$(free_port)
LOG=$T/truth
touch "$LOG"

# exits STATUS PART COMMAND...: it ends with this status and says PART.
exits() {
	local status=0 want=$1 part=$2
	shift 2
	"$ISAMON" "$@" >"$T/said" 2>&1 || status=$?
	[ $status = "$want" ] || fail "isamon $*: exit status $status, expected $want: $(cat "$T/said")"
	grep -q -- "$part" "$T/said" || fail "isamon $*: expected \"$part\", got: $(cat "$T/said")"
}
reload() { kill -HUP "${PIDS[isamon]}"; }
log_has() { grep -q -- "$1" "$T/isamon.log"; }
asked() { fake metrics metric=RequestCount dimensions=none select=sum | awk '{ n += $1 } END { print n + 0 }'; }
asked_is() { [ "$(asked)" = "$1" ]; }

start_fake_aws
start_uvicorn --log-level critical
CONF=$T/isamon.conf

say "== off: nothing of it"
start_isamon "[daemon]" "state_directory = $T/state" "[aws]" "endpoint_url = $AWS_URL" "instance_id = i-1" \
	"[cloudwatch]" "enabled = no" "storage_resolution = 1" "interval = 1"
! grep -q libcurl "/proc/${PIDS[isamon]}/maps" || fail "libcurl is loaded"
[ ! -e "$T/state" ] || fail "there is a state directory"
[ ! -e "$T/run/isamon.minute" ] || fail "a minute is counted"
! curl -fsS "$URL" | grep -q cloudwatch || fail "the page says something of CloudWatch"
exits 3 "CloudWatch is off in the daemon that runs" metrics push --once --config "$CONF"
exits 3 "CloudWatch is off in the daemon that runs" metrics preview --config "$CONF"

say "== no state directory: minutes wait in memory"
touch "$T/state"
sed -i 's/^enabled = .*/enabled = yes/' "$CONF"
reload
wait_for 5 "it to be said" log_has "$T/state"
expect_metric 0 isamon_probe_up probe=cloudwatch
exits 3 "$T/state" metrics push --once --config "$CONF"
exits 0 '"Value": "i-1"' metrics preview --config "$CONF"
"$PY" "$FIXTURES/cloudwatch_truth.py" burst "$SERVICE_PORT" "$LOG" 2 1
n=$("$PY" "$FIXTURES/cloudwatch_truth.py" count "$LOG")
expect_metric $((n + 0)) isamon_http_requests_ended_total
some() { [ "$(find "$T/run/minutes" -type f | wc -l)" -ge 3 ]; }
wait_for 10 "minutes in memory" some
reload
wait_for 5 "the reload" metric_is 2 isamon_config_reloads_total result=taken
[ "$(grep -c "minutes wait in memory" "$T/isamon.log")" = 1 ] || fail "it is not said once"
stop isamon KILL
rm "$T/state"
start isamon "$ISAMON" run --config "$CONF"
wait_for 10 "isamon to be ready" isamon_ready
wait_for 20 "all requests to be in CloudWatch" asked_is "$n"
expect_metric 1 isamon_probe_up probe=cloudwatch
[ -z "$(find "$T/run/minutes" -type f -mmin +1)" ] || fail "a minute is left in memory"

say "== no permission"
fake fault refuse operation=PutMetricData >/dev/null
wait_for 10 "the push to have failed" metric_is 0 isamon_probe_up probe=cloudwatch
exits 3 AccessDenied metrics push --once --config "$CONF"
exits 0 "minutes\? waits\? to be pushed beside this" metrics preview --config "$CONF"

say "== no daemon: what waits is shown, and pushed when that is possible"
stop isamon TERM
exits 3 AccessDenied metrics push --once --config "$CONF"
exits 0 "no daemon runs: this is made of the configuration and of the oldest [1-9]" metrics preview --config "$CONF"
"$ISAMON" metrics preview --json --config "$CONF" 2>/dev/null | "$PY" -c '
import json, sys
data = json.load(sys.stdin)["MetricData"]
assert data and all(d["MetricName"] and d["Timestamp"] for d in data), data' || fail "the preview is no request"
fake faults/off >/dev/null
fake fault hang operation=PutMetricData >/dev/null
start push "$ISAMON" metrics push --once --config "$CONF"
wait_for 20 "the push to say what it waits for" grep -q "^isamon metrics push: waiting for $AWS_URL" "$T/push.log"
stop push
fake faults/off >/dev/null
exits 0 "^pushed [1-9][0-9]* minutes\?, 0 wait$" metrics push --once --config "$CONF"
exits 0 "^pushed 0 minutes, 0 wait$" metrics push --once --config "$CONF"
exits 3 "no daemon runs, and no minutes wait in $T/state: .* start isamon" metrics preview --config "$CONF"
asked_is "$n" || fail "CloudWatch was told of $(asked) requests, expected $n"

say "== a damaged state file is set aside"
rm -f "$T/state"/isamon.db-*
head -c 20000 /dev/urandom >"$T/state/isamon.db"
start isamon "$ISAMON" run --config "$CONF"
wait_for 10 "isamon to be ready" isamon_ready
expect_metric 1 isamon_probe_up probe=cloudwatch
log_has 'isamon.db.damaged-' || fail "it is not said"
stop isamon

say "== a full ring buffer loses details, and no request"
sed -i "s/^\[http\]/&\nring_size = 64/" "$CONF"
start isamon "$ISAMON" run --config "$CONF"
wait_for 10 "isamon to be ready" isamon_ready
kill -STOP "${PIDS[isamon]}"
ab -q -k -n 3000 -c 4 "http://127.0.0.1:$SERVICE_PORT/health" >/dev/null 2>&1 || fail "ab"
kill -CONT "${PIDS[isamon]}"
expect_metric 3000 isamon_http_requests_ended_total
[ "$(metric isamon_trace_lost_total probe=http)" -gt 500 ] || fail "nothing was lost"
wait_for 20 "all requests to be in CloudWatch" asked_is $((n + 3000))
sed -i "s|^state_directory = .*|&.other|" "$CONF"
reload
wait_for 5 "the fixed key to be told" log_has 'state_directory changed: takes effect when isamon is started again'
[ ! -e "$T/state.other" ] || fail "another state directory is used"
stop isamon

say "== the commands' usage"
exits 2 "say what" metrics
exits 2 "unknown command" metrics show
exits 2 "push takes --once" metrics push
exits 2 "usage:" metrics preview --wrong
exits 2 "unexpected argument" metrics preview now
exits 0 "^usage: isamon metrics preview" metrics --help
sed -i 's/^enabled = .*/enabled = no/' "$CONF"
exits 3 "CloudWatch is off" metrics push --once --config "$CONF"
