#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon advise, on a whole host: a healthy week has no advice; what is advised for a cause is a diff that patch(1) takes, that nginx and
# Supervisor run with, and that is not advised again. The history is written by hand, fast-forwarded.
# beside: yes
# limit: 120
. "$(dirname "$0")/../fixtures/host.sh"
# shellcheck source=tests/fixtures/advise.sh
. "$FIXTURES/advise.sh"
need patch

json() { "$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$T/out" "$1" || fail "not so: $1"; }
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 80 "$T/${2:-out}")"; }
# follow ID: its change, by patch; it stays possible to take it back
follow() {
	"$PY" - "$T/out" "$1" >"$T/diff" <<-'END'
		import json, sys
		print(next(a["change"] for a in json.load(open(sys.argv[1]))["advice"] if a["id"] == sys.argv[2]), end="")
	END
	patch --dry-run -p0 -d / <"$T/diff" >"$T/patch" 2>&1 || fail "$1: $(cat "$T/patch" "$T/diff")"
	patch -p0 -d / <"$T/diff" >"$T/patch" 2>&1 || fail "$1: $(cat "$T/patch" "$T/diff")"
	! grep -q 'fuzz\|offset' "$T/patch" || fail "$1: not quite: $(cat "$T/patch" "$T/diff")"
}

host_start
# As Debian has it, and the guide: a link. patch(1) refuses links. And a second site of the same service, whose location inherits its headers.
mkdir -p /etc/nginx/sites-available
mv "$SITE" /etc/nginx/sites-available/agent-isa
ln -s ../sites-available/agent-isa "$SITE"
cat >/etc/nginx/sites-enabled/second <<-END
	server {
	    listen 81;
	    proxy_set_header Host second.example.com;
	    location /api/ {
	        proxy_buffering on;
	        proxy_pass http://127.0.0.1:8000/;
	    }
	}
END
nginx -t 2>"$T/nginx" || fail "$(cat "$T/nginx")"

say "== without a history, and with too little"
advise 0
has 'there is no history yet'
has 'no advice on workers: it needs 20.0 hours of history, and there are 0.0 hours'
[ ! -e "$HISTORY" ] || fail "reading has made the history"
start isamon "$ISAMON" run # makes the tables
wait_for 10 "isamon to be ready" curl -fsS --max-time 2 http://127.0.0.1:9912/-/ready
sleep 1.2 # a minute of which less than a second was watched is none
stop isamon
[ -s "$HISTORY" ] || fail "the daemon has made no history"
history 0.2 queue_p99_ns=5e8 connections=600
advise 0 --json
json "d['advice'] == [] and d['too_little_history'][0] == {'subject': 'workers', 'need_seconds': 72000, 'have_seconds': 17280}"
json "d['history']['watched_seconds'] == 17280"

say "== a healthy week, but for the database"
history 8 workers=1 cpu_ns=10e9
advise 1 --json
[ "$(ids)" = database.wal ] || fail "advised: $(ids)"
"$PY" -c 'import sqlite3; sqlite3.connect("/opt/agent-isa/data/production.db").execute("PRAGMA journal_mode = WAL")'
advise 0
has '^nothing to advise$'
advise 0 --days 30 --json
json "d['advice'] == [] and d['too_little_history'] == [] and d['history']['days'] == 30"

say "== causes, and what is advised"
history 8 workers=1 cpu_ns=50e9 queue_p99_ns=4e8 connections=590 streams=2 connections_max=200 memory_bytes=1e9..2e9
advise 1
has '^workers.more: '
cp "$T/out" "$T/text"
[ "$(wc -L < <(grep -v '^    ' "$T/out"))" -le 80 ] || fail "wider than 80 columns: $(cat "$T/out")"
advise 1 --json
[ "$(ids)" = "workers.more proxy.keepalive proxy.buffering proxy.connections memory.grows" ] || fail "advised: $(ids)"

# As it stands on the screen, too.
awk '/^proxy.keepalive: / { on = 1 } on && /^  effect/ { exit } on && /^    / { print }' "$T/text" >"$T/diff"
patch --dry-run -p0 -d / <"$T/diff" >"$T/patch" 2>&1 || fail "off the screen: $(cat "$T/patch" "$T/diff")"
[ "$(grep -c 'checking file' "$T/patch")" = 2 ] || fail "off the screen: $(cat "$T/patch" "$T/diff")"

say "== it can be followed, one after the other, and is not advised again"
for id in proxy.keepalive proxy.buffering proxy.connections workers.more memory.grows; do
	advise 1 --json
	follow $id
	nginx -t 2>"$T/nginx" || fail "$id: $(cat "$T/nginx" "$SITE")"
	case $id in proxy.*)
		advise 1 --json
		! ids | grep -q $id || fail "$id is advised again"
		;;
	esac
done
grep -q 'keepalive 32' "$SITE" || fail "nginx's file: $(cat "$SITE")"
grep -q 'proxy_pass http://agent-isa;' "$SITE" || fail "nginx's file: $(cat "$SITE")"
grep -qE '^command = .* --workers 2$' /etc/supervisor/supervisord.conf || fail "Supervisor's file"
[ -L "$SITE" ] || fail "the link is none any more"
[ "$(cat /etc/nginx/sites-*/* | grep -c '^upstream')" = 2 ] || fail "upstreams: $(cat /etc/nginx/sites-*/*)" # one, and by its link
grep -q 'worker_rlimit_nofile' /etc/nginx/nginx.conf || fail "nginx's files: $(cat /etc/nginx/nginx.conf)"
"$ISAMON" check-config >"$T/check" 2>&1 || fail "isamon's file: $(cat "$T/check" "$CONF")"
grep -q '^command = service restart$' "$CONF" || fail "there is no job: $(cat "$CONF")"
nginx -s reload
supervisorctl -c /etc/supervisor/supervisord.conf update >"$T/update" || fail "$(cat "$T/update")"
wait_for 20 "the service to run" supervisor_says RUNNING
wait_for 20 "the service to answer" service_answers
wait_for 20 "nginx to answer" front_answers
[ "$(pgrep -c -f 'multiprocessing.*spawn_main')" -ge 2 ] || fail "there are no two workers"

say "== wrong usage"
advise 2 --days 31
has 'days is 1 to 30' err
advise 2 --apply workers.more
has 'only cost.lifecycle can be applied' err
advise 3 --apply cost.lifecycle --yes
has 'backups go to no bucket' err
