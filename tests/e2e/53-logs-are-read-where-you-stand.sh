#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon logs: what is on this host, merged and followed over rotations; what is in CloudWatch; logrotate, forced and checked.
# limit: 240
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
. "$(dirname "$0")/../fixtures/aws.sh"
need curl supervisord nginx logrotate unshare /usr/bin/aws
need_root
"$PY" -c "import botocore" 2>/dev/null || skip "needs python3-botocore"
chmod 755 "$T"
L=$T/log
mkdir -p "$L/nginx" "$T/rotate.d" "$T/state" "$T/journal"

# A command in a name space of its own, where logrotate's state and the journal are ours.
cat >"$T/own" <<-END
	#!/bin/bash
	exec unshare -m bash -c 'mount --bind "$T/state" /var/lib/logrotate && mkdir -p /var/log/journal &&
		mount -t tmpfs none /var/log/journal && mkdir "/var/log/journal/\$(cat /etc/machine-id)" &&
		mount --bind "$T/journal" "/var/log/journal/\$(cat /etc/machine-id)" && exec "\$@"' own "\$@"
END
chmod 755 "$T/own"
# run STATUS COMMAND...: of isamon logs. Output in $T/out, $T/err.
run() {
	local want=$1 got=0
	shift
	"$T/own" timeout 60 "$ISAMON" logs "$@" --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon logs $*: status $got, expected $want: $(head -n 20 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 40 "$T/${2:-out}")"; }
has_not() { ! grep -qE -e "$1" "$T/${2:-out}" || fail "'$1' is in: $(grep -E -m 3 -e "$1" "$T/${2:-out}")"; }
lines() { wc -l <"$T/out"; }

start_fake_aws
conf() {
	aws_conf '[logs]' "logrotate_file = $T/rotate.d/isamon" \
		'[log "application"]' "path = $L/application.log" 'timestamp = %Y-%m-%d %H:%M:%S,%f' 'rotated_by = itself' \
		'[log "supervisor-output"]' "path = $L/supervisor-output.log" \
		'[log "supervisor-error"]' "path = $L/supervisor-error.log" \
		'[log "supervisor"]' "path = $L/supervisord.log" 'timestamp = %Y-%m-%d %H:%M:%S,%f' \
		'[log "nginx-access"]' "path = $L/nginx/access.log" 'timestamp = %d/%b/%Y:%H:%M:%S %z' 'first_line = ^' \
		'[log "nginx-error"]' "path = $L/nginx/error.log" 'timestamp = %Y/%m/%d %H:%M:%S' \
		'[log "journal"]' 'unit = agent-isa.service' >"$T/isamon.conf"
}
conf
# The repository's file for logrotate, for our paths.
sed -e "s|/var/log/agent-isa|$L|; s|/var/log/supervisor|$L|; s|/run/supervisord.pid|$T/supervisord.pid|" \
	"$REPO/dist/logrotate.conf" >"$T/rotate.d/isamon"
chmod 644 "$T/rotate.d/isamon"

say "== nothing is there yet"
run 3 tail
has "application: $L/application.log is not there" err
timeout 2 "$ISAMON" logs tail -f --config "$T/isamon.conf" >"$T/out" 2>"$T/err" && fail "tail -f of nothing ends"
has 'nothing to show yet; follows .*application \(not there\).*, until Ctrl-C$' err
run 2 tail nope
has 'no log "nope"; there are application, supervisor-output, .*journal' err
run 2 tail --since soon
has "not a moment" err
run 2 tail --grep '('
run 2 tail --level loud
has 'write debug, info, warning, error or critical' err
run 2 wrong

# A real supervisord with a Python application, and a real nginx.
supervise() { # N SECONDS MAX_BYTES
	cat >"$T/supervisord.conf" <<-END
		[supervisord]
		nodaemon = true
		logfile = $L/supervisord.log
		logfile_maxbytes = 0
		pidfile = $T/supervisord.pid
		childlogdir = $L
		user = root
		[program:app]
		command = $PY $FIXTURES/log_app.py $L/application.log $*
		stdout_logfile = $L/supervisor-output.log
		stderr_logfile = $L/supervisor-error.log
		stdout_logfile_maxbytes = 0
		stderr_logfile_maxbytes = 0
	END
	start supervisord supervisord -c "$T/supervisord.conf"
}
web() {
	cat >"$T/nginx.conf" <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $T/nginx.pid;
		error_log $L/nginx/error.log;
		events {}
		http { access_log $L/nginx/access.log; server { listen 127.0.0.1:$WEB_PORT; root $T/web; } }
	END
	start nginx nginx -c "$T/nginx.conf" -e "$L/nginx/error.log"
	wait_port "$WEB_PORT"
}
WEB_PORT=$(free_port)
web

say "== followed over every rotation, each record once"
start follow "$T/own" "$ISAMON" logs tail -f --config "$T/isamon.conf"
supervise 3000 6 20000
ended() { grep -qs "err ends" "$L"/supervisor-error.log*; }
pages=0
for ((i = 0; i < 100; i++)); do
	! ended || break
	! curl -s -o "$T/page" "http://127.0.0.1:$WEB_PORT/missing-$i" || pages=$((pages + 1))
	# As Debian's /etc/logrotate.d/nginx does.
	if [ $((i % 5)) = 2 ]; then mv "$L/nginx/access.log" "$L/nginx/access.log.$i" && kill -USR1 "$(cat "$T/nginx.pid")"; fi
	if [ $((i % 5)) = 4 ]; then run 0 rotate --force; fi
	sleep 0.2
done
wait_for 20 "the application to have written all" ended
whole() { [ "$(grep -c " record " "$T/follow.log")" -ge 3000 ] && grep -q "err ends" "$T/follow.log"; }
wait_for 20 "all records to be shown" whole
sleep 1.2 # what would come twice
! pgrep --runstates Z -P "${PIDS[follow]}" >/dev/null || fail "a zombie"
stop follow INT
[ "$STATUS" = 0 ] || fail "tail -f: status $STATUS after SIGINT"
[ "$(find "$L" -name 'application.log.*' | wc -l)" -ge 5 ] || fail "the application did not rotate"
# (Empty ones are not rotated: with a second one, supervisord has opened its log again.)
[ "$(find "$L" -name 'supervisor-output.log-*' | wc -l)" -ge 2 ] || fail "logrotate did not rotate: $(ls "$L")"
"$PY" - "$T/follow.log" "$pages" <<'END' || fail "not each record once"
import re, sys
text = open(sys.argv[1]).read()
def once(name, pattern, n):
    got = [int(m) for m in re.findall(pattern, text, re.M)]
    assert sorted(got) == list(range(n)), "%s: %d, missing %s, twice %s" % (
        name, len(got), sorted(set(range(n)) - set(got))[:5], [x for x in set(got) if got.count(x) > 1][:5])
    assert got == sorted(got), name + " is not in order"
once("application", r"^application +\S+ \S+ - app.chat - \w+ - record (\d+)$", 3000)
once("supervisor-output", r"^supervisor-output  out (\d+)$", 3000)
assert len(re.findall(r"^ {19}ValueError: bad \d+$", text, re.M)) == 300
got = len(re.findall(r"^nginx-access .*GET /missing-\d+ ", text, re.M))
assert got == int(sys.argv[2]), "%d of %s pages" % (got, sys.argv[2])
assert len(re.findall(r"^nginx-error .*missing-\d+\" failed", text, re.M)) == got
END
! grep -v 'nothing to show yet; follows ' "$T/follow.log" | grep '^isamon' || fail "it complains"

say "== what is there"
run 0 tail
[ "$(grep -cE '^[a-z]' "$T/out")" = 20 ] || fail "not 20 records: $(cat "$T/out")"
run 0 tail -n 100000
[ "$(grep -c 'app.chat' "$T/out")" = 3000 ] || fail "rotated files are not read: $(lines)"
run 0 tail --since 10m application
[ "$(grep -c 'app.chat' "$T/out")" = 3000 ] || fail "--since"
has '^[0-9-]+ [0-9:]+,[0-9]+ - app.chat - ERROR - record 0$'
run 0 tail -n 1 --grep 'record 1234$'
has 'record 1234$'
gzip "$L"/application.log.[34]
run 0 tail --since 10m application
[ "$(grep -c 'app.chat' "$T/out")" = 3000 ] || fail "--since, .gz: $(grep -c app.chat "$T/out")"
for level in warning WARN; do
	run 0 tail --since 10m --level $level application
	[ "$(grep -c 'app.chat' "$T/out")" = 1200 ] || fail "--level $level: $(grep -c app.chat "$T/out")"
done
has_not ' INFO | DEBUG '
run 0 tail --since 10m --grep 'bad 29\d0$'
[ "$(grep -c 'app.chat' "$T/out")" = 10 ] || fail "--grep sees a whole traceback: $(cat "$T/out")"
run 0 tail --since 10m --json
"$PY" - "$T/out" <<'END' || fail "--json"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
times = [l["time"] for l in lines if l["time"]]
assert times == sorted(times), "not merged by time"
assert {l["source"] for l in lines} == {"application", "supervisor-output", "supervisor-error", "supervisor", "nginx-access",
                                        "nginx-error"}, {l["source"] for l in lines}
errors = [l for l in lines if l["level"] == "error" and l["source"] == "application"]
assert len(errors) == 300 and all(l["exception"] == "ValueError" for l in errors)
END
printf '%s - x - INFO - \033[31mred \302\233 \342\200\256 bad\377 password=hunter2secret end\n' "$(date '+%F %T,000')" >>"$L/application.log"
run 0 tail -n 1 application
has 'INFO - \?\[31mred \? \? bad� password=\*\*\* end$'
# A link that the application could have made.
echo "root:secret" >"$T/shadow"
chmod 777 "$L/nginx"
ln -sf "$T/shadow" "$L/nginx/evil.log"
sed -i "s|nginx/error.log|nginx/evil.log|" "$T/isamon.conf"
run 3 tail nginx-error
has "symbolic link" err
has_not secret
chmod 755 "$L/nginx"
conf

say "== a reader that has gone"
"$T/own" "$ISAMON" logs tail --config "$T/isamon.conf" --since 10m 2>"$T/err" | head -n 1 >"$T/out"
[ "${PIPESTATUS[0]}" = 0 ] || fail "a closed pipe"
has_not . err
timeout 20 bash -c "'$ISAMON' logs tail -f --config '$T/isamon.conf' | head -n 1 >'$T/out'" || fail "-f goes on without a reader"

say "== big files are not read from the beginning"
"$PY" - "$L/big.log" <<'END'
import sys, time
now = time.time()
with open(sys.argv[1], "w") as f:
    for i in range(300):
        second = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - 3000 + i * 10))
        f.write("".join("%s,%03d - x - INFO - number %06d %s\n" % (second, k // 10, i * 10000 + k, "x" * 60) for k in range(10000)))
END
printf '%s\n' '[log "big"]' "path = $L/big.log" 'timestamp = %Y-%m-%d %H:%M:%S,%f' >"$T/big.conf"
for options in '-n 5' '--since 60s'; do
	# shellcheck disable=SC2086
	prlimit --cpu=$PATIENCE "$ISAMON" logs tail $options --config "$T/big.conf" >"$T/out" || fail "tail $options took too long"
	has "number 2999999"
done
if [ "$(lines)" -lt 10000 ] || [ "$(lines)" -gt 60000 ]; then fail "--since 60s: $(lines) lines"; fi
rm "$L/big.log"

say "== the journal"
remote=/lib/systemd/systemd-journal-remote
if [ -x "$remote" ] && command -v journalctl >/dev/null && [ -s /etc/machine-id ]; then
	boot=$(tr -d - </proc/sys/kernel/random/boot_id) # -f shows this one's only
	entries() { # FIRST LAST
		local i
		for ((i = $1; i <= $2; i++)); do
			printf '__REALTIME_TIMESTAMP=%s\n__MONOTONIC_TIMESTAMP=%s\n_BOOT_ID=%s\n_MACHINE_ID=%s\nMESSAGE=entry %s.\nPRIORITY=%s\n_SYSTEMD_UNIT=%s\n\n' \
				"$(date +%s%6N)" $((i * 1000000)) "$boot" "$(cat /etc/machine-id)" "$i" $((i % 8)) \
				agent-isa.service
		done
	}
	entries 0 9 | "$remote" -o "$T/journal/system.journal" - >"$T/remote.log" 2>&1
	run 0 tail journal
	[ "$(lines)" = 10 ] || fail "the journal: $(cat "$T/out")"
	run 0 tail -n 2 journal
	[ "$(cat "$T/out")" = "$(printf 'entry 8.\nentry 9.')" ] || fail "the last of the journal: $(cat "$T/out")"
	run 0 tail --level error journal
	[ "$(grep -oE '[0-9]+' "$T/out" | tr '\n' ' ')" = "0 1 2 3 8 9 " ] || fail "its levels: $(cat "$T/out")"
	run 0 tail --since 10m --grep '[12]\.$' journal
	[ "$(lines)" = 2 ] || fail "--grep in the journal"
	start journal "$T/own" "$ISAMON" logs tail -f --config "$T/isamon.conf" journal
	entry() { grep -q "entry $1\.$" "$T/journal.log"; }
	wait_for 10 "the journal's old entries" entry 9
	entries 10 14 | "$remote" -o "$T/journal/system.journal" - >>"$T/remote.log" 2>&1
	wait_for 20 "the journal's new entries" entry 14
	! pgrep --runstates Z -P "${PIDS[journal]}" >/dev/null || fail "a zombie"
	stop journal
	[ "$STATUS" = 0 ] || fail "tail -f of the journal: status $STATUS"
	[ "$(sort -u "$T/journal.log" | wc -l) $(wc -l <"$T/journal.log")" = "15 15" ] || fail "not each entry once: $(cat "$T/journal.log")"
else
	say "not tried: the journal (needs systemd-journal-remote and journalctl)"
fi

say "== rotation is checked"
has_check() { has "^$1 +$2"; }
run 1 check
has_check fine "$T/rotate.d/isamon: is there, and valid"
has_check fine "logrotate: ran 0 hours ago"
has_check fine "$L/application.log: is rotated by itself"
has_check fine "$L/supervisord.log: is rotated by $T/rotate.d/isamon"
has_check PROBLEM "$L/nginx/access.log: is rotated by nobody"
cat >"$T/rotate.d/nginx" <<-END
	$L/nginx/*.log {
		daily
		create
		postrotate
			echo '/not/a/log { copytruncate }' >/dev/null
		endscript
	}
END
chmod 644 "$T/rotate.d/nginx"
run 0 check
has_not PROBLEM
run 0 check --json
"$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d["fine"] and len(d["findings"]) >= 7, d' "$T/out" || fail "--json"
# A directory where isamon looks only if it is told.
sed -i "s|create\$|create\n\t\tolddir ./archive|" "$T/rotate.d/nginx"
mkdir "$L/nginx/archive"
run 1 check
has_check PROBLEM "$L/nginx/access.log: is moved to ./archive \($T/rotate.d/nginx\), where .*: write olddir = ./archive in \[log \"nginx-access\"\]"
sed -i "/^\[log \"nginx/a olddir = archive/" "$T/isamon.conf"
run 0 check
conf
sed -i /olddir/d "$T/rotate.d/nginx"
# What logrotate.conf has itself, above them.
printf '%s {\n\tdaily\n}\n' "$L/application.log" >"$T/logrotate.conf"
run 1 check
has_check PROBLEM "$L/application.log: is rotated by itself, and by $T/logrotate.conf too"
rm "$T/logrotate.conf"
# The guide's own file, beside ours.
printf '%s {\n\tdaily\n\tcopytruncate\n}\n' "$L/*.log" >"$T/rotate.d/agent-isa"
run 1 check
has_check PROBLEM "$L/application.log: is rotated by itself, and by $T/rotate.d/agent-isa too"
has_check PROBLEM "$L/supervisor-error.log: is rotated twice: by $T/rotate.d/[a-z-]+ and $T/rotate.d/"
mv "$T/rotate.d/isamon" "$T/isamon.rotate"
run 1 check
has_check PROBLEM "$T/rotate.d/isamon: is not there"
has_check PROBLEM "$L/supervisor-error.log: is rotated with copytruncate"
run 3 rotate
has "is not there" err
printf '%s {\n\tdaily\n\tnonsense\n' "$L/supervisor-output.log" >"$T/rotate.d/isamon"
rm "$T/rotate.d/agent-isa"
run 1 check
has_check PROBLEM "$T/rotate.d/isamon: error: "
run 3 rotate --force
mv "$T/isamon.rotate" "$T/rotate.d/isamon"
truncate -s 101M "$L/supervisor-error.log"
touch -d '3 days ago' "$T/state/status"
sed -i 's/ 20[0-9-]*-[0-9:]*$/ 2026-1-1-0:0:0/' "$T/state/status"
touch -d '3 days ago' "$T/state/status"
run 1 check
has_check PROBLEM "$L/supervisor-error.log: is over 100 MB"
has_check PROBLEM "logrotate: ran last 3 days ago"
before=$(find "$L" -name '*-20*' | wc -l)
run 0 rotate --dry-run --force
has "supervisor-error.log"
[ "$(find "$L" -name '*-20*' | wc -l)" = "$before" ] || fail "--dry-run rotated"
run 0 rotate --force
has "^done: logrotate --force"
rm "$L"/supervisor-error.log-*
run 0 check
stop supervisord
stop nginx

say "== CloudWatch"
aws() { aws_cli "$@" >/dev/null; }
aws logs create-log-group --log-group-name agent-isa
aws logs create-log-stream --log-group-name agent-isa --log-stream-name application
aws logs create-log-stream --log-group-name agent-isa --log-stream-name other
"$PY" - "$T" <<'END'
import json, sys, time
now = int(time.time() * 1000)
def put(name, events):
    json.dump([{"timestamp": t, "message": m} for t, m in events], open(sys.argv[1] + "/" + name, "w"))
put("events", [(now - 1200000 + i * 200, "%s line %d%s" % ("ERROR" if i % 10 == 0 else "INFO", i, "\nTraceback \x1b[31m" if i % 10 == 0 else ""))
               for i in range(5000)])
put("others", [(now - 1200000 + i * 1000, "other %d" % i) for i in range(50)])
END
aws logs put-log-events --log-group-name agent-isa --log-stream-name application --log-events "file://$T/events"
aws logs put-log-events --log-group-name agent-isa --log-stream-name other --log-events "file://$T/others"
run 0 get agent-isa application
[ "$(grep -c line "$T/out")" = 1000 ] || fail "get: $(grep -c line "$T/out")"
has '^INFO line 4999$'
has_not 'line 3999'
run 0 get agent-isa application --limit 1
[ "$(cat "$T/out")" = "INFO line 4999" ] || fail "the last event: $(cat "$T/out")"
run 0 get agent-isa application --since 1h --limit 100000
[ "$(grep -c line "$T/out")" = 5000 ] || fail "get --since: $(grep -c line "$T/out")"
run 0 get --limit 100000
[ "$(grep -cE 'line|other' "$T/out")" = 5050 ] || fail "of a group: $(lines)"
has '^application  ERROR line 0$'
has '^             Traceback \?\[31m$'
run 0 get agent-isa --filter ERROR --limit 3
[ "$(grep -c line "$T/out")" = 3 ] || fail "--filter"
has "stopped after 3 events" err
run 0 get agent-isa application --since 1h --until 30m
[ "$(lines)" = 0 ] || fail "--until"
run 3 get agent-isa nope
has 'ResourceNotFoundException.*stream "nope"' err
run 2 get --limit 0
query='fields @timestamp, @message | filter @message like "ERROR"'
run 0 query "$query" --since 1h
has '^@timestamp +@message$'
has '^[0-9-]+ [0-9:.]+  ERROR line 4990$'
has 'rows; 500 records matched of 5050 scanned, '
run 0 query "$query" --since 1h --limit 7 --json
"$PY" -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert d["status"] == "Complete" and len(d["rows"]) == 7 and d["statistics"]["recordsMatched"] == 500, d
assert d["rows"][0]["@message"].startswith("ERROR line "), d' "$T/out" || fail "query --json"
run 3 query 'filter filter'
run 2 query
run 2 query one two
run 2 query ''
has "say what to ask for" err
run 2 query x --group 'a b'
has '"a b" is no log group' err
run 2 get agent-isa ''
has "STREAM is empty" err
fake queries/set end=Timeout >/dev/null
run 3 query "$query"
has 'Timeout; ask for less time' err
fake queries/set polls=100000 end=Complete >/dev/null
"$ISAMON" logs query "$query" --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null &
asking=$!
running() { fake queries select=status | grep -q Running; }
wait_for 10 "the query to run" running
kill -INT "$asking"
status=0
wait "$asking" || status=$?
[ "$status" = 3 ] || fail "a query that is stopped: status $status"
has stopped err
! running || fail "the query runs on in AWS"
fake fault refuse operation=StartQuery times=1 >/dev/null
run 3 query "$query"
has AccessDenied err
! grep -rqF "$AWS_SECRET_ACCESS_KEY" "$T/out" "$T/err" || fail "prints the secret"
