#!/bin/bash
# SPDX-License-Identifier: MIT
# Under gunicorn, supervisord and shells: the service's processes, and which part each plays, are those that were
# started for it. supervisord and what else it runs are not among them.
# vm: yes
# limit: 180
# shellcheck disable=SC2119 # functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need ab curl supervisord

SERVICE_PORT=$(free_port)
uvicorn="$PY -m uvicorn app:app --host 127.0.0.1 --port $SERVICE_PORT --no-access-log --log-level warning"

children() { # PID [PART]: those with PART in their command line
	local child
	for child in $(pgrep -P "$1"); do
		! grep -qsF -- "${2:-}" "/proc/$child/cmdline" || echo "$child"
	done
}

the_child() { # PID PART: the only such one, once there is one
	one_child() { [ "$(children "$@" | wc -l)" = 1 ]; }
	wait_for 20 "one child with $2 of process $1" one_child "$@"
	children "$@"
}

n_children() { [ "$(children "$2" "${3:-}" | wc -l)" = "$1" ]; } # N PID [PART]

seen() {
	curl -fsS "$URL" |
		sed -n 's/^isamon_process_threads{pid="\([0-9]*\)",role="\([a-z]*\)".*/\2 \1/p' | sort
}

# expect_members MAIN WORKERS HELPERS: these processes and no others, on the page and in the status.
expect_members() {
	local want end=$((SECONDS + 15 * PATIENCE))
	# shellcheck disable=SC2086 # a word for each
	want=$(printf 'main %s\n' $1; [ -z "$2" ] || printf 'worker %s\n' $2; [ -z "$3" ] || printf 'helper %s\n' $3)
	want=$(sort <<<"$want")
	until [ "$(seen)" = "$want" ]; do
		[ $SECONDS -lt $end ] ||
			fail "expected $(tr '\n' ' ' <<<"$want"), got $(seen | tr '\n' ' ')"
		sleep 0.2
	done
	for role in main worker helper; do
		expect_metric "$(grep -c "$role" <<<"$want" || :)" isamon_service_processes role=$role
	done
	"$ISAMON" status --config "$T/isamon.conf" --json >"$T/status.json" || :
	"$PY" - "$T/status.json" "$@" <<-'END' || fail "the status: $(cat "$T/status.json")"
		import json, sys
		s = json.load(open(sys.argv[1]))
		main, workers, helpers = (x.split() for x in sys.argv[2:])
		got = s["main_pid"], s["mains"], s["workers"], s["helpers"]
		assert got == (int(main[0]), len(main), len(workers), len(helpers)), got
	END
	echo "$want" | tr '\n' ' '
	echo
}

supervise() { # COMMAND: as a program of supervisord, beside another one, which uses CPU
	cat >"$T/supervisord.conf" <<-END
		[supervisord]
		nodaemon = true
		logfile = /dev/null
		logfile_maxbytes = 0
		pidfile = $T/supervisord.pid
		[program:app]
		directory = $FIXTURES
		command = $1
		autorestart = true
		stopasgroup = true
		killasgroup = true
		[program:other]
		command = $PY $T/other.py
	END
	start supervisord supervisord -n -c "$T/supervisord.conf"
	wait_answer
}
cat >"$T/other.py" <<END
import os, time
for _ in range(3000):
    if os.path.exists("$T/burn"):
        break
    time.sleep(0.1)
end = time.process_time() + 2.5
while time.process_time() < end:
    pass
time.sleep(1000)
END

start_isamon "[processes]" "pss_interval = 0"

say "== gunicorn with four workers"
start_gunicorn -w 4
main=${PIDS[service]}
wait_for 20 "four workers" n_children 4 "$main"
expect_members "$main" "$(children "$main")" ""
stop service

say "== supervisord runs uvicorn with two workers, and something else that uses CPU"
supervise "$uvicorn --workers 2"
main=$(the_child "${PIDS[supervisord]}" uvicorn)
other=$(the_child "${PIDS[supervisord]}" other.py)
wait_for 20 "two workers" n_children 2 "$main" spawn_main
expect_members "$main" "$(children "$main" spawn_main)" "$(children "$main" resource_tracker)"
used() { # PID...
	local pid
	for pid; do cat /proc/"$pid"/task/*/schedstat; done | awk '{ s += $1 } END { printf "%.6f", s / 1e9 }'
}
look() { # what isamon says, what the service used, what the other one used
	sleep 1.1 # a page brings a new collection
	# shellcheck disable=SC2046 # a word for each
	echo "$(metric isamon_service_cpu_seconds_total) $(used "$main" $(children "$main")) $(used "$other")"
}
before=$(look)
other_has_run() { awk -v a="${before##* }" -v b="$(used "$other")" 'BEGIN { exit !(b - a > 1.5) }'; }
touch "$T/burn"
ab -q -n $((4000 / SLOW)) -c 4 "http://127.0.0.1:$SERVICE_PORT/health" >"$T/ab.log" 2>&1 || fail "ab"
wait_for 30 "the other program to have used its CPU" other_has_run
echo "$before $(look)" | awk '{
	printf "isamon says %.3f s, the service used %.3f s, the other one %.3f s\n", $4 - $1, $5 - $2, $6 - $3
	d = $4 - $1 - ($5 - $2); if (d < 0) d = -d
	exit !($6 - $3 > 1.5 && $5 - $2 > 0.1 && d < 0.1 + 0.03 * ($5 - $2))
}' || fail "the CPU time is not that of the service alone"
rm "$T/burn"
stop supervisord

say "== a shell stands between supervisord and uvicorn"
supervise "bash -c 'cd $FIXTURES; $uvicorn; exit \$?'"
shell=$(the_child "${PIDS[supervisord]}" "exit")
main=$(the_child "$shell" uvicorn)
expect_members "$main" "" "$shell"
restarts=$(metric isamon_service_restarts_total)
kill -9 "$main"
again() { n_children 1 "${PIDS[supervisord]}" "exit" && [ "$(children "${PIDS[supervisord]}" "exit")" != "$shell" ]; }
wait_for 20 "supervisord to start it again" again
shell=$(the_child "${PIDS[supervisord]}" "exit")
main=$(the_child "$shell" uvicorn)
wait_answer
expect_members "$main" "" "$shell"
expect_metric $((restarts + 1)) isamon_service_restarts_total
stop supervisord

say "== that shell has started something else before, which is the service's, too"
supervise "bash -c 'sleep 100 & cd $FIXTURES; $uvicorn; exit \$?'"
shell=$(the_child "${PIDS[supervisord]}" "exit")
main=$(the_child "$shell" uvicorn)
expect_members "$main" "" "$shell $(children "$shell" sleep)"
stop supervisord

say "== shells that nobody supervises"
cd "$FIXTURES" || exit
new_tally
start service sh -c "sleep 100 & exec $uvicorn"
wait_answer
main=${PIDS[service]}
expect_members "$main" "" "$(children "$main")"
stop service
start service sh -c "$uvicorn; exit \$?"
wait_answer
main=$(the_child "${PIDS[service]}" uvicorn)
expect_members "$main" "" "${PIDS[service]}"
stop service
# Of the two children of such a script one might be the service's client: it and the script are not taken for it.
start service sh -c "sleep 100 & $uvicorn; exit \$?"
wait_answer
main=$(the_child "${PIDS[service]}" uvicorn)
expect_members "$main" "" ""
