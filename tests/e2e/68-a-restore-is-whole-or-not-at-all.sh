#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon restore: with a real supervisord and uvicorn a backup comes back as it was; one with which the service does not come up does
# not stay; hostile archives and a full disk change nothing; what kill -9 cuts off is told by the daemon, resumed, aborted.
# beside: yes
# limit: 180
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
umask 022
need curl supervisord tar gzip
need_root
chmod 755 "$T"
P=$T/opt D=$T/opt/data B=$T/backups
SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
mkdir -p "$D/storage" "$T/etc" "$T/tally" "$T/run" "$T/hold"
export TALLY_DIR=$T/tally
at_end() { ! mountpoint -q "$T/small" || umount -l "$T/small"; }

printf '%s\n' "[service]" "name = web" "ports = $SERVICE_PORT" "manager = supervisor" "supervisor_socket = $T/sv.sock" "start_timeout = 30" \
	"[listen]" "port = $ISAMON_PORT" "[daemon]" "runtime_directory = $T/run" "state_directory = $T/state" \
	"[backup]" "directory = $B" "data = $D" "config = $T/etc" "s3_bucket = backups-of-isamon" '[job "backup"]' "enabled = no" \
	>"$T/isamon.conf"

# run STATUS ARGUMENT...: of isamon restore; output in $T/out, $T/err
run() {
	local want=$1 got=0
	shift
	timeout 90 "$ISAMON" restore "$@" --config-file "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon restore $*: status $got, expected $want: $(head -n 30 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 30 "$T/${2:-out}")"; }
json() { "$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$T/out" "$1" || fail "not so: $1"; }
healthy() { curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$SERVICE_PORT/health"; }
# All of a tree; of a database what is in it, for the copy is another file.
tree() {
	(
		cd "$1"
		find . ! -type d -printf '%P %y %m %U:%G %s %T@ %l\n' -o -printf '%P %y %m %U:%G\n' | sort
		find . -type f ! -name '*.db' -exec sha256sum {} + | sort -k 2
		find . -name '*.db' -exec "$PY" -c 'import sqlite3, sys; print(*sqlite3.connect("file:%s?immutable=1" % sys.argv[1], uri=True).iterdump())' {} \; | sha256sum
	)
}
same() { # FILE [DIR]: as tree() wrote it
	[ "$(tree "${2:-$D}")" = "$(cat "$1")" ] || fail "not the tree of $(basename "$1"): $(tree "${2:-$D}" | diff - "$1" | head -n 20)"
}
# Beside the target: nothing but it, and N that are kept.
beside() {
	local kept
	kept=$(find "$P" -mindepth 1 -maxdepth 1 -name 'data.isamon-before-*' | wc -l)
	[ "$(find "$P" -mindepth 1 -maxdepth 1 | wc -l) $kept" = "$(($1 + 1)) $1" ] || fail "left beside it: $(ls -lA "$P")"
}
forget() { run 0 --forget --data --yes; }

cat >"$T/web" <<END
#!/bin/sh
# What the data decides: whether it comes up, and when.
[ ! -e $D/broken ] || { echo "the data is broken" >&2; exit 1; }
while [ -e $T/hold/start ]; do sleep 0.1; done
exec $PY -m uvicorn --app-dir $FIXTURES app:app --host 127.0.0.1 --port $SERVICE_PORT --no-access-log
END
chmod 755 "$T/web"
supervisor_config "$T/sv.conf" <<END
[program:web]
command = $T/web
startretries = 1
startsecs = 1
END

"$PY" -c '
import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.execute("create table t(x)")
d.executemany("insert into t values (?)", [("row %d" % i,) for i in range(1000)])
d.commit()' "$D/production.db"
printf private >"$D/storage/upload"
chmod 600 "$D/storage/upload"
ln -s storage/upload "$D/link"
chown -R nobody "$D"
tree "$D" >"$T/first"
start supervisord supervisord -n -c "$T/sv.conf"
wait_for 30 "the service" healthy

say "== a backup comes back as it was"
timeout 60 "$ISAMON" backup create --data --config-file "$T/isamon.conf" >"$T/out" 2>&1 || fail "backup: $(cat "$T/out")"
printf changed >"$D/storage/upload"
rm "$D/link"
printf wal >"$D/production.db-wal"
tree "$D" >"$T/second"
run 2 --data
has 'say --yes' err
run 0 --data --dry-run
has "^$D: can be restored: 2 files, 1 database"
same "$T/second"
run 0 --data --yes --json
json 'd["fine"] and d["end"] == "done" and d["has_manifest"] and d["databases"] == 1 and not d["service_down"]'
same "$T/first"
same "$T/second" "$(echo "$P"/data.isamon-before-*)"
beside 1
healthy || fail "the service does not answer"
run 0 --status
has "^$D: nothing is unfinished$"
forget
beside 0

say "== one that was stopped stays stopped, which is said"
timeout 60 "$ISAMON" service stop --config "$T/isamon.conf" >"$T/out" 2>&1 || fail "service stop: $(cat "$T/out")"
run 0 --data --yes
has '^the service was stopped before, and is not started: isamon service start$'
timeout 60 "$ISAMON" service start --config "$T/isamon.conf" >"$T/out" 2>&1 || fail "service start: $(cat "$T/out")"
forget
beside 0

say "== an update has the service stopped"
exec 9>>"$T/state/update.lock"
flock 9
run 3 --data --yes
has 'has the service in hand, .*since 20' err
run 0 --data --dry-run
exec 9>&-

say "== what is not kept is no target"
sed "s|^config = .*|config = none|" "$T/isamon.conf" >"$T/none.conf"
"$ISAMON" restore --status --config-file "$T/none.conf" >"$T/out" 2>&1 || fail "--status: $(cat "$T/out")"
[ "$(cat "$T/out")" = "$D: nothing is unfinished" ] || fail "it is one: $(cat "$T/out")"

say "== one that is only in S3"
start_fake_aws
fake s3/bucket name=backups-of-isamon
archive=$(basename "$B"/agent-isa-data-*.tar.gz)
timeout 60 "$ISAMON" backup send "$archive" --config-file "$T/isamon.conf" >"$T/out" 2>&1 || fail "backup send: $(cat "$T/out")"
rm "$B/$archive" "$D/link"
run 3 "s3://another-bucket/daily/$archive" --yes
has 'is not in the bucket of \[backup\]' err
run 1 "s3://backups-of-isamon/daily/agent-isa-data-20200101-020000.tar.gz" --yes
run 0 "s3://backups-of-isamon/daily/$archive" --yes --json
json 'd["end"] == "done" and d["has_manifest"]'
same "$T/first"
[ -e "$B/$archive" ] || fail "it was not fetched to the directory"
forget
stop fake-aws

say "== one that plain tar made"
mkdir "$T/guide"
printf guide >"$T/guide/upload"
tar -czf "$B/agent-isa-data-20260101-020000.tar.gz" -C "$T/guide" .
run 0 20260101-020000 --yes
has 'no manifest to compare with'
[ "$(cat "$D/upload") $(stat -c %U "$D/upload")" = "guide nobody" ] || fail "not the guide's: $(ls -l "$D")"
beside 1
forget

say "== one with which the service does not come up"
tree "$D" >"$T/third"
touch "$T/guide/broken"
tar -czf "$T/broken.tar.gz" -C "$T/guide" .
run 1 "$T/broken.tar.gz" --data --yes
has 'the data is broken|could not be started' err
has "$D: the old directory is back in its place" err
same "$T/third"
beside 0
healthy || fail "the service does not answer"

say "== what is refused"
mkdir "$T/evil"
printf evil >"$T/evil/x"
ln -s "$T" "$T/evil/way"
tar -czPf "$T/up.tar.gz" -C "$T/evil" --transform 's,^x$,../x,' x
tar -cPf "$T/link.tar" -C "$T/evil" way
tar -rPf "$T/link.tar" -C "$T/evil" --transform 's,^x$,way/x,' x
gzip "$T/link.tar"
head -c -30 "$T/broken.tar.gz" >"$T/short.tar.gz"
for evil in up link short; do
	run 1 "$T/$evil.tar.gz" --data --yes
	has 'nothing was changed' err
	if [ -e "$T/x" ] || [ -e "$P/x" ]; then fail "written outside"; fi
	same "$T/third"
	beside 0
done
run 2 "$T/broken.tar.gz" --yes
has 'say --data, --config or --target' err
mkdir "$T/small"
mount -t tmpfs -o size=8m none "$T/small" || skip "cannot mount a tmpfs"
head -c 9000000 /dev/zero >"$T/evil/big"
tar -czf "$T/big.tar.gz" -C "$T/evil" big
run 3 "$T/big.tar.gz" --target "$T/small/data" --yes --no-service
has 'not enough room beside the target' err
[ -z "$(ls -A "$T/small")" ] || fail "left behind: $(ls -A "$T/small")"
run 3 "$T/broken.tar.gz" --target "$T/small" --yes --no-service
has 'is a mount point' err
umount "$T/small"

say "== killed before the service is up: told, aborted, resumed"
printf fourth >"$T/guide/upload"
rm "$T/guide/broken"
tar -czf "$T/fourth.tar.gz" -C "$T/guide" .
cut_off() { # while the service starts with the new tree
	touch "$T/hold/start"
	start restore "$ISAMON" restore "$T/fourth.tar.gz" --data --yes --config-file "$T/isamon.conf"
	wait_for 30 "the exchange" grep -qs fourth "$D/upload"
	wait_for 30 "the start" grep -qs 'starting the service' "$T/restore.log"
	run 0 --status
	has 'is under way at the step "start"'
	stop restore KILL
	run 1 --status --json
	json 'd[0]["unfinished"] and not d[0]["working"] and d[0]["step"] == "start" and d[0]["archive"].endswith("fourth.tar.gz")'
	rm "$T/hold/start" "$T/restore.log"
}
cut_off
run 3 "$T/fourth.tar.gz" --data --yes
has 'a restore of it is unfinished' err
start isamon "$ISAMON" run --config "$T/isamon.conf"
URL=http://127.0.0.1:$ISAMON_PORT/metrics
wait_for 20 "isamon to be ready" isamon_ready
expect_metric 1 isamon_restore_unfinished
grep -q "a restore of $D was cut off" "$T/isamon.log" || fail "the daemon does not say it: $(cat "$T/isamon.log")"
"$ISAMON" status --config "$T/isamon.conf" >"$T/out" 2>&1 && fail "isamon status is content"
has 'a restore is unfinished'
run 2 --abort # nobody to ask
run 0 --abort --yes
has "^$D: as it was$"
same "$T/third"
beside 0
healthy || fail "the service does not answer"
kill -HUP "${PIDS[isamon]}"
expect_metric 0 isamon_restore_unfinished
stop isamon
run 1 --abort --yes
has 'nothing is unfinished' err
cut_off
run 0 --resume
[ "$(cat "$D/upload")" = fourth ] || fail "not the new one"
beside 1
same "$T/third" "$(echo "$P"/data.isamon-before-*)"
healthy || fail "the service does not answer"
run 0 --status
