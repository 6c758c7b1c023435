#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon init: on a host of its own (mount namespace) with Agent-ISA under Supervisor it writes a configuration with which isamon
# watches it; what is there already is never replaced unasked.
# beside: yes
# limit: 60
. "$(dirname "$0")/../fixtures/lib.sh"
need curl supervisord unshare
need_root

if [ -z "${IN_A_HOST:-}" ]; then
	export IN_A_HOST=1
	unshare -m --propagation private "$0" || exit $?
	exit 0
fi

# The host: a copy of /etc and an empty /opt, of this mount namespace only.
mkdir "$T/etc" "$T/opt"
cp -a /etc/. "$T/etc"
mount --bind "$T/etc" /etc
mount --bind "$T/opt" /opt
rm -rf /etc/supervisor /etc/supervisord* /etc/isamon /etc/agent-isa /etc/systemd/system
SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
mkdir -p /etc/supervisor/conf.d /etc/agent-isa /opt/agent-isa/{app/config,data,backups} /etc/systemd/system "$T/tally"
export TALLY_DIR=$T/tally
echo 'JWT_SECRET=hush-hush' >/etc/agent-isa/agent-isa.env
touch /opt/agent-isa/app/requirements.txt
"$PY" -c 'import sqlite3; sqlite3.connect("/opt/agent-isa/data/shop.db").execute("create table t(a)")'
supervisor_config /etc/supervisor/supervisord.conf <<END
[include]
files = conf.d/*.conf
END
cat >/etc/supervisor/conf.d/agent-isa.conf <<END
[program:agent-isa]
command = $PY -m uvicorn --app-dir $FIXTURES app:app --host 127.0.0.1 --port $SERVICE_PORT --no-access-log
directory = /opt/agent-isa/app
stdout_logfile = $T/out.log
stderr_logfile = $T/err.log
END
cat >/opt/agent-isa/app/config/production.toml <<END
[server]
host = "0.0.0.0"
port = 1 # the command line decides
workers = 4
[database]
type = "sqlite"
path = "/opt/agent-isa/data/shop.db"
[aws]
region = "eu-west-1"
[aws.cloudwatch]
enabled = false
log_group = "shop-logs"
[backup]
enabled = true
schedule = "30 3 * * *"
retention_days = 7
s3_bucket = "shop-backups"
END
# run STATUS ARGUMENT...: of isamon init
run() {
	local want=$1 got=0
	shift
	timeout 20 "$ISAMON" init "$@" >"$T/said" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon init $*: status $got, expected $want: $(cat "$T/said" "$T/err")"
}
has() { grep -qE -e "$1" "${2:-$T/said}" || fail "no '$1' in: $(head -n 40 "${2:-$T/said}")"; }
conf=/etc/isamon/isamon.conf

say "== a host without a configuration gets one, and isamon works by it"
run 0
has '^found +\[service\] name = agent-isa$'
has "^found +\[service\] ports = $SERVICE_PORT$"
has '^guessed +\[app\] directory = /opt/agent-isa/app$'
has '^found +\[backup\] keep_days = 7$'
has '^guessed +\[backup\] data = /opt/agent-isa/data$'
has '^found +\[job "backup"\] schedule = 30 3 \* \* \*$'
has "^wrote +$conf$"
has '^group = shop-logs$' $conf
! grep -rq hush-hush "$T/said" "$T/err" $conf || fail "a secret was written"
"$ISAMON" check-config || fail "what was written is no configuration"
[ "$(find /etc/isamon -type f | wc -l)" = 1 ] || fail "left behind: $(ls -a /etc/isamon)"
start supervisord supervisord -n -c /etc/supervisor/supervisord.conf
answers() { curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/health"; }
wait_for 20 "uvicorn" answers
healthy() { "$ISAMON" service status >"$T/said"; } # Supervisor's startsecs must have passed
wait_for 20 "the service to be healthy" healthy
has '^agent-isa: running and healthy$'
"$ISAMON" db check >"$T/said" || fail "isamon db check: $(cat "$T/said")"

say "== one that is there is left alone, and with --force kept beside"
echo '# mine' >>$conf
cp $conf "$T/mine"
run 1
has 'is there already and was left alone' "$T/err"
cmp $conf "$T/mine" || fail "it was changed"
run 0 --print
has "^ports = $SERVICE_PORT$"
cmp $conf "$T/mine" || fail "--print wrote it"
run 0 --force
cmp "$(ls $conf.old-*)" "$T/mine" || fail "the old one was not kept"
! grep -q '^# mine' $conf || fail "it was not replaced"

say "== an example in which nothing is set is none"
cp "$REPO/dist/isamon.conf" $conf
rm -f $conf.old-*
run 0 --json
"$PY" - "$T/said" "$SERVICE_PORT" <<'END' || fail "the JSON is not right: $(cat "$T/said")"
import json, sys
found = json.load(open(sys.argv[1]))
values = {(v["section"], v["key"]): v for v in found["values"]}
assert found["written"] == "/etc/isamon/isamon.conf"
assert values["service", "ports"]["value"] == sys.argv[2] and not values["service", "ports"]["guessed"]
assert values["backup", "data"]["guessed"] and values["backup", "data"]["source"]
END
[ ! -e "$(ls $conf.old-* 2>/dev/null)" ] || fail "an example that says nothing was kept"

say "== what cannot be is explained"
run 3 --name shop --output "$T/x.conf"
has 'neither Supervisor nor systemd has a service "shop"' "$T/err"
run 3 --toml /no/such.toml --output "$T/x.conf"
has '/no/such.toml: No such file' "$T/err"
run 3 --output /proc/x.conf
run 2 nonsense
[ ! -e "$T/x.conf" ] || fail "something was written"
