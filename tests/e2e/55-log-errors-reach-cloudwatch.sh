#!/bin/bash
# SPDX-License-Identifier: MIT
# Errors and tracebacks of the logs are in CloudWatch's metrics, each once, although CloudWatch Logs takes nothing and shipper and
# daemon are killed; 0 where there were none, nothing where nobody looked.
# beside: yes
# limit: 240
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

INTERVAL=1
[ $PATIENCE = 1 ] || INTERVAL=5
APP=$T/application.log
WORKER=$T/worker.log
ERRORS=0 EXCEPTIONS=0

stamp() { date '+%Y-%m-%d %H:%M:%S,%3N'; }
# Four errors (one of them critical) in two logs, with two tracebacks; and what is none.
write_some() {
	{
		echo "$(stamp) - app.chat - INFO - all is well"
		echo "$(stamp) - app.chat - ERROR - a plain error"
		echo "$(stamp) - app.chat - CRITICAL - a worse one"
		echo "$(stamp) - app.chat - ERROR - one with a traceback"
		printf 'Traceback (most recent call last):\n  File "app.py", line 7, in chat\nKeyError: "session"\n'
		echo "$(stamp) - app.chat - WARNING - no ERROR, but nearly"
	} >>"$APP"
	{
		echo "worker begins"
		printf 'Traceback (most recent call last):\n  File "worker.py", line 3, in main\nValueError: x\n'
		echo "worker ends"
	} >>"$WORKER"
	ERRORS=$((ERRORS + 4))
	EXCEPTIONS=$((EXCEPTIONS + 2))
}
shipper() { pgrep -P "${PIDS[isamon]}" -f ship-logs; }
kill_shipper() { kill -s "$1" "$(shipper)" || fail "no shipper"; }

values() { fake metrics metric="$1" dimensions="${2:-none}" select=sum; }
total() { values "$@" | awk '{ n += $1 } END { print n + 0 }'; }
all_told() {
	[ "$(total LogErrors)" = $ERRORS ] && [ "$(total Exceptions)" = $EXCEPTIONS ]
}
n_minutes() { fake metrics metric="$1" dimensions=none select=time | sort -u | wc -l; }
n_more() { [ "$(n_minutes "$1")" -ge "$2" ]; }
# Times of minutes that have requests, but no count.
unknown() {
	comm -23 <(fake metrics metric=RequestCount dimensions=none select=time | sort -u) \
		<(fake metrics metric=LogErrors dimensions=none select=time | sort -u)
}
expect_all() {
	wait_for 30 "all errors to be told (${ERRORS} and ${EXCEPTIONS}, now $(total LogErrors) and $(total Exceptions))" all_told
}

start_fake_aws
fake fault refuse service=logs >/dev/null
echo "$(stamp) - app - ERROR - of before isamon began" >"$APP"
: >"$WORKER"
mapfile -t AWS < <(aws_conf "storage_resolution = 1" "interval = $INTERVAL" "log_errors = yes" "exceptions = yes")
start_isamon "${AWS[@]}" "[logs]" "enabled = yes" "group = test" "[daemon]" "state_directory = $T/state" \
	'[log "application"]' "path = $APP" 'timestamp = %Y-%m-%d %H:%M:%S,%f' 'start = beginning' \
	'[log "worker"]' "path = $WORKER" 'ship = no'

say "== minutes without errors"
wait_for 30 "a minute" n_more LogErrors 2
[ "$(values LogErrors | sort -u)" = 0 ] || fail "errors in: $(values LogErrors)"
[ "$(values Exceptions | sort -u)" = 0 ] || fail "tracebacks in: $(values Exceptions)"

say "== over more than two minutes, and over kills"
start_s=$SECONDS
for ((round = 1; round <= 20 || SECONDS - start_s <= 2 * INTERVAL; round++)); do
	write_some
	sleep 0.3
	case $round in
	7 | 12) kill_shipper KILL ;;
	17)
		kill_shipper KILL
		stop isamon KILL
		write_some
		start isamon "$ISAMON" run --config "$T/isamon.conf"
		wait_for 10 "isamon to be ready" isamon_ready
		;;
	esac
	[ $round -le 7 ] || wait_for 20 "a shipper" shipper >/dev/null
done
expect_all
[ "$(values LogErrors | grep -vc '^0')" -ge 2 ] || fail "all in one minute: $(values LogErrors)"
[ "$(total LogErrors InstanceId=i-0fa4e15a3c0ffee00)" = $ERRORS ] || fail "another number for the host"
expect_metric 0 isamon_logs_events_pushed_total
{ "$ISAMON" status --config "$T/isamon.conf" || :; } >"$T/status"
grep -q '^logs  *nothing shipped yet .*   the oldest that waits is .* old   .*AccessDenied' "$T/status" ||
	fail "isamon status does not tell that logs wait: $(cat "$T/status")"

say "== the shipper is restarted by a reload, and by hand"
write_some
kill -HUP "${PIDS[isamon]}"
write_some
wait_for 10 "the reload" metric_is 1 isamon_config_reloads_total result=taken
wait_for 10 "a shipper" shipper
write_some
expect_all

say "== a shipper that is started again has the daemon's configuration, not what the file has become"
cp -p "$T/isamon.conf" "$T/kept.conf"
printf '[log "application"]\nhalf a li' >>"$T/isamon.conf"
pid=$(shipper)
kill_shipper KILL
another() { shipper | grep -qvx "$pid"; }
wait_for 20 "another shipper" another
write_some
expect_all
sed "s|^state_directory.*|state_directory = $T/other|" "$T/kept.conf" >"$T/isamon.conf"
kill -HUP "${PIDS[isamon]}"
wait_for 10 "the reload" metric_is 2 isamon_config_reloads_total result=taken
write_some
expect_all
[ ! -e "$T/other" ] || fail "the shipper has another state directory than the daemon"
cp -p "$T/kept.conf" "$T/isamon.conf"

say "== nobody looks: no value; what was written meanwhile is counted later"
before=$(unknown | wc -l)
kill_shipper STOP
write_some
not_known() { [ "$(unknown | wc -l)" -ge $((before + 3)) ]; }
wait_for 60 "three minutes without a count" not_known
hung() { ! "$ISAMON" status --config "$T/isamon.conf" >"$T/status" && grep -q "ships logs .* has said nothing for" "$T/status"; }
wait_for 60 "status to say that the shipper hangs" hung
expect_metric 0 isamon_probe_up probe=logs
kill_shipper CONT
expect_all

say "== previewed, with its price"
"$ISAMON" metrics preview --config "$T/isamon.conf" >"$T/preview" || fail "no preview"
for name in LogErrors Exceptions; do
	grep -q "\"MetricName\": \"$name\"" "$T/preview" || fail "no $name in the preview: $(cat "$T/preview")"
done
n=$(grep -c '"MetricName"' "$T/preview")
grep -q "$n metrics" "$T/preview" || fail "the price is not that of $n metrics: $(grep -i usd "$T/preview")"

say "== nothing came twice"
n=$(n_minutes LogErrors)
wait_for 40 "another two minutes" n_more LogErrors $((n + 2))
all_told || fail "now $(total LogErrors) of $ERRORS and $(total Exceptions) of $EXCEPTIONS"
stop isamon TERM
[ "$STATUS" = 0 ] || fail "exit status $STATUS"

say "== without logs it is refused"
sed -i '/^\[logs\]/,/^enabled/s/^enabled = .*/enabled = no/' "$T/isamon.conf"
if "$ISAMON" check-config "$T/isamon.conf" >"$T/said" 2>&1; then fail "taken: $(cat "$T/said")"; fi
grep -q 'log_errors = yes: with enabled = no in \[logs\] no log is read' "$T/said" || fail "said: $(cat "$T/said")"
