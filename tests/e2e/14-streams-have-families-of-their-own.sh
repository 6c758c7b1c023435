#!/bin/bash
# SPDX-License-Identifier: MIT
# Event streams and long chunked responses: first byte, longest silence, duration, bytes and how they ended are
# what client and service know; and whether they are among the durations of all requests is configured.
# vm: yes
# judges: time
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

status=0
for http in h11 httptools; do
	for apart in no yes; do
		[ "$SLOW" = 1 ] || [ "$http" = h11 ] || continue
		say "== uvicorn --http $http, streams apart: $apart"
		SERVICE_PORT=$(free_port)
		if [ $apart = yes ]; then
			start_isamon "stream_threshold = 300" "streams_in_duration = no"
		else
			start_isamon "stream_threshold = 300"
		fi
		start_uvicorn --http $http
		option=()
		[ $apart = no ] || option=(--apart)
		"$PY" "$FIXTURES/stream_client.py" "$URL" "$SERVICE_PORT" "$SLOW" "${option[@]}" || status=1
		if [ $apart = no ]; then
			compare "$TALLY_DIR" --lost
		fi

		say "-- the service is killed inside a stream"
		curl -sS --max-time 20 "http://127.0.0.1:$SERVICE_PORT/tokens?gaps=0,100,10&end=die" >"$T/cut" 2>&1 || :
		expect_metric 2 isamon_streams_ended_total http_route=/tokens end=abort_server
		{ stop service; } 2>/dev/null
		expect_metric 0 http_server_active_requests
		stop isamon
		[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
	done
done

say "== the threshold by default is a second"
SERVICE_PORT=$(free_port)
start_isamon
start_uvicorn
base=http://127.0.0.1:$SERVICE_PORT
curl -fsS -o /dev/null "$base/tokens?gaps=0,400,300&kind=text/plain" -o /dev/null "$base/tokens?gaps=0,600,600&kind=text/plain"
expect_metric 2 http_server_request_duration_seconds_count http_route=/tokens
expect_metric 1 isamon_streams_ended_total
stop service
stop isamon
[ $status = 0 ] || fail "streams are not what they are"
