#!/bin/bash
# SPDX-License-Identifier: MIT
# 100,000 random paths do not make more series than allowed, nor hostile request lines a broken page; slow and
# hostile scrapers hold up neither the counting nor, for long, other scrapers.
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl wrk nginx

SERVICE_PORT=$(free_port)
start_isamon "max_series = 200" "[listen]" "timeout = 2"
start_nginx_static 1
rss() { awk '/^VmRSS/ { print $2 }' "/proc/${PIDS[isamon]}/status"; }

say "== pages of every size, by every way"
for i in $(seq 150); do
	curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/random/$(tr 0-9 g-p <<<"$i")z"
	for how in --http1.0 --http1.1 --compressed "--http1.0 --compressed"; do
		# shellcheck disable=SC2086 # several words
		curl -fsS $how --max-time 2 -o "$T/page" "$URL" ||
			fail "$how: a page of $(wc -c <"$T/page") bytes did not end"
		grep -q '^process_start_time_seconds' "$T/page" || fail "$how: the page is cut"
	done
done

say "== random paths"
"$PY" "$FIXTURES/burst.py" "$SERVICE_PORT" 400 /hello /broken
before=$(rss)
cat >"$T/random.lua" <<'END'
local word = {}
function request()
	for i = 1, 8 do word[i] = string.char(math.random(103, 122)) end
	return wrk.format("GET", "/random/" .. table.concat(word))
end
END
n=0
while [ "$n" -lt 100000 ]; do
	wrk -t 1 -c 16 -d 2s -s "$T/random.lua" "http://127.0.0.1:$SERVICE_PORT/" >"$T/wrk.log"
	n=$(wc -l <"$T/nginx/access.log")
	[ $SECONDS -lt 60 ] || break
done
expect_metric "$(wc -l <"$T/nginx/access.log")" isamon_http_requests_ended_total end=complete
series=$(metric isamon_http_series)
# A series per method and class of status is possible in "other" above the limit.
[ "$series" -le 210 ] || fail "$series series, 200 are allowed"
[ "$(metric http_server_request_duration_seconds_count http_route=other)" -gt $((n / 2)) ] ||
	fail "little in the route other: $(metric http_server_request_duration_seconds_count http_route=other)"
[ "$(metric isamon_http_series_overflow_total)" -gt $((n / 2)) ] || fail "the overflow was not counted"
expect_metric 200 http_server_request_duration_seconds_count http_route=/hello
expect_metric 200 http_server_request_duration_seconds_count http_route=/broken
after=$(rss)
say "$n requests, $series series; RSS $before -> $after KiB; lost $(metric isamon_trace_lost_total)"
[ "$after" -lt $((before + 4096)) ] || fail "memory grew from $before to $after KiB"

say "== hostile request lines"
"$PY" - "$FIXTURES" "$SERVICE_PORT" <<'END'
import os, random, sys
sys.path.insert(0, sys.argv[1])
from wire import Client
lines = [b"GET /\x01\x02\x7f HTTP/1.1", b"GET /\xff\xfe\xc0\x80 HTTP/1.1", b'GET /"}\\n{a="b HTTP/1.1',
         b"GET /%00%0a%22 HTTP/1.1", b"GET //..//..//etc HTTP/1.1", b"GET /" + b"%" * 100 + b" HTTP/1.1",
         b"GET /\xe2\x80\xae\xf0\x9f\x98\x80 HTTP/1.1", b"GET \t/x HTTP/1.1", b"GET /a b c HTTP/1.1",
         b"GET /" + b"A" * 5000 + b" HTTP/1.1", b"GET", b"GET ", b"GET /", b"get / http/1.1",
         b"GET / HTTP/9.9", b"GET /\r HTTP/1.1", b"GET http:// HTTP/1.1", b"GET ? HTTP/1.1", b"GET # HTTP/1.1"]
r = random.Random(3)
lines += [bytes(r.randrange(256) for _ in range(r.randrange(1, 300))) for _ in range(200)]
lines += [b"GET /" + bytes(r.randrange(256) for _ in range(r.randrange(1, 200))) + b" HTTP/1.1" for _ in range(200)]
for line in lines:
    try:
        with Client(int(sys.argv[2]), timeout=0.05) as c:
            c.send(line + b"\r\nHost: x\r\n\r\n")
            c.rest()
    except OSError:
        pass
END
balanced() {
	[ "$(metric http_server_active_requests)" = 0 ] && [ "$(metric isamon_http_connections_active)" = 0 ]
}
wait_for 15 "nothing to be left in flight" balanced
curl -fsS -o "$T/page" "$URL"
"$PY" -c 'import sys; open(sys.argv[1], encoding="utf-8", errors="strict").read()' "$T/page" ||
	fail "the page is not UTF-8"
if LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' "$T/page"; then fail "control bytes on the page"; fi
if command -v promtool >/dev/null; then promtool check metrics <"$T/page" || fail "promtool"; fi

say "== slow and hostile scrapers"
expect_metric 0 isamon_trace_lost_total
"$PY" "$FIXTURES/bad_scrapers.py" "$ISAMON_PORT" 8 &
bad=$!
sleep 0.5
"$PY" "$FIXTURES/burst.py" "$SERVICE_PORT" 2000 /hello >/dev/null
served=0
for _ in $(seq 40); do
	if curl -fsS --max-time 1 -o /dev/null "$URL" 2>/dev/null; then served=$((served + 1)); fi
	sleep 0.1
done
kill $bad 2>/dev/null || :
wait $bad 2>/dev/null || :
say "$served of 40 scrapes among the hostile ones were served"
[ $served -gt 0 ] || fail "no scrape was served while others held their connections"
wait_for 10 "the page to be served again" curl -fsS --max-time 1 "$URL"
expect_metric 2200 http_server_request_duration_seconds_count http_route=/hello
after=$(rss)
[ "$after" -lt $((before + 8192)) ] || fail "memory grew from $before to $after KiB"
stop isamon
[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
