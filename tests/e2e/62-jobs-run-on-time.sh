#!/bin/bash
# SPDX-License-Identifier: MIT
# Jobs run when their time comes, also in the nights in which clocks are changed; they do not overlap, are ended by their limit, are
# caught up with once after isamon was down, go on over a reload and end with a daemon that is killed; all of which is told.
# limit: 180
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl cc flock

SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
mkdir "$T/run"
export ISAMON
"$PY" "$FIXTURES/jobs_day.py" "$T" "$ISAMON_PORT" "$SERVICE_PORT" || fail "the nights were not as they should be"

say "== what is wrong is said"
refuses() { # PART LINE...
	local part=$1
	shift
	write_config "$T/bad.conf" '[job "a"]' "$@"
	! "$ISAMON" check-config "$T/bad.conf" >"$T/said" 2>&1 || fail "$*: taken"
	grep -q -- "$part" "$T/said" || fail "$*: expected \"$part\", got: $(cat "$T/said")"
}
refuses 'none of its months has such a day' 'schedule = 0 0 30 2 *' 'command = version'
refuses 'isamon has no command "rm"' 'schedule = @daily' 'command = rm -rf /'
refuses 'isamon run cannot be a job' 'schedule = @daily' 'command = run'
refuses 'schedule = must be given' 'command = version'
refuses 'a quote does not end' 'schedule = @daily' 'command = version "'
