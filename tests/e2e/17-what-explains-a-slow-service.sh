#!/bin/bash
# SPDX-License-Identifier: MIT
# A service that does not accept, one that may not run, one that waits: queue, throttling, pressure are the kernel's.
# vm: yes
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl ab ss

SERVICE_PORT=$(free_port)
OTHER_PORT=$(free_port)
SERVICE_PORTS="$SERVICE_PORT, $OTHER_PORT"

# "LENGTH LIMIT DROPS" of the service's socket, by ss
by_ss() {
	ss -Hltnm "sport = :$SERVICE_PORT" | awk '
		/^LISTEN/ { length_ = $2; limit = $3 }
		match($0, /,d[0-9]+\)/) { drops = substr($0, RSTART + 2, RLENGTH - 3) }
		END { print length_, limit, drops }'
}
queue() { metric "isamon_listen_$1" "port=$SERVICE_PORT"; }
between() { # WHAT LOW VALUE HIGH
	awk -v l="$2" -v v="$3" -v h="$4" 'BEGIN { exit !(l <= v && v <= h) }' || fail "$1: got $3, expected $2 to $4"
	say "$1: $3, of the kernel's $2 to $4"
}

say "== listen queues: of a real service, and of several sockets on one port"
start_isamon
start_uvicorn --backlog 4
start other "$PY" -c '
import signal, socket, sys
for family, address, backlog in ((socket.AF_INET, "127.0.0.1", 20), (socket.AF_INET, "127.0.0.1", 30), (socket.AF_INET6, "::1", 40)):
    if family == socket.AF_INET6 and not socket.has_ipv6:
        continue
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, int(sys.argv[1])))
    s.listen(backlog)
    globals().setdefault("kept", []).append(s)
signal.pause()' "$OTHER_PORT"
expect_metric 1 isamon_probe_up probe=listen_queue
expect_metric 4 isamon_listen_queue_limit "port=$SERVICE_PORT"
expect_metric 0 isamon_listen_queue_length "port=$SERVICE_PORT"
expect_metric 0 isamon_listen_drops_total "port=$SERVICE_PORT"
expect_metric 90 isamon_listen_queue_limit "port=$OTHER_PORT"
stop other

say "== the service does not accept"
kill -STOP "${PIDS[service]}"
start clients "$PY" -c '
import signal, socket, sys
clients = []
for _ in range(12):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", int(sys.argv[1])))
    clients.append(s)
signal.pause()' "$SERVICE_PORT"
expect_metric 5 isamon_listen_queue_length "port=$SERVICE_PORT" # the kernel takes one above the limit
some_drops() { [ "$(queue drops_total)" -gt 0 ]; }
wait_for 10 "drops" some_drops
read -r length limit before < <(by_ss)
sleep 1.2 # the page's reading may be a second old
drops=$(queue drops_total)
read -r length limit after < <(by_ss)
between "drops" "$before" "$drops" "$after"
[ "$(queue queue_length) $(queue queue_limit)" = "$length $limit" ] ||
	fail "the queue is $(queue queue_length) of $(queue queue_limit), by ss $length of $limit"
stop clients
kill -CONT "${PIDS[service]}"
expect_metric 0 isamon_listen_queue_length "port=$SERVICE_PORT"
expect_metric 4 isamon_listen_queue_limit "port=$SERVICE_PORT"

say "== a restart does not set the drops back"
drops=$(queue drops_total)
stop service
expect_metric 0 isamon_service_up
no_queue() { ! curl -fsS "$URL" | grep "^isamon_listen_queue_length{"; }
wait_for 5 "the queue to be gone where nobody listens" no_queue
[ "$(queue drops_total)" -ge "$drops" ] || fail "drops went from $drops to $(queue drops_total)"
start_uvicorn --backlog 9
expect_metric 9 isamon_listen_queue_limit "port=$SERVICE_PORT"
[ "$(queue drops_total)" -ge "$drops" ] || fail "drops went from $drops to $(queue drops_total)"

say "== a cgroup of its own: CPU limit, memory limit, pressure"
v2='' cpu='' cpu_kind='' memory=''
at_end() {
	local d i
	for d in "$v2" "$cpu"; do
		for ((i = 0; i < 40; i++)); do
			if [ -z "$d" ] || [ ! -d "$d" ]; then break; fi
			rmdir "$d" 2>/dev/null || sleep 0.05
		done
	done
}
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
root_v1=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { print $2; exit }' /proc/mounts)
make_cgroups() {
	if [ -n "$root" ] && mkdir "$root/isamon-e2e.$$" 2>/dev/null; then
		v2=$root/isamon-e2e.$$
		echo +cpu >"$root/cgroup.subtree_control" 2>/dev/null || :
		echo +memory >"$root/cgroup.subtree_control" 2>/dev/null || :
		[ ! -e "$v2/cpu.max" ] || cpu_kind=2 cpu=$v2
		[ ! -e "$v2/memory.max" ] || memory=$v2
	fi
	if [ -z "$cpu_kind" ] && [ -n "$root_v1" ] && mkdir "$root_v1/isamon-e2e.$$" 2>/dev/null; then
		cpu_kind=1 cpu=$root_v1/isamon-e2e.$$
	fi
}
join() {
	local d
	for d in $v2 $cpu; do echo "${PIDS[service]}" >"$d/cgroup.procs"; done
}
limit_cpu() { # PERCENT
	if [ $cpu_kind = 2 ]; then
		echo "$(($1 * 1000)) 100000" >"$cpu/cpu.max"
	else
		echo 100000 >"$cpu/cpu.cfs_period_us"
		echo $(($1 * 1000)) >"$cpu/cpu.cfs_quota_us"
	fi
}
# The kernel's: seconds of throttling; microseconds of pressure; a number of memory.events
throttled() { awk '$1 == "throttled_usec" { printf "%.9f\n", $2 / 1e6 } $1 == "throttled_time" { printf "%.9f\n", $2 / 1e9 }' "$cpu/cpu.stat"; }
periods() { awk '$1 == "nr_throttled" { print $2 }' "$cpu/cpu.stat"; }
psi() { sed -n "s/^some .*total=//p" "$v2/cpu.pressure" 2>/dev/null; }
events() { awk '$1 == "max" { print $2 }' "$memory/memory.events"; }
on_page() { curl -fsS "$URL" | grep "^$1" >/dev/null; }
has_cgroup() { on_page isamon_service_cpu_periods_total || on_page isamon_service_pressure_seconds_total; }

make_cgroups
[ -n "$v2$cpu" ] || skip "listen queues are fine; no cgroup can be made here: the rest was not tried"
join
psi_low=$(psi) || :
wait_for 15 "the cgroup to be on the page" has_cgroup
sleep 1.2
psi_high=$(psi) || :

if [ -n "$cpu_kind" ]; then
	limit_cpu 10
	timeout 5 ab -q -c 2 -n 100000 "http://127.0.0.1:$SERVICE_PORT/api/models" >"$T/ab.log" 2>&1 || :
	limit_cpu 400
	low=$(throttled) low_n=$(periods)
	sleep 1.2
	seconds=$(metric isamon_service_cpu_throttled_seconds_total)
	n=$(metric isamon_service_cpu_throttled_periods_total)
	between "throttled seconds" "$low" "$seconds" "$(throttled)"
	between "throttled periods" "$low_n" "$n" "$(periods)"
	between "throttled seconds, above all" 1 "$seconds" 1000
else
	say "no cpu controller here: throttling was not tried"
fi

if [ -n "$(psi)" ]; then
	low=$(psi)
	sleep 1.2
	us=$(metric isamon_service_pressure_seconds_total resource=cpu kind=some | awk '{ printf "%.0f\n", $1 * 1e6 }')
	between "CPU pressure, us" $((low - psi_high - 1)) "$us" $(($(psi) - psi_low + 1))
	[ "$(metric isamon_service_pressure_seconds_total resource=cpu kind=some)" != 0 ] || fail "a service at its limit waits"
	on_page 'isamon_service_pressure_seconds_total{resource="memory",kind="full"}' || fail "no memory pressure"
	on_page 'isamon_service_pressure_seconds_total{resource="io",kind="some"}' || fail "no I/O pressure"
else
	[ -z "${ISAMON_TEST_VM:-}" ] || fail "the kernel of the VM has no PSI"
	on_page isamon_service_pressure_seconds_total && fail "pressure where the kernel has none"
	say "no PSI here: not tried"
fi

if [ -n "$memory" ]; then
	echo $(($(cat "$memory/memory.current") + (4 << 20))) >"$memory/memory.max"
	bash -c 'echo $$ >"$1/cgroup.procs"; cat /usr/lib/*-linux-gnu/*.so.* | head -c 40000000 >/dev/null' - "$memory" 2>/dev/null
	echo max >"$memory/memory.max"
	sleep 1.2
	between "memory.events max" 1 "$(metric isamon_service_memory_events_total event=max)" "$(events)"
	between "memory.events max" "$(events)" "$(metric isamon_service_memory_events_total event=max)" "$(events)"
else
	say "no memory controller of cgroup2 here: its events were not tried"
fi

say "== the cgroup is made anew with the service: its counters go on"
seconds=$(metric isamon_service_cpu_throttled_seconds_total)
pressure=$(metric isamon_service_pressure_seconds_total)
stop service
expect_metric 0 isamon_service_up
at_end
v2='' cpu='' cpu_kind='' memory=''
make_cgroups
start_uvicorn
join
sleep 1.2
ask() { curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/api/models"; }
ask
if [ -n "$cpu_kind" ]; then
	limit_cpu 10
	timeout 2 ab -q -c 2 -n 100000 "http://127.0.0.1:$SERVICE_PORT/api/models" >"$T/ab.log" 2>&1 || :
	limit_cpu 400
	low=$(throttled)
	sleep 1.2
	# All that the new cgroup has is added to what the old one had.
	sum=$(awk -v a="$seconds" -v b="$low" 'BEGIN { printf "%.9f\n", a + b }')
	between "throttled seconds of both" "$sum" "$(metric isamon_service_cpu_throttled_seconds_total)" "$sum"
	between "throttled seconds of the new one" 0.3 "$low" 1000
fi
between "pressure" "$pressure" "$(metric isamon_service_pressure_seconds_total)" 1000
