#!/bin/bash
# SPDX-License-Identifier: MIT
# A unit's journal, of this boot and of one before, arrives once and in order, also what is written while isamon is down; a traceback
# is one event.
# limit: 90
# shellcheck disable=SC2034 # what lib.sh uses
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl unshare journalctl
REMOTE=/lib/systemd/systemd-journal-remote
[ -x $REMOTE ] || skip "needs systemd-journal-remote"
[ -s /etc/machine-id ] || skip "needs /etc/machine-id"
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

BOOT=$(tr -d - </proc/sys/kernel/random/boot_id)
MACHINE=$(cat /etc/machine-id)
mkdir -p "$T/journal"
# In a name space of its own, where the journal is ours.
cat >"$T/own" <<END
#!/bin/bash
exec unshare -m bash -c 'mkdir -p /var/log/journal && mount -t tmpfs none /var/log/journal &&
	mkdir /var/log/journal/$MACHINE && mount --bind "$T/journal" /var/log/journal/$MACHINE && exec "\$@"' own "\$@"
END
chmod +x "$T/own"
"$T/own" true || skip "no mount name space here"

N=0
entry() { # BOOT PRIORITY MESSAGE
	N=$((N + 1))
	printf '__REALTIME_TIMESTAMP=%s\n__MONOTONIC_TIMESTAMP=%s\n_BOOT_ID=%s\n_MACHINE_ID=%s\n_SYSTEMD_UNIT=fixture.service\nPRIORITY=%s\nMESSAGE=%s\n\n' \
		"$(($(date +%s%6N) + N))" $((N * 1000)) "$1" "$MACHINE" "$2" "$3"
}
keep() { $REMOTE -o "$T/journal/system.journal" - >>"$T/remote.log" 2>&1; }
n_arrived() { [ "$(log_events test)" -ge "$1" ]; }
ship() { start ship "$T/own" "$ISAMON" ship-logs --config "$T/isamon.conf"; }

start_fake_aws
{
	aws_conf | sed '/cloudwatch/,$d'
	printf '%s\n' "[daemon]" "state_directory = $T/state" "[logs]" "enabled = yes" "group = test" '[log "journal"]' \
		"unit = fixture.service" "start = beginning"
} >"$T/isamon.conf"
chmod 600 "$T/isamon.conf"
{
	entry 0123456789abcdef0123456789abcdef 6 "of another boot"
	entry "$BOOT" 3 "it failed"
	entry "$BOOT" 6 "Traceback (most recent call last):"
	entry "$BOOT" 6 '  File "a", line 1'
	entry "$BOOT" 6 "ValueError: x"
} | keep
ship
wait_for 20 "what was there" n_arrived 3
entry "$BOOT" 6 "while it runs" | keep
wait_for 20 "what is new" n_arrived 4
stop ship KILL
entry "$BOOT" 6 "while it is down" | keep
ship
wait_for 20 "what came meanwhile" n_arrived 5
stop ship
[ "$STATUS" = 0 ] || fail "exit status $STATUS"
cat >"$T/want" <<'END'
of another boot
it failed
Traceback (most recent call last):\n  File "a", line 1\nValueError: x
while it runs
while it is down
END
log_messages test | diff "$T/want" - || fail "the journal did not arrive once, and in order"
