#!/bin/bash
# SPDX-License-Identifier: MIT
# The daemon keeps minutes of what it measured, through a restart and a kill -9, while isamon advise reads them; and a rule for the backups' bucket
# is merged into those of others, as botocore's model has them and awscli reads them.
# beside: yes
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
# shellcheck source=tests/fixtures/advise.sh
. "$FIXTURES/advise.sh"
ADVISE=(--config "$T/isamon.conf")
need_root
need curl /usr/bin/aws
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

BUCKET=backups-of-isamon
has() { grep -qF -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 80 "$T/${2:-out}")"; }
# ask SQL: the first row, by a program that is not isamon. The file is nobody's but for moments.
ask()
{
	"$PY" - "$HISTORY" "$1" <<-'END'
		import sqlite3, sys, time
		for _ in range(100):
		    try:
		        db = sqlite3.connect(sys.argv[1], timeout=5)
		        print(*db.execute(sys.argv[2]).fetchone())
		        break
		    except sqlite3.OperationalError as e:
		        if "lock" not in str(e):
		            raise
		        time.sleep(0.1)
	END
}
requests()
{
	local i
	for ((i = 0; i < $1; i++)); do curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/status/200"; done
}
counted() { [ "$(metric isamon_http_requests_ended_total)" = "$1" ]; }

say "== what there is of a minute is written when the daemon ends"
start_isamon
start_raw
requests 30
wait_for 10 "the requests" counted 30
sleep 1.2
stop isamon TERM
[ -f "$HISTORY" ] || fail "there is no history"
[ "$(stat -c %a "$HISTORY")" = 600 ] || fail "others may read the history"
[ "$(ask 'SELECT sum(requests), sum(errors), sum(timed) FROM history')" = "30 0 30" ] ||
	fail "the history has $(ask 'SELECT sum(requests), sum(errors), sum(timed) FROM history')"
[ "$(ask 'SELECT count(*) FROM history WHERE start_s % 60 OR watched_s NOT BETWEEN 1 AND 60')" = 0 ] || fail "a minute is none"
read -r p99 memory fds cpus total disk < <(ask "SELECT max(p99_ns), max(memory_bytes), max(open_fds), max(cpus), max(host_memory_bytes),
	max(disk_bytes) FROM history")
[ "$p99" -gt 0 ] || fail "p99: $p99"
[ "$p99" -lt 10000000000 ] || fail "p99: $p99"
[ "$memory" -gt 1000000 ] || fail "memory: $memory"
[ "$fds" -gt 3 ] || fail "open files: $fds"
[ "$cpus" = "$(nproc --all)" ] || [ "$cpus" = "$(getconf _NPROCESSORS_ONLN)" ] || fail "CPUs: $cpus"
[ "$total" = "$(awk '/^MemTotal/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)" ] || fail "memory of the host: $total"
[ "$disk" -gt 0 ] || fail "disk: $disk"

say "== a restart adds to it; a kill -9 takes no more than the minute"
start_isamon
requests 5
wait_for 10 "the requests" counted 5
sleep 1.2
stop isamon TERM
[ "$(ask 'SELECT sum(requests) FROM history')" = 35 ] || fail "after a restart: $(ask 'SELECT sum(requests) FROM history')"
start_isamon
requests 3
wait_for 10 "the requests" counted 3
stop isamon KILL
[ "$(ask 'PRAGMA integrity_check')" = ok ] || fail "the history is damaged"
n=$(ask 'SELECT sum(requests) FROM history')
[ "$n" = 35 ] || [ "$n" = 38 ] || fail "after a kill -9: $n"
start_isamon

say "== it is read while the daemon runs, and goes on being written"
"$PY" "$FIXTURES/history.py" "$HISTORY" 3 free_fds_min=9 || fail "the history cannot be written"
for _ in 1 2 3; do advise 1 --offline; done
has "limits.files: "
requests 7
wait_for 10 "the requests" counted 7
sleep 1.2
stop isamon TERM
[ "$(ask 'SELECT sum(requests) % 600 FROM history')" = 7 ] || fail "it was not written any more"
! grep -q 'cannot be written' "$T/isamon.log" || fail "$(grep 'cannot be written' "$T/isamon.log")"
stop service

say "== the lifecycle of the backups' bucket"
start_fake_aws
fake s3/bucket name=$BUCKET region=us-east-1
write_config "$T/isamon.conf" "[backup]" "s3_bucket = $BUCKET" "s3_prefix = daily"
rules() { aws_cli s3api get-bucket-lifecycle-configuration --bucket $BUCKET --output text --query "$1"; }
rm "$HISTORY"*
advise 1
has "cost.lifecycle: "
has "+  <ID>isamon-backups</ID>"
advise 0 --offline --days 30
has "there is no history yet"
fake s3/bucket name=$BUCKET region=us-east-1
aws_cli s3api put-bucket-lifecycle-configuration --bucket $BUCKET --lifecycle-configuration '{"Rules": [{"ID": "logs & more",
	"Filter": {"Prefix": "logs/"}, "Status": "Enabled", "Expiration": {"Days": 3}}]}' >"$T/aws.log" 2>&1 || fail "awscli: $(cat "$T/aws.log")"
advise 3 --apply cost.lifecycle
[ "$(rules 'Rules[].ID')" = "logs & more" ] || fail "it was written without being asked: $(rules 'Rules[].ID')"
advise 0 --apply cost.lifecycle --yes
has "written, and read back"
[ "$(rules 'Rules[].ID')" = "logs & more	isamon-backups" ] || fail "rules: $(rules 'Rules[].ID')"
[ "$(rules 'Rules[0].[Filter.Prefix,Status,Expiration.Days]')" = "logs/	Enabled	3" ] || fail "another's rule was changed"
[ "$(rules 'Rules[1].[Filter.Prefix,Status,Transitions[0].StorageClass,Transitions[0].Days,AbortIncompleteMultipartUpload.DaysAfterInitiation]')" = \
	"daily/	Enabled	STANDARD_IA	30	7" ] || fail "the rule: $(rules 'Rules[1]')"
advise 0
! grep -q lifecycle: "$T/out" || fail "it is advised again"
advise 0 --apply cost.lifecycle --yes
has "nothing to do"

say "== rules that are there are never changed, isamon's own neither, nor what somebody else writes meanwhile"
put_rules() { aws_cli s3api put-bucket-lifecycle-configuration --bucket $BUCKET --lifecycle-configuration "$1" >"$T/aws.log" 2>&1 || fail "awscli: $(cat "$T/aws.log")"; }
put_rules '{"Rules": [{"ID": "isamon-backups", "Filter": {"Prefix": "daily/"}, "Status": "Enabled",
	"Transitions": [{"Days": 90, "StorageClass": "GLACIER"}]}]}'
advise 0 --apply cost.lifecycle --yes
[ "$(rules 'Rules[].[ID,Transitions[0].StorageClass,AbortIncompleteMultipartUpload.DaysAfterInitiation]' | tr '\t\n' '  ')" = \
	"isamon-backups GLACIER None isamon-backups-2 None 7 " ] || fail "rules: $(rules 'Rules')"
put_rules '{"Rules": [{"ID": "old", "Prefix": "logs/", "Status": "Enabled", "Expiration": {"Days": 3}}]}'
advise 0 --apply cost.lifecycle --yes
[ "$(rules 'Rules[].[ID,Prefix]' | tr '\t\n' '  ')" = "old logs/ isamon-backups daily/ " ] || fail "rules: $(rules 'Rules')"
put_rules '{"Rules": [{"ID": "a", "Filter": {"Prefix": "a/"}, "Status": "Enabled", "Expiration": {"Days": 3}}]}'
mkfifo "$T/answer"
cat >"$T/ask.py" <<-'END'
	import os, pty, sys
	isamon, config, answer, told = sys.argv[1:]
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(isamon, [isamon, "advise", "--apply", "cost.lifecycle", "--config", config])
	seen = b""
	while True:
	    try:
	        piece = os.read(fd, 4096)
	    except OSError:
	        break
	    if not piece:
	        break
	    seen += piece
	    if seen.endswith(b"[y/N] "):
	        with open(told, "w"):
	            pass
	        with open(answer) as f:
	            os.write(fd, f.read().encode())
	        seen += b"\n"
	sys.stdout.buffer.write(seen)
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
start apply "$PY" "$T/ask.py" "$ISAMON" "$T/isamon.conf" "$T/answer" "$T/asked"
wait_for 30 "the question" test -e "$T/asked"
put_rules '{"Rules": [{"ID": "b", "Filter": {"Prefix": "b/"}, "Status": "Enabled", "Expiration": {"Days": 4}}]}'
echo y >"$T/answer"
got=0
wait "${PIDS[apply]}" || got=$?
unset "PIDS[apply]"
[ $got = 3 ] || fail "what was changed meanwhile: status $got: $(cat "$T/apply.log")"
has "changed meanwhile" apply.log
[ "$(rules 'Rules[].ID')" = b ] || fail "what was written meanwhile is gone: $(rules 'Rules')"
put_rules '{"Rules": [{"ID": "all", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 3},
	"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 9}}]}'

fake fault refuse operation=GetBucketLifecycleConfiguration times=2
advise 0
has "AWS could not be asked"
advise 3 --apply cost.lifecycle --yes
has "s3:GetLifecycleConfiguration" err

say "== what CloudWatch and its logs cost"
aws_cli logs create-log-group --log-group-name agent-isa
LINES=()
mapfile -t LINES < <(aws_conf "storage_resolution = 1" "interval = 1" "latency_by_route = yes")
start_isamon "${LINES[@]}" "[logs]" "enabled = yes" '[log "app"]' "path = $T/app.log"
start_raw
for i in $(seq 10); do
	for j in a b; do curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/status/200?$i$j"; done
done
costs() {
	timeout 60 "$ISAMON" advise --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || [ $? = 1 ] || return 1
	grep -q '^cost.interval: ' "$T/out"
}
wait_for 30 "advice on the interval" costs
has "an interval of 1 s makes requests of PutMetricData for 26."
has "-interval = 1"
has "cost.retention: "
has "+retention_days = 90"
! grep -q '^cost.metrics' "$T/out" || fail "a few metrics are not much"
aws_cli logs put-retention-policy --log-group-name agent-isa --retention-in-days 30
advise 1
! grep -q 'cost.retention' "$T/out" || fail "there is a retention"
