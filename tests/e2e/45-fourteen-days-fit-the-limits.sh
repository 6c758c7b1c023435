#!/bin/bash
# SPDX-License-Identifier: MIT
# Minutes of 14 days, each as large as one can be (50 routes, 150 values, three sets of dimensions): CloudWatch's limits
# (1,000 metrics, 150 values, 1 MB, 14 days) are kept by every request, and its rate; what is older is counted, not sent.
# beside: yes
# limit: 240
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=../fixtures/aws.sh
. "$FIXTURES/aws.sh"
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

FILL=$REPO/${BUILD:-build}/release/tests/bench/fill_spool
[ -x "$FILL" ] || fail "no $FILL; make tests"
SERVICE_PORT=$(free_port)
ISAMON_PORT=$(free_port)
MINUTES=28 OLD=2 REQUESTS=100000 ROUTES=50
umask 077
mkdir "$T/run" "$T/state"
start_fake_aws
{
	printf '[service]\nname = fixture\nports = %s\n[listen]\nport = %s\n' "$SERVICE_PORT" "$ISAMON_PORT"
	printf '[daemon]\nruntime_directory = %s\nstate_directory = %s\n[job "backup"]\nenabled = no\n' "$T/run" "$T/state"
	aws_conf "latency_by_route = yes" "dimension = AutoScalingGroupName=web" "dimension = Environment=production"
} >"$T/isamon.conf"

# The step is half a day: the last two are 14 days old and older.
"$FILL" "$T/state" $((MINUTES + OLD)) 43200 $REQUESTS $ROUTES >"$T/fill.log" 2>&1 || fail "fill_spool: $(cat "$T/fill.log")"
cat "$T/fill.log"
timeout 200 "$ISAMON" metrics push --once --config "$T/isamon.conf" >"$T/push.log" 2>&1 || fail "push: $(tail -n 5 "$T/push.log")"
cat "$T/push.log"

fake requests operation=PutMetricData >"$T/requests.jsonl"
fake metrics >"$T/metrics.jsonl"
"$PY" - "$T" $MINUTES $REQUESTS $ROUTES <<'END' || fail "the limits"
import collections, json, sys, time
directory, minutes, n_requests, routes = sys.argv[1], *map(int, sys.argv[2:])
requests = [json.loads(line) for line in open(directory + "/requests.jsonl")]
data = [json.loads(line) for line in open(directory + "/metrics.jsonl")]
print("%d requests; at most %d metrics, %d bytes before compression, %d behind it" % (
    len(requests), max(r["metrics"] for r in requests), max(r["body_bytes"] for r in requests),
    max(r["sent_bytes"] for r in requests)))
for r in requests:
    assert r["effect"] and r["status"] == 200, r
    assert r["metrics"] <= 1000 and r["body_bytes"] <= 1000000, r
times = [r["time"] for r in requests]
burst = max(sum(t <= other < t + 1 for other in times) for t in times)
assert max(r["body_bytes"] for r in requests) > 900000, "they might have been fuller"
print("at most %d of them in a second" % burst)
assert burst <= 5, "more than 4 a second"
most = max(len(d.get("values", ())) for d in data)
print("%d data, of at most %d values" % (len(data), most))
assert most == 150, most
# Each minute, and each set of dimensions, once, with what it had.
seen = collections.Counter((d["metric"], d["dimensions"], d["time"]) for d in data)
assert set(seen.values()) == {1}, [k for k, n in seen.items() if n > 1][:3]
sums = collections.defaultdict(list)
for d in data:
    if d["metric"] == "RequestCount":
        sums[d["dimensions"]].append(d["sum"])
assert len(sums) == 3, list(sums)
for dimensions, each in sums.items():
    assert each == [n_requests] * minutes, (dimensions, len(each), each[:3])
by_route = collections.Counter()
for d in data:
    if "Route=" in d["dimensions"]:
        by_route[d["time"], d["dimensions"].count("=")] += d["samples"]
assert len({d["dimensions"] for d in data if "Route=" in d["dimensions"]}) == 3 * routes
assert set(by_route.values()) == {n_requests} and len(by_route) == 3 * minutes, set(by_route.values())
assert min(d["time"] for d in data) > time.time() - 14 * 86400
END
