#!/bin/bash
# SPDX-License-Identifier: MIT
# Children that live 20 ms are in the service's CPU time, which a look at /proc each second misses; exit codes, signals,
# restarts, crash loops under supervisord and OOM kills are told.
# vm: yes
# limit: 170
# shellcheck disable=SC2119 # functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
base=http://127.0.0.1:$SERVICE_PORT
ask() { curl -fsS --max-time $((60 * PATIENCE)) "$base$1"; }
exits() { metric isamon_service_exits_total how="$1"; }
started() { wc -l <"$T/starts"; }
is_main() { [ "$(metric isamon_service_processes role=main)" = 1 ]; }

start_service() {
	start service "$PY" "$FIXTURES/lives_app.py" "$SERVICE_PORT" "$T"
	wait_port "$SERVICE_PORT"
}

start_isamon "[processes]" "crash_loop_window = 20"
[ "$(metric isamon_probe_up probe=life)" = 1 ] || skip "this kernel refuses the programs: $(cat "$T/isamon.log")"
start_service
wait_for 10 "the service to be found" is_main
expect_metric 0 isamon_service_restarts_total

say "== 200 children of 20 ms CPU"
start poll "$PY" "$FIXTURES/poll_proc.py" "${PIDS[service]}" "$T/enough"
wait_for 10 "the one that polls" grep -q ready "$T/poll.log"
read -r children_before self_before < <(ask /exit/0)
sleep 2 # it does nothing now: what it used is known
metric isamon_service_cpu_seconds_total >"$T/before"
n=$(exits exit_zero)
read -r children self < <(ask /children/200/20)
touch "$T/enough"
all_ended() { [ "$(exits exit_zero)" = $((n + 200)) ]; }
wait_for 10 "200 exits" all_ended
sleep 2 # until the last moments of the last ones are known
metric isamon_service_cpu_seconds_total >"$T/after"
wait_for 10 "the one that polls to end" test "$(wc -l <"$T/poll.log")" = 2
polled=$(tail -n 1 "$T/poll.log")
stop poll
awk -v a="$(cat "$T/before")" -v b="$(cat "$T/after")" -v c="$children_before" -v d="$children" \
	-v s="$self_before" -v t="$self" -v p="$polled" 'BEGIN {
		truth = d - c + t - s; told = b - a
		printf "the service used %.3f s, isamon says %.3f s, polling each second %.3f s\n", truth, told, p
		if (d - c < 4) { print "the children used less than 4 s"; exit 1 }
		if (told < truth * 0.98 || told > truth * 1.02 + 0.02) { print "isamon is wrong"; exit 1 }
		if (p > truth / 2) { print "polling saw them: this test shows nothing"; exit 1 }
	}' || fail "the CPU time of short-lived children"
# A page that is asked for meanwhile sees the child or two that live just then.
awk -v c="$(metric isamon_service_children_cpu_seconds_total)" 'BEGIN { exit !(c > 3.5) }' ||
	fail "children that nobody saw: $(metric isamon_service_children_cpu_seconds_total) s, expected nearly 4"

say "== exit codes and signals"
before="$(exits exit_zero) $(exits exit_error) $(exits signal) $(metric isamon_service_execs_total)"
read -r zero error signal execs <<<"$before"
for code in 0 1 3 255; do ask /exit/$code >/dev/null; done
for number in 9 15 11; do ask /signal/$number >/dev/null; done
ask /run >/dev/null
expect_metric $((zero + 2)) isamon_service_exits_total how=exit_zero
expect_metric $((error + 3)) isamon_service_exits_total how=exit_error
expect_metric $((signal + 3)) isamon_service_exits_total how=signal
expect_metric $((execs + 1)) isamon_service_execs_total
for what in 'exit status 255' 'signal 9 (Killed)' 'signal 11 (Segmentation fault)'; do
	grep -q "a process of fixture ended: .*$what" "$T/isamon.log" || fail "the log does not say: $what"
done
ask /eat/60 >/dev/null
peak() { [ "$(metric isamon_service_exited_peak_memory_bytes)" -gt 62914560 ]; }
wait_for 5 "the peak of 60 MiB" peak

say "== harmless ends do not hide others, and names stay within their lines"
for _ in {1..12}; do ask /signal/1 >/dev/null; done
for number in 9 11 6; do ask /forge/$number >/dev/null; done
for what in '9 (Killed)' '11 (Segmentation fault)' '6 (Aborted)'; do
	wait_for 5 "the log to say: signal $what" grep -aqF "(x?isamon:??[2J), signal $what" "$T/isamon.log"
done
LC_ALL=C grep -aq $'^isamon\|[\xff\033]' "$T/isamon.log" && fail "a process's name is in the log as it is"

say "== others' processes are not the service's"
before=$(metric isamon_service_exits_total)
for _ in 1 2 3 4 5; do (exit 7) & done
wait -n || :
{ "$PY" -c 'import os; os.kill(os.getpid(), 9)' || :; } 2>/dev/null
[ "$(metric isamon_service_exits_total)" = "$before" ] || fail "exits of others were counted"

say "== the main process: an end that was asked for, one that was not"
stop service
expect_metric 15 isamon_service_last_exit_signal
expect_metric 0 isamon_service_crash_loop
now=$(date +%s)
awk -v t="$(metric isamon_service_last_exit_timestamp_seconds)" -v now="$now" 'BEGIN { exit !(t > now - 60 && t < now + 2) }' ||
	fail "the time of the last end is wrong"
start_service
wait_for 10 "the service to be found again" is_main
expect_metric 1 isamon_service_restarts_total
ask /die/42 >/dev/null 2>&1 || :
expect_metric 42 isamon_service_last_exit_code
expect_metric 0 isamon_service_last_exit_signal
grep -q "the main process of fixture ended unexpectedly: .*exit status 42" "$T/isamon.log" || fail "the log does not say it"
stop service

say "== memory that runs out"
unified=/sys/fs/cgroup
[ -e $unified/cgroup.controllers ] || unified=/sys/fs/cgroup/unified
if grep -qw memory $unified/cgroup.controllers 2>/dev/null; then
	cgroup=$unified/isamon-test-$$ limit=memory.max
	echo +memory >$unified/cgroup.subtree_control
else
	cgroup=/sys/fs/cgroup/memory/isamon-test-$$ limit=memory.limit_in_bytes
fi
at_end() { [ ! -d "$cgroup" ] || rmdir "$cgroup" || :; }
if mkdir "$cgroup" 2>/dev/null; then
	echo $((100 << 20)) >"$cgroup/$limit"
	# shellcheck disable=SC2016 # the inner shell's
	start service bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' in "$cgroup" \
		"$PY" "$FIXTURES/lives_app.py" "$SERVICE_PORT" "$T"
	wait_port "$SERVICE_PORT"
	wait_for 10 "the service to be found again" is_main
	metric isamon_up >/dev/null # a look at its cgroup before anything happens in it
	sleep 1.1
	metric isamon_up >/dev/null
	ask /signal/9 >/dev/null
	expect_metric 0 isamon_service_oom_kills_total scope=process
	ask /eat/300 >/dev/null
	expect_metric 1 isamon_service_oom_kills_total scope=process
	ask /signal/9 >/dev/null
	sleep 1.1
	expect_metric 1 isamon_service_oom_kills_total scope=process
	[ "$(grep -c 'because memory ran out' "$T/isamon.log")" = 1 ] || fail "the log does not tell of it once"
	if [ $limit = memory.max ]; then
		expect_metric 1 isamon_service_oom_kills_total scope=cgroup
	else
		say "SKIPPED: the cgroup's own count (the memory controller is in cgroup v1 here)"
	fi
	stop service
else
	say "SKIPPED: no memory cgroup can be made here, so nothing was killed for want of memory"
fi

say "== a crash loop under supervisord"
need supervisord
cat >"$T/supervisord.conf" <<END
[supervisord]
nodaemon = true
logfile = /dev/null
logfile_maxbytes = 0
pidfile = $T/supervisord.pid
[program:other]
command = $PY -c "import time; time.sleep(0.4); raise SystemExit(1)"
startsecs = 0
autorestart = true
[program:app]
command = $PY $FIXTURES/lives_app.py $SERVICE_PORT $T
startsecs = 0
startretries = 100
autorestart = true
END
start supervisord supervisord -n -c "$T/supervisord.conf"
wait_port "$SERVICE_PORT"
wait_for 10 "the service to be found" is_main
restarts=$(metric isamon_service_restarts_total)
n=$(started)
ask /die/1 >/dev/null 2>&1 || :
again() { [ "$(started)" -gt "$n" ] && port_open "$SERVICE_PORT" && is_main; }
wait_for 10 "supervisord to start it again" again
expect_metric $((restarts + 1)) isamon_service_restarts_total
touch "$T/broken" # from now on it ends before it listens
ask /die/1 >/dev/null 2>&1 || :
wait_for 15 "the crash loop to be told" metric_is 1 isamon_service_crash_loop
expect_metric 3 isamon_service_last_exit_code
grep -q "fixture is in a crash loop" "$T/isamon.log" || fail "the log does not tell of the crash loop"
rm "$T/broken"
comes_back() { port_open "$SERVICE_PORT" && is_main; }
wait_for 15 "the service to come up again" comes_back
starts=$(started)
expect_metric "$((restarts + starts - n))" isamon_service_restarts_total
wait_for 30 "the crash loop to be over" metric_is 0 isamon_service_crash_loop
grep -q "fixture is out of its crash loop" "$T/isamon.log" || fail "the log does not tell of its end"
expect_metric "$((restarts + starts - n))" isamon_service_restarts_total
stop supervisord
expect_metric 0 isamon_trace_lost_total probe=life

say "== where it cannot work it is off, says so once, and disturbs nothing"
stop isamon
grep -q "[0-9] more processes of fixture ended" "$T/isamon.log" || fail "the log does not say how many it left out"
: >"$T/isamon.log"
start isamon unshare --pid --fork --kill-child "$ISAMON" run --config "$T/isamon.conf"
wait_for 10 "isamon to be ready" isamon_ready
[ "$(metric isamon_probe_up probe=life)" = 0 ] || fail "it works in a PID namespace of its own, where ids are others"
[ "$(metric isamon_probe_up probe=http)" = 1 ] || fail "the others are disturbed"
curl -fsS "$URL" | grep -q '^isamon_service_forks' && fail "there are counts that nobody made"
[ "$(grep -c 'PID namespace' "$T/isamon.log")" = 1 ] || fail "the log does not say why, or not once"
start_service
curl -fsS -o /dev/null "$base/exit/0"
expect_metric 1 http_server_request_duration_seconds_count
