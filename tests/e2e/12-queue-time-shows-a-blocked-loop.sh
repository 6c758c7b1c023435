#!/bin/bash
# SPDX-License-Identifier: MIT
# How long a request waited until its service read it: the whole wait for a blocked event loop and for a stopped
# worker, and nothing of what the service itself took; and which worker read it.
# vm: yes
# judges: time
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl ab

# {name} is not in the pattern: each name is a series of its own.
SERVICE_PORT=$(free_port)
start_isamon
[ "$(metric isamon_probe_up probe=queue)" = 1 ] || fail "the queue is not measured here"

say "== one process"
start_uvicorn
"$PY" "$FIXTURES/queue_client.py" "$URL" "$SERVICE_PORT" "${PIDS[service]}" "$SLOW" ||
	fail "the queue is not true"
stop service

say "== every request has its queue, also under load"
# Each worker begins with its own count, so what was before is not in it.
SERVICE_PORT=$(free_port)
stop isamon
start_isamon
start_uvicorn --workers 4
load "$SERVICE_PORT" /health /api/models /fail "/api/stream?n=2&ms=1"
compare "$TALLY_DIR" --lost --aborts
requests=$(metric http_server_request_duration_seconds_count)
expect_metric "$requests" isamon_http_request_queue_seconds_count

say "== which worker it was"
"$PY" "$FIXTURES/queue_client.py" --workers "$URL" "$TALLY_DIR" || fail "requests are not those of their worker"
stop service
stop isamon
[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
