#!/bin/bash
# SPDX-License-Identifier: MIT
# The daemon under valgrind: requests, pages in every form, reloads good and bad, minutes that CloudWatch takes; nothing is
# leaked, nothing uninitialised is used, and no descriptor stays open.
# limit: 400
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need valgrind curl

SERVICE_PORT=$(free_port)
ISAMON_PORT=$(free_port)
cloudwatch=()
if "$PY" -c 'import botocore' 2>/dev/null; then
	start_fake_aws
	cloudwatch=("[daemon]" "state_directory = $T/state" "[cloudwatch]" "enabled = yes" "storage_resolution = 1" "interval = 5")
fi
write_config "$T/isamon.conf" "${cloudwatch[@]}"
URL=http://127.0.0.1:$ISAMON_PORT/metrics
start service "$PY" -m http.server --bind 127.0.0.1 --directory "$T" "$SERVICE_PORT"
start isamon valgrind --leak-check=full --show-leak-kinds=definite,possible --errors-for-leak-kinds=definite \
	--suppressions="$FIXTURES/valgrind.supp" --error-exitcode=99 --log-file="$T/valgrind.log" \
	"$ISAMON" run --config "$T/isamon.conf"
wait_for 120 "isamon under valgrind" isamon_ready

wait_port "$SERVICE_PORT"
for i in $(seq 30); do
	curl -s -o "$T/out" -o "$T/out2" "http://127.0.0.1:$SERVICE_PORT/isamon.conf?$i" "http://127.0.0.1:$SERVICE_PORT/none/$i"
done
expect_metric 60 isamon_http_requests_ended_total end=complete
for accept in text/plain application/openmetrics-text; do
	curl -s -o "$T/out" -H "Accept: $accept" "$URL"
	curl -s -o "$T/out" -H "Accept: $accept" --compressed "$URL"
done
curl -s -o "$T/out" --unix-socket "$T/run/isamon.sock" http://isamon/top || curl -s -o "$T/out" "$URL"
for _ in 1 2; do
	curl -s -o "$T/out" --unix-socket "$T/run/isamon.sock" http://isamon/status
	sleep 1.1
done
if [ ${#cloudwatch[@]} != 0 ]; then
	some() { [ "$(metric isamon_cloudwatch_minutes_pushed_total)" -gt 1 ]; }
	wait_for 60 "minutes to be pushed" some
	for target in cloudwatch cloudwatch/preview cloudwatch/push; do
		curl -s -o "$T/out" --unix-socket "$T/run/isamon.sock" "http://isamon/$target"
	done
	sed -i 's/^interval = 5/interval = 1/' "$T/isamon.conf"
fi
kill -HUP "${PIDS[isamon]}"
wait_for 20 "the reload" metric_is 1 isamon_config_reloads_total result=taken
echo 'nonsense = 1' >>"$T/isamon.conf"
kill -HUP "${PIDS[isamon]}"
wait_for 20 "the refusal" metric_is 1 isamon_config_reloads_total result=refused
stop isamon TERM
grep -E 'ERROR SUMMARY|in use at exit' "$T/valgrind.log"
[ "$STATUS" = 0 ] || { cat "$T/valgrind.log"; fail "valgrind found something (status $STATUS)"; }
grep -q 'ERROR SUMMARY: 0 errors' "$T/valgrind.log" || fail "errors"
grep -qE 'All heap blocks were freed|definitely lost: 0 bytes' "$T/valgrind.log" || fail "leaks"

# Its end waits for the minute that is under way, here as slow as anywhere.
! grep 'ends a minute early' "$T/isamon.log" || fail "the history was not waited for"
rows=$("$PY" -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM history").fetchone()[0])' \
	"$T/state/history.db") || fail "the history cannot be read"
[ "$rows" -ge 1 ] || fail "the last minute was not written"
