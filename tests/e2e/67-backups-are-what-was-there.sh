#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon backup: what plain tar restores is what was there, a database that is written to at full speed included; what is damaged is found;
# the guide's archives are listed and verified; what is pruned is what the rules say; S3, the fake and real Swift, has what awscli fetches,
# and a host that knows nothing gets it back.
# beside: yes
# limit: 180
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
# shellcheck source=tests/fixtures/swift.sh
. "$FIXTURES/swift.sh"
need curl tar flock setpriv
need_root
D=$T/data C=$T/etc B=$T/backups
BUCKET=backups-of-isamon
at_end() { ! mountpoint -q "$T/small" || umount -l "$T/small"; }

conf() { # LINE... of [backup]
	{
		printf '%s\n' "[daemon]" "state_directory = ${S:-$T/state}" "runtime_directory = $T/run" \
			"[backup]" "directory = $B" "data = $D" "config = $C" "exclude = *.pyc" "$@"
	} >"$T/isamon.conf"
}
export ISAMON_CONFIG=$T/isamon.conf
# run STATUS ARGUMENT...: of isamon backup; output in $T/out, $T/err
run() {
	local want=$1 got=0
	shift
	timeout 90 "$ISAMON" backup "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon backup $*: status $got, expected $want: $(head -n 20 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 30 "$T/${2:-out}")"; }
# json EXPRESSION: holds of $T/out as d
json() { "$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$T/out" "$1" || fail "not so: $1"; }
newest() { # KIND
	local all=("$B/agent-isa-$1"-*.tar.gz)
	[ -f "${all[-1]}" ] || fail "no backup of $1"
	printf '%s\n' "${all[-1]}"
}
id_of() { basename "$1" .tar.gz | sed 's/^agent-isa-//'; }
flip() { # FILE: one bit in its middle, size and times as before
	"$PY" -c '
import os, sys
at = os.path.getsize(sys.argv[1]) // 2
with open(sys.argv[1], "r+b") as f:
    f.seek(at)
    b = f.read(1)[0]
    f.seek(at)
    f.write(bytes([b ^ 16]))' "$1"
}

say "== a tree as there are none, and a database that is written to"
umask 022
mkdir -p "$D/sub/deep" "$C"
head -c 3000000 /dev/urandom >"$D/random"
ln "$D/random" "$D/sub/hard"
ln -s ../random "$D/sub/link"
truncate -s 50M "$D/sparse"
printf end >>"$D/sparse"
printf x >"$D/sub/"$'not utf-8 \xff'
printf x >"$D/sub/deep/$(printf 'long%.0s' {1..60})"
printf x >"$D/left-out.pyc"
printf private >"$D/private"
chmod 640 "$D/private"
chown nobody "$D/private"
setfattr -n user.note -v kept "$D/private" 2>/dev/null || :
mkfifo "$D/fifo"
printf 'JWT_SECRET=x\n' >"$C/agent-isa.env"
conf
start writer "$PY" "$FIXTURES/db_writer.py" "$D/production.db" wal --rows 300
ready() { grep -qs ready "$T/writer.log"; }
wait_for 20 "the writer" ready

say "== before the first one there is nothing to drill, which is no failure of the job"
"$ISAMON" jobs run restore-drill >"$T/out" 2>&1 || fail "the job: $(cat "$T/out")"
has '^nothing to drill: there is no backup of the data yet$'
run 1 drill
has 'there is no backup of the data in ' err

say "== made, and restored by tar"
run 0 create --note "before the update"
has 'agent-isa-data-[0-9]{8}-[0-9]{6}.tar.gz: 6 files, 1 database, .*; read back and compared$'
has 'left out: fifo: a FIFO$'
DATA=$(newest data) CONFIG=$(newest config)
[ "$(stat -c %a "$B" "$DATA" | tr '\n' ' ')" = "700 600 " ] || fail "modes: $(stat -c %a "$B" "$DATA")"
mkdir "$T/restored"
tar -xzf "$DATA" -C "$T/restored" 2>"$T/tar.log" || fail "tar"
"$PY" "$FIXTURES/db_writer.py" --verify "$T/restored/production.db" >"$T/verify.log" || fail "the copy is not a moment: $(cat "$T/verify.log")"
[ ! -e "$T/restored/left-out.pyc" ] || fail "what was to be left out is there"
[ ! -e "$T/restored/production.db-wal" ] || fail "a log of the database is there"
diff -r --no-dereference -x 'production.db*' -x fifo -x '*.pyc' -x .isamon-manifest.json "$D" "$T/restored" || fail "tar restores something else"
shape() { (cd "$1" && find . -not -name 'production.db*' -not -name fifo -not -name '*.pyc' -not -name .isamon-manifest.json -printf '%p %y %m %u %g %T@ %n %l\n' | sort); }
[ "$(shape "$D" | grep -av '^\. ')" = "$(shape "$T/restored" | grep -av '^\. ')" ] ||
	fail "owners, modes, times: $(diff <(shape "$D") <(shape "$T/restored"))"
[ "$(stat -c %b "$T/restored/sparse")" -lt 10000 ] || fail "the sparse file has no holes any more"
tar -xzOf "$CONFIG" ./agent-isa.env | cmp - "$C/agent-isa.env" || fail "the configuration"

say "== listed, shown, verified"
run 0 list
has "^$(id_of "$DATA") .* here +sound  before the update$"
run 0 show "$(id_of "$CONFIG")"
has '^  contents   1 file'
run 0 show --json "$DATA"
json 'd[0]["verdict"] == "sound" and d[0]["databases"] == 1 and d[0]["skipped"] == 1 and d[0]["note"] == "before the update"'
json "d[0]['sha256'] == '$(sha256sum "$DATA" | cut -d' ' -f1)'"
run 1 show nothing
has 'there is no backup "nothing"' err
run 0 verify
has "^$(basename "$DATA"): sound: 6 files, 1 database$"

"$PY" -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$ISAMON" backup verify </dev/null >"$T/out" 2>&1 || fail "on a terminal"
has 'checking: .* of .*, [0-9]+ %'
! "$ISAMON" backup verify 2>&1 | grep -q 'checking: ' || fail "progress where there is no terminal"

say "== made by the job, whose history knows how much"
"$ISAMON" jobs run backup >"$T/job.log" 2>&1 || fail "the job"
"$ISAMON" jobs history backup --json >"$T/out"
json "d[0]['result'] == 'ok' and d[0]['bytes'] == $(stat -c %s "$(newest data)") + $(stat -c %s "$(newest config)")"
"$ISAMON" jobs run restore-drill >"$T/job.log" 2>&1 || fail "the job that restores"
"$ISAMON" jobs history restore-drill --json --output >"$T/out"
json "[r['result'] for r in d] == ['ok', 'ok']"
grep -q "agent-isa-data-.*: restored: .*; removed again" "$T/job.log" || fail "no drill"
DATA=$(newest data)
# As under the unit's ProtectSystem=strict: the data are read-only to it, while the service writes.
if unshare -m true 2>/dev/null; then
	# shellcheck disable=SC2016 # expanded inside
	unshare -m bash -c 'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"' ro \
		"$D" "$ISAMON" backup create --data >"$T/out" 2>&1 || fail "read-only: $(cat "$T/out")"
	has ': 6 files, 1 database, .*; read back and compared$'
	rm "$(newest data)"
fi
stop writer
"$PY" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA wal_checkpoint(TRUNCATE)")' "$D/production.db"

say "== with what the unit leaves to root: directories of others, which are closed to it"
caps=-all
for cap in $(sed -n 's/^CapabilityBoundingSet=//p' "$REPO/dist/isamon.service" | tr '[:upper:]' '[:lower:]'); do
	! setpriv --list-caps | grep -qx "${cap#cap_}" || caps=$caps,+${cap#cap_}
done
mkdir "$T/theirs" "$T/theirs/data" "$T/theirs/backups"
cp -a "$T/restored/production.db" "$T/restored/private" "$T/theirs/data"
chmod 600 "$T/theirs/data/private"
chmod 700 "$T/theirs/data" "$T/theirs/backups"
chown -R nobody "$T/theirs"
S=$T/theirs/state B=$T/theirs/backups D=$T/theirs/data conf
setpriv --bounding-set "$caps" --no-new-privs "$ISAMON" backup create --data >"$T/out" 2>&1 || fail "with $caps: $(cat "$T/out")"
has ': 2 files, 1 database, .*; read back and compared$'
tar -tvzf "$T/theirs/backups"/agent-isa-data-*.tar.gz >"$T/out"
has '^-rw------- nobody/.* \./private$'
has ' nobody/.* \./production.db$'
setpriv --bounding-set "$caps" --no-new-privs "$ISAMON" backup drill data-"$(basename "$T/theirs/backups"/*.tar.gz | sed 's/.*data-//; s/.tar.gz//')" >"$T/out" 2>&1 ||
	fail "a drill with $caps: $(cat "$T/out")"
has ': restored: 3 files, directories and links, .*, 1 sound database, in .*; removed again$'
conf

say "== restored beside"
mkdir -p "$D/$(printf 'd/%.0s' {1..60})" "$D/closed"
printf x >"$D/closed/x"
chmod 500 "$D/closed"
run 0 create --data
run 0 drill --json
json 'len(d) == 2 and all(b["restored"] for b in d) and d[0]["databases"] == 1 and d[0]["file_bytes"] > 50000000 and d[0]["entries"] > 70'
[ ! -e "$B/.isamon-part" ] || fail "a drill leaves something behind"
rm -r "$D/d" "$D/closed" "$(newest data)"

say "== damage is found"
cp -p "$DATA" "$T/good"
flip "$DATA"
run 1 verify "$(id_of "$DATA")"
has "DAMAGED: it is not what was written: its SHA-256 is another one"
run 1 drill "$(id_of "$DATA")"
has 'CANNOT BE RESTORED: '
run 1 list
has "^$(id_of "$DATA") .* damaged"
rm -rf "$T/state" # and nobody knows the hash
run 1 verify "$(id_of "$DATA")"
has 'DAMAGED: '
cp -p "$T/good" "$DATA"
run 0 verify "$(id_of "$DATA")"

say "== the guide's, and without a catalogue"
rm "$D/fifo" # which nobody would restore
tar -czf "$B/agent-isa-data-20260115.tar.gz" -C "$D" .
tar -czf "$B/agent-isa-config-20260115-020000.tar.gz" -C "$C" .
rm -rf "$T/state"
run 0 list
has '^data-20260115 .* 2026-01-15 00:00:00 .* not verified$'
[ ! -e "$T/state" ] || fail "looking has made a catalogue"
run 0 verify data-20260115 20260115-020000
has '^agent-isa-data-20260115.tar.gz: sound: 7 files, 1 database$'
truncate -s -100 "$B/agent-isa-config-20260115-020000.tar.gz"
run 1 verify config-20260115-020000
has 'agent-isa-config-20260115-020000.tar.gz: DAMAGED: '

say "== pruned"
run 0 verify "$(id_of "$DATA")"
run 0 prune --dry-run
has '^data-20260115 +would be removed$'
has "^$(id_of "$DATA") +stays: age$"
run 2 prune
has 'Remove 2 of 6 backups\? There is no terminal to ask: say --yes' err
run 0 prune --yes
has '^config-20260115-020000 +removed$'
[ "$(find "$B" -name "*.tar.gz" | wc -l)" = 4 ] || fail "left: $(ls "$B")"
for f in "$B"/agent-isa-data-*; do # all are old, and the last one stays
	mv "$f" "$(printf '%s' "$f" | sed 's/data-2[0-9]*-/data-20260115-/')"
done
run 0 verify
run 0 prune --yes
[ -f "$(newest data)" ] || fail "the last one is gone"
run 0 prune --dry-run
has '^data-20260115-.* stays: last$'

say "== what cannot be done is said"
start holder flock "$B/.isamon-lock" sleep 60
locked() { ! flock -n "$B/.isamon-lock" true; }
wait_for 10 "the lock" locked
run 3 create
has 'another isamon works there already' err
start waits "$ISAMON" backup run # which waits
wait_for 10 "it to wait" grep -q 'another isamon works there already .* waiting, 30 minutes at most' "$T/waits.log"
stop holder
wait_for 20 "it to go on" grep -q 'read back and compared' "$T/waits.log"
over() { ! alive waits; }
wait_for 20 "its end" over
stop waits
mkdir "$T/small"
if mount -t tmpfs -o size=2m none "$T/small"; then
	B=$T/small conf
	run 3 create --data
	has 'no room: [0-9.]+ MiB may be needed for .* are missing' err
	[ "$(ls -A "$T/small")" = .isamon-lock ] || fail "left behind: $(ls -A "$T/small")"
	umount "$T/small"
fi
if mount -t tmpfs -o size=24m none "$T/small"; then
	conf
	head -c 40M /dev/zero >"$D/zeros" # no hole: it takes room
	run 0 create --data
	rm "$D/zeros"
	mv "$(newest data)" "$T/small"
	B=$T/small S=$T/state-small conf
	run 3 drill
	has 'unpacks to more than may be .*MiB may be used in ' err
	run 0 verify
	run 3 drill
	has 'no room: .* MiB are missing' err
	rm "$T/small"/agent-isa-*
	[ "$(ls -A "$T/small")" = .isamon-lock ] || fail "left behind: $(ls -A "$T/small")"
	umount "$T/small"
fi
conf "data = none"
run 2 create --data
D=$T/nothing conf
run 3 create
has 'nothing: cannot be read: No such file or directory \(\[backup\] data says where it is\)' err
has '^agent-isa-config-' # is made all the same
conf
run 2 create --to-s3
printf 'not a database, but it says so' >"$T/fake.db"
{ printf 'SQLite format 3\0' && head -c 5000 /dev/urandom; } >"$D/broken.db"
run 1 create --data
has 'DAMAGED, and taken as it is: broken.db: '
run 0 list
has 'sound, database not'
rm "$D/broken.db" "$B"/agent-isa-*
run 0 list
has '^no backups in'

# everywhere OPTION...: S3, whoever answers. Lines of [backup]
everywhere() {
	local data
	conf "s3_bucket = $BUCKET" "s3_prefix = daily/host-1/" "$@" # what AWS needs is in the environment
	rm -rf "$T/state" "$B"
	run 0 create --to-s3 --json
	json 'all(b["s3"] == "yes" and b["s3_key"] == "daily/host-1/" + b["file"] for b in d["backups"]) and len(d["backups"]) == 2'
	data=$(newest data)
	run 0 list
	has "^$(id_of "$data") .* here, S3 +sound"
	aws_cli s3 ls "s3://$BUCKET/daily/host-1/" >"$T/ls" || fail "aws s3 ls"
	grep -q "$(basename "$data")" "$T/ls" || fail "aws s3 ls: $(cat "$T/ls")"
	aws_cli s3 cp --only-show-errors "s3://$BUCKET/daily/host-1/$(basename "$data")" "$T/cli" || fail "aws s3 cp"
	cmp "$T/cli" "$data" || fail "S3 has something else"
	cp "$data" "$T/kept"
	rm -rf "$T/state" "$B" # a host that has seen nothing
	run 0 list --s3
	has "^$(id_of "$data") .* S3 +not verified"
	run 1 verify "$(id_of "$data")"
	run 0 verify --s3 "$(id_of "$data")"
	has "^$(basename "$data"): sound: 6 files, 1 database$"
	[ "$(ls -A "$B")" = .isamon-lock ] || fail "verifying leaves behind: $(ls -A "$B")"
	run 0 verify "$(id_of "$data")" # the catalogue knows by now where it is
	run 0 list
	has "^$(id_of "$data") .* S3 +sound"
	run 0 fetch "$(id_of "$data")"
	has "$(basename "$data"): .*, sound: 6 files, 1 database$"
	cmp "$T/kept" "$data" || fail "something else was fetched"
	run 0 fetch "$(id_of "$data")"
	has 'is here already, and sound' err
	flip "$data"
	run 1 verify "$(id_of "$data")"
	run 1 fetch "$(id_of "$data")"
	has 'is here already, and damaged: remove it' err
	cp "$T/kept" "$data"
	run 0 verify "$(id_of "$data")"
	run 1 fetch data-20200101
	run 0 list
	has "^$(id_of "$data") .* here, S3 +sound"
	# What S3 has under that name is another one.
	printf x >>"$data"
	run 3 send "$data"
	has 'is there already, and is another one' err
	rm "$data"
	flip "$T/kept"
	aws_cli s3 cp --only-show-errors "$T/kept" "s3://$BUCKET/daily/host-1/agent-isa-data-20260102-030405.tar.gz" || fail "aws s3 cp"
	run 1 verify --s3 --json
	json 'sorted(b["verdict"] for b in d) == ["damaged", "sound", "sound"] and not any(b["local"] for b in d)'
	run 1 list
	rm -rf "$T/state"
	run 1 fetch data-20260102-030405
	has 'what S3 has is damaged: .*; it is not kept' err
	[ ! -e "$B/agent-isa-data-20260102-030405.tar.gz" ] || fail "a damaged one was kept"
	[ ! -e "$B/.isamon-part" ] || fail "something unfinished is left"
}

say "== S3, a fake"
start_fake_aws
fake s3/bucket name=$BUCKET
everywhere "s3_storage_class = STANDARD_IA" "s3_encryption = AES256"
fake objects select=key,class,sse >"$T/objects"
grep -q "^daily/host-1/agent-isa-config-.* STANDARD_IA AES256$" "$T/objects" || fail "class: $(cat "$T/objects")"

say "== what could not be sent is sent later"
fake fault 503 service=s3 operation=PutObject >/dev/null
run 3 create --config --to-s3
has 'agent-isa-config-.*read back and compared'
run 0 list
has '^config-.* here, to send +sound'
fake faults/off
run 0 send
has 'agent-isa-config-.*: is in s3://'
run 0 list
! grep -q 'to send' "$T/out" || fail "still to be sent: $(cat "$T/out")"
fake fault 503 service=s3 operation=PutObject >/dev/null
run 3 run
fake faults/off
run 0 run --json
json 'd["fine"] and len(d["backups"]) == 2'
run 0 list
! grep -q 'to send' "$T/out" || fail "still to be sent: $(cat "$T/out")"
# In parts: what broke is gone on with.
head -c 20000000 /dev/urandom >"$D/large"
fake fault 503 service=s3 operation=CompleteMultipartUpload >/dev/null
run 3 create --data --to-s3
fake faults/off
[ "$(fake uploads | wc -l)" = 1 ] || fail "not one upload: $(fake uploads)"
run 0 send
[ -z "$(fake uploads)" ] || fail "parts are left: $(fake uploads)"
[ "$(fake requests operation=CreateMultipartUpload select=operation | wc -l)" = 1 ] || fail "it was begun anew"
sent=$(newest data)
aws_cli s3 cp --only-show-errors "s3://$BUCKET/daily/host-1/$(basename "$sent")" "$T/cli" || fail "aws s3 cp"
cmp "$T/cli" "$sent" || fail "S3 has something else"
# And what is pruned meanwhile leaves no parts.
fake fault 503 service=s3 operation=CompleteMultipartUpload >/dev/null
run 3 create --data --to-s3
fake faults/off
[ "$(fake uploads | wc -l)" = 1 ] || fail "not one upload: $(fake uploads)"
"$PY" - "$T/state/backups.db" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as c:
    c.execute("UPDATE backup SET created_s = created_s - 86400 * 40 WHERE upload_id <> ''")
END
run 0 prune --yes
has ' removed$'
[ -z "$(fake uploads)" ] || fail "parts are left: $(fake uploads)"
rm "$D/large"
! grep -rqF "$AWS_SECRET_ACCESS_KEY" "$T/out" "$T/err" "$T/state" || fail "tells the secret"
stop fake-aws

say "== S3, real"
need_swift
start_swift
export AWS_ACCESS_KEY_ID=$SWIFT_KEY AWS_SECRET_ACCESS_KEY=$SWIFT_SECRET AWS_ENDPOINT_URL=$S3_URL AWS_CLI_URL=$S3_URL
aws_cli s3 mb "s3://$BUCKET" >/dev/null || fail "aws s3 mb"
everywhere
