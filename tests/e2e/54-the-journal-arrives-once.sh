#!/bin/bash
# SPDX-License-Identifier: MIT
# A unit's journal, of this boot and of one before, arrives once and in order, also what is written while isamon is down; a traceback
# is one event, and so is an entry of several lines. One that starts at the end forgets nothing, even if isamon
# is killed before the first entry.
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

N=0 UNIT=fixture.service
entry() { # BOOT PRIORITY MESSAGE
	N=$((N + 1))
	printf '__REALTIME_TIMESTAMP=%s\n__MONOTONIC_TIMESTAMP=%s\n_BOOT_ID=%s\n_MACHINE_ID=%s\n_SYSTEMD_UNIT=%s\nPRIORITY=%s\nMESSAGE=%s\n\n' \
		"$(($(date +%s%6N) + N))" $((N * 1000)) "$1" "$MACHINE" "$UNIT" "$2" "$3"
}
lines() { # BOOT PRIORITY MESSAGE, of several lines and less than 256 bytes: with its length in eight bytes before it
	N=$((N + 1))
	printf '__REALTIME_TIMESTAMP=%s\n__MONOTONIC_TIMESTAMP=%s\n_BOOT_ID=%s\n_MACHINE_ID=%s\n_SYSTEMD_UNIT=%s\nPRIORITY=%s\n' \
		"$(($(date +%s%6N) + N))" $((N * 1000)) "$1" "$MACHINE" "$UNIT" "$2"
	printf 'MESSAGE\n%b\0\0\0\0\0\0\0%s\n\n' "\\x$(printf %02x ${#3})" "$3"
}
keep() { $REMOTE -o "$T/journal/system.journal" - >>"$T/remote.log" 2>&1; }
n_arrived() { [ "$(log_events test)" -ge "$1" ]; }
ship() { start ship "$T/own" "$ISAMON" ship-logs --config "$T/isamon.conf"; }

start_fake_aws
{
	aws_conf | sed '/cloudwatch/,$d'
	printf '%s\n' "[daemon]" "state_directory = $T/state" "[logs]" "enabled = yes" "group = test" '[log "journal"]' \
		"unit = fixture.service" "start = beginning" '[log "late"]' "unit = late.service" "start = end" \
		'[log "empty"]' "unit = empty.service" "start = end"
} >"$T/isamon.conf"
chmod 600 "$T/isamon.conf"
{
	entry 0123456789abcdef0123456789abcdef 6 "of another boot"
	entry "$BOOT" 3 "it failed"
	entry "$BOOT" 6 "Traceback (most recent call last):"
	entry "$BOOT" 6 '  File "a", line 1'
	entry "$BOOT" 6 "ValueError: x"
	UNIT=late.service
	entry "$BOOT" 6 "old"
	UNIT=other.service # behind the last one of each
	entry "$BOOT" 6 "of nobody"
} | keep
ship
wait_for 20 "what was there" n_arrived 3
entry "$BOOT" 6 "while it runs" | keep
wait_for 20 "what is new" n_arrived 4
stop ship KILL
{
	entry "$BOOT" 6 "while it is down"
	UNIT=late.service
	entry "$BOOT" 6 "late one"
	UNIT=empty.service
	entry "$BOOT" 6 "first one"
	entry "$BOOT" 6 "second one"
} | keep
ship
wait_for 20 "what came meanwhile" n_arrived 8
{
	lines "$BOOT" 6 $'it failed again\nTraceback (most recent call last):\n  File "a", line 1\n\nKeyError: 2\n'
	entry "$BOOT" 6 "  behind it"
} | keep
wait_for 20 "several lines" n_arrived 10
stop ship
[ "$STATUS" = 0 ] || fail "exit status $STATUS"
cat >"$T/want" <<'END'
of another boot
it failed
Traceback (most recent call last):\n  File "a", line 1\nValueError: x
while it runs
while it is down
it failed again\nTraceback (most recent call last):\n  File "a", line 1\n\nKeyError: 2
  behind it
END
log_messages test journal | diff "$T/want" - || fail "the journal did not arrive once, and in order"
[ "$(log_messages test late)" = "late one" ] || fail "of the one that starts at the end: $(log_messages test late)"
[ "$(log_messages test empty | xargs)" = "first one second one" ] || fail "of the empty one: $(log_messages test empty)"

# `isamon logs tail` has it as one record, too, and each line of it behind the name of the log.
"$T/own" "$ISAMON" logs tail --config "$T/isamon.conf" --json -n 2 journal >"$T/tail.json" || fail "logs tail --json"
"$PY" - "$T/tail.json" <<'END' || fail "logs tail --json shows $(cat "$T/tail.json")"
import json, sys
two = [json.loads(line)["message"] for line in open(sys.argv[1])]
assert two == ['it failed again\nTraceback (most recent call last):\n  File "a", line 1\n\nKeyError: 2', "  behind it"], two
END
"$T/own" "$ISAMON" logs tail --config "$T/isamon.conf" -n 1 --grep KeyError journal >"$T/tail" || fail "logs tail"
printf '%s\n' 'it failed again' 'Traceback (most recent call last):' '  File "a", line 1' '' 'KeyError: 2' |
	diff - "$T/tail" || fail "logs tail shows something else"

# And by the rules of its log: secrets, tracebacks, the level that a line says, what is left out; also what comes later.
ruled() { # N
	entry "$BOOT" 6 "ERROR:app:password=hunter2-$1"
	entry "$BOOT" 6 "nothing to see $1"
	entry "$BOOT" 6 "Traceback (most recent call last):"
	entry "$BOOT" 6 '  File "a", line 1'
	entry "$BOOT" 6 "KeyError: password=hunter2-$1"
	entry "$BOOT" 4 "behind $1"
}
sed -i '/^unit = fixture/a exclude = nothing to see' "$T/isamon.conf"
TRACE='Traceback (most recent call last):\n  File "a", line 1\nKeyError: password=***'
cat >"$T/look" <<'END'
import json, sys
for line in sys.stdin:
	r = json.loads(line)
	print(r["level"], r.get("exception", "-"), r["message"].replace("\n", "\\n"))
END
ruled 1 | keep
"$T/own" "$ISAMON" logs tail --config "$T/isamon.conf" --json -n 3 journal >"$T/tail.json" || fail "logs tail --json"
printf '%s\n' "error - ERROR:app:password=***" "error KeyError $TRACE" "warning - behind 1" >"$T/want"
"$PY" "$T/look" <"$T/tail.json" | diff "$T/want" - || fail "logs tail does not keep the rules"
"$T/own" "$ISAMON" logs tail --config "$T/isamon.conf" --json --level error -n 2 journal | "$PY" "$T/look" |
	diff <(head -n 2 "$T/want") - || fail "logs tail --level"
start tail "$T/own" "$ISAMON" logs tail -f --config "$T/isamon.conf" --json -n 3 journal
n_shown() { [ "$(wc -l <"$T/tail.log")" -ge "$1" ]; }
wait_for 20 "the last ones" n_shown 3
ruled 2 | keep
wait_for 20 "what came later" n_shown 6
stop tail INT
[ "$STATUS" = 0 ] || fail "tail -f: status $STATUS"
sed 's/behind 1/behind 2/' "$T/want" | cat "$T/want" - >"$T/want.twice"
"$PY" "$T/look" <"$T/tail.log" | diff "$T/want.twice" - || fail "logs tail -f does not keep the rules"
