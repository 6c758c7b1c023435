#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk that is full at each megabyte: no backup is listed that is not whole, no tree is replaced by half of one, nothing unfinished stays, it is
# said why; a service that was stopped for a restore runs again.
# beside: yes
# limit: 180
# What is mounted goes with the test, whatever ends it.
[ -n "${OWN_MOUNTS:-}" ] || exec env OWN_MOUNTS=1 unshare -m "$0"
. "$(dirname "$0")/../fixtures/lib.sh"
umask 022
need_root
need tar gzip curl
D=$T/data S=$T/disk B=$T/disk/backups
mkdir "$D" "$S"
mount -t tmpfs -o size=1g none "$S" || skip "cannot mount a tmpfs"
at_end() { umount -l "$S"; }
mkdir "$S/state"
conf() { # DATA [LINE...]
	printf '%s\n' "[daemon]" "state_directory = $S/state" "runtime_directory = $T/run" "[backup]" "directory = $B" "data = $1" "config = none" \
		"compression_level = 1" "${@:2}" >"$T/isamon.conf"
}
conf "$D"
export ISAMON_CONFIG=$T/isamon.conf
# attempt ARGUMENT...: of isamon; sets STATUS; output in $T/out, $T/err
attempt() {
	STATUS=0
	timeout 60 "$ISAMON" "$@" >"$T/out" 2>"$T/err" </dev/null || STATUS=$?
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "${WHAT:-}: no '$1' in: $(head -n 20 "$T/${2:-out}")"; }
# room KIB: so much of the disk is free from now on
room() {
	local used
	used=$(df --output=used -k "$S" | tail -n 1)
	mount -o "remount,size=$((used + $1))k" "$S" || fail "remount"
}

say "== backups"
# The last one could be compressed, so the estimate is too hopeful for these.
for i in {1..20}; do head -c 1000000 /dev/zero >"$D/$i"; done
attempt backup create
[ $STATUS = 0 ] || fail "the first: $(cat "$T/err")"
FIRST=$(ls "$B")
for i in {1..20}; do head -c 1000000 /dev/urandom >"$D/$i"; done
said=() refused=0 filled=0 made=0
# one KIB
one() {
	local now file
	WHAT="with $1 KiB free"
	room "$1"
	attempt backup create
	now=$(find "$B" -mindepth 1 -printf '%P\n' | grep -vxF -e "$FIRST" -e .isamon-lock) || :
	case $STATUS in
	0) made=$((made + 1)) ;;
	3)
		if grep -q 'no room: .* are missing' "$T/err"; then
			refused=$((refused + 1))
		elif grep -q 'No space left on device' "$T/err"; then
			filled=$((filled + 1))
		else
			said+=("$WHAT: $(cat "$T/err")")
		fi
		;;
	*) said+=("$WHAT: status $STATUS: $(cat "$T/out" "$T/err")") ;;
	esac
	[ $STATUS != 0 ] || [ -n "$now" ] || fail "$WHAT: nothing was made: $(cat "$T/out")"
	for file in $now; do
		case $file in agent-isa-data-*.tar.gz) ;; *) fail "$WHAT: left behind: $file" ;; esac
		tar -xzf "$B/$file" -O ./20 2>/dev/null | cmp - "$D/20" || fail "$WHAT: $file is not whole"
	done
	mount -o remount,size=1g "$S"
	attempt backup list
	[ $STATUS = 0 ] || fail "$WHAT: list: $STATUS: $(cat "$T/out" "$T/err")"
	[ "$(grep -c '^data-' "$T/out")" = $((1 + $(wc -w <<<"$now"))) ] || fail "$WHAT: the list is not the directory: $(cat "$T/out")"
	for file in $now; do rm "$B/$file"; done
}
for ((mib = 0; mib <= 22; mib++)); do one $((mib * 1024)); done
# The end of the archive, and the catalogue behind it.
need_kib=$(($(stat -c %s "$D/1") * 20 / 1024))
for ((kib = need_kib - 64; kib < need_kib + 256; kib += 32)); do one $kib; done
[ ${#said[@]} = 0 ] || fail "not said why, ${#said[@]} times: ${said[0]}"
say "$refused refused, $filled full on the way, $made made"
if [ $refused -lt 10 ] || [ $filled -lt 2 ] || [ $made -lt 1 ]; then fail "not each of them was tried"; fi

say "== restores"
# What unpacks is stopped as soon as there is WATCH, until only so much is free: fill.py WATCH KIB FILE COMMAND...
cat >"$T/fill.py" <<'END'
import os, signal, subprocess, sys, time
watch, left, into = sys.argv[1], int(sys.argv[2]) * 1024, sys.argv[3]
piece, end = bytes(1 << 20), time.monotonic() + 20
with open(into, "wb", buffering=0) as f, subprocess.Popen(sys.argv[4:]) as command:
    while not os.path.exists(watch) and command.poll() is None and time.monotonic() < end:
        pass
    command.send_signal(signal.SIGSTOP)
    while True:
        s = os.statvfs(os.path.dirname(into))
        n = min(s.f_bavail * s.f_frsize - left, len(piece))
        if n <= 0:
            break
        try:
            f.write(piece[:n])
        except OSError:
            break
    command.send_signal(signal.SIGCONT)
    sys.exit(command.wait())
END
P=$S/opt
mkdir -p "$P/data/deep"
echo old >"$P/data/deep/a"
cp -a "$P/data" "$T/old"
tar -czf "$T/new.tar.gz" -C "$D" .
conf "$P/data"
attempt restore "$T/new.tar.gz" --config --yes --no-service
[ $STATUS = 2 ] || fail "status $STATUS: $(cat "$T/err")"
has 'config = none' err
as_it_was() {
	diff -r "$T/old" "$P/data" >"$T/diff" || fail "$WHAT: another tree: $(cat "$T/diff")"
	[ "$(ls -A "$P")" = data ] || fail "$WHAT: left behind: $(ls -lA "$P")"
}
for kib in 0 1024 20480 30720; do
	WHAT="with $kib KiB free"
	room $kib
	attempt restore "$T/new.tar.gz" --data --yes --no-service
	[ $STATUS = 3 ] || fail "$WHAT: status $STATUS: $(cat "$T/err")"
	[ $kib = 0 ] || has 'there is not enough room beside the target' err
	as_it_was
done
room 40000
cut=0
for ((mib = 0; mib < 20; mib++)); do
	WHAT="with $mib MiB free while it unpacks"
	STATUS=0
	timeout 60 "$PY" "$T/fill.py" "$P/.data.isamon-restore/new" $((mib * 1024)) "$S/filler" "$ISAMON" restore "$T/new.tar.gz" --data --yes --no-service \
		>"$T/out" 2>"$T/err" </dev/null || STATUS=$?
	rm "$S/filler"
	if [ $STATUS = 0 ]; then # it was faster
		diff -r "$D" "$P/data" >"$T/diff" || fail "$WHAT: not the tree: $(cat "$T/diff")"
		attempt restore --forget --data --yes
		rm -r "$P/data"
		cp -a "$T/old" "$P/data"
		continue
	fi
	[ $STATUS = 3 ] || fail "$WHAT: status $STATUS: $(cat "$T/err")"
	has 'No space left on device' err
	as_it_was
	cut=$((cut + 1))
done
say "$cut of 20 cut off"
[ $cut -ge 10 ] || fail "hardly one was tried"

say "== a service that was stopped for it runs again"
command -v systemctl >/dev/null || skip "needs systemctl; the rest passed"
PORT=$(free_port)
cat >"$T/systemctl" <<END
#!/bin/bash
verb=
for a; do case \$a in show | start | stop) verb=\${verb:-\$a} ;; esac; done
case \$verb in
show)
	case "\$*" in *" -- moody.service") ;; *) echo LoadState=not-found; exit 0 ;; esac
	read -r active sub <$T/service
	printf '%s\n' LoadState=loaded ActiveState=\$active SubState=\$sub Result=success NRestarts=0 MainPID=\$(cat $T/pid) CanReload=no
	;;
start) setsid $PY $FIXTURES/moody_app.py $PORT $T >/dev/null 2>&1 & echo \$! >$T/pid; echo "active running" >$T/service ;;
stop) kill -KILL \$(cat $T/pid); echo "inactive dead" >$T/service; echo stopped >>$T/stops
	head -c \$(cat $T/fills) /dev/zero >$S/filler 2>/dev/null || : ;;
esac
END
chmod 755 "$T/systemctl"
mount --bind "$T/systemctl" "$(realpath "$(command -v systemctl)")" || skip "cannot mount a systemctl; the rest passed"
at_end() {
	kill -KILL "$(cat "$T/pid" 2>/dev/null)" 2>/dev/null || :
	umount -l "$S"
}
answers() { curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$PORT/health"; }
systemctl start -- moody.service
wait_for 20 "the service" answers
conf "$P/data" "[service]" "name = moody" "ports = $PORT" "manager = systemd"
# How much is taken from the moment on in which the service is stopped: all; all but so much that is free when a tree is there.
for fill in 1G 0; do
	WHAT="with $fill taken when the service is stopped"
	echo $fill >"$T/fills"
	room 40000
	attempt restore "$T/new.tar.gz" --data --yes
	rm -f "$S/filler"
	grep -q stopped "$T/stops" || fail "$WHAT: it was not stopped: $(cat "$T/err")"
	rm "$T/stops"
	wait_for 20 "the service to answer" answers
	if [ $STATUS != 0 ]; then
		has 'No space left on device' err
		say "$WHAT: $(tail -n 1 "$T/err")"
		attempt restore --status
		[ $STATUS = 0 ] || fail "$WHAT: $(cat "$T/out")"
		as_it_was
	else
		say "$WHAT: it went on"
		diff -r "$D" "$P/data" >"$T/diff" || fail "$WHAT: not the tree: $(cat "$T/diff")"
		attempt restore --forget --data --yes
		rm -r "$P/data"
		cp -a "$T/old" "$P/data"
	fi
done
[ $STATUS = 0 ] || fail "with room: $(cat "$T/err")"
