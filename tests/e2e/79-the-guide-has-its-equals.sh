#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command of the operations guide has its equal of isamon's, which does what it should on a host with the service under
# Supervisor, a database, backups, S3 and CloudWatch (the fake); and docs/guide.md and docs/guia.es.md say the same.
# beside: yes
# limit: 180
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need curl git supervisord logrotate setsid
need_root
"$PY" -c "import botocore" 2>/dev/null || skip "needs python3-botocore"
table=$FIXTURES/guide.tsv

say "== the documents have every line"
rows=0
while IFS=$'\t' read -r guide isamon _ _; do
	case $guide in
	'# '*': MIT' | "# The guide's commands"* | '# A line =='*) continue ;;
	'== '*)
		grep -qxF "## ${guide#== }" "$REPO/docs/guia.es.md" || fail "guia.es.md has no section ${guide#== }"
		grep -qxF "## $isamon" "$REPO/docs/guide.md" || fail "guide.md has no section $isamon"
		continue
		;;
	'# '*) line="| ${guide#\# } | \`$isamon\` |" ;;
	*) line="| \`${guide//|/\\|}\` | \`${isamon//|/\\|}\` |" ;;
	esac
	for doc in guide.md guia.es.md; do
		grep -qxF -e "$line" "$REPO/docs/$doc" || fail "$doc has not: $line"
	done
	rows=$((rows + 1))
done <"$table"
[ $rows -gt 50 ] || fail "the table has only $rows lines"
for doc in guide.md guia.es.md; do
	[ "$(grep -c '^| .*`isamon ' "$REPO/docs/$doc")" = $rows ] || fail "$doc has lines that are not in the table"
done

say "== a host"
umask 022
SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
D=$T/data C=$T/etc B=$T/backups
mkdir -p "$D" "$C" "$B" "$T/app" "$T/log" "$T/state" "$T/run" "$T/tally"
export TALLY_DIR=$T/tally GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
echo 'JWT_SECRET=hush-hush' >"$C/agent-isa.env"
chmod 600 "$C/agent-isa.env"
"$PY" -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.execute("create table t(a)")
d.executemany("insert into t values (?)", [(i,) for i in range(1000)])
d.commit()' "$D/production.db"
git init -q -b main --bare "$T/origin.git"
git -C "$T/app" init -q -b main
echo 'print("app")' >"$T/app/app.py"
: >"$T/app/requirements.txt"
git -C "$T/app" add -A
git -C "$T/app" -c user.name=a -c user.email=a@example.org commit -qm one
git -C "$T/app" remote add origin "file://$T/origin.git"
git -C "$T/app" push -q -u origin main
"$PY" -m venv --without-pip "$T/venv" || fail "no environment could be made"
supervisor_config "$T/sv.conf" <<END
[program:agent-isa]
command = $PY -m uvicorn --app-dir $FIXTURES app:app --host 127.0.0.1 --port $SERVICE_PORT --no-access-log
END
date '+%Y-%m-%d %H:%M:%S,000 - app - ERROR - something failed' >"$T/log/application.log"
date '+%Y/%m/%d %H:%M:%S [error] 1#1: *1 connect() failed' >"$T/log/error.log"
cat >"$T/logrotate" <<END
$T/log/application.log $T/log/error.log {
	rotate 3
	missingok
	su root root
}
END
start_fake_aws
fake s3/bucket name=su-bucket
{
	aws_conf
	cat <<END
[service]
ports = $SERVICE_PORT
supervisor_socket = $T/sv.sock
[app]
directory = $T/app
venv = $T/venv
check = none
user = root
[database]
path = $D/production.db
[listen]
port = $ISAMON_PORT
[daemon]
runtime_directory = $T/run
state_directory = $T/state
[backup]
directory = $B
data = $D
config = $C
s3_bucket = su-bucket
s3_prefix = backups
[job "backup"]
command = backup run
schedule = 0 2 * * *
enabled = no
[logs]
logrotate_file = $T/logrotate
[log "application"]
path = $T/log/application.log
timestamp = %Y-%m-%d %H:%M:%S,%f
[log "nginx-error"]
path = $T/log/error.log
timestamp = %Y/%m/%d %H:%M:%S
[log "journal"]
unit = agent-isa.service
[alarm "HighErrorRate"]
metric = ErrorCount
statistic = Sum
period = 300
threshold = 10
comparison = GreaterThanThreshold
action = arn:aws:sns:us-east-1:123456789012:AlertTopic
END
} >"$T/isamon.conf"
chmod 600 "$T/isamon.conf"
export ISAMON_CONFIG=$T/isamon.conf
start supervisord supervisord -n -c "$T/sv.conf"
answers() { curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/health"; }
wait_for 20 "uvicorn" answers
start isamon "$ISAMON" run
wait_for 10 "isamon to be ready" isamon_ready
now=$(date +%s)000
aws_cli logs create-log-group --log-group-name agent-isa
aws_cli logs create-log-stream --log-group-name agent-isa --log-stream-name application
aws_cli logs put-log-events --log-group-name agent-isa --log-stream-name application \
	--log-events "timestamp=$now,message=ERROR: something failed" >/dev/null

say "== each of them, in the order of the guide"
declare -A tried=()
while IFS=$'\t' read -r guide isamon more statuses; do
	case $guide in '== '* | '# '*': MIT' | "# The guide's commands"* | '# A line =='*) continue ;; esac
	# What stands there several times with the same words is run once.
	[ -z "${tried[$isamon]:-}" ] || continue
	tried[$isamon]=1
	line=${isamon/#isamon/$ISAMON}
	case $more in
	'!timeout') line="timeout 2 $line" statuses=124 ;;
	-) ;;
	*) line+=" $more" ;;
	esac
	got=0
	timeout 60 setsid -w bash -c "$line" >"$T/out" 2>"$T/err" </dev/null || got=$?
	case " $statuses " in
	*" $got "*) say "$got  $isamon" ;;
	*) fail "$isamon: status $got, fine would be $statuses: $(head -n 25 "$T/out" "$T/err")" ;;
	esac
	[ -s "$T/out" ] || [ -s "$T/err" ] || fail "$isamon: says nothing"
	! grep -qF -e hush-hush -e "$AWS_SECRET_ACCESS_KEY" "$T/out" "$T/err" || fail "$isamon: shows a secret"
done <"$table"
say "${#tried[@]} commands"

say "== and what they did is there"
answers || fail "the service does not answer any more"
[ "$(find "$B" -name 'agent-isa-data-*.tar.gz' | wc -l)" -ge 2 ] || fail "no backups: $(ls "$B")"
fake objects bucket=su-bucket select=key 2>/dev/null | grep -q 'backups/agent-isa-data-' ||
	aws_cli s3 ls s3://su-bucket/backups/ | grep -q agent-isa-data- || fail "nothing is in S3"
[ "$(fake alarms name=HighErrorRate select=threshold)" != "" ] || fail "no alarm"
[ -e "$T/log/application.log.1" ] || fail "the log was not rotated"
"$ISAMON" db check >"$T/out" || fail "the database: $(cat "$T/out")"
