#!/bin/bash
# SPDX-License-Identifier: MIT
# Each way in which a response can be framed, and in which a request can break off, on a real
# socket, moves exactly the counters that it must.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
start_isamon
start_raw
status=0
for group in framing aborts; do
	"$PY" "$FIXTURES/framing_client.py" "$URL" "$SERVICE_PORT" $group || status=1
done
[ $status = 0 ] || fail "some cases are counted wrongly"
expect_metric 0 http_server_active_requests
expect_metric 0 isamon_http_connections_active
