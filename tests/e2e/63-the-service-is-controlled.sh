#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon service: a real supervisord's programs are started, stopped, restarted and waited for; what fails is told with its cause.
# systemd's orders are seen by a systemctl of the test's own.
# beside: yes
# limit: 150
. "$(dirname "$0")/../fixtures/lib.sh"
need curl supervisord unshare
need_root

SERVICE_PORT=$(free_port) MOODY_PORT=$(free_port) ISAMON_PORT=$(free_port)
D=$T/moody
mkdir "$D" "$T/tally"
export TALLY_DIR=$T/tally

conf() { # LINE...: of [service], for uvicorn
	printf '%s\n' "[service]" "name = web" "ports = $SERVICE_PORT" "supervisor_socket = $T/sv.sock" \
		"supervisor_user = admin" "supervisor_password = hush-hush" "$@" \
		"[daemon]" "state_directory = $T/own" >"$T/isamon.conf"
	chmod 600 "$T/isamon.conf"
}
moody() { conf "program = $1" "${@:2}" && sed -i "s/^ports = .*/ports = $MOODY_PORT/" "$T/isamon.conf"; }
# run STATUS ARGUMENT...: of isamon service; output in $T/out, $T/err
run() {
	local want=$1 got=0
	shift
	timeout 60 "$ISAMON" service "$@" --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || got=$?
	! grep -qF hush-hush "$T/out" "$T/err" || fail "the password is shown"
	[ "$got" = "$want" ] || fail "isamon service $*: status $got, expected $want: $(head -n 20 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 30 "$T/${2:-out}")"; }
pid_of() { { "$ISAMON" service status --json --config "$T/isamon.conf" || :; } | "$PY" -c 'import json, sys; print(json.load(sys.stdin)["processes"][0].get("pid", 0))'; }

echo 'def broken(:' >"$T/broken.py"
supervisor_config "$T/sv.conf" "username = admin" "password = hush-hush" <<END
[program:web]
command = $PY -m uvicorn --app-dir $FIXTURES app:app --host 127.0.0.1 --port $SERVICE_PORT --no-access-log
autostart = false
[program:moody]
command = $PY $FIXTURES/moody_app.py $MOODY_PORT $D %(process_num)d
process_name = %(program_name)s_%(process_num)02d
numprocs = 2
autostart = false
stopwaitsecs = 2
[program:broken]
command = $PY $T/broken.py
autostart = false
startretries = 1
[program:absent]
command = $T/no/such/program
autostart = false
END

say "== nobody runs it"
conf
run 3 status
has "nobody answers at $T/sv.sock" err
run 2 nonsense
run 2 start --timeout 0
run 2 stop --json
start supervisord supervisord -n -c "$T/sv.conf"
socket() { [ -S "$T/sv.sock" ]; }
wait_for 15 "supervisord" socket

say "== uvicorn is started, restarted, stopped"
conf
run 1 status
has '^web: stopped$'
has 'web:web   STOPPED'
has 'health +nobody listens on 127.0.0.1 port'
run 0 start
curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/health" || fail "it does not answer after its start"
run 0 status
has '^web: running and healthy$'
has "manager +supervisor   web   $T/sv.sock"
has 'health +/health   status 200'
run 0 status --json
"$PY" -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert d["fine"] and d["state"] == "running" and d["manager"] == "supervisor" and d["health"]["status"] == 200, d
assert d["processes"][0]["pid"] > 1 and d["ports"][0]["listening"], d' "$T/out" || fail "--json"
first=$(pid_of)
run 0 start
[ "$(pid_of)" = "$first" ] || fail "a start of what runs started it anew"
run 3 reload
has 'does not catch SIGHUP.*restart' err
[ "$(pid_of)" = "$first" ] || fail "a reload ended it"
run 0 restart
[ "$(pid_of)" != "$first" ] || fail "a restart did not"
run 0 stop
! port_open "$SERVICE_PORT" || fail "somebody listens after the stop"
run 0 stop

say "== while somebody exchanges what it is made of, nobody else starts or stops it"
mkdir -p "$T/own"
exec 9>>"$T/own/update.lock"
flock 9
for order in start stop restart reload; do
	run 3 $order
	has "^isamon service $order: web: another .*has the service in hand.*, since 20.*: wait until .*; --force does it all the same\$" err
done
run 1 status
run 2 status --force
run 0 start --force
has 'has the service in hand.*; --force: it is done all the same$' err
run 0 stop --force
exec 9>&-
run 0 start
run 0 stop
conf 'health = /nowhere'
run 1 start --timeout 3
has 'not healthy within 3 s: /nowhere answers with status 404' err
run 0 stop

say "== two processes, one that hangs, one that SIGTERM does not end"
moody moody
run 0 start
run 0 status
[ "$(grep -c 'moody:moody_0[01]   RUNNING' "$T/out")" = 2 ] || fail "not both: $(cat "$T/out")"
run 0 reload
hupped() { [ -e "$D/hupped" ]; }
wait_for 5 "SIGHUP to arrive" hupped
touch "$D/bad"
run 1 status
has 'health +/health answers with status 503: ok'
rm "$D/bad"
touch "$D/hang"
run 1 restart --timeout 4
has 'not healthy within 4 s: /health: no answer within' err
rm "$D/hang"
touch "$D/stubborn"
run 1 stop --timeout 1
has 'not stopped within 1 s: moody:moody_0[01] is STOPPING' err
run 0 stop
! port_open "$MOODY_PORT" || fail "somebody listens after the stop"
rm "$D/stubborn"
moody moody:moody_01
run 1 start --timeout 2
has 'nobody listens on 127.0.0.1 port' err
run 0 stop

say "== somebody else listens"
start other "$PY" "$FIXTURES/moody_app.py" "$MOODY_PORT" "$D"
wait_port "$MOODY_PORT"
run 1 stop --timeout 1
has "supervisor has stopped it, but somebody still listens on port $MOODY_PORT" err
stop other

say "== a start that fails"
conf 'program = broken'
run 1 start --timeout 30
has 'it does not run: broken:broken is FATAL' err
has 'SyntaxError' err
run 1 status
has '^web: failed$'
conf 'program = absent'
run 1 start --timeout 10
has "NO_FILE|command is not there" err
conf 'program = nope'
run 3 status
has 'has no program nope; it has absent, broken, moody, web' err

say "== a wrong password"
conf
sed -i 's/hush-hush/hush-wrong/' "$T/isamon.conf"
run 3 status
has 'wants a user and a password' err
! grep -q hush-wrong "$T/err" || fail "the wrong one is shown"
stop supervisord

say "== systemd, as its systemctl is called"
command -v systemctl >/dev/null || skip "needs systemctl; the rest passed"
cat >"$T/systemctl" <<END
#!/bin/bash
echo "\$*" >>$T/calls
verb= job=
for a; do case \$a in show | start | stop | restart | reload | reset-failed) verb=\${verb:-\$a} ;; esac; done
up() { setsid $PY $FIXTURES/moody_app.py $MOODY_PORT $D >/dev/null 2>&1 & echo \$! >$T/pid; echo "active running success" >$T/state; }
down() { kill -KILL \$(cat $T/pid); echo "inactive dead success" >$T/state; }
case \$verb in
show)
	case "\$*" in *" -- moody.service") ;; *) echo LoadState=not-found; exit 0 ;; esac
	read -r active sub result <$T/state
	printf '%s\n' LoadState=loaded ActiveState=\$active SubState=\$sub Result=\$result NRestarts=2 ExecMainCode=1 ExecMainStatus=3 \
		MainPID=\$(cat $T/pid) CanReload=\$(cat $T/reloads)
	;;
start) if [ -e $T/breaks ]; then echo "failed failed exit-code" >$T/state; else up; fi ;;
stop) down ;;
restart) down; up ;;
reload) kill -HUP \$(cat $T/pid) ;;
esac
END
chmod 755 "$T/systemctl"
echo 0 >"$T/pid"
echo no >"$T/reloads"
echo "inactive dead success" >"$T/state"
real=$(realpath "$(command -v systemctl)")
program=$ISAMON
ISAMON=$T/isamon
printf '#!/bin/bash\nexec unshare -m bash -c '\''mount --bind "%s" "%s" && exec "%s" "$@"'\'' isamon "$@"\n' "$T/systemctl" "$real" "$program" >"$ISAMON"
chmod 755 "$ISAMON"
at_end() { kill -KILL "$(cat "$T/pid" 2>/dev/null)" 2>/dev/null || :; }
systemd() {
	printf '%s\n' "[service]" "name = moody" "ports = $MOODY_PORT" "$@" "[daemon]" "state_directory = $T/own" >"$T/isamon.conf"
}
called() { grep -qxF -e "--no-ask-password --no-block $1 -- moody.service" "$T/calls" || fail "systemctl was not told $1: $(cat "$T/calls")"; }
systemd "manager = systemd"
run 1 status
has '^moody: stopped$'
run 0 start
called start
run 0 status
has 'moody.service   active \(running\)   pid [0-9]+.*2 restarts'
run 3 reload
has 'no ExecReload' err
echo yes >"$T/reloads"
rm -f "$D/hupped"
run 0 reload
called reload
wait_for 5 "SIGHUP to arrive" hupped
first=$(pid_of)
run 0 restart
called restart
[ "$(pid_of)" != "$first" ] || fail "a restart did not"
run 0 stop
called stop
touch "$T/breaks"
run 1 start --timeout 10
has 'moody.service is failed \(failed\): Result=exit-code \(exit status 3\)' err
run 1 start --timeout 10
called reset-failed
rm "$T/breaks"
systemd # auto: no Supervisor here knows it
run 0 start
run 0 stop
systemd "unit = nope.service"
run 3 status
has 'neither Supervisor nor systemd is known to run moody: .*systemd has no unit nope.service' err
systemd "unit = -x"
run 3 status
