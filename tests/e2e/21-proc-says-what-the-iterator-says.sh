#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the kernel refuses task iterators the figures of processes come off /proc: the log says so once, nothing else
# is disturbed, and the figures are true and the same as the iterator's, which a second isamon tells at the same time.
# vm: yes
# judges: time
# limit: 120
# shellcheck disable=SC2119 # functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
base=http://127.0.0.1:$SERVICE_PORT
ask() { curl -fsS --max-time $((30 * PATIENCE)) -o /dev/null "$base$1"; }
with() { # URL METRIC...
	local URL=$1
	shift
	metric "$@"
}
near() { # WHAT GOT WANT SHARE
	say "$1: isamon says $2, it is $3"
	awk -v g="$2" -v w="$3" -v s="$4" 'BEGIN { d = g - w; if (d < 0) d = -d; exit !(g != "" && d <= w * s) }' ||
		fail "$1: isamon says $2, it is $3"
}

# The one with the iterator first, where there is one.
start_isamon "[processes]" "pss_interval = 1"
by_iterator=$URL refusing=("$PY" "$FIXTURES/refuse_iterators.py")
if [ "$(metric isamon_probe_up probe=tasks)" = 0 ]; then
	say "SKIPPED: the comparison with the iterator, which this kernel refuses to everybody"
	stop isamon
	by_iterator='' refusing=()
fi
probes() { curl -fsS "$1" | grep '^isamon_probe_up' | grep -v tasks; }
[ -z "$by_iterator" ] || probes "$by_iterator" >"$T/probes"

say "== refused"
ISAMON_PORT=$(free_port)
by_proc=http://127.0.0.1:$ISAMON_PORT/metrics URL=$by_proc
mkdir "$T/run.proc"
write_config "$T/proc.conf" "[processes]" "pss_interval = 1"
sed -i "s|^runtime_directory = .*|&.proc|" "$T/proc.conf"
start refused "${refusing[@]}" "$ISAMON" run --config "$T/proc.conf"
wait_for 10 "the other isamon to be ready" curl -fsS "http://127.0.0.1:$ISAMON_PORT/-/ready"
[ "$(metric isamon_probe_up probe=tasks)" = 0 ] || fail "it says that the iterator works"
if [ -n "$by_iterator" ]; then
	! grep -q "task iterator" "$T/isamon.log" || fail "the one that iterates says that it does not"
	[ "$(probes "$by_proc")" = "$(cat "$T/probes")" ] || fail "other probes are off: $(probes "$by_proc")"
fi

both_see() { # ROLE N
	[ "$(with "$by_proc" isamon_service_processes role="$1")" = "$2" ] || return 1
	[ -z "$by_iterator" ] || [ "$(with "$by_iterator" isamon_service_processes role="$1")" = "$2" ]
}
# From here on its figures stand still, and a page has those.
stop_service() {
	kill -STOP -- "-${PIDS[service]}"
	for _ in 1 2; do # a page brings a new collection, and a look at shared pages, if the last is a second old
		sleep 1.1
		both_see main 1 || fail "the service is gone"
	done
}
let_go() { kill -CONT -- "-${PIDS[service]}"; }
compare_stopped() { # [ended]: threads of it have ended
	[ -n "$by_iterator" ] || return 0
	"$PY" "$FIXTURES/same_processes.py" "$by_iterator" "$by_proc" "$@" || fail "/proc and the iterator differ"
}

say "== one process: CPU, memory, threads, files"
start service "$PY" "$FIXTURES/burner.py" "$SERVICE_PORT"
wait_port "$SERVICE_PORT"
wait_for 20 "it to be found by both" both_see main 1
pid=${PIDS[service]}
ask /memory/100
ask /files/60
used() { cat "/proc/$pid"/task/*/schedstat | awk '{ s += $1 } END { printf "%.6f", s / 1e9 }'; }
look() { # what the service used, what each says
	stop_service
	echo "$(used) $(with "$by_proc" isamon_service_cpu_seconds_total) $(with "${by_iterator:-$by_proc}" isamon_service_cpu_seconds_total)"
	let_go
}
before=$(look)
ask /burn/1000
echo "$before $(look)" | awk '{
	truth = $4 - $1; proc = $5 - $2; iterator = $6 - $3
	printf "it used %.4f s; off /proc %.4f s, by the iterator %.4f s\n", truth, proc, iterator
	a = proc - truth; b = iterator - truth
	exit !(truth > 0.99 && a < 0.01 && a > -0.01 && b < 0.01 && b > -0.01)
}' || fail "the CPU time"
ask /threads/30
stop_service
near "resident memory" "$(metric isamon_process_resident_memory_bytes pid="$pid")" \
	"$(awk '$1 == "Rss:" { print $2 * 1024 }' "/proc/$pid/smaps_rollup")" 0.01
near "shared pages once" "$(metric isamon_process_pss_bytes pid="$pid")" \
	"$(awk '$1 == "Pss:" { print $2 * 1024 }' "/proc/$pid/smaps_rollup")" 0.03 # others share them, now more, now fewer
near "threads" "$(metric isamon_process_threads pid="$pid")" 31 0
near "files" "$(metric isamon_process_open_fds pid="$pid")" "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)" 0
compare_stopped
let_go

say "== more threads than are looked at one by one"
many() { [ "$(metric isamon_process_threads pid="$pid")" = 201 ]; }
ask /threads/170
wait_for 10 "201 threads" many
curl -fsS "$URL" | grep -q "^isamon_process_\(context_switches\|run_queue\).*pid=\"$pid\"" &&
	fail "there are figures of threads that were not all looked at"
stop service

say "== uvicorn with two workers"
wait_for 20 "the service to be gone" both_see main 0
start_uvicorn --workers 2
wait_for 20 "both workers to be found by both" both_see worker 2
wait_for 20 "the main process to be found by both" both_see main 1
stop_service # workers that are still starting open files
compare_stopped ended
let_go
why='refuses a BPF task iterator.*figures of processes are read off /proc'
[ "$(grep -c "$why" "$T/refused.log")" = 1 ] || fail "the log does not say why, or not once"
