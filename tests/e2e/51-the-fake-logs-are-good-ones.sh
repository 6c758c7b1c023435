#!/bin/bash
# SPDX-License-Identifier: MIT
# The logs of the fake AWS are worth their trust: botocore and awscli get from them what they expect of CloudWatch Logs, what
# AWS would refuse is refused, a kill loses no event that was answered, and they keep up with 50,000 lines a second.
# limit: 300
# judges: time
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need curl openssl /usr/bin/aws
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

start_fake_aws
export T AWS_URL IMDS_URL FAKE_URL

"$PY" "$FIXTURES/aws_proof_logs.py" || fail "logs"

# (with status 1, for the fake's log to be shown; awscli's own are above 128)
aws() { aws_cli "$@" || fail "aws $1 $2" >&2; }

# put_lines STREAM LINE...: by awscli, at this time.
put_lines() {
	local stream=$1 events
	shift
	events=$("$PY" -c 'import json, sys, time
print(json.dumps([{"timestamp": int(time.time() * 1000), "message": m} for m in sys.argv[1:]]))' "$@")
	aws logs put-log-events --log-group-name agent-isa --log-stream-name "$stream" --log-events "$events" >/dev/null
}

query_has_ended() { [ "$(aws_cli logs get-query-results --query-id "$query" --query status --output text)" = Complete ]; }

for AWS_CLI in $(printf '%s\n' /usr/bin/aws "$(type -P aws)" | sort -u); do
	fake reset
	say "$("$AWS_CLI" --version)"
	aws logs create-log-group --log-group-name agent-isa
	aws logs put-retention-policy --log-group-name agent-isa --retention-in-days 30
	aws logs create-log-stream --log-group-name agent-isa --log-stream-name application
	put_lines application "first" "an ERROR" "two
lines, añadidas"

	# The guide's commands, as they stand.
	aws logs get-log-events --log-group-name agent-isa --log-stream-name application >"$T/got.json" || fail "get-log-events"
	# shellcheck disable=SC2046
	query=$(
		aws logs start-query \
			--log-group-name agent-isa \
			--start-time $(date -d '1 hour ago' +%s) \
			--end-time $(date +%s) \
			--query-string 'fields @timestamp, @message | filter @message like "ERROR"' | "$PY" -c 'import json, sys
print(json.load(sys.stdin)["queryId"])'
	) || fail "start-query"

	"$PY" -c 'import json, sys
sys.exit([e["message"] for e in json.load(open(sys.argv[1]))["events"]] != ["first", "an ERROR", "two\nlines, añadidas"])' \
		"$T/got.json" || fail "other events than were put"
	wait_for 20 "the query's end" query_has_ended
	# shellcheck disable=SC2016
	[ "$(aws logs get-query-results --query-id "$query" --query 'results[0][?field==`@message`].value' --output text)" = "an ERROR" ] ||
		fail "the query finds something else"
	[ "$(aws logs filter-log-events --log-group-name agent-isa --filter-pattern '?first ?lines' --query 'length(events)')" = 2 ] ||
		fail "the filter finds something else"
	[ "$(aws logs describe-log-groups --query 'logGroups[0].retentionInDays')" = 30 ] || fail "another retention"
done
unset AWS_CLI

# A kill loses nothing that was answered; half a request at the end of a file is none.
put_lines application "four\\n" "five"
aws logs create-log-stream --log-group-name agent-isa --log-stream-name gone
put_lines gone "six"
aws logs delete-log-stream --log-group-name agent-isa --log-stream-name gone
before=$(fake logs)
stop fake-aws KILL
for file in "$FAKE_STATE"/logs/*; do # its last request is four lines: numbers, times, two messages
	tail -n 4 "$file" | head -c -3 >"$T/half"
	cat "$T/half" >>"$file"
done
start_fake_aws
[ "$(fake logs)" = "$before" ] || fail "other events after a kill"
[ "$(log_events agent-isa)" = 5 ] || fail "another number after a kill"
put_lines application "seven"
[ "$(log_messages agent-isa application | tail -n 2)" = "five
seven" ] || fail "what came after the kill is not the last"

# What a client was not told, and so may send again, is known.
fake fault reset effect=yes operation=PutLogEvents times=1
put_lines application "eight"
put_lines application "nine"
put_lines application "nine"
[ "$(log_messages agent-isa | sort | uniq -d | xargs)" = "eight nine" ] || fail "eight and nine are not there twice"
[ "$(log_unknown | wc -l)" = 1 ] || fail "not one request of an unknown outcome"
[ "$(fake logs request="$(log_unknown)" select=message)" = eight ] || fail "it is not that of eight"
[ "$(log_twice agent-isa)" = nine ] || fail "eight was a retry, nine was sent twice"

fake reset
"$PY" "$FIXTURES/aws_load_logs.py" || fail "a million lines and a half"
SECONDS=0
[ "$(log_messages load | wc -l)" = "$(log_events load)" ] || fail "not as many lines as events"
say "read by curl in $SECONDS s"
[ -z "$(log_twice load)" ] || fail "some are there twice"
! grep -q Traceback "$T/fake-aws.log" || fail "the fake broke"
