#!/bin/bash
# SPDX-License-Identifier: MIT
# The service comes, goes, restarts and changes its workers; isamon comes and goes, is reloaded, is killed.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl ab

SERVICE_PORT=$(free_port)
base=http://127.0.0.1:$SERVICE_PORT
ask() { curl -fsS -o /dev/null --max-time 10 "$base$1"; }

say "== isamon first; the service comes, goes, comes again"
start_isamon
expect_metric 0 isamon_service_up
start_uvicorn
expect_metric 1 isamon_service_up
ask /api/models
stop service
expect_metric 0 isamon_service_up
expect_metric 1 http_server_request_duration_seconds_count http_route=/api/models
start_uvicorn --workers 2
expect_metric 1 isamon_service_up
ask /api/models
compare "$T/tally.1" "$T/tally.2" --lost --aborts
stop service

say "== the service changes its workers under load"
if command -v gunicorn >/dev/null; then
	start_gunicorn -w 2 --graceful-timeout 5
	ab -q -n $((4000 / SLOW)) -c 4 "$base/api/models" >"$T/ab.log" 2>&1 &
	load=$!
	for _ in 1 2 3; do
		sleep 0.4
		kill -HUP "${PIDS[service]}"
	done
	wait $load || say "ab ended early, which gunicorn's restarts may cause"
	wait_for 10 "the new workers" ask /health
	compare "$T"/tally.* --lost
	stop service
fi
stop isamon
[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"

say "== connections that are older than isamon"
start_raw
"$PY" - "$FIXTURES" "$SERVICE_PORT" "$T" <<'END' >"$T/old.log" 2>&1 &
import os, sys, time
sys.path.insert(0, sys.argv[1])
from wire import Client, request
port, directory = int(sys.argv[2]), sys.argv[3]
idle, busy, new = Client(port), Client(port), Client(port)
idle.ask("/delay/0")
busy.send(request("/sse/25/100"))
busy.head()
open(directory + "/old-open", "w").close()
while not os.path.exists(directory + "/old-go"):
    time.sleep(0.02)
assert idle.ask("/status/201")[0] == 201
assert new.ask("/status/202")[0] == 202
body = busy.body("GET", 200, {"transfer-encoding": "chunked"})
assert body.count(b"data") == 25, body
assert busy.ask("/status/203")[0] == 203
assert idle.ask("/status/207")[0] == 207
END
old=$!
wait_for 10 "the old connections" test -e "$T/old-open"
start_isamon
touch "$T/old-go"
wait $old || fail "the client of the old connections: $(cat "$T/old.log")"
for code in 201 202 203 207; do
	expect_metric 1 http_server_request_duration_seconds_count http_response_status_code=$code
done
expect_metric 0 http_server_active_requests
stop service

say "== SIGHUP: a good file is taken, a bad one refused"
start_uvicorn
sed -i "s|^route = /ws.*|&\nroute = /api/{what}|" "$T/isamon.conf"
kill -HUP "${PIDS[isamon]}"
reloaded() { ask /api/models && [ "$(metric http_server_request_duration_seconds_count 'http_route=/api/{what}')" -ge 1 ]; }
wait_for 5 "the new route" reloaded
cp "$T/isamon.conf" "$T/good.conf"
sed -i "s/^ports = .*/portz = 1/" "$T/isamon.conf"
kill -HUP "${PIDS[isamon]}"
refused() { [ "$(metric isamon_config_reloads_total)" = 2 ]; }
wait_for 5 "the bad file to be counted" refused
alive isamon || fail "a bad configuration ended isamon"
grep -q "isamon.conf:[0-9]*:.*portz" "$T/isamon.log" || fail "it does not say what is wrong with the file"
n=$(metric http_server_request_duration_seconds_count 'http_route=/api/{what}')
ask /api/models
expect_metric $((n + 1)) http_server_request_duration_seconds_count 'http_route=/api/{what}'
cp "$T/good.conf" "$T/isamon.conf"
sed -i "s/^ports = .*/ports = $(free_port)/" "$T/isamon.conf"
kill -HUP "${PIDS[isamon]}"
expect_metric 0 isamon_service_up
n=$(metric http_server_request_duration_seconds_count)
ask /api/models
sed -i "s/^ports = .*/ports = $SERVICE_PORT/" "$T/isamon.conf"
kill -HUP "${PIDS[isamon]}"
expect_metric 1 isamon_service_up
expect_metric "$n" http_server_request_duration_seconds_count
ask /api/models
expect_metric $((n + 1)) http_server_request_duration_seconds_count

say "== a second one is refused"
sed "s/^port = .*/port = $(free_port)/" "$T/isamon.conf" >"$T/second.conf"
status=0
timeout 10 "$ISAMON" run --config "$T/second.conf" >"$T/second.log" 2>&1 || status=$?
[ $status = 3 ] || fail "a second isamon ended with status $status, expected 3"
grep -qi "already\|running" "$T/second.log" || fail "it does not say why: $(cat "$T/second.log")"
isamon_ready >/dev/null || fail "the first one was disturbed"

say "== SIGTERM: at once and cleanly, also while somebody hangs on its page"
exec 8<>"/dev/tcp/127.0.0.1/$ISAMON_PORT"
printf 'GET /metrics HTTP/1.1\r\n' >&8
began=${EPOCHREALTIME/./}
stop isamon
took=$((${EPOCHREALTIME/./} - began))
exec 8>&-
[ "$STATUS" = 0 ] || fail "SIGTERM: status $STATUS"
[ $took -lt $((2000000 * PATIENCE)) ] || fail "SIGTERM took $took us"
[ ! -e "$T/run/isamon.sock" ] || fail "the control socket was left behind"

say "== kill -9 leaves no program attached and the service unharmed"
links() { { bpftool link list 2>/dev/null | grep -c '^[0-9]'; } || :; }
if command -v bpftool >/dev/null; then links_before=$(links); fi
start_isamon
stop isamon KILL
ask /health || fail "the service does not answer"
if command -v bpftool >/dev/null && bpftool link list >/dev/null 2>&1; then
	gone() { [ "$(links)" -le "$links_before" ]; }
	wait_for 5 "the programs to be gone" gone
else
	say "no bpftool that works here: not looked for what stays attached"
fi
start_isamon # in spite of the socket that the dead one left
ask /health
expect_metric 1 http_server_request_duration_seconds_count

say "== isamon comes and goes under load"
stop isamon
ab -q -k -n $((30000 / SLOW)) -c 8 "$base/health" >"$T/ab.log" 2>&1 &
load=$!
for _ in 1 2 3; do
	start_isamon
	sleep 0.3
	stop isamon
	[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
done
wait $load || fail "ab failed"
grep -q '^Failed requests: *0$' "$T/ab.log" || fail "requests failed: $(grep Failed "$T/ab.log")"
