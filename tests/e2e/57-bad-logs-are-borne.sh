#!/bin/bash
# SPDX-License-Identifier: MIT
# What stands in a log may be anything: both changes of the clock, times that cannot be, records without an end, lines over a
# megabyte, bytes that are no text, lines without an end. Each arrives once, with the text and the time that docs/logs.md says.
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl faketime
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"
[ -e /usr/share/zoneinfo/America/New_York ] || skip "needs tzdata"

SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
URL=http://127.0.0.1:$ISAMON_PORT/metrics
export FAKETIME_DONT_FAKE_MONOTONIC=1
TIME_FORMAT='timestamp = %Y-%m-%d %H:%M:%S,%f'

# begin KIND DATE: makes the logs, sets AWS's clock and isamon's to the date, and starts it in New York.
begin() {
	D=$T/$1
	BEGAN=$(date -d "$2" +%s)
	local offset=$((BEGAN - $(date +%s)))
	mkdir -p "$D" "$T/run"
	"$PY" "$FIXTURES/log_truth.py" make "$1" "$D" "$BEGAN" >"$D/metrics"
	fake clock offset=$offset >/dev/null
	conf "$1"
	start isamon faketime -f "$(printf '%+d' $offset)s" env TZ=America/New_York "$ISAMON" run --config "$T/isamon.conf"
	wait_for 20 "isamon to be ready" isamon_ready
	OFFSET=$offset
}
log_of() { # NAME [LINE...]
	printf '[log "%s"]\npath = %s\nstart = beginning\n' "$1" "$D/$1.log"
	shift
	[ $# = 0 ] || printf '%s\n' "$@"
}
conf() {
	mapfile -t AWS < <(aws_conf | sed '/cloudwatch/,$d')
	mapfile -t LINES < <(
		log_of zone "$TIME_FORMAT"
		[ "$1" = autumn ] || exit 0
		log_of odd "$TIME_FORMAT" 'timezone = utc' 'first_line = ^'
		log_of endless "$TIME_FORMAT" 'timezone = utc'
		log_of wide "$TIME_FORMAT" 'timezone = utc'
		log_of latin 'encoding = latin-1'
		for name in long bytes empty crlf open rotated; do log_of $name; done
	)
	write_config "$T/isamon.conf" "${AWS[@]}" '[logs]' 'enabled = yes' "group = $1" '[daemon]' "state_directory = $T/state-$1" "${LINES[@]}"
}
judge() { # GROUP
	fake logs group="$1" >"$T/events"
	"$PY" "$FIXTURES/log_truth.py" judge "$D" "$BEGAN" $(($(date +%s) + OFFSET)) <"$T/events" >"$T/judgement"
}
judge_soon() { # GROUP
	local end=$((SECONDS + 30 * PATIENCE))
	until judge "$1"; do
		[ $SECONDS -lt $end ] || fail "not as it should be: $(cat "$T/judgement")"
		sleep 0.5
	done
	cat "$T/judgement"
}
messages() { log_messages autumn "$1"; }
shipper() { pgrep -g "${PIDS[isamon]}" -f ship-logs | tail -n 1; }

start_fake_aws
say "== an autumn's night in New York, and everything else that is bad"
mkdir -p "$T/autumn"
printf 'whole\nbegun' >"$T/autumn/open.log"
printf 'first\nlast' >"$T/autumn/rotated.log"
begin autumn 2026-11-01T12:00:00Z
first_there() { [ "$(messages rotated)" = first ] && [ "$(messages open)" = whole ]; }
wait_for 20 "the first lines" first_there
mv "$D/rotated.log" "$D/rotated.log.1"
judge_soon autumn

say "== and is counted"
while read -r value metric; do
	# shellcheck disable=SC2086
	expect_metric "$value" $metric
done <"$D/metrics"
pieces=$(grep -cE '"stream": "(endless|wide|long)"' "$T/events")
# (of seven records, and of what has to be cut each piece but the last)
expect_metric $((pieces - 8)) isamon_logs_records_cut_total
expect_metric 2 isamon_log_exceptions_total exception=ValueError
rss=$(awk '/VmHWM/ { print $2 }' "/proc/$(shipper)/status")
say "the shipper took $rss KiB at most"
[ "$rss" -lt 40000 ] || fail "the shipper took $rss KiB"

say "== a line is over with its newline"
[ "$(messages open)" = whole ] || fail "half a line: $(messages open)"
printf ' and ended\r\nfurther\n' >>"$D/open.log"
whole_open() { [ "$(messages open)" = "$(printf 'whole\nbegun and ended\nfurther')" ]; }
wait_for 10 "the rest of the line" whole_open

say "== or with its file"
whole_rotated() { [ "$(messages rotated)" = "$(printf 'first\nlast')" ]; }
wait_for 20 "the last line of a file that was rotated" whole_rotated
stop isamon TERM

say "== a spring's night"
begin spring 2026-03-08T12:00:00Z
judge_soon spring
stop isamon TERM
