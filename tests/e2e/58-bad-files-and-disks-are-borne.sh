#!/bin/bash
# SPDX-License-Identifier: MIT
# The disk of the state directory is full; what should be a log cannot be read, is no file, is not there yet, or is a link to what is
# nobody's business; there are a thousand of them. isamon says so once, measures on, and ships each line once.
# beside: yes
# limit: 240
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
if [ -z "${OWN_MOUNTS:-}" ] && unshare -m true 2>/dev/null; then
	OWN_MOUNTS=1 exec unshare -m --propagation private "$0"
fi
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl setpriv
[ -n "${OWN_MOUNTS:-}" ] || skip "needs a mount namespace"
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

NOBODY=65534
SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
URL=http://127.0.0.1:$ISAMON_PORT/metrics
# Nobody but root may write on the way to it: links are followed there. (In /tmp they are not.)
mount -t tmpfs -o mode=755 none /mnt
M=/mnt
SECRET=$M/shadow
for i in $(seq 200); do echo "root:secret$i:20000:0:99999:7:::"; done >"$SECRET"
chmod 600 "$SECRET"

# conf GROUP [LINE...]: the lines are logs'.
conf() {
	local group=$1
	shift
	mapfile -t AWS < <(aws_conf | sed '/cloudwatch/,$d')
	mkdir -p "$T/run"
	write_config "$T/isamon.conf" "${AWS[@]}" '[logs]' 'enabled = yes' "group = $group" '[daemon]' \
		"state_directory = ${STATE:-$M/state-$group}" "$@"
}
log_of() { printf '[log "%s"]\npath = %s\nstart = beginning\n' "$1" "$2"; }
begin() { # [COMMAND...]: under which it runs
	: >"$T/isamon.log"
	start isamon "$@" "$ISAMON" run --config "$T/isamon.conf"
	wait_for 20 "isamon to be ready" isamon_ready
}
said() { grep -c -e "$1" "$T/isamon.log" || :; }
expect_said() { # N TEXT
	local end=$((SECONDS + 15 * PATIENCE))
	until [ "$(said "$2")" -ge "$1" ]; do
		[ $SECONDS -lt $end ] || fail "'$2' is not in the log"
		sleep 0.1
	done
	[ "$(said "$2")" = "$1" ] || fail "'$2' is in the log $(said "$2") times"
}
shipper() { pgrep -g "${PIDS[isamon]}" -f ship-logs | tail -n 1; }
rss_kb() { awk "/$1/ { print \$2 }" "/proc/$(shipper)/status"; }
# The lines of STREAM of GROUP are those of FILE, each once, and in order.
is_whole() { log_messages "$1" "$2" | cmp -s - "$3"; }
whole() {
	local end=$((SECONDS + 40 * PATIENCE))
	until is_whole "$@"; do
		[ $SECONDS -lt $end ] || fail "$2: $(log_messages "$1" "$2" | diff - "$3" | head -n 5)"
		sleep 0.2
	done
}
start_fake_aws

say "== the state directory's disk is full from the beginning"
mkdir -p "$M/disk" "$M/full"
mount -t tmpfs -o size=24m none "$M/disk"
STATE=$M/disk/state
fill() { dd if=/dev/zero of="$M/disk/fill" bs=1M status=none 2>/dev/null || :; }
room() { rm "$M/disk/fill"; }
seq -f 'before %.0f' 1000 >"$M/full/app.log"
start_raw
counted() { [ "$(metric isamon_http_requests_ended_total)" -gt "$1" ]; }
measures_on() {
	local before
	before=$(metric isamon_http_requests_ended_total)
	for _ in 1 2 3; do curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/status/200"; done
	wait_for 10 "requests to be counted" counted $((before + 2))
}
fill
conf full "$(log_of app "$M/full/app.log")"
begin
expect_said 1 'logs are not shipped: .*No space left'
metric_is 0 isamon_probe_up probe=logs || fail "the probe is up"
measures_on
room
whole full app "$M/full/app.log"
expect_metric 1 isamon_probe_up probe=logs

say "== it becomes full: there is room set aside"
fill
seq -f 'meanwhile %.0f' 1000 >>"$M/full/app.log"
whole full app "$M/full/app.log"
measures_on
stop isamon TERM

say "== it is full, and what was set aside is gone"
rm -f "$M"/disk/state/logs.db-*
fill
begin
seq -f 'much %.0f of what is long enough to be some megabytes in all, so that it would show if it were kept' 300000 >>"$M/full/app.log"
expect_said 1 'logs.db: cannot be written'
measures_on
sleep 3
n=$(log_events full)
[ "$n" = 2000 ] || fail "something was sent that could not be written down: $n"
[ "$(rss_kb VmHWM)" -lt 30000 ] || fail "the shipper took $(rss_kb VmHWM) KiB"
say "while nothing can be written the shipper took $(rss_kb VmHWM) KiB at most"
room
whole full app "$M/full/app.log"
stop isamon TERM
stop service
unset STATE

say "== what is no log, and what is none yet"
B=$M/bad
mkdir -p "$B/dir.log" "$B/private"
chmod 700 "$B/private"
mkfifo "$B/fifo.log"
mknod "$B/zero.log" c 1 5
ln -s /nowhere "$B/dangling.log"
echo 'of a private directory' >"$B/private/app.log"
echo 'of a private file' >"$B/closed.log"
chmod 600 "$B/closed.log"
chown -R $NOBODY:$NOBODY "$B/private" "$B/closed.log"
start sleeper sleep 600
LOGS=()
for name in dir fifo zero dangling closed late; do LOGS+=("$(log_of $name "$B/$name.log")"); done
LOGS+=("$(log_of private "$B/private/app.log")" "$(log_of deep "$B/a/b/c/app.log")" "$(log_of memory "/proc/${PIDS[sleeper]}/mem")"
	"$(log_of any "$B/any/*/x*.log")")
conf bad "${LOGS[@]}"
# As the unit: whom a file belongs to does not matter.
begin setpriv --bounding-set=-dac_override
for name in dir fifo zero; do expect_said 1 "cannot read $B/$name.log: it is no regular file"; done
expect_said 1 "cannot read /proc/.*: Input/output error"
whole bad closed "$B/closed.log"
whole bad private "$B/private/app.log"
expect_metric 4 isamon_logs_files_unreadable
rmdir "$B/dir.log"
rm "$B/fifo.log" "$B/zero.log" "$B/dangling.log"
mkdir -p "$B/a/b/c" "$B/any/one" "$B/any/two"
for file in dir.log fifo.log zero.log dangling.log late.log a/b/c/app.log any/one/x.log any/two/x2.log; do echo "at last, $file" >>"$B/$file"; done
for name in dir fifo zero dangling late; do whole bad $name "$B/$name.log"; done
whole bad deep "$B/a/b/c/app.log"
printf 'at last, any/%s\n' one/x.log two/x2.log >"$T/any"
sorted_any() { log_messages bad any | sort | cmp -s - "$T/any"; }
wait_for 15 "files of directories that came later" sorted_any
expect_metric 1 isamon_logs_files_unreadable
stop isamon TERM
stop sleeper

say "== where it may not read them, it says so, once, and waits"
conf closed "$(log_of closed "$B/closed.log")" "$(log_of private "$B/private/app.log")"
begin setpriv --bounding-set=-dac_override,-dac_read_search
expect_said 1 "cannot read $B/closed.log: Permission denied"
expect_said 1 "cannot read $B/private.*: Permission denied"
expect_metric 2 isamon_logs_files_unreadable
chmod 644 "$B/closed.log"
chmod 755 "$B/private"
chmod 644 "$B/private/app.log"
whole closed closed "$B/closed.log"
whole closed private "$B/private/app.log"
expect_metric 0 isamon_logs_files_unreadable
stop isamon TERM

say "== links"
L=$M/theirs
mkdir -p "$L" "$M/ours" "$M/ours/real"
chown $NOBODY:$NOBODY "$L"
ln -s "$SECRET" "$L/link.log"
ln -s "$M" "$L/way"
ln -s "$M/ours/real/app.log" "$M/ours/app.log"
seq -f 'ours %.0f' 100 >"$M/ours/real/app.log"
LOGS=("$(log_of link "$L/link.log")" "$(log_of way "$L/way/shadow")" "$(log_of glob "$L/l*.log")" "$(log_of app "$L/app.log")" "$(log_of flip "$L/flip.log")"
	"$(log_of ours "$M/ours/app.log")" "$(log_of around "$M/*/way/shadow")")
conf links "${LOGS[@]}"
begin
whole links ours "$M/ours/real/app.log"
for name in link way glob; do expect_said 1 "log \"$name\": cannot read .* symbolic link"; done
read -r n swaps < <(setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups "$PY" "$FIXTURES/swap_link.py" "$L" "$SECRET" 5)
say "$n lines, $swaps swaps"
seq -f 'line %.0f' "$n" >"$T/lines"
whole links app "$T/lines"
[ "$(said 'log "app": cannot read .* symbolic link')" -le 1 ] || fail "a link is complained about again and again"
expect_said 1 'log "flip": cannot read .* symbolic link'
seq -f 'theirs %.0f' 100 >"$M/ours/real/app.log.new"
mv "$M/ours/real/app.log.new" "$M/ours/real/app.log" # the link leads to another file now
{ seq -f 'ours %.0f' 100; seq -f 'theirs %.0f' 100; } >"$T/ours"
whole links ours "$T/ours"
[ "$(fake logs contains=theirs | wc -l)" = 100 ] || fail "the fake does not find what it has"
fake logs contains=secret >"$T/leaked"
[ ! -s "$T/leaked" ] || fail "it was shipped: $(head -n 3 "$T/leaked")"
[ "$(log_messages links | grep -cvE '^(ours|theirs|line|flip) [0-9]+$')" = 0 ] || fail "more was shipped"
stop isamon TERM

GROW='import sys
directory, turn, long = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for i in range(1000):
    with open("%s/%04d.log" % (directory, i), "a") as file:
        file.write("\n" if turn == 2 and long else "")
        for n in range(3):
            file.write("file %d turn %d line %d\n" % (i, turn, n))
        file.write("x" * long if turn == 1 else "")'
grow() { "$PY" -c "$GROW" "$@"; }
n_long() { log_messages "$1" | tr -dc x | wc -c; }
many() { # LIMIT LONG: a thousand files that grow, with so many open files; LONG bytes of a line have no end for a while
	local d=$M/many-$1
	mkdir -p "$d"
	grow "$d" 0 "$2"
	conf "many-$1" "$(log_of many "$d/*.log")"
	begin prlimit "--nofile=$1" --
	all_there() { [ "$(log_messages "many-$1" | grep -c '^file')" = "$2" ]; }
	wait_for 30 "the lines" all_there "$1" 3000
	grow "$d" 1 "$2"
	wait_for 30 "the lines" all_there "$1" 6000
	say "limit $1: $(rss_kb VmRSS) KiB while lines have no end"
	[ "$(rss_kb VmRSS)" -le 26000 ] || fail "the shipper takes $(rss_kb VmRSS) KiB"
	grow "$d" 2 "$2"
	wait_for 30 "the lines" all_there "$1" 9000
	cat "$d"/*.log | grep '^file' | sort >"$T/want"
	log_messages "many-$1" | grep '^file' | sort >"$T/have"
	cmp -s "$T/want" "$T/have" || fail "lines are lost or twice: $(diff "$T/want" "$T/have" | head -n 5)"
	long_there() { [ "$(n_long "many-$1")" = $((1000 * $2)) ]; }
	wait_for 30 "all of the long lines" long_there "$@"
	expect_metric 1000 isamon_logs_files
	FDS=$(find "/proc/$(shipper)/fd" -mindepth 1 | wc -l)
	say "limit $1: $FDS open, $(rss_kb VmRSS) KiB, $(rss_kb VmHWM) KiB at most"
	# (the allocator keeps some of what it had)
	[ "$(rss_kb VmRSS)" -le $((16384 + ($2 ? 9600 : 0))) ] || fail "the shipper takes $(rss_kb VmRSS) KiB"
}
ticks() { awk '{ print $14 + $15 }' "/proc/$(shipper)/stat"; }

say "== a thousand files"
many 4096 20000
[ "$FDS" -lt 700 ] || fail "$FDS files are open"
before=$(ticks)
sleep 5
say "CPU while idle: $(($(ticks) - before)) ticks of 10 ms in 5 s"
stop isamon TERM

say "== with a low limit of open files"
many 256 0
[ "$FDS" -lt 256 ] || fail "$FDS files are open"
expect_said 1 'raise the limit of open files (LimitNOFILE='
[ "$(said 'Too many open files')" = 0 ] || fail "files could not be opened"
stop isamon TERM
