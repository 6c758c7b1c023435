#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon doctor, on a whole host: each trouble of the guide is caused for real, and it is the one that is named; with --fix the service is healthy
# again where there is a repair.
# limit: 300
. "$(dirname "$0")/../fixtures/host.sh"
AREAS=(service proxy permissions)

# doctor STATUS ARGUMENT...: output in $T/out, $T/err
doctor() {
	local want=$1 got=0
	shift
	timeout 60 "$ISAMON" doctor "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon doctor $*: status $got, expected $want: $(not_well)"
}
# Of what it printed, what matters when it is another than expected.
not_well() {
	"$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["diagnosis"], *[f for f in d["findings"] if f["result"] != "fine"], d.get("fixes"), sep="\n")' \
		"$T/out" 2>/dev/null || head -n 60 "$T/out"
	head -n 60 "$T/err"
}
json() { "$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$T/out" "$1" || fail "not so: $1"; }
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 60 "$T/${2:-out}")"; }
# names ID PART: that is the diagnosis, and PART is in its sentence
names() {
	doctor 1 "${AREAS[@]}" --json
	json "d['diagnosis']['id'] == '$1'"
	json "'''$2''' in d['diagnosis']['sentence']"
}
well() {
	doctor 0 "${AREAS[@]}" --json
	json "d['diagnosis'] is None and d['worst'] in ('fine', 'note')"
}
# mends FIX: and says so, and the service is healthy by nginx
mends() {
	doctor 0 "${AREAS[@]}" --fix --yes --json
	json "[f['fix'] for f in d['fixes']] == ['$1'] and d['fixes'][0]['result'] == 'done'"
	front_answers || fail "$1: not healthy after it"
}

# Until the old workers are gone, which take connections, too, and pass them as before.
reload() {
	local old
	old=$(pgrep -f '^nginx: worker process$')
	nginx -s reload
	only_new() { ! pgrep -f '^nginx: worker process$' | grep -qxF "$old"; }
	wait_for 10 "nginx to work by new workers" only_new
}

ctl() { supervisorctl -c /etc/supervisor/supervisord.conf "$@"; }

host_start

say "== a host that is well"
well
json "d['took_ms'] < 30000 and d['areas'] == ['service', 'proxy', 'permissions']"
json "all(f['result'] in ('fine', 'note') for f in d['findings'])"
json "[f['evidence'] for f in d['findings'] if f['id'] == 'service.dependencies'] == ['all dependencies are there']"
json "[f['evidence'] for f in d['findings'] if f['id'] == 'service.packages'] == ['all 2 are there']"
doctor 0 bad-gateway
has '^All is well'
doctor 0 not-responding
doctor 2 nonsense
has 'no area or runbook "nonsense"' err
doctor 2 service --yes

say "== stopped by somebody"
ctl stop agent-isa >/dev/null
names service.manager "the service is stopped in Supervisor (supervisor: agent-isa:agent-isa STOPPED): isamon service start"
doctor 1 bad-gateway
has '^Diagnosis: the service is stopped in Supervisor'
has '  BAD   front +http://127.0.0.1:80/health: answers 502|answers 502'
[ "$(wc -L <"$T/out")" -le 80 ] || fail "wider than 80 columns: $(cat "$T/out")"
doctor 3 service --fix
has 'There is no terminal to ask' err
"$PY" - "$ISAMON" >"$T/terminal" <<'END' || fail "a no on the terminal: $(cat "$T/terminal")"
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["isamon", "doctor", "service", "--fix"])
seen = b""
try:
    while True:
        piece = os.read(fd, 4096)
        if b"[y/N]" in piece and b"[y/N]" not in seen:
            os.write(fd, b"n\n")
        seen += piece
except OSError:
    pass
print(seen.decode())
assert seen.count(b"start agent-isa (supervisor agent-isa)? [y/N]") == 1 and b"refused" in seen
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
END
! service_answers 2>/dev/null || fail "it was started though nobody said yes"
mends service-start
json "'was started, and is healthy' in d['fixes'][0]['said']"

say "== what nobody but root can see is not known, and not wrong"
setpriv --reuid 4711 --regid 4711 --clear-groups timeout 60 "$ISAMON" doctor service --json >"$T/out" 2>"$T/err" </dev/null || :
json "[f['result'] for f in d['findings'] if f['id'] in ('service.manager', 'service.dependencies')] == ['unknown'] * 2"
json "not any(f['result'] == 'problem' for f in d['findings'])"

say "== stopped, and another program has its port"
ctl stop agent-isa >/dev/null
start other "$PY" -m http.server --bind 127.0.0.1 8000
wait_port 8000
names service.listening "another program has the port of the service"
json "not any(f.get('fix', '').startswith('service-') for f in d['findings'] if f['id'] in ('service.manager', 'service.listening'))"
stop other
ctl start agent-isa >/dev/null
wait_for 20 "the service to answer" service_answers

say "== killed"
kill -KILL "$(ctl pid agent-isa)"
ended() { ! port_open 8000 && supervisor_says EXITED; }
wait_for 10 "Supervisor to see it" ended
names service.manager "the service has ended, and Supervisor does not start it again"
mends service-restart

say "== it does not start"
echo 'def broken(:' >"$T/broken"
cat "$T/broken" >>"$APP/app.py"
ctl restart agent-isa >/dev/null 2>&1 || :
# FATAL, or, where its end comes later than startsecs, EXITED
given_up() { supervisor_says FATAL || supervisor_says EXITED; }
wait_for 20 "Supervisor to give it up" given_up
names service.manager "its log ends: SyntaxError"
doctor 1 service --fix --yes --json
json "d['fixes'][0]['result'] == 'failed'"
cp "$FIXTURES/doctor_app.py" "$APP/app.py"
mends service-restart

say "== a request that blocks the loop"
pid=$(ctl pid agent-isa)
kill -STOP "$pid"
names service.loop "process $pid is stopped by a signal"
mends service-restart

say "== it says that it is ill"
curl -fsS -X POST http://127.0.0.1:8000/ill >/dev/null
names service.health 'answers with status 500: {"status":"ill"}'
mends service-restart

say "== it listens somewhere else"
HOST_PORT=8002 host_supervisor
ctl update >/dev/null
wait_port 8002
names service.listening "nobody listens on port 8000; the service listens on 127.0.0.1:8002"
host_supervisor
ctl update >/dev/null
wait_for 20 "the service to be back" service_answers
wait_for 20 "the service to run" supervisor_says RUNNING

say "== it listens on IPv6 only"
sed -i 's/--host 127.0.0.1/--host ::1/' /etc/supervisor/supervisord.conf
ctl update >/dev/null
answers6() { curl -gfsS -o /dev/null --max-time 2 'http://[::1]:8000/health'; }
wait_for 20 "the service to answer at ::1" answers6
names proxy.upstream "the service is at [::1]:8000"
sed -i 's/127.0.0.1:8000/[::1]:8000/' "$SITE"
touch -d '1 minute ago' "$SITE" /etc/nginx/nginx.conf
reload
wait_for 10 "nginx to answer" front_answers
wait_for 20 "the service to run" supervisor_says RUNNING
well
host_nginx 8000

say "== on a Unix socket only"
sed -i 's|--host ::1 --port 8000|--uds /opt/agent-isa/app.sock|' /etc/supervisor/supervisord.conf
ctl update >/dev/null
wait_for 20 "the socket" test -S /opt/agent-isa/app.sock
wait_for 20 "the service to run" supervisor_says RUNNING
names service.listening "the service listens on the Unix socket /opt/agent-isa/app.sock"
sed -i 's|http://127.0.0.1:8000|http://unix:/opt/agent-isa/other.sock|' "$SITE"
doctor 1 proxy --json
json "d['diagnosis']['id'] == 'proxy.upstream' and 'unix:/opt/agent-isa/other.sock' in d['diagnosis']['sentence']"
sed -i 's|/other.sock|/app.sock|' "$SITE"
doctor 1 proxy --json
json "[f['result'] for f in d['findings'] if f['id'] == 'proxy.upstream'] == ['fine']"
host_nginx 8000
host_supervisor
ctl update >/dev/null
wait_for 20 "the service to be back" service_answers
wait_for 20 "the service to run" supervisor_says RUNNING
touch -d '1 minute ago' "$SITE" /etc/nginx/nginx.conf # surely before it is read
reload
wait_for 10 "nginx to answer" front_answers

say "== root owns its data"
chown -R root:root /opt/agent-isa/data
ln -s /etc/passwd /opt/agent-isa/data/link
names permissions.owner "is root:root"
mends permissions
[ "$(stat -c %U /opt/agent-isa/data/production.db)" = agent-isa ] || fail "the database is still root's"
[ "$(stat -c %U /etc/passwd)" = root ] || fail "a symbolic link was followed"
rm /opt/agent-isa/data/link

say "== everybody can read the secrets"
chmod 644 /etc/agent-isa/agent-isa.env
names permissions.mode "agent-isa.env 0644 instead of 0640"
mends permissions
[ "$(stat -c %a /etc/agent-isa/agent-isa.env)" = 640 ] || fail "still $(stat -c %a /etc/agent-isa/agent-isa.env)"

say "== a directory above keeps its user out"
chmod 700 /opt/agent-isa
chown root:root /opt/agent-isa
names permissions.access "/opt/agent-isa is root:root 0700"
chmod 755 /opt/agent-isa

say "== a package is missing, and its own check fails"
echo 'no-such-package==1.0' >>"$APP/requirements.txt"
names service.packages "no-such-package==1.0 is missing"
sed -i '$d' "$APP/requirements.txt"
echo 'import sys; sys.exit("cairo is missing")' >>"$APP/OpenManusWeb/scripts/check_dependencies.py"
names service.dependencies "cairo is missing"
sed -i '$d' "$APP/OpenManusWeb/scripts/check_dependencies.py"

say "== the upstream is another port"
host_nginx 8001
reload
moved() { [ "$(curl -sS -o /dev/null -w '%{http_code}' --max-time 3 http://127.0.0.1/)" = 502 ]; }
wait_for 10 "nginx to pass to nobody" moved
names proxy.upstream "nginx passes to 127.0.0.1:8001 ($SITE line 5); the service is at 127.0.0.1:8000"

say "== put right, but not reloaded"
sleep 1.1 # what is changed within a second of a reload may be what it read
host_nginx 8000
names proxy.reload "after nginx had read it"
# As long as an old worker is there, it takes connections, too, and passes them as before.
old=$(pgrep -f '^nginx: worker process$')
kill -STOP "$old"
doctor 1 "${AREAS[@]}" --fix --yes --json
kill -CONT "$old"
json "d['diagnosis']['id'] == 'proxy.reload'"
json "d['fixes'][0]['result'] == 'failed' and 'not work by new workers alone' in d['fixes'][0]['said']"
sleep 1.1
host_nginx 8000
names proxy.reload "after nginx had read it"
mends nginx-reload

say "== served by TLS only, by a certificate that nobody trusts, that is for another name, and by none of these"
certificate() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /etc/nginx/key.pem -out /etc/nginx/cert.pem -days 90 \
		-subj "/CN=$1" -addext "subjectAltName=DNS:$1" 2>"$T/openssl.log" || fail "openssl: $(cat "$T/openssl.log")"
}
tls_site() { # PORT STATUS: of the upstream, and what it answers
	cat >"$SITE" <<-END
		server { listen 80; server_name agent-isa.example.com; return 301 https://\$host\$request_uri; }
		server {
		    listen 443 ssl;
		    server_name agent-isa.example.com;
		    ssl_certificate /etc/nginx/cert.pem;
		    ssl_certificate_key /etc/nginx/key.pem;
		    location / { proxy_pass http://127.0.0.1:$1; }
		}
	END
	touch -d '1 minute ago' "$SITE" /etc/nginx/nginx.conf # surely before it is read
	reload
	wait_for 10 "nginx to answer by TLS" tls_status "$2"
}
tls_status() { [ "$(curl -ksS -o /dev/null -w '%{http_code}' --max-time 3 https://127.0.0.1/health)" = "$1" ]; }
certificate agent-isa.example.com
tls_site 8000 200
doctor 1 proxy --json
json "[(f['result'], 'https://agent-isa.example.com:443/health answers 200' in f['evidence']) for f in d['findings'] if f['id'] == 'proxy.front'] == [('fine', True)]"
json "d['diagnosis']['id'] == 'proxy.certificate' and d['diagnosis']['result'] == 'warning' and 'self' in d['diagnosis']['sentence']"
cat /etc/nginx/cert.pem >>/etc/ssl/certs/ca-certificates.crt # of this host only
well
certificate other.example.com
cat /etc/nginx/cert.pem >>/etc/ssl/certs/ca-certificates.crt
tls_site 8000 200
names proxy.certificate "agent-isa.example.com"
tls_site 8001 502
doctor 1 proxy --json
json "'answers 502' in [f['evidence'] for f in d['findings'] if f['id'] == 'proxy.front'][0]"
json "d['diagnosis']['id'] == 'proxy.upstream'"
host_nginx 8000
reload
wait_for 10 "nginx to answer" front_answers

say "== a mistake in nginx's configuration"
sed -i 's/proxy_pass/proxy_pas/' "$SITE"
names proxy.config '[emerg] unknown directive "proxy_pas" in /etc/nginx/sites-enabled/agent-isa:5'
host_nginx 8000
reload

say "== nginx does not run"
nginx -s quit
gone() { ! port_open 80; }
wait_for 10 "nginx to end" gone
names proxy.nginx "nginx does not run"
mends nginx-start
well
