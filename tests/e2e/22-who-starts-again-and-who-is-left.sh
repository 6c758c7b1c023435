#!/bin/bash
# SPDX-License-Identifier: MIT
# A service that a script starts again and again is in a crash loop; workers whose main process was killed are no
# restart; children whose parent has left them belong to the service as before.
# vm: yes
# judges: time
# limit: 120
# shellcheck disable=SC2119 # functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
restarts() { metric isamon_service_restarts_total; }
status() { "$ISAMON" status --config "$T/isamon.conf" >"$T/status" 2>&1; }

cat >"$T/brief.py" <<END
import os, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", $SERVICE_PORT))
s.listen()
time.sleep(1.5 * $PATIENCE)
os._exit(3)
END
cat >"$T/leaves.py" <<END
import os, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", $SERVICE_PORT))
s.listen()
while not os.path.exists("$T/go"):
    time.sleep(0.1)
for _ in range(20):
    child = os.fork()
    if not child:
        if not os.fork():
            s.close()
            time.sleep(300)
        os._exit(0)
    os.waitpid(child, 0)
time.sleep(300)
END

start_isamon "[processes]" "crash_loop_window = $((60 * PATIENCE))"
[ "$(metric isamon_probe_up probe=life)" = 1 ] || skip "this kernel refuses the programs: $(cat "$T/isamon.log")"

say "== a script starts it again and again"
start service bash -c "trap 'kill \$! 2>/dev/null; exit' TERM; for i in 1 2 3 4 5 6; do $PY $T/brief.py & wait \$!; sleep .2; done; sleep 300 & wait"
wait_for 40 "the crash loop to be told" metric_is 1 isamon_service_crash_loop
expect_metric 3 isamon_service_last_exit_code
grep -q "the main process of fixture ended unexpectedly: .*exit status 3" "$T/isamon.log" || fail "the log does not say it"
[ "$(restarts)" -ge 2 ] || fail "$(restarts) restarts"
if status; then fail "the status is fine: $(cat "$T/status")"; fi
grep -q 'crash loop' "$T/status" || fail "the status does not tell of it: $(cat "$T/status")"
stop service
stop isamon
[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"

say "== workers go on without their main process"
start_isamon
start_uvicorn --workers 2
two_workers() { [ "$(metric isamon_service_processes role=worker)" = 2 ]; }
wait_for 20 "two workers" two_workers
workers=$(pgrep -P "${PIDS[service]}" -f multiprocessing.spawn)
before=$(restarts)
kill -KILL "${PIDS[service]}" # and nobody else: stop would end its children, too
{ wait "${PIDS[service]}" || :; } 2>/dev/null
unset "PIDS[service]"
gone() { grep -q 'the main process of fixture is gone: [0-9]*, which it started, goes on without it' "$T/isamon.log"; }
wait_for 15 "the log to tell who is left" gone
[ "$(restarts)" = "$before" ] || fail "that was no restart"
# shellcheck disable=SC2086 # a word for each
kill $workers
nobody() { ! port_open "$SERVICE_PORT"; }
wait_for 10 "them to end" nobody
start_uvicorn
expect_metric $((before + 1)) isamon_service_restarts_total
stop service

say "== children whose parent has left them"
start service "$PY" "$T/leaves.py"
wait_port "$SERVICE_PORT"
is_main() { curl -fsS "$URL" | grep -q "pid=\"${PIDS[service]}\",role=\"main\""; }
wait_for 15 "the service to be found" is_main
touch "$T/go"
all() { metric_is 20 isamon_service_processes role=helper; }
wait_for 15 "twenty helpers" all
kill -HUP "${PIDS[isamon]}" # looks for everybody anew
sleep 3
expect_metric 20 isamon_service_processes role=helper
left=$(pgrep -f "$T/leaves.py" | grep -vx "${PIDS[service]}")
# shellcheck disable=SC2086 # a word for each
kill -KILL $left
expect_metric 0 isamon_service_processes role=helper
stop service
