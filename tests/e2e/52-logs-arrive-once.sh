#!/bin/bash
# SPDX-License-Identifier: MIT
# 50,000 lines a second in five files that are rotated in every way, isamon and its shipper killed at random, CloudWatch
# Logs failing in every way: each line arrives, in order, and once, but where nobody could know that it had arrived.
# limit: 300
# shellcheck disable=SC2034 # what lib.sh uses
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl logrotate
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

DURATION=${LOGS_SECONDS:-20}
RATE=$((${LOGS_RATE:-50000} / 5 / SLOW))
D=$T/service
KILLS=$T/kills
SERVICE_PORT=$(free_port)
mkdir -p "$D"
: >"$KILLS"

write() { # NAME [rotating BYTES]
	start "writer-$1" "$PY" "$FIXTURES/log_writer.py" "$D/$1.log" "$1" $RATE "$DURATION" "${@:2}"
}
n_written() { tail -n 1 "$T/writer-$1.log"; }

# rotation NAME OPTION...: a configuration of logrotate's
rotation() {
	local name=$1
	shift
	{
		printf '%s {\n\trotate 60\n\tmissingok\n\tsu root root\n' "$D/$name.log"
		printf '\t%s\n' "$@"
		# shellcheck disable=SC2016 # logrotate's shell expands it
		case " $* " in
		*" copytruncate "*) ;;
		*) printf '\tpostrotate\n\t\trm -f %s.reopened; kill -HUP %s && for i in $(seq 200); do [ -e %s.reopened ] && break; sleep 0.01; done\n\tendscript\n' \
			"$D/$name.log" "${PIDS[writer-$name]}" "$D/$name.log" ;;
		esac
		printf '}\n'
	} >"$T/$name.rotate"
}
rotate() { # NAME
	local pid=${PIDS[writer-$1]}
	alive "writer-$1" || return 0
	# What is written between copying and truncating is lost, whoever reads: that is logrotate's affair.
	[ "$1" != truncated ] || kill -STOP "$pid"
	logrotate -f -s "$T/$1.state" "$T/$1.rotate" >>"$T/logrotate.log" 2>&1 || :
	[ "$1" != truncated ] || kill -CONT "$pid"
}

shipper() { pgrep -P "${PIDS[isamon]}" -f ship-logs; }
note_kill() { date +%s.%N >>"$KILLS"; }
kill_shipper() {
	local pid
	pid=$(shipper) || return 0
	kill -KILL "$pid" 2>/dev/null || return 0
	note_kill
}
kill_daemon() {
	kill_shipper
	stop isamon KILL
	start isamon "$ISAMON" run --config "$T/isamon.conf"
}

# Everything that can go wrong with the endpoint, one thing after the other.
FAULTS=("throttle share=0.5" "500 share=0.3" "500 effect=yes share=0.3" "503 share=0.3" "reset share=0.3" "reset effect=yes share=0.3"
	"half share=0.3" "garbage share=0.3" "error200 share=0.3" "hang seconds=1 share=0.2" "expired times=2" "slow seconds=0.2 share=0.5"
	"refuse times=2" "502 share=0.3")
fault() {
	fake faults/off >/dev/null
	fake up >/dev/null
	if [ "$1" = down ]; then
		fake down >/dev/null
	else
		# shellcheck disable=SC2086
		fake fault $1 service=logs operation=PutLogEvents >/dev/null
	fi
}

start_fake_aws
LINES=()
for name in created truncated compressed delayed rotating; do
	LINES+=("[log \"$name\"]" "path = $D/$name.log" "start = beginning")
	: >"$D/$name.log"
done
mapfile -t AWS < <(aws_conf | sed '/cloudwatch/,$d')
start_isamon "${AWS[@]}" "[logs]" "enabled = yes" "group = test" "[daemon]" "state_directory = $T/state" "${LINES[@]}"

for name in created truncated compressed delayed; do write $name; done
write rotating rotating 2000000
rotation created create
rotation truncated copytruncate
rotation compressed create compress
rotation delayed create compress delaycompress

say "== $DURATION s of writing, rotating, killing and failing"
RANDOM=52
end=$((SECONDS + DURATION))
n=0
while [ $SECONDS -lt $end ]; do
	n=$((n + 1))
	fault "${FAULTS[n % ${#FAULTS[@]}]}"
	[ $((n % 7)) != 0 ] || fault down
	sleep "0.$((RANDOM % 9 + 1))"
	for name in created truncated compressed delayed; do
		[ $((RANDOM % 3)) != 0 ] || rotate $name
	done
	# (a new daemon has a new shipper at once, whatever became of the others)
	if [ $((n % 4)) = 0 ]; then kill_daemon; else kill_shipper; fi
done
for name in created truncated compressed delayed rotating; do
	written() { ! alive "writer-$name"; }
	wait_for 20 "the writers to end" written
done
fake faults/off >/dev/null
fake up >/dev/null
kill_daemon # pauses end
wait_for 10 "isamon to be ready" isamon_ready

say "== everything arrives"
want=()
total=0
for name in created truncated compressed delayed rotating; do
	want+=("$name=$(n_written $name)")
	total=$((total + $(n_written $name)))
done
judge() {
	fake logs select=stream,request,message >"$T/events"
	fake requests operation=PutLogEvents >"$T/requests"
	"$PY" "$FIXTURES/log_judge.py" "$T/events" "$T/requests" "$KILLS" "${want[@]}" >"$T/judgement"
}
arrived() { [ "$(log_events test)" -ge $total ]; }
wait_for 60 "all lines" arrived
wait_for 20 "nothing to wait" metric_is 0 isamon_logs_backlog_bytes
quiet() {
	local before
	before=$(log_events test)
	sleep 2
	[ "$before" = "$(log_events test)" ]
}
wait_for 30 "the last line to have arrived" quiet
judge || { cat "$T/judgement"; fail "lines are lost, twice, or out of order"; }
cat "$T/judgement"
expect_metric 1 isamon_probe_up probe=logs
expect_metric 0 isamon_logs_lost_bytes_total
[ "$(wc -l <"$KILLS")" -ge 5 ] || fail "hardly anything was killed"
{ "$ISAMON" status --config "$T/isamon.conf" || :; } >"$T/status"
grep -q '^logs  *shipped .* ago' "$T/status" || fail "isamon status does not tell: $(cat "$T/status")"

say "== the shipper goes with the daemon"
pid=$(shipper)
stop isamon TERM
[ "$STATUS" = 0 ] || fail "exit status $STATUS"
gone() { ! kill -0 "$pid"; }
wait_for 8 "the shipper to be gone" gone
