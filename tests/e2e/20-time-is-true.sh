#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon's duration is what the client measured, and ends with the last byte; the wait of a request for a
# blocked event loop is in it.
# vm: yes
# judges: time
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
blocked() { "$PY" - "$FIXTURES" "$SERVICE_PORT"; } <<'END'
import sys, time
sys.path.insert(0, sys.argv[1])
from wire import Client, request
port = int(sys.argv[2])
with Client(port) as first, Client(port) as second:
    first.send(request("/block?ms=700"))
    time.sleep(0.1)
    begin = time.monotonic()
    second.send(request("/api/models"))
    second.answer()
    print("%.6f" % (time.monotonic() - begin))
END
outside=$(blocked)
expect_metric 1 http_server_request_duration_seconds_count http_route=/api/models
inside=$(metric http_server_request_duration_seconds_sum http_route=/api/models)
say "the request behind it took $inside s, by its client's clock $outside s"
awk -v i="$inside" -v o="$outside" -v near=$((PATIENCE * 5)) \
	'BEGIN { exit !(o > 0.3 && i <= o && i > o - near / 1000) }' ||
	fail "its wait for the event loop is not in it"
