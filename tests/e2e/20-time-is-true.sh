#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon's duration is what the client measured, and ends with the last byte; the wait of a request for a
# blocked event loop is in it.
# vm: yes
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
start_isamon "route = /delay/{ms}" "route = /sse/{n}/{ms}"
start_raw
"$PY" "$FIXTURES/truth_client.py" "$URL" "$SERVICE_PORT" "$TALLY_DIR/truth.log" "$SLOW" ||
	fail "times are not true"
stop service

say "== a blocked event loop"
start_uvicorn
base=http://127.0.0.1:$SERVICE_PORT
curl -fsS "$base/block?ms=600" >/dev/null &
blocker=$!
before=$(metric http_server_request_duration_seconds_sum http_route=/api/models)
sleep 0.1
curl -fsS "$base/api/models" >/dev/null
wait $blocker
expect_metric 1 http_server_request_duration_seconds_count http_route=/api/models
after=$(metric http_server_request_duration_seconds_sum http_route=/api/models)
say "the request behind it took $after s"
awk -v a="$after" -v b="$before" 'BEGIN { exit !(a - b > 0.3 && a - b < 3) }' ||
	fail "a request that waited half a second for the event loop took $after s"
