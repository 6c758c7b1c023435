#!/bin/bash
# SPDX-License-Identifier: MIT
# Real programs rotate while they write, in each of their ways, and isamon is there or not: what is in their files arrives, all of it,
# once, and in the order of each file. Python's handlers, logrotate, supervisord and nginx.
# limit: 240
# shellcheck disable=SC2034 # what lib.sh uses
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl logrotate supervisord nginx
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

DURATION=15 # of writing
RATE=$((400 / SLOW))
D=$T/service
SERVICE_PORT=$(free_port)
WEB_PORT=$(free_port)
# The directories are a service's: others may pass, logrotate wants it so.
umask 022
chmod 755 "$T"
mkdir -p "$D/nginx" "$T/archive"

# --- who writes

# By logrotate, with the options; each opens its log again at SIGHUP, but for those that are truncated.
declare -A OPTIONS=(
	[created]="create"
	[truncated]="copytruncate"
	[compressed]="create|compress|nodelaycompress"
	[delayed]="create|compress|delaycompress"
	[dated]="create|dateext|dateformat -%Y%m%d-%s"
	[extended]="create|extension .log|dateext|dateformat -%Y%m%d-%s|compress"
	[underscored]="create|dateext|dateformat _%Y%m%d_%H%M%S|compress|delaycompress"
	[copied]="create|renamecopy|olddir archive|createolddir 755 root root"
	[moved]="create|olddir archive|createolddir 755 root root"
	[archived]="copytruncate|olddir $T/archive|dateext|dateformat -%Y%m%d-%s|compress"
	[shelved]="create|olddir archive|createolddir 755 root root|compress|delaycompress"
)
NAMES=$(printf '%s\n' "${!OPTIONS[@]}" | sort)
is_truncated() { [[ ${OPTIONS[$1]} == copytruncate* ]]; }

write() { # NAME [rotating BYTES | timed SECONDS]
	start "writer-$1" "$PY" "$FIXTURES/log_writer.py" "$D/$1.log" "$1" $RATE $DURATION "${@:2}"
}

# shellcheck disable=SC2016 # logrotate's shell expands it
rotation() { # NAME
	local reopened=$D/$1.log.reopened
	printf '%s {\n\trotate 60\n\tmissingok\n\tsu root root\n' "$D/$1.log"
	tr '|' '\n' <<<"${OPTIONS[$1]}" | sed 's/^/\t/'
	is_truncated "$1" ||
		printf '\tpostrotate\n\t\trm -f %s; kill -HUP %s && for i in $(seq 500); do [ -e %s ] && break; sleep 0.01; done\n\tendscript\n' \
			"$reopened" "${PIDS[writer-$1]}" "$reopened"
	printf '}\n'
}

start_writers() {
	local name
	for name in $NAMES; do
		: >"$D/$name.log"
		write "$name"
		rotation "$name" >"$T/$name.rotate"
	done
	write rotating rotating 30000
	write timed timed 1
}

# One program that supervisord rotates, and one that logrotate does, as the repository's file has it.
start_supervisord() {
	local name
	{
		printf '[supervisord]\nnodaemon = true\nlogfile = %s\nlogfile_maxbytes = 0\npidfile = %s\nchildlogdir = %s\nuser = root\n' \
			"$D/supervisord.log" "$T/supervisord.pid" "$T"
		for name in own output; do
			printf '[program:%s]\ncommand = %s %s - %s %s %s\nautorestart = false\nstartsecs = 0\n' \
				$name "$PY" "$FIXTURES/log_writer.py" $name $RATE $DURATION
			printf 'stderr_logfile = %s\nstdout_logfile = %s\n' "$T/writer-$name.log" "$D/$name.log"
			[ $name = own ] && echo 'stdout_logfile_maxbytes = 30000' || echo 'stdout_logfile_maxbytes = 0'
			echo 'stdout_logfile_backups = 60'
		done
	} >"$T/supervisord.conf"
	sed -e "s|/var/log/agent-isa/supervisor-output|$D/output|; s|/var/log/agent-isa|$D|; s|/var/log/supervisor|$D|" \
		-e "s|/run/supervisord.pid|$T/supervisord.pid|; s|/run/supervisor/supervisord.pid||" \
		"$REPO/dist/logrotate.conf" >"$T/supervisor.rotate"
	start supervisord supervisord -c "$T/supervisord.conf"
}

# Two workers and two clients, who ask for /one/1, /one/2, ...; each of them has one connection.
start_web() {
	cat >"$T/nginx.conf" <<-CONF
		daemon off;
		user root;
		worker_processes 2;
		pid $T/nginx.pid;
		error_log $T/nginx-error.log;
		events {}
		http {
			access_log $D/nginx/access.log;
			keepalive_requests 1000000;
			server { listen 127.0.0.1:$WEB_PORT reuseport; location / { return 200 "x"; } }
		}
	CONF
	# As Debian's package has it, but for how nginx is told.
	cat >"$T/nginx.rotate" <<-CONF
		$D/nginx/*.log {
			rotate 60
			missingok
			notifempty
			compress
			delaycompress
			create 0640 root root
			su root root
			sharedscripts
			postrotate
				kill -USR1 \$(cat $T/nginx.pid)
			endscript
		}
	CONF
	start nginx nginx -c "$T/nginx.conf" -e "$T/nginx-error.log"
	wait_port "$WEB_PORT"
	for name in one two; do
		start "client-$name" curl -sS -o /dev/null --rate $((RATE * 60))/m "http://127.0.0.1:$WEB_PORT/$name/[1-$((DURATION * RATE))]"
	done
}

# --- who rotates

pause() { # SIGNAL: to those whose logs are truncated: what they write meanwhile is lost, whoever reads
	local name
	for name in $NAMES; do
		! is_truncated "$name" || ! alive "writer-$name" || kill -s "$1" "${PIDS[writer-$name]}"
	done
}

N_ROTATED=0
rotate_all() {
	local files=() name
	N_ROTATED=$((N_ROTATED + 1))
	for name in $NAMES; do
		! alive "writer-$name" || files+=("$T/$name.rotate")
	done
	pause STOP
	logrotate -f -s "$T/logrotate.state" "${files[@]}" "$T/supervisor.rotate" >>"$T/logrotate.log" 2>&1 ||
		fail "logrotate: $(tail -n 5 "$T/logrotate.log")"
	pause CONT
	# nginx: by hand, as its manual has it, and by logrotate.
	if [ $((N_ROTATED % 2)) = 1 ]; then
		mv "$D/nginx/access.log" "$D/nginx/access.log-$(date +%Y%m%d-%H%M%S%N)"
		nginx -c "$T/nginx.conf" -e "$T/nginx-error.log" -s reopen
	else
		logrotate -f -s "$T/logrotate.state" "$T/nginx.rotate" >>"$T/logrotate.log" 2>&1
	fi
	web_reopened() { [ -e "$D/nginx/access.log" ]; }
	wait_for 10 "nginx to write its new log" web_reopened
	# A date is in the names of some.
	sleep 1
}

start_again() {
	start isamon "$ISAMON" run --config "$T/isamon.conf"
	wait_for 10 "isamon to be ready" isamon_ready
}
stop_isamon() {
	stop isamon TERM
	[ "$STATUS" = 0 ] || fail "isamon: exit status $STATUS"
}

start_fake_aws
LINES=() FILES=()
log() { # NAME PATH [OLDDIR AS-IN-LOGROTATE]
	LINES+=("[log \"$1\"]" "path = $2" "start = beginning" "first_line = ^")
	[ -z "${4:-}" ] || LINES+=("olddir = $4")
	FILES+=("$1=$2${3:+:$3}")
}
for name in $NAMES rotating timed own output supervisord; do
	case $name in
	moved | shelved | copied) log "$name" "$D/$name.log" "$D/archive" archive ;;
	archived) log "$name" "$D/$name.log" "$T/archive" "$T/archive" ;;
	*) log "$name" "$D/$name.log" ;;
	esac
done
log nginx-access "$D/nginx/access.log"
mapfile -t AWS < <(aws_conf | sed '/cloudwatch/,$d')
umask 077
start_isamon "${AWS[@]}" "[logs]" "enabled = yes" "group = test" "[daemon]" "state_directory = $T/state" "${LINES[@]}"
umask 022

start_writers
start_supervisord
start_web

say "== rotated while isamon is there, while it is not, twice while it is not, and while it is there again"
# (what was never seen before it is rotated is not read)
seen() { [ "$(fake streams group=test select=events | grep -vcx 0)" = ${#FILES[@]} ]; }
wait_for 20 "the first lines of each log" seen
rotate_all
stop_isamon
rotate_all
start_again
sleep 0.5
stop_isamon
rotate_all
rotate_all
start_again
rotate_all
written() {
	local name
	for name in $NAMES rotating timed; do ! alive "writer-$name" || return 1; done
	for name in one two; do ! alive "client-$name" || return 1; done
	[ -s "$T/writer-own.log" ] && [ -s "$T/writer-output.log" ]
}
wait_for 40 "the writers to end" written
stop supervisord TERM
stop nginx QUIT

say "== everything arrives, once, in the order of each file"
WANT=()
for name in $NAMES rotating timed own output; do WANT+=("$name=$(tail -n 1 "$T/writer-$name.log")"); done
for name in one two; do WANT+=("$name=$((DURATION * RATE))"); done
judge() {
	log_unknown >"$T/unknown"
	fake logs group=test select=stream,request,message >"$T/events"
	"$PY" "$FIXTURES/rotation_judge.py" "$T/events" "$T/unknown" "${FILES[@]}" -- "${WANT[@]}" >"$T/judgement"
}
end=$((SECONDS + 20 * PATIENCE))
until judge; do
	[ $SECONDS -lt $end ] || { cat "$T/judgement" && fail "lines are lost, twice, or out of order"; }
	sleep 0.5
done
before=$(log_events test)
sleep 2 # what would come twice
[ "$before" = "$(log_events test)" ] || fail "more came: $before, then $(log_events test)"
cat "$T/judgement"
expect_metric 0 isamon_logs_lost_bytes_total
expect_metric 0 isamon_logs_backlog_bytes
! grep -E 'found under no name|are lost' "$T/isamon.log" || fail "isamon says that something is lost, which is not true"

say "== tail finds what is in olddir, too"
for name in moved archived copied; do
	"$ISAMON" logs tail --since 1h $name --config "$T/isamon.conf" >"$T/tail" 2>&1 || fail "tail: $(head -n 3 "$T/tail")"
	[ "$(wc -l <"$T/tail")" = "$(tail -n 1 "$T/writer-$name.log")" ] || fail "tail $name: $(wc -l <"$T/tail") lines"
done
