#!/bin/bash
# SPDX-License-Identifier: MIT
# The daemon stays small while it writes its history: what SQLite takes for a row is given back behind it. Minutes pass in seconds here.
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl cc

MOST_KIB=6836   # 7 MB: the limit, 8 MB, less what requests may take
GROWTH_KIB=1024 # SQLite's code and heap, kept, are two thirds more
HISTORY=$T/state/history.db
rss() { awk '/^VmRSS/ { print $2 }' "/proc/${PIDS[isamon]}/status"; }
# Also while the daemon has the file: then there is no answer, and none is given.
rows() {
	"$PY" - "$HISTORY" 2>/dev/null <<-'END'
		import sqlite3, sys
		print(sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute("SELECT count(*) FROM history").fetchone()[0])
	END
}
written() { [ "$(rows)" -ge "$1" ]; }
is_small() {
	now=$(rss)
	[ "$now" -lt $MOST_KIB ] && [ $((now - before)) -lt $GROWTH_KIB ]
}

# A minute ahead of the first row; its usual speed, until the file is there.
start clock env PYTHONPATH="$FIXTURES" "$PY" -c '
import os, sys, time, warp
w = warp.Warp(sys.argv[1], 1800000000)
open(sys.argv[1] + "/clock", "w").close()
while not os.path.exists(sys.argv[1] + "/faster"):
    time.sleep(0.1)
w.set_speed(20)
' "$T"
wait_for 20 "the clock" test -e "$T/clock"
program=$ISAMON
# Bound at once, as isamon is: else the clock's library has the linker look into all others, half a megabyte.
cat >"$T/warped" <<-END
	#!/bin/sh
	LD_BIND_NOW=1 LD_PRELOAD=$T/warp.so WARP=$T/warp exec $program "\$@"
END
chmod +x "$T/warped"
ISAMON=$T/warped start_isamon
start_raw
for i in $(seq 20); do curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/status/200?$i"; done
expect_metric 20 isamon_http_requests_ended_total end=complete
before=$(rss)
touch "$T/faster"
wait_for 60 "three rows" written 3
for ((i = 0; i < 50 * PATIENCE; i++)); do ! is_small || break; sleep 0.1; done
say "RSS $before KiB before the first row, $now KiB behind some"
is_small || fail "the memory is not given back: no more than $MOST_KIB KiB, and $GROWTH_KIB KiB more than before"
