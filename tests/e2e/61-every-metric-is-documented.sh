#!/bin/bash
# SPDX-License-Identifier: MIT
# docs/metrics.md names every metric of the page and none that is not on it, with its type, unit, labels and
# buckets; what the other documents call a metric is one.
# beside: yes
# limit: 60
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
mkdir "$T/app"
printf 'Traceback (most recent call last):\n  File "x", line 1\nKeyError: 1\n' >"$T/app/a.log"
# CloudWatch's families are there, though nobody answers.
export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=y
start_isamon "[daemon]" "state_directory = $T/state" "[aws]" "region = us-east-1" \
	"endpoint_url = http://127.0.0.1:1" "imds_endpoint = http://127.0.0.1:1" "[cloudwatch]" "enabled = yes" \
	"storage_resolution = 1" "interval = 1" "[logs]" "enabled = yes" '[log "app"]' "path = $T/app/*.log" "start = beginning" \
	"ship = no" '[job "check"]' "schedule = @yearly" "command = version"
start_raw
curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/delay/0"
curl -sS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/rst-before" 2>/dev/null || :
curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/sse/2/5"
"$PY" -c '
import sys
sys.path.insert(0, sys.argv[1])
from ws_raw import Socket, frame, script
s = Socket(int(sys.argv[2]), "/puppet")
s.say(script(frame(b"answer", mask=False)))
s.hear()
s.end()' "$FIXTURES" "$SERVICE_PORT"
expect_metric 3 http_server_request_duration_seconds_count
expect_metric 1 isamon_streams_ended_total
expect_metric 1 isamon_websocket_turn_seconds_count
expect_metric 1 isamon_websocket_connection_duration_seconds_count
expect_metric 1 isamon_http_requests_aborted_total
# The service's processes and sockets are looked at once a second.
has() { curl -fsS "$URL" | grep "^$1"; }
wait_for 5 "the listen queue" has 'isamon_listen_queue_limit{'
wait_for 10 "the processes" has isamon_service_start_time_seconds
wait_for 10 "the log's levels" metric_is 1 isamon_log_records_total log=app level=error
"$ISAMON" jobs run check --quiet --config "$T/isamon.conf"
wait_for 15 "the job" metric_is 1 isamon_job_runs_total job=check result=ok
wait_for 10 "a minute to wait for CloudWatch" has isamon_cloudwatch_spool_oldest_timestamp_seconds
curl -fsS -o "$T/page" "$URL"
curl -fsS -o "$T/page.om" -H 'Accept: application/openmetrics-text' "$URL"

cat >"$T/check.py" <<'END'
import glob
import re
import sys

page, openmetrics, repo = open(sys.argv[1]).read(), open(sys.argv[2]).read(), sys.argv[3]
doc = open(repo + "/docs/metrics.md").read()
wrong = []


def expect(where, what, documented, real):
    if documented != real:
        wrong.append("%s: %s: documented %s, on the page %s" % (where, what, documented, real))


def words(text):
    return set(re.findall(r"`(\w+)`", text or ""))


# The page: name -> [type, unit, labels]
real = {name: [kind, "", set()] for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", page, re.M)}
for family, unit in re.findall(r"^# UNIT (\S+) (\w+)$", openmetrics, re.M):
    real[family if family in real else family + "_total"][1] = unit
own = set(re.findall(r"^Buckets of `(\w+)`: ", doc, re.M))  # families that have their own
bounds = {"seconds": set(), "bytes": set(), **{name: set() for name in own}}
for name, labels in re.findall(r"^(\w+)\{(.*)\} \S+$", page, re.M):
    family = name if name in real else re.sub(r"_(bucket|count|sum)$", "", name)
    for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels):
        if label != "le":
            real[family][2].add(label)
        elif value != "+Inf":
            bounds[family if family in own else real[family][1]].add(float(value))

# The document: "- **`name`** type, unit, by `label`, `label`; from where."
entry = re.compile(
    r"^- \*\*`(\w+)`\*\* (\w+)(?:, (seconds|bytes|ratio))?(?:,\s+by\s+((?:`\w+`,?\s*)+))?;\s+"
    r"from\s+(?:records|the\s+kernel|isamon)\.", re.M)
documented = {}
for name, kind, unit, labels in entry.findall(doc):
    if name in documented:
        wrong.append("%s: documented twice" % name)
    documented[name] = [kind, unit, words(labels)]
expect("docs/metrics.md", "entries that can be read", len(documented), len(re.findall(r"^- \*\*`", doc, re.M)))
for name in sorted(real.keys() - documented.keys()):
    wrong.append("%s: on the page, not in docs/metrics.md" % name)
# One that says "Absent where ..." need not be there, but is held to its entry if it is.
absent = set(re.findall(r"^- \*\*`(\w+)`\*\*(?:(?!\n- |\n\n)[\s\S])*Absent\s+where", doc, re.M))
for name in sorted(documented.keys() - real.keys() - absent):
    wrong.append("%s: in docs/metrics.md, not on the page" % name)
for name in sorted(documented.keys() & real.keys()):
    for i, what in enumerate(("type", "unit", "labels")):
        expect(name, what, documented[name][i], real[name][i])
for unit, numbers in re.findall(r"^Buckets of (?:\w+, (?=\w+:)|`(?=\w+`:))(\w+)`?: ([\d. ]+)$", doc, re.M):
    expect("buckets", unit, sorted(map(float, numbers.split())), sorted(bounds.pop(unit)))
for unit in bounds:
    wrong.append("buckets: no line for those in %s" % unit)

# The others: whatever looks like a metric is one, or the name of something in the BPF programs.
programs = "".join(open(f).read() for f in glob.glob(repo + "/bpf/*"))
for path in glob.glob(repo + "/docs/*.md") + [repo + "/README.md", repo + "/dist/isamon.conf"]:
    for name in set(re.findall(r"\b(?:http_server|isamon|process)_\w*[a-z]\b", open(path).read())):
        if re.sub(r"_(bucket|count|sum)$", "", name) not in real and name not in absent | real.keys() and name not in programs:
            wrong.append("%s: %s is no metric" % (path[len(repo) + 1 :], name))

print("\n".join(wrong) or "%d metrics" % len(real))
sys.exit(bool(wrong))
END
"$PY" "$T/check.py" "$T/page" "$T/page.om" "$REPO" || fail "the documents are not true"
