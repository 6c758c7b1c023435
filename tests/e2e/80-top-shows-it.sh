#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon top: as text, as JSON, live in a terminal; from the daemon and by itself.
# vm: yes
# limit: 90
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
start_isamon
start_uvicorn
base=http://127.0.0.1:$SERVICE_PORT
start traffic "$PY" "$FIXTURES/traffic.py" "$base" --duration 60 --rate $((SLOW > 1 ? 20 : 60)) --report "$T/traffic.json"
enough() { [ "$(metric http_server_request_duration_seconds_count)" -gt 20 ]; }
wait_for 20 "traffic" enough
top() { timeout $((20 * PATIENCE)) "$ISAMON" top "$@"; }

check_json() {
	"$PY" -c 'import json, sys
d = json.load(sys.stdin)
routes = {r["route"]: r for r in d["routes"]}
assert routes, d
print(json.dumps(routes[max(routes, key=lambda r: routes[r].get("requests", 0))])[:200])'
}

say "== from the daemon"
top --once --config "$T/isamon.conf" >"$T/once" || fail "top --once: status $?"
cat "$T/once"
grep -q '/api/models' "$T/once" || fail "no /api/models in the table"
grep -qi 'p99' "$T/once" || fail "no p99 in the table"
if LC_ALL=C grep -q $'\033' "$T/once"; then fail "escape sequences in what is no terminal"; fi
awk 'length($0) > 100 { exit 1 }' "$T/once" || fail "lines of more than 100 characters"
top --once --json --config "$T/isamon.conf" >"$T/json"
check_json <"$T/json" || fail "top --json"
"$PY" - "$T/json" "$REPO/docs/top.md" <<'END' || fail "docs/top.md does not tell of all keys"
import json, sys

def keys(value):
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()

with open(sys.argv[2]) as f:
    text = f.read()
missing = [k for k in keys(json.load(open(sys.argv[1]))) if "`%s`" % k not in text]
print("not in docs/top.md:", missing)
sys.exit(bool(missing))
END

say "== live, in a terminal"
if command -v tmux >/dev/null; then
	mux() { env -u TMUX tmux -S "$T/tmux" "$@"; }
	at_end() { mux kill-server 2>/dev/null; }
	mux -f /dev/null new-session -d -x 80 -y 24 \
		"'$ISAMON' top --config '$T/isamon.conf' 2>'$T/top.log'; echo \$? >'$T/top.status'"
	pane() { mux capture-pane -p >"$T/pane" && grep -q '/api/models' "$T/pane" && grep -qi 'p99' "$T/pane"; }
	wait_for 15 "top to show a route" pane
	cat "$T/pane"
	mux resize-window -x 120 -y 40
	wait_for 10 "top after it was made larger" pane
	mux resize-window -x 30 -y 5
	sleep 0.5
	mux resize-window -x 100 -y 30
	wait_for 10 "top after it was made larger again" pane
	narrow() { mux capture-pane -p >"$T/pane" && grep -q '  /api/models$' "$T/pane" && ! grep -q P90 "$T/pane"; }
	mux resize-window -x 60 -y 30
	wait_for 10 "top with 60 columns to leave some out for the route" narrow
	cat "$T/pane"
	mux resize-window -x 140 -y 3
	low() { mux capture-pane -p >"$T/pane" && grep -q 'requests/s' "$T/pane" && ! grep -q 'q quit' "$T/pane"; }
	wait_for 10 "top with 3 lines to leave out the keys" low
	mux send-keys q
	wait_for 10 "top to end" test -s "$T/top.status"
	[ "$(cat "$T/top.status")" = 0 ] || fail "top ended with $(cat "$T/top.status"): $(cat "$T/top.log")"
	rm "$T/top.status"
	mux -f /dev/null new-session -d -x 80 -y 24 \
		"TERM=dumb '$ISAMON' top --config '$T/isamon.conf' 2>'$T/top.log'; echo \$? >'$T/top.status'"
	wait_for 10 "top on a dumb terminal to end" test -s "$T/top.status"
	[ "$(cat "$T/top.status")" = 3 ] || fail "top on a dumb terminal ended with $(cat "$T/top.status")"
	grep -q 'cannot be drawn on.*--once' "$T/top.log" || fail "top on a dumb terminal: $(cat "$T/top.log")"
else
	say "no tmux: not tried in a terminal"
fi

say "== by itself"
stop isamon
# It sees one second of the traffic, in which a slow machine may not be asked for that route.
for _ in 1 2 3 4 5 6; do
	top --once --port "$SERVICE_PORT" --config "$T/isamon.conf" >"$T/once" 2>"$T/once.err" ||
		fail "top without a daemon: $(cat "$T/once.err")"
	if grep -q '/api/models' "$T/once"; then break; fi
done
cat "$T/once"
grep -q '/api/models' "$T/once" || fail "no /api/models in the table without a daemon"
top --once --json --port "$SERVICE_PORT" --config "$T/isamon.conf" | check_json || fail "top --json without a daemon"
stop traffic INT
