#!/bin/bash
# SPDX-License-Identifier: MIT
# What goes up and down has the same hash with and without isamon, at full speed; and counts stay exact when
# the network loses, delays and reorders packets.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl nginx wrk sha256sum

SERVICE_PORT=$(free_port)
SIZE=$((40000000 / SLOW))
start_nginx_static
static=$SERVICE_PORT
rename service nginx
head -c $SIZE /dev/urandom >"$T/nginx/static/blob"
head -c $((SIZE / 4)) /dev/urandom >"$T/upload"
SERVICE_PORT=$(free_port)
start_uvicorn --workers 2
python=$SERVICE_PORT

# The hashes of everything that is moved, while wrk keeps the machine busy.
transfer() {
	local i jobs=()
	wrk -t 1 -c 8 -d 4s "http://127.0.0.1:$static/hello" >/dev/null 2>&1 &
	jobs+=($!)
	for i in 1 2 3 4; do
		curl -fsS "http://127.0.0.1:$static/files/blob" | sha256sum >"$T/$1.down$i" &
		jobs+=($!)
		curl -fsS "http://127.0.0.1:$python/big?bytes=$((SIZE / 4))&chunked=$((i % 2))" |
			sha256sum >"$T/$1.big$i" &
		jobs+=($!)
		curl -fsS --data-binary "@$T/upload" "http://127.0.0.1:$python/api/upload-file" \
			>"$T/$1.up$i" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i" || fail "a transfer failed"; done
	cat "$T/$1".{down,big,up}* >"$T/$1.all"
}

transfer without
SERVICE_PORTS="$static, $python"
start_isamon
transfer with
cmp "$T/without.all" "$T/with.all" || fail "something was changed on its way"
file=$(sha256sum <"$T/nginx/static/blob")
[ "$(cat "$T"/with.down* | sort -u)" = "$file" ] || fail "a download is not the file"
grep -q "$(sha256sum <"$T/upload" | cut -d ' ' -f 1)" "$T/with.up1" || fail "an upload is not the file"
for i in files/blob big; do
	expect_metric $((4 * (${#i} > 3 ? SIZE : SIZE / 4))) \
		http_server_response_body_size_bytes_sum "http_route=/$i"
done
expect_metric $((SIZE)) http_server_request_body_size_bytes_sum http_route=/api/upload-file
stop isamon
stop service
stop nginx

say "== a bad network"
need ip tc
load_module veth || skip "the hashes are equal; but no veth here, so nothing was tried on a bad network"
load_module sch_netem ||
	skip "the hashes are equal; but the kernel has no sch_netem, so nothing was tried on a bad network"
a=isamon-a-$$ b=isamon-b-$$
at_end() {
	ip netns del "$a" 2>/dev/null
	ip netns del "$b" 2>/dev/null
}
ip netns add "$a"
ip netns add "$b"
ip link add "va$$" netns "$a" type veth peer name "vb$$" netns "$b"
ip -n "$a" addr add 10.77.0.1/24 dev "va$$"
ip -n "$b" addr add 10.77.0.2/24 dev "vb$$"
for side in "$a va$$" "$b vb$$"; do
	ip -n "${side% *}" link set lo up
	ip -n "${side% *}" link set "${side#* }" up
	tc -n "${side% *}" qdisc add dev "${side#* }" root netem delay 2ms 1ms loss 2% reorder 20% duplicate 1%
done
new_tally
SERVICE_PORT=$(free_port) SERVICE_PORTS=
start_isamon "route = /sized/{n}" "route = /chunked-bytes/{n}"
start service ip netns exec "$a" "$PY" "$FIXTURES/raw_server.py" "$SERVICE_PORT" --host 10.77.0.1
base=http://10.77.0.1:$SERVICE_PORT
in_b() { ip netns exec "$b" "$@"; }
wait_for 20 "the service to answer" in_b curl -fsS --max-time 3 "$base/delay/0"
want=$("$PY" -c 'import hashlib, sys; sys.path.insert(0, sys.argv[1])
import tally; print(hashlib.sha256(tally.pattern(2000000)).hexdigest())' "$FIXTURES")
head -c 2000000 /dev/urandom >"$T/upload"
for i in 1 2 3; do
	[ "$(in_b curl -fsS "$base/sized/2000000" | sha256sum)" = "$want  -" ] || fail "a body was changed"
	[ "$(in_b curl -fsS "$base/chunked-bytes/2000000" | sha256sum)" = "$want  -" ] ||
		fail "a chunked body was changed"
	[ "$(in_b curl -fsS --data-binary "@$T/upload" "$base/sink")" = 2000000 ] || fail "an upload was cut"
	[ "$(in_b curl -fsS -H 'Transfer-Encoding: chunked' --data-binary "@$T/upload" "$base/sink")" = 2000000 ] ||
		fail "a chunked upload was cut"
	# Kept alive, and not; statuses and framings mixed.
	in_b curl -sSf --no-progress-meter -Z --parallel-max 10 -o /dev/null "$base/delay/[1-20]" -o /dev/null "$base/status/[204-208]" \
		-o /dev/null "$base/chunked?[1-20]" -o /dev/null "$base/until-close/[1000-1020]"
	in_b curl -sS -o /dev/null "$base/status/[500-520]" -o /dev/null "$base/sse/[1-5]/3"
done
# A retransmitted segment counts once, either way.
compare "$TALLY_DIR" --by-status --lost --aborts --at-least 250
expect_metric 12000000 http_server_request_body_size_bytes_sum http_route=/sink
