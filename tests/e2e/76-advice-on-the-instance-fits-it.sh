#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon advise on an EC2 instance of which the firmware says the type and a fake IMDS the id: over a week, at the borders, the size that is named is one
# that there is; and hours in which nobody comes, capacity to commit to, and what is not known yet.
# beside: yes
if [ -z "${ISAMON_OWN_MOUNTS:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root" && exit 77; }
	unshare -m true 2>/dev/null || { echo "needs namespaces (unshare)" && exit 77; }
	ISAMON_OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
# shellcheck source=tests/fixtures/advise.sh
. "$FIXTURES/advise.sh"
ADVISE=(--config "$T/isamon.conf")
need curl mount
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

mount --make-rprivate /
mount -t tmpfs none /sys/class
mkdir -p /sys/class/dmi/id
instance() { printf '%s\n' "$2" >/sys/class/dmi/id/product_name && printf '%s\n' "$1" >/sys/class/dmi/id/sys_vendor; }
has() { grep -qF -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 80 "$T/${2:-out}")"; }
has_not() { ! grep -qF -e "$1" "$T/out" || fail "'$1' in: $(head -n 80 "$T/out")"; }
# advised IDS TYPE DAYS COLUMN=VALUE...: what is advised of such a history, and nothing else
advised() {
	local want=$1 type=$2 days=$3 status=1
	shift 3
	[ -n "$want" ] || status=0
	instance "Amazon EC2" "$type"
	history "$days" cpus=2 "$@"
	advise $status --json
	[ "$(ids)" = "$want" ] || fail "$type, $days days, $*: '$(ids)' is advised, expected '$want'"
	advise $status
	[ "$(wc -L < <(grep -v '^    ' "$T/out"))" -le 80 ] || fail "wider than 80 columns: $(cat "$T/out")"
}

start_fake_aws
start_isamon # makes the tables
sleep 1.2
stop isamon
[ -s "$HISTORY" ] || fail "the daemon has made no history"

say "== the size, at its borders"
G=1073741824
IDLE=(host_available_bytes=$((6 * G)))
advised cost.smaller m5.xlarge 8 host_cpu_ppm=350000 "${IDLE[@]}"
has "m5.xlarge; in the 7.0 days that were watched"
has "--instance-type m5.large"
has "modify-instance-attribute --instance-id i-"
has "the same with m5.xlarge"
advised '' m5.xlarge 8 host_cpu_ppm=350001 "${IDLE[@]}"
advised cost.smaller m5.xlarge 8 host_cpu_ppm=350000 host_available_bytes=5153960756 # 60 % of 8 GiB
advised '' m5.xlarge 8 host_cpu_ppm=350000 host_available_bytes=5153960755
advised '' m5.large 8 host_cpu_ppm=10000 "${IDLE[@]}" # the smallest
advised cost.smaller t3.large 8 host_cpu_ppm=10000 "${IDLE[@]}"
has "--instance-type t3.medium"
has "CPUCreditBalance"
has_not "of its CPUs or below"
advised '' m5.large 8 host_cpu_ppm=849999
advised cost.larger m5.large 8 host_cpu_ppm=850000
has "--instance-type m5.xlarge"
advised cost.larger t3.large 8 host_steal_ppm=50000
has "not burstable"
advised '' t3.large 8 host_steal_ppm=49999
advised cost.smaller 'HVM domU' 8 host_cpu_ppm=10000 "${IDLE[@]}"
has "the next smaller size of the family"
has "--instance-type FAMILY.SIZE"

say "== hours in which nobody comes; and a house that always runs"
advised cost.schedule m5.large 8 "quiet=9"
has "from 03:00 to 12:00 UTC no request came"
has "create-schedule --name fixture-stop"
has "[\\\"i-"
advised '' m5.large 8 "quiet=9" websockets_max=1
advised cost.reserved m5.large 15
has "isamon saw the host run for 100 % of the last 15 days"
advised '' m5.large 13
advised cost.schedule m5.large 15 "quiet=9" # what is to be off for hours is not bound for a year

say "== what is not known yet, and what is no instance"
advised '' m5.large 5 host_cpu_ppm=10000 "${IDLE[@]}"
has "no advice on instance size: it needs 6.0 days of history, and there are 5.0 days"
has "no advice on reserved capacity"
instance QEMU m5.large
history 8 host_cpu_ppm=10000 "${IDLE[@]}"
advise 0
has "nothing to advise"
instance "Amazon EC2" m5.xlarge
advise 1 --offline
has "modify-instance-attribute --instance-id ID"
advise 0 --days 1
has "(of the days that were looked at; more: --days 30)"

say "== a daemon that has stopped, and thirty days at once"
history 30 host_cpu_ppm=10000 "${IDLE[@]}" ends=7200
advise 1 --days 30
has "the daemon has written nothing since"

say "== a history that is none"
cp "$HISTORY" "$T/kept"
head -c 8192 /dev/urandom >"$HISTORY"
rm -f "$HISTORY-wal"
advise 3
has "sets it aside" err
[ -z "$(find "$T/state" -name '*damaged*')" ] || fail "reading has set it aside"
rm "$HISTORY"
"$PY" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("create table t(x)")' "$HISTORY"
advise 3
has "of another application" err
cp "$T/kept" "$HISTORY"
"$PY" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 999")' "$HISTORY"
advise 3
has "made by a newer isamon" err
cp "$T/kept" "$HISTORY"
advise 1 --days 30
setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null || exit 0
got=0
setpriv --reuid=65534 --regid=65534 --clear-groups "$ISAMON" advise --offline --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || got=$?
[ $got = 2 ] || [ $got = 3 ] || fail "as nobody: status $got: $(cat "$T/out" "$T/err")"
