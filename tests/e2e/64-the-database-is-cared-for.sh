#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon db: a database that is written to at full speed is copied as it was at one moment; reading it changes nothing;
# damage is found; VACUUM stops the service and starts it again; without room everything stays as it was.
# beside: yes
# limit: 180
. "$(dirname "$0")/../fixtures/lib.sh"
need curl supervisord setpriv
need_root
chmod 755 "$T"
D=$T/data
mkdir "$D"
writer() { "$PY" "$FIXTURES/db_writer.py" "$@"; }
at_end() { ! mountpoint -q "$T/small" || umount -l "$T/small"; }

SERVICE_PORT=$(free_port)
conf() { # LINE...
	printf '%s\n' "[service]" "name = app" "ports = $SERVICE_PORT" "manager = supervisor" "supervisor_socket = $T/sv.sock" \
		"[daemon]" "state_directory = $T/state" "[database]" "$@" >"$T/isamon.conf"
}
# run STATUS ARGUMENT...: of isamon db; output in $T/out, $T/err
run() {
	local want=$1 got=0
	shift
	timeout 90 "$ISAMON" db "$@" --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon db $*: status $got, expected $want: $(head -n 20 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 30 "$T/${2:-out}")"; }
sums() { (cd "$D" && find . -type f -exec sha256sum {} + | sort -k 2); }
ready() { grep -qs ready "$T/$1.log"; }

say "== reading a database changes nothing of it"
conf "path = $D/idle.db"
start idle "$PY" "$FIXTURES/db_writer.py" "$D/idle.db" wal --idle --rows 1000
wait_for 20 "the writer" ready idle
[ "$(stat -c %s "$D/idle.db-wal")" -gt 1000000 ] || fail "nothing in the log"
sums >"$T/before"
run 0 check
has "^$D/idle.db: fine$"
run 0 stats --tables
has 'journal    wal   log [0-9.]+ MiB   in use'
has '^    a +[0-9.]+ MiB +1000 rows$'
run 0 stats --json --tables
"$PY" -c '
import json, sys
d = json.load(open(sys.argv[1]))
f = d["databases"][0]
assert f["in_use"] and f["wal_bytes"] > 1000000 and f["journal_mode"] == "wal" and f["pages"] > 500, f
assert {t["name"]: t["rows"] for t in f["tables"]}["b"] == 1000, f
assert d["sqlite"].startswith("3."), d' "$T/out" || fail "--json"
chmod 640 "$D/idle.db"
chown nobody "$D/idle.db"
run 0 backup "$T/copy.db"
has "copied to $T/copy.db"
[ "$(stat -c '%a %U' "$T/copy.db")" = "640 nobody" ] || fail "mode and owner: $(stat -c '%a %U' "$T/copy.db")"
writer --verify "$T/copy.db" || fail "the copy is not that moment"
run 3 backup "$T/copy.db"
has 'is there already' err
run 3 vacuum --stopped
has 'another process has it open' err
[ "$(sums)" = "$(cat "$T/before")" ] || fail "it was changed: $(sums | diff - "$T/before")"

say "== without room nothing is left behind"
mkdir "$T/small"
mount -t tmpfs -o size=2m none "$T/small" || skip "cannot mount a tmpfs"
# The file is still small, all is in the log: the room seems to be enough, and is not.
run 3 backup "$T/small/copy.db"
has 'no room left on the disk' err
[ -z "$(ls -A "$T/small")" ] || fail "left behind: $(ls -A "$T/small")"
umount "$T/small"
stop idle KILL

say "== what a process left behind that was killed"
sums >"$T/before"
run 0 check
run 0 backup "$T/killed.db"
writer --verify "$T/killed.db" || fail "the copy is not that moment"
[ "$(sums)" = "$(cat "$T/before")" ] || fail "it was changed: $(sums | diff - "$T/before")"
rm "$D/idle.db-shm"
run 3 check
has 'only one is there' err
rm -f "$D"/*
# Closed in good order: no log, no index, and none appears.
"$PY" -c "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('PRAGMA journal_mode = wal'); d.execute('CREATE TABLE t (x)'); d.close()" "$D/idle.db"
sums >"$T/before"
run 0 check
run 0 stats
has 'nobody has it open'
run 0 backup
[ "$(find "$D" -name 'idle.db.backup-2*' | wc -l)" = 1 ] || fail "no copy beside it: $(ls "$D")"
rm "$D"/idle.db.backup-2*
[ "$(sums)" = "$(cat "$T/before")" ] || fail "it was changed: $(sums | diff - "$T/before")"

say "== written at full speed"
for mode in wal delete; do
	conf "path = $D/$mode.db"
	start "$mode" "$PY" "$FIXTURES/db_writer.py" "$D/$mode.db" "$mode" --rows 4000
	wait_for 30 "the writer" ready "$mode"
	for i in 1 2; do
		run 0 backup "$T/$mode.$i" --json
		writer --verify "$T/$mode.$i" || fail "$mode: the copy is not one moment"
	done
	run 0 check
	has "^$D/$mode.db: fine$"
	alive "$mode" || fail "$mode: the writer could not go on: $(cat "$T/$mode.log")"
	[ ! -e "$T/$mode.1.tmp" ] || fail "a .tmp is left"
done
# A copy that is killed leaves its .tmp, and the next one takes its place.
"$ISAMON" db backup "$T/again" --config "$T/isamon.conf" >"$T/out" 2>&1 &
copying=$!
begun() { [ -s "$T/again.tmp" ]; }
wait_for 20 "the copy to begin" begun
kill -KILL $copying
{ wait $copying || :; } 2>/dev/null
[ ! -e "$T/again" ] || fail "a copy that was killed is there"
run 0 backup "$T/again"
writer --verify "$T/again" || fail "the copy is not one moment"
stop wal
stop delete
# It may have been in the middle of a transaction: whoever opens it next for writing undoes that.
"$PY" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM a")' "$D/delete.db"

say "== what is no sound database"
cp "$T/wal.1" "$D/bad.db"
dd if=/dev/urandom of="$D/bad.db" bs=4096 seek=100 count=3 conv=notrunc status=none
conf "path = $D/bad.db" "path = $D/delete.db"
run 1 check
has "^$D/bad.db: DAMAGED: [0-9]+"
has "^$D/delete.db: fine$"
run 1 check --json
"$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert not d["fine"] and d["databases"][0]["problems"] and d["databases"][1]["fine"]' "$T/out" || fail "--json"
run 2 backup "$T/nope"
run 1 backup "$T/nope" --database "$D/bad.db"
has 'is damaged, so is every copy of it' err
if [ -e "$T/nope" ] || [ -e "$T/nope.tmp" ]; then fail "a copy of a damaged one is there"; fi
"$PY" -c "
import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.executescript('CREATE TABLE p (x PRIMARY KEY); CREATE TABLE c (y REFERENCES p (x)); INSERT INTO c VALUES (7)')" "$D/keys.db"
run 1 check --database "$D/keys.db"
has 'row 1 of c: a foreign key points to nothing in p'
head -c 100000 /dev/urandom >"$D/random.db"
run 1 check --database "$D/random.db"
has 'no SQLite database, or an encrypted one' err
run 3 check --database "$D/nowhere.db"
has 'No such file' err
run 3 check --database "$D"
has 'is not a file' err
chmod 600 "$D/keys.db"
chmod 644 "$T/isamon.conf"
got=0
setpriv --reuid nobody --regid nogroup --clear-groups "$ISAMON" db check --database "$D/keys.db" --config "$T/isamon.conf" >"$T/out" 2>"$T/err" || got=$?
[ $got = 3 ] || fail "as nobody: $got: $(cat "$T/err")"
has 'Permission denied' err
run 2 check --yes
run 2 nonsense

say "== VACUUM, with the service stopped for it"
mount -t tmpfs -o size=64m none "$T/small"
B=$T/small/app.db
supervisor_config "$T/sv.conf" <<END
[program:app]
command = $PY $FIXTURES/db_writer.py $B wal --port $SERVICE_PORT --pause 0.05 --rows 100
END
"$PY" -c "
import os, sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.execute('PRAGMA journal_mode = wal')
d.execute('CREATE TABLE big (x)')
d.executemany('INSERT INTO big VALUES (?)', ([os.urandom(4000)] for i in range(2000)))
d.commit()
d.execute('DELETE FROM big')
d.commit()
d.close()" "$B"
start supervisord supervisord -n -c "$T/sv.conf"
wait_port "$SERVICE_PORT"
conf "path = $B"
main_pid() { { "$ISAMON" service status --json --config "$T/isamon.conf" || :; } | "$PY" -c 'import json, sys; print(json.load(sys.stdin)["processes"][0].get("pid", 0))'; }
first=$(main_pid)
run 2 vacuum
has 'no terminal to ask: say --yes' err
head -c 45M /dev/zero >"$T/small/filler"
run 3 vacuum --yes
has 'no room: VACUUM and the copy before it need' err
[ "$(main_pid)" = "$first" ] || fail "the service was stopped for nothing"
rm "$T/small/filler"
mkdir -p "$T/state"
exec 9>>"$T/state/update.lock"
flock 9
run 3 vacuum --yes
has 'has the service in hand, .*since 20' err
exec 9>&-
before=$(stat -c %s "$B")
run 0 vacuum --yes
has "$B: [0-9.]+ (K|M)iB, before it [0-9.]+ MiB"
[ "$(stat -c %s "$B")" -lt $((before / 4)) ] || fail "not smaller: $before, $(stat -c %s "$B")"
[ ! -e "$B.before-vacuum" ] || fail "the copy is left"
second=$(main_pid)
if [ "$second" = "$first" ] || [ "$second" = 0 ]; then fail "the service was not stopped and started: $first, $second"; fi
curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/" || fail "it does not answer"
run 0 check
stop supervisord
run 3 vacuum --yes
has 'must be stopped for it: stop it, and say --stopped' err
run 0 vacuum --stopped --json
writer --verify "$B" || fail "after VACUUM it is not what it was"
