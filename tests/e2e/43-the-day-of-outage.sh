#!/bin/bash
# SPDX-License-Identifier: MIT
# CloudWatch is away for 24 hours, isamon is killed 50 times meanwhile and its disk is full for some of them: then every minute
# is there, with its sums, and none twice but where nobody could know. (Hours are seconds: fixtures/outage_day.py.)
# beside: yes
# limit: 600
# shellcheck disable=SC2119 # functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need cc mkfs.ext4 losetup
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

at_end() { ! mountpoint -q "$T/state" || umount "$T/state"; }
mkdir "$T/state"
truncate -s 48M "$T/disk"
mkfs.ext4 -q -F "$T/disk"
mount -o loop "$T/disk" "$T/state" 2>"$T/mount.log" || skip "cannot mount a file here: $(cat "$T/mount.log")"
chmod 700 "$T/state"

SERVICE_PORT=$(free_port)
start_raw
"$PY" "$FIXTURES/outage_day.py" "$T" "$T/state" "$SERVICE_PORT" "$(free_port)" ${OUTAGE_SEED:+"$OUTAGE_SEED"} || fail "the day of outage"
