#!/bin/bash
# SPDX-License-Identifier: MIT
# Under every client at full speed, uvicorn's own count of requests by route and status is isamon's:
# one worker on h11, one on httptools, four.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need ab wrk curl

uploads() {
	local base=http://127.0.0.1:$SERVICE_PORT
	head -c $((3000000 / SLOW)) /dev/urandom >"$T/upload"
	curl -sS -o /dev/null --data-binary "@$T/upload" "$base/api/upload-file"
	# Segments of these overtake each other now and then, when two CPUs send them.
	for _ in {1..20}; do
		curl -sS -o /dev/null -H 'Transfer-Encoding: chunked' --data-binary "@$T/upload" \
			"$base/api/upload-file"
	done
	curl -sS -o /dev/null -H 'Expect:' -F "file=@$T/upload" "$base/api/upload-file"
}

ways=("--http h11" "--http httptools" "--http httptools --workers 4")
[ $SLOW = 1 ] || ways=("--http h11 --workers 2")
for how in "${ways[@]}"; do
	say "== uvicorn $how"
	SERVICE_PORT=$(free_port)
	start_isamon
	# shellcheck disable=SC2086 # several words
	start_uvicorn $how
	load "$SERVICE_PORT" /health /api/models /fail /nowhere "/api/stream?n=2&ms=1" /api/files/x1
	uploads
	compare "$TALLY_DIR" --lost --aborts
	# The form of the last one has a head and an end of its own.
	uploaded=$(metric http_server_request_body_size_bytes_sum http_route=/api/upload-file)
	size=$(stat -c %s "$T/upload")
	if [ "${uploaded%.*}" -lt $((22 * size)) ] || [ "${uploaded%.*}" -ge $((22 * size + 1000)) ]; then
		fail "22 uploads of $size bytes are $uploaded to isamon"
	fi
	load_wrk "$SERVICE_PORT" /api/models / /fail /nowhere
	compare "$TALLY_DIR" --lost --aborts --unread 24
	stop service
	expect_metric 0 http_server_active_requests
	expect_metric 0 isamon_http_connections_active
	stop isamon
	[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
done
