#!/bin/bash
# SPDX-License-Identifier: MIT
# Messages, payload, turns and ends of WebSockets are the service's and the clients' own, whatever server and
# client it is and however frames are cut; what is no WebSocket behind a 101 is left alone.
# In the virtual machines all cases are played, with fewer repetitions; only killing is tried with one server.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
[ "$SLOW" = 1 ] || POLL=0.3 # looking takes time from what is waited for, there
need_root
need curl
"$PY" -c 'import websockets' 2>/dev/null || skip "needs python3-websockets"

kinds=(websockets)
if "$PY" -c 'import wsproto' 2>/dev/null; then
	kinds+=(wsproto)
else
	say "no python3-wsproto: uvicorn --ws wsproto was not tried"
fi

begin() {
	say "== $1"
	SERVICE_PORT=$(free_port)
	start_isamon "route = /talk/{session_id}"
}

end() {
	stop service
	expect_metric 0 isamon_websocket_connections_active
	expect_metric 0 http_server_active_requests
	expect_metric 0 isamon_http_connections_active
	for name in isamon_trace_lost_total isamon_http_desyncs_total; do
		[ "$(metric $name)" = 0 ] || fail "$name is $(metric $name)"
	done
	stop isamon
	[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
}

cases() { # GROUP [OPTION...]
	"$PY" "$FIXTURES/ws_cases.py" "$1" "$URL" "$SERVICE_PORT" "$SLOW" "${@:2}" || status=1
}

turns() { # [OPTION...]
	"$PY" "$FIXTURES/ws_turns.py" "$URL" "$SERVICE_PORT" "$SLOW" "$@" || status=1
}

client() { "$PY" "$FIXTURES/ws_client.py" "$@" || status=1; }

# killed WHO BY: of five that are open, one side is killed.
killed() {
	local n
	start stay "$PY" "$FIXTURES/ws_client.py" --stay "$SERVICE_PORT" 5
	wait_for 30 "five to be open" grep -q open "$T/stay.log"
	expect_metric 5 isamon_websocket_connections_active
	n=$(metric isamon_websocket_connections_closed_total "by=$2" clean=false)
	{ stop "$1" KILL; } 2>/dev/null
	expect_metric 0 isamon_websocket_connections_active
	expect_metric $((n + 5)) isamon_websocket_connections_closed_total "by=$2" clean=false
	stop stay
	: >"$T/stay.log"
}

status=0
for kind in "${kinds[@]}"; do
	begin "uvicorn --ws $kind"
	start_uvicorn --ws "$kind"
	cases frames,flight,closes
	turns
	client "$URL" "$SERVICE_PORT" "$SLOW" --tally "$TALLY_DIR" --bytes
	say "-- compressed"
	# wsproto 1.2 takes a control frame inside a compressed message for part of it.
	if [ "$kind" = wsproto ]; then
		cases frames,flight,closes --deflate --unmixed
	else
		cases frames,flight,closes --deflate
	fi
	client "$URL" "$SERVICE_PORT" "$SLOW" --tally "$TALLY_DIR" --deflate
	[ "$(metric isamon_websocket_desyncs_total)" = 0 ] || fail "a real WebSocket was taken for none"
	requests=$(metric http_server_request_duration_seconds_count http_response_status_code=101)
	[ "$requests" = "$(metric isamon_websocket_connections_total)" ] ||
		fail "$requests upgrades, but $(metric isamon_websocket_connections_total) WebSockets"
	if [ "$SLOW" = 1 ] || [ "$kind" = "${kinds[0]}" ]; then
		say "-- killed"
		killed stay client
		killed service server
	else
		{ stop service KILL; } 2>/dev/null # uvicorn would wait for the ends of what clients have left
	fi
	end
done

begin "frames of a service of our own"
start_raw
cases puppet,closes,strangers --raw
turns --raw
end

[ $status = 0 ] || fail "some cases are counted wrongly"

say "== a browser"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || :)
if [ -n "${ISAMON_TEST_VM:-}" ]; then
	say "not here: an emulated machine is too slow for a browser"
	exit 0
fi
if [ -z "$browser" ] || ! command -v ip >/dev/null; then
	say "NOT TRIED WITH A BROWSER: there is no chromium here (Debian: chromium; never installed by the tests)"
	exit 0
fi
# In a network of its own: nothing of it can leave this machine.
net=isamon-ws-$$
at_end() { ip netns del "$net" 2>/dev/null; }
ip netns add "$net"
ip -n "$net" link set lo up
begin "chromium"
new_tally
start service ip netns exec "$net" "$PY" -m uvicorn --app-dir "$FIXTURES" app:app --host 127.0.0.1 \
	--port "$SERVICE_PORT" --no-access-log --log-level warning
wait_for 20 "the service to answer" ip netns exec "$net" curl -fsS --max-time 15 "http://127.0.0.1:$SERVICE_PORT/health"
start browser ip netns exec "$net" env HOME="$T" XDG_RUNTIME_DIR="$T" "$browser" --headless --no-sandbox \
	--disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking \
	--disable-component-update --disable-sync --disable-extensions --user-data-dir="$T/browser" \
	--remote-debugging-port=0 "http://127.0.0.1:$SERVICE_PORT/browser?20"
wait_for 60 "the browser's result" test -s "$TALLY_DIR/browser.json"
client --browser "$URL" "$TALLY_DIR"
stop browser
client --tally "$URL" "$TALLY_DIR"
end
[ $status = 0 ] || fail "the browser's WebSocket is counted wrongly"
