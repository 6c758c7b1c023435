#!/bin/bash
# SPDX-License-Identifier: MIT
# promtool accepts the page, a real Prometheus scrapes it and knows the p99, OpenMetrics parses, gzip unpacks.
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
start_isamon
start_uvicorn
base=http://127.0.0.1:$SERVICE_PORT
"$PY" "$FIXTURES/traffic.py" "$base" --duration 3 --rate 100 --report "$T/traffic.json" ||
	fail "traffic: $(cat "$T/traffic.json")"
compare "$TALLY_DIR" --lost --aborts

say "== the formats"
curl -fsS -D "$T/head" -o "$T/page" "$URL"
grep -qi '^content-type: text/plain; version=0.0.4' "$T/head" || fail "content type: $(cat "$T/head")"
if command -v promtool >/dev/null; then
	promtool check metrics <"$T/page" || fail "promtool does not like the page"
else
	say "no promtool: not asked"
fi
om='Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5'
curl -fsS -H "$om" -D "$T/head" -o "$T/page.om" "$URL"
grep -qi '^content-type: application/openmetrics-text; version=1.0.0' "$T/head" ||
	fail "OpenMetrics was asked for: $(cat "$T/head")"
[ "$(tail -n 1 "$T/page.om")" = "# EOF" ] || fail "no # EOF"
if "$PY" -c 'import prometheus_client' 2>/dev/null; then
	"$PY" - "$T/page.om" "$T/page" <<'END' || fail "prometheus_client does not like the page"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as om
from prometheus_client.parser import text_string_to_metric_families as text
new = {f.name: f for f in om(open(sys.argv[1]).read())}
old = {f.name: f for f in text(open(sys.argv[2]).read())}
d = "http_server_request_duration_seconds"
assert new[d].type == old[d].type == "histogram", new[d].type
assert new[d].unit == "seconds", new[d].unit
assert all(f.documentation for f in new.values()), "a family without HELP"
assert new["isamon_http_connections"].type == "counter"
routes = {s.labels["http_route"] for s in new[d].samples}
assert "/api/files/{session_id}" in routes and "/ws/{session_id}" in routes, routes
print("%d families, %d samples" % (len(new), sum(len(f.samples) for f in new.values())))
END
else
	say "no prometheus_client: OpenMetrics not parsed"
fi
curl -fsS -H 'Accept-Encoding: gzip' -D "$T/head" -o "$T/page.gz" "$URL"
grep -qi '^content-encoding: gzip' "$T/head" || fail "gzip was asked for: $(cat "$T/head")"
gzip -dc <"$T/page.gz" >"$T/page.unpacked" || fail "gzip cannot unpack it"
grep -q '^http_server_request_duration_seconds_count' "$T/page.unpacked" || fail "gzip: no page in it"
[ "$(wc -c <"$T/page.gz")" -lt $(($(wc -c <"$T/page.unpacked") / 4)) ] || fail "gzip saves little"
curl -sS -D "$T/head" -o /dev/null "$URL"
if grep -qi '^content-encoding' "$T/head"; then fail "gzip unasked"; fi
curl -fsS -I -o "$T/head" "$URL"
grep -qi '^content-type: text/plain' "$T/head" || fail "HEAD"

say "== Prometheus"
if ! command -v prometheus >/dev/null; then
	skip "all but a real Prometheus: not installed"
fi
PROMETHEUS_PORT=$(free_port)
cat >"$T/prometheus.yml" <<END
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: isamon
    static_configs:
      - targets: ["127.0.0.1:$ISAMON_PORT"]
END
start prometheus prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" \
	--web.listen-address="127.0.0.1:$PROMETHEUS_PORT" --log.level=warn
query() { # EXPRESSION: the first value, or nothing
	curl -fsS --get --data-urlencode "query=$1" "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query" |
		"$PY" -c 'import json, sys
r = json.load(sys.stdin)["data"]["result"]
print(r[0]["value"][1] if r else "")'
}
is_up() { [ "$(query 'sum_over_time(up{job="isamon"}[1m]) >= bool 3')" = 1 ]; }
wait_for 30 "Prometheus to have scraped" is_up
"$PY" "$FIXTURES/burst.py" "$SERVICE_PORT" 40 "/slow?ms=300"
p99='histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket{http_route="/slow"}[30s])))'
# Between 0.25 and 0.5 s, the bucket in which 300 ms fall.
has_p99() { query "$p99" | awk '{ exit !($1 > 0.25 && $1 <= 0.5) }'; }
wait_for 20 "the p99" has_p99
say "p99 of /slow: $(query "$p99") s"
total=$(metric http_server_request_duration_seconds_count)
has_all() { [ "$(query 'sum(http_server_request_duration_seconds_count)')" = "$total" ]; }
wait_for 10 "Prometheus to have all $total requests" has_all
