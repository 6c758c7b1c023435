#!/bin/bash
# SPDX-License-Identifier: MIT
# What a process used is in the totals once: of a child that nobody waits for, of all when the ports are set anew, of a
# child's bytes when its parent has waited for it.
# vm: yes
# limit: 120
# shellcheck disable=SC2119 # functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
base=http://127.0.0.1:$SERVICE_PORT
ask() { curl -fsS --max-time $((60 * PATIENCE)) "$base$1"; }
cpu() { metric isamon_service_cpu_seconds_total; }
written() { metric isamon_service_io_bytes_total direction=write; }
since() { awk -v a="$before" -v b="$("$1")" 'BEGIN { printf "%.3f\n", b - a }'; } # WHAT, since $before
grown() { awk -v d="$(since "$1")" -v w="$2" 'BEGIN { exit !(d >= w) }'; }
is_main() { [ "$(metric isamon_service_processes role=main)" = 1 ]; }
nobody() { [ "$(metric isamon_service_processes)" = 0 ]; }
within() { # WHAT VALUE LEAST MOST
	say "$1: $2"
	awk -v v="$2" -v l="$3" -v m="$4" 'BEGIN { exit !(v >= l && v <= m) }' || fail "$1: $2, not $3 to $4"
}
# The service is lost sight of, a page is made, and it is found again by a pass over all processes.
lose_and_find() {
	sed -i "s/^ports = .*/ports = $(free_port)/" "$T/isamon.conf"
	kill -HUP "${PIDS[isamon]}"
	wait_for 10 "nobody to be found" nobody
	sleep 1.1
	nobody || fail "somebody is found on a port that nobody has"
	sed -i "s/^ports = .*/ports = $SERVICE_PORT/" "$T/isamon.conf"
	kill -HUP "${PIDS[isamon]}"
	wait_for 15 "the service to be found again" is_main
	sleep 1.1
	metric isamon_up >/dev/null
}

start_isamon
start service "$PY" "$FIXTURES/lives_app.py" "$SERVICE_PORT" "$T"
wait_port "$SERVICE_PORT"
wait_for 15 "the service to be found" is_main

say "== the ports set anew"
ask /children/4/100 >/dev/null
ask /burn/1500 >/dev/null
ask /leave/1500 >/dev/null
rested() {
	before=$(cpu)
	sleep 1.2
	! grown cpu 0.2
}
wait_for 20 "all to rest" rested
before=0
grown cpu 3 || fail "there is little to be counted again: $(cpu) s"
before=$(cpu)
lose_and_find
lose_and_find
within "seconds used meanwhile, with a child that nobody waited for" "$(since cpu)" 0 0.5
ask /wait >/dev/null
sleep 1.1
within "seconds, now that it was waited for" "$(since cpu)" 0 0.6

say "== what a child wrote"
sleep 1.1
before=$(written)
pid=$(ask /write/20)
wait_for 30 "it to have written" test -e "$T/is_written"
truth=$(awk '$1 == "write_bytes:" { print $2 }' "/proc/$pid/io")
if [ "$truth" -ge 20000000 ]; then
	wait_for 10 "its bytes" grown written "$truth"
	ask /wait >/dev/null
	for _ in 1 2; do
		sleep 1.1
		metric isamon_up >/dev/null
	done
	within "bytes, of $truth" "$(since written)" "$truth" $((truth + 1000000))
else
	say "SKIPPED: what is written here goes to no storage ($truth bytes)"
fi
