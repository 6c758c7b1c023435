#!/bin/bash
# SPDX-License-Identifier: MIT
# Each run of a job that did not succeed is in CloudWatch's metrics once, whoever ran it and whenever the daemon was killed; so are
# the jobs that are overdue; 0 where there were none.
# beside: yes
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl flock
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

INTERVAL=1
[ $PATIENCE = 1 ] || INTERVAL=5

jobs() { "$ISAMON" jobs "$@" --config "$T/isamon.conf"; }
fails() { ! jobs run fails >/dev/null 2>&1 || fail "a run of the job that fails is fine"; }
# sql STATEMENT: in the history, while no daemon has it; prints what it gives.
sql() {
	"$PY" - "$T/state/jobs.db" "$1" <<-'END'
		import sqlite3, sys
		with sqlite3.connect(sys.argv[1], timeout=10) as c:
		    for row in c.execute(sys.argv[2]):
		        print(*row)
	END
}
# missed JOB: its time was, while isamon did not run.
missed() { sql "UPDATE job_state SET seen_to_s = seen_to_s - 370 * 86400 WHERE job = '$1'"; }

values() { fake metrics metric="$1" dimensions=none select=sum; }
# A request of which isamon was not told is made again.
total() {
	{
		fake requests operation=PutMetricData effect=yes answered=no select=request_id | sed 's/^/unknown /'
		fake metrics metric=JobFailures dimensions="${1:-none}" select=request_id,sum | sed 's/^/datum /'
	} | awk '$1 == "unknown" { unknown[$2] = 1; next } !($2 in unknown) { n += $3 } END { print n + 0 }'
}
told() { [ "$(total)" = "$1" ]; }
expect_failures() { wait_for 30 "$1 failures to be told, now $(total)" told "$1"; }
n_minutes() { fake metrics metric=JobFailures dimensions=none select=time | sort -u | wc -l; }
n_more() { [ "$(n_minutes)" -ge "$1" ]; }
last_overdue() { [ "$(values JobsOverdue | tail -n 1)" = "$1" ]; }

# What was on its way is told to be unknown, and nothing comes behind it.
kill_isamon() {
	fake down name=aws >/dev/null
	stop isamon KILL
	fake up name=aws >/dev/null
}
again() {
	start isamon "$ISAMON" run --config "$T/isamon.conf"
	wait_for 10 "isamon to be ready" isamon_ready
}
unlocked() { flock -n "$T/run/jobs/$1.lock" true; }

start_fake_aws
touch "$T/some.txt"
mapfile -t AWS < <(aws_conf "storage_resolution = 1" "interval = $INTERVAL" "jobs = yes")
start_isamon "${AWS[@]}" "[daemon]" "state_directory = $T/state" '[log "some"]' "path = $T/some.txt" \
	'[job "fails"]' 'schedule = @yearly' 'command = check-config /nonexistent' \
	'[job "hangs"]' 'schedule = @yearly' 'command = logs tail -f' \
	'[job "good"]' 'schedule = @yearly' 'command = version'

say "== nothing has run"
wait_for 30 "minutes" n_more 2
[ "$(values JobFailures | sort -u)" = 0 ] || fail "failures in: $(values JobFailures)"
[ "$(values JobsOverdue | sort -u)" = 0 ] || fail "overdue in: $(values JobsOverdue)"

say "== by hand"
fails
jobs run good >/dev/null || fail "the good job failed"
fails
expect_failures 2
[ "$(total InstanceId=i-0fa4e15a3c0ffee00)" = 2 ] || fail "another number for the host"
"$ISAMON" metrics preview --config "$T/isamon.conf" >"$T/preview" || fail "no preview"
for name in JobFailures JobsOverdue; do
	grep -q "\"MetricName\": \"$name\"" "$T/preview" || fail "no $name in the preview: $(cat "$T/preview")"
done

say "== while nobody watched, and what was under way when the daemon was killed"
kill_isamon
fails
missed hangs
again
wait_for 20 "what was missed to run" metric_is 1 isamon_job_running job=hangs
expect_failures 3
kill_isamon
wait_for 20 "the job to end" unlocked hangs
again
expect_failures 4

say "== killed at any time"
for round in 1 2 3 4 5; do
	[ $((round % 2)) = 0 ] || fails
	kill_isamon
	missed fails
	since=$(date +%s.%N)
	again
	sleep "0.$((RANDOM % 4))"
done
ran() { metric isamon_job_last_run_timestamp_seconds job=fails | awk -v since="$since" '{ exit $1 < since }'; }
wait_for 20 "what was missed to run" ran
wait_for 20 "it to end" metric_is 0 isamon_job_running
n=$(($(metric isamon_job_runs_total) - $(metric isamon_job_runs_total result=ok)))
[ "$n" -ge 8 ] || fail "only $n failures"
expect_failures "$n"

say "== overdue"
stop isamon TERM
sql "UPDATE job_run SET started_ms = started_ms - 800 * 86400000 WHERE job = 'good'"
again
wait_for 30 "one to be overdue" last_overdue 1
jobs run good >/dev/null || fail "the good job failed"
wait_for 30 "none to be overdue" last_overdue 0

say "== nothing came twice"
minutes=$(n_minutes)
wait_for 30 "another two minutes" n_more $((minutes + 2))
told "$n" || fail "now $(total) failures of $n"
stop isamon TERM
[ "$STATUS" = 0 ] || fail "exit status $STATUS"
recorded=$(sql "SELECT sum(n) FROM job_total WHERE result <> 1")
[ "$recorded" = "$n" ] || fail "the history has $recorded failures, not $n"

say "== the backup that there is by default, for which the example has alarms"
sed -i '/^\[job "backup"\]$/,+1d' "$T/isamon.conf"
{
	printf '%s\n' "[backup]" "directory = $T/backups" "data = $T/kept" "config = none"
	sed -n '/^#\[alarm "JobFailed"\]/,/^$/p; /^#\[alarm "JobOverdue"\]/,/^$/p' "$REPO/dist/isamon.conf" | sed 's/^#//'
} >>"$T/isamon.conf"
"$ISAMON" alarms apply --yes --config "$T/isamon.conf" >"$T/alarms.log" 2>&1 || fail "isamon alarms apply"
for name in JobFailed:JobFailures JobOverdue:JobsOverdue; do
	[ "$(aws_cli cloudwatch describe-alarms --alarm-names "${name%:*}" --query 'MetricAlarms[0].MetricName' --output text)" = "${name#*:}" ] ||
		fail "no alarm ${name%:*}"
done
! jobs run backup >"$T/backup.log" 2>&1 || fail "a backup of nothing"
again
expect_failures $((n + 1))
last_overdue 0 || fail "overdue: $(values JobsOverdue)"
mkdir "$T/kept"
jobs run backup >"$T/backup.log" 2>&1 || fail "no backup"
stop isamon TERM
sql "UPDATE job_run SET started_ms = started_ms - 3 * 86400000 WHERE job = 'backup'"
again
wait_for 30 "the backup to be overdue" last_overdue 1
[ "$(metric isamon_job_overdue job=backup)" = 1 ] || fail "it is another one"
stop isamon TERM

say "== without a job it is refused"
sed '/^\[job "[^b]/,$d' "$T/isamon.conf" >"$T/bad.conf"
printf '%s\n' '[job "backup"]' "enabled = no" >>"$T/bad.conf"
if "$ISAMON" check-config "$T/bad.conf" >"$T/said" 2>&1; then fail "taken: $(cat "$T/said")"; fi
grep -q 'jobs = yes: no job is enabled' "$T/said" || fail "said: $(cat "$T/said")"
