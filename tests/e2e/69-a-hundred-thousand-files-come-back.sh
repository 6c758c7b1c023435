#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree of 100,000 files comes back as it was, by isamon restore and by plain tar: contents, owners, modes, times to the nanosecond,
# attributes, ACLs, hard links, symbolic links, holes, names of all kinds.
# beside: yes
# limit: 300
# What is mounted goes with the test, whatever ends it.
[ -n "${OWN_MOUNTS:-}" ] || exec env OWN_MOUNTS=1 unshare -m "$0"
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need tar mkfs.ext4 losetup
N=100000
# A disk in memory: a tree is removed with it, and others' disks do not count.
mkdir "$T/memory" "$T/disk"
mount -t tmpfs -o size=2g none "$T/memory" || skip "cannot mount a tmpfs"
truncate -s 1500M "$T/memory/disk"
mkfs.ext4 -q -b 1024 -I 256 -i 3000 -O ^has_journal "$T/memory/disk" || skip "cannot make a file system"
mount -o loop "$T/memory/disk" "$T/disk" || skip "cannot mount an image"
D=$T/disk/data B=$T/disk/backups
at_end() { umount "$T/disk" && umount "$T/memory"; }
tree() { "$PY" "$FIXTURES/hard_tree.py" "$@"; }

printf '%s\n' "[daemon]" "state_directory = $T/state" "runtime_directory = $T/run" "[backup]" "directory = $B" "data = $D" "config = none" \
	"compression_level = 1" >"$T/isamon.conf"
export ISAMON_CONFIG=$T/isamon.conf

# timed WHAT COMMAND...
timed() {
	local what=$1 begin=$SECONDS
	shift
	"$@" >"$T/out" 2>&1 || fail "$what: $(head -n 30 "$T/out")"
	say "$what: $((SECONDS - begin)) s"
}
# same DIR [tar]: as what was backed up
same() {
	timed "compared" tree same "$1" "$T/note" "${@:2}"
	diff -r --no-dereference -x .isamon-manifest.json "$D" "$1" >"$T/out" 2>&1 || fail "diff: $(head -n 30 "$T/out")"
}

timed "made" tree make "$D" $N
timed "noted" tree note "$D" "$T/note"
timed "backed up" "$ISAMON" backup create
grep -q ": $N files, 0 databases, .*; read back and compared$" "$T/out" || fail "backup: $(cat "$T/out")"
ARCHIVE=$(echo "$B"/agent-isa-data-*.tar.gz)

mkdir "$T/disk/beside"
timed "restored" "$ISAMON" restore "$ARCHIVE" --target "$T/disk/beside/data" --yes --no-service
same "$T/disk/beside/data"
[ "$(ls -A "$T/disk/beside")" = data ] || fail "beside it: $(ls -lA "$T/disk/beside")"

mkdir "$T/disk/tar"
timed "restored by tar" tar --acls --xattrs --xattrs-include='user.*' -xzpf "$ARCHIVE" -C "$T/disk/tar"
same "$T/disk/tar" tar
