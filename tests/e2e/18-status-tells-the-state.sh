#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon status: up, failing, a worker killed, stopped, started again; as text, as JSON, by its exit status.
# vm: yes
# judges: time
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
base=http://127.0.0.1:$SERVICE_PORT
ask() { curl -sS -o /dev/null --max-time 10 "$base$1"; }

# status WANTED [OPTION...]: output in $T/status, what it complains of in $T/status.err
status() {
	local want=$1 got=0
	shift
	timeout $((10 * PATIENCE)) "$ISAMON" status --config "$T/isamon.conf" "$@" >"$T/status" 2>"$T/status.err" || got=$?
	[ $got = "$want" ] || fail "status $*: exit status $got, expected $want: $(cat "$T/status" "$T/status.err")"
}
# holds PYTHON: of the JSON as `s`; is shown where it does not
holds() {
	"$PY" - "$T/status" "$@" <<-'END'
		import json, os, sys, time
		s = json.load(open(sys.argv[1]))
		for what in sys.argv[2:]:
		    assert eval(what), (what, s)
	END
}
json_holds() { # WANTED|any PYTHON...: of a status that is asked for until it does
	local want=$1 got=0
	shift
	timeout $((10 * PATIENCE)) "$ISAMON" status --config "$T/isamon.conf" --json >"$T/status" 2>&1 || got=$?
	{ [ "$want" = any ] || [ $got = "$want" ]; } && holds "$@"
}
first_line() { head -n 1 "$T/status"; }

say "== no daemon"
mkdir -p "$T/run"
ISAMON_PORT=$(free_port)
write_config "$T/isamon.conf"
status 3
[ ! -s "$T/status" ] || fail "something on the standard output: $(cat "$T/status")"
grep -q "no daemon answers at $T/run/isamon.sock" "$T/status.err" || fail "it says: $(cat "$T/status.err")"
status 2 --nonsense
status 2 more
status 0 --help

say "== no service"
start_isamon
status 1
first_line | grep -qx "fixture: DOWN: nothing listens on port $SERVICE_PORT" || fail "first line: $(first_line)"
status 1 --json
holds 's["fine"] is False' 's["service_up"] is False' '"main_pid" not in s' 'len(s["problems"]) == 1' \
	's["ports"][0]["listening"] is False' '"queue_limit" not in s["ports"][0]'

say "== two workers, some traffic"
began=$(date +%s)
start_uvicorn --workers 2 --backlog 77
wait_for 20 "two workers" json_holds 0 's["workers"] == 2'
start traffic "$PY" "$FIXTURES/traffic.py" "$base" --duration 60 --rate 20 --report "$T/traffic.json"
wait_for 40 "the traffic" json_holds 0 's["requests_per_second"] > 1'
status 0 --json
holds 's["fine"] is True' 's["problems"] == []' 's["service"] == "fixture"' 's["requests_per_second"] > 1' \
	's["p50_seconds"] <= s["p99_seconds"] < 60' "s['main_pid'] == ${PIDS[service]}" 's["mains"] == 1' \
	"$began - 2 <= s['up_since_seconds'] <= time.time()" 's["interval_seconds"] <= 65' \
	"abs(s['now_seconds'] - time.time()) < 30" \
	's["restarts"] == 0' '0 <= s["cpu_ratio"] <= 1' 's["memory_bytes"] > 20 << 20' '0 < s["memory_ratio"] < 1' \
	's["open_fds"] > 10' 's["least_free_fds"] > 50' 's["connections"] >= 0' 's["in_flight"] >= 0' \
	"s['ports'][0]['port'] == $SERVICE_PORT" 's["ports"][0]["queue_limit"] == 77' \
	'{"http", "listen_queue", "tasks", "life"} <= {p["probe"] for p in s["probes"]}'
has_life=$("$PY" -c 'import json, sys
print(int({p["probe"]: p["up"] for p in json.load(open(sys.argv[1]))["probes"]}["life"]))' "$T/status")
"$PY" - "$T/status" "$REPO/docs/status.md" <<'END' || fail "docs/status.md does not tell of all keys"
import json, re, sys
documented = set(re.findall(r"`(\w+)`", open(sys.argv[2]).read().split("## JSON")[1]))
def keys(value):
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()
missing = keys(json.load(open(sys.argv[1]))) - documented
assert not missing, missing
END
status 0
cat "$T/status"
[ "$(first_line)" = "fixture: up and fine" ] || fail "first line: $(first_line)"
for part in "^up  *since 20" "^processes  main ${PIDS[service]}   2 workers" "^requests .*/s" "^latency  *p50 .* p99 " \
	"^memory " "^files " "^port $SERVICE_PORT *listening   [0-9]* of 77 wait" "^restarts   0" "^isamon  *sees: http"; do
	grep -q "$part" "$T/status" || fail "no line like: $part"
done
if LC_ALL=C grep -q $'\033' "$T/status"; then fail "colours in what is no terminal"; fi
awk 'length($0) > 100 { exit 1 }' "$T/status" || fail "lines of more than 100 characters"

say "== in a terminal it has colours, unless they are not wanted"
"$PY" - "$ISAMON" "$T/isamon.conf" <<'END' || fail "colours"
import os, pty, sys
for variables, wanted in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
    text = b""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(sys.argv[1], [sys.argv[1], "status", "--config", sys.argv[2]], variables)
    try:
        while piece := os.read(fd, 4096):
            text += piece
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text
    assert b"fixture: up and fine" in text, text
    assert (b"\033[1;32mfixture" in text) == wanted, (variables, text)
END

say "== where somebody has asked before, the answer is there at once"
curl -fsS -o /dev/null "$URL"
sleep 1.2
began_us=${EPOCHREALTIME/./}
status 0 --json
took=$((${EPOCHREALTIME/./} - began_us))
[ $took -lt $((900000 * PATIENCE)) ] || fail "it took $took us"
stop traffic INT

say "== slow and long answers are no problem"
start slow curl -sS --max-time $((60 * PATIENCE)) "$base/slow?ms=$((6000 + 2000 * PATIENCE))"
start stream curl -sS --max-time $((60 * PATIENCE)) "$base/api/stream?n=$((60 + 20 * PATIENCE))&ms=100"
wait_for 8 "both" json_holds 0 's["in_flight"] == 2'
sleep 6.5
json_holds 0 's["in_flight"] == 2' '"waiting_since_seconds" not in s["ports"][0]' ||
	fail "not fine: $(cat "$T/status")"

say "== its workers hang: nobody takes connections; then they go on"
mapfile -t workers < <(pgrep -P "${PIDS[service]}" -f multiprocessing.spawn)
[ ${#workers[@]} = 2 ] || fail "${#workers[@]} workers"
kill -STOP "${workers[@]}"
for i in 1 2 3; do start hung$i curl -sS -o /dev/null --max-time $((60 * PATIENCE)) "$base/health"; done
stuck() {
	json_holds 1 "any('nobody takes new connections on port $SERVICE_PORT for' in p for p in s['problems'])" "$@"
}
wait_for 15 "the hanging to be told" stuck 's["ports"][0]["queue_length"] == 3' 's["in_flight"] >= 3' \
	's["ports"][0]["waiting_since_seconds"] <= s["now_seconds"] - 5'
status 1
first_line | grep -q "^fixture: up, but not fine: nobody takes new connections on port $SERVICE_PORT for .* now: 3 wait" ||
	fail "first line: $(first_line)"
kill -CONT "${workers[@]}"
wait_for 10 "it to be fine again" json_holds 0 '"waiting_since_seconds" not in s["ports"][0]' 's["in_flight"] == 0'
for i in 1 2 3; do
	stop hung$i
	[ "$STATUS" = 0 ] || fail "a client that waited got no answer: $STATUS"
done

say "== requests fail"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ask /fail || :; done
wait_for 15 "errors" json_holds 1 's["errors"] >= 5' 's["error_ratio"] >= 0.05' 'any("of the requests fail" in p for p in s["problems"])'
status 1
first_line | grep -q '^fixture: up, but not fine: .*% of the requests fail' || fail "first line: $(first_line)"

say "== a worker is killed"
if [ "$has_life" = 1 ]; then
	worker=$(pgrep -P "${PIDS[service]}" -f multiprocessing.spawn | head -n 1)
	kill -KILL "$worker"
	wait_for 10 "the dead worker" json_holds 1 's["workers"] == 1' "'$worker: signal 9 (Killed)' in s['last_kill']" \
		"any('a process was killed' in p and '$worker' in p for p in s['problems'])"
	say "== no worker is left, and the socket is open"
	pgrep -P "${PIDS[service]}" -f multiprocessing.spawn | xargs kill -KILL
	start hung1 curl -sS -o /dev/null --max-time $((60 * PATIENCE)) "$base/health"
	wait_for 15 "the hanging to be told" stuck 's["workers"] == 0' 's["ports"][0]["queue_length"] == 1'
else
	say "this kernel does not let isamon see how processes end: not tried"
fi

say "== the service is stopped"
old=${PIDS[service]}
stop service
wait_for 10 "it to be down" json_holds 1 's["service_up"] is False' "'nothing listens on port $SERVICE_PORT' == s['problems'][0]" \
	's["down_since_seconds"] <= time.time()' '"up_since_seconds" not in s' '"main_pid" not in s'
[ "$has_life" = 0 ] || holds "'$old: ' in s['last_exit']" 's["last_exit_expected"] is True'
status 1
first_line | grep -q "^fixture: DOWN: nothing listens on port $SERVICE_PORT" || fail "first line: $(first_line)"
grep -q '^down  *since 20' "$T/status" || fail "it does not say since when: $(cat "$T/status")"

say "== it is there again"
start_uvicorn
wait_for 20 "the new one" json_holds any 's["service_up"] is True' "s['main_pid'] == ${PIDS[service]}" 's["restarts"] == 1' \
	"'nothing listens' not in str(s['problems'])"

say "== in its first second isamon knows nothing that is not true"
stop isamon
rm -f "$T/run/isamon.sock"
start isamon "$ISAMON" run --config "$T/isamon.conf"
wait_for 10 "its socket" test -S "$T/run/isamon.sock"
sleep 0.92 # long enough for rates, and too short to have found the processes
got=0
timeout $((10 * PATIENCE)) "$ISAMON" status --config "$T/isamon.conf" --json >"$T/status" 2>&1 || got=$?
[ $got = 0 ] || fail "exit status $got: $(cat "$T/status")"
holds "s['main_pid'] == ${PIDS[service]}" 's["up_since_seconds"] < s["watched_since_seconds"]' 's["memory_bytes"] > 1 << 20'
wait_for 10 "isamon to be ready" isamon_ready

say "== a child that the service ends itself is told, and no problem; one that crashes is"
if [ "$has_life" = 1 ]; then
	stop service
	start service "$PY" "$FIXTURES/lives_app.py" "$SERVICE_PORT" "$T"
	wait_port "$SERVICE_PORT"
	wait_for 10 "it" json_holds 0 "s['main_pid'] == ${PIDS[service]}" 's["problems"] == []'
	for signal in 9 10; do
		ask /kill/$signal/1500
		wait_for 10 "the end by signal $signal" json_holds 0 "'signal $signal (' in s['last_kill']" 's["problems"] == []' \
			'"last_crash" not in s'
	done
	ask /signal/11
	wait_for 10 "the crash" json_holds 1 "'signal 11 (' in s['last_crash']" "'a process was killed' in s['problems'][0]"
fi

say "== a daemon that is stopped, and one that is busy with others"
kill -STOP "${PIDS[isamon]}"
status 3
grep -q "did not answer within 2 s: it is stopped or hangs" "$T/status.err" || fail "it says: $(cat "$T/status.err")"
kill -CONT "${PIDS[isamon]}"
start half_open "$PY" -c 'import socket, sys, time
kept = []
for _ in range(100):
    kept.append(socket.socket(socket.AF_UNIX))
    kept[-1].connect(sys.argv[1])
    try:
        kept[-1].send(b"GET ")
    except OSError: # it was one too many
        pass
print("ready", flush=True)
time.sleep(60)' "$T/run/isamon.sock"
wait_for 10 "100 clients" grep -q ready "$T/half_open.log"
status 3
grep -q "answers nobody new: .*max_connections" "$T/status.err" || fail "it says: $(cat "$T/status.err")"
stop half_open

say "== only root may ask"
if command -v setpriv >/dev/null; then
	open=$(mktemp -d /tmp/isamon-e2e-open.XXXXXX) # the test's own directory is closed to others
	at_end() { rm -rf "$open"; }
	chmod 755 "$open"
	sed "s|^runtime_directory = .*|runtime_directory = $open|" "$T/isamon.conf" >"$open/isamon.conf"
	(umask 077 && "$PY" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$open/isamon.sock")
	chmod 644 "$open/isamon.conf"
	cp "$ISAMON" "$open/isamon"
	got=0
	setpriv --reuid 65534 --regid 65534 --clear-groups "$open/isamon" status --config "$open/isamon.conf" \
		>"$T/status" 2>"$T/status.err" || got=$?
	[ $got = 3 ] || fail "another user: exit status $got: $(cat "$T/status.err")"
	grep -q "only root may ask" "$T/status.err" || fail "it says: $(cat "$T/status.err")"
fi
