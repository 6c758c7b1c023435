#!/bin/bash
# SPDX-License-Identifier: MIT
# Pipelining, heads byte by byte, half-close, HTTP/1.0, long heads and paths, large uploads; the same over
# IPv6, IPv4 on an IPv6 socket, and a listener with TCP_DEFER_ACCEPT.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl

SERVICE_PORT=$(free_port)
start_isamon
status=0

try() { # WHAT HOST GROUP [OPTION...]
	local what=$1 host=$2 group=$3
	shift 3
	say "== $what"
	start_raw "$@"
	"$PY" "$FIXTURES/framing_client.py" "$URL" "$SERVICE_PORT" "$group" "$host" || status=1
	stop service
}

try "IPv4" 127.0.0.1 segments
try "all of IPv4" 127.0.0.1 brief --host 0.0.0.0
try "TCP_DEFER_ACCEPT" 127.0.0.1 brief --defer-accept
if [ -e /proc/net/if_inet6 ] && "$PY" -c 'import socket; socket.socket(10).bind(("::1", 0))' 2>/dev/null; then
	try "IPv6" ::1 brief --host ::1
	try "IPv4 on an IPv6 socket" 127.0.0.1 brief --host ::
	try "IPv6 with TCP_DEFER_ACCEPT" ::1 brief --host :: --defer-accept
else
	say "no IPv6 here: not tested over it"
fi
[ $status = 0 ] || fail "some cases are counted wrongly"

say "== curl with Expect: 100-continue"
start_uvicorn
head -c 5000000 /dev/urandom >"$T/upload"
want=$(sha256sum <"$T/upload" | cut -d ' ' -f 1)
before=$(metric http_server_request_body_size_bytes_sum http_route=/api/upload-file)
got=$(curl -fsS -H 'Expect: 100-continue' --data-binary "@$T/upload" \
	"http://127.0.0.1:$SERVICE_PORT/api/upload-file")
case $got in *"$want"*) ;; *) fail "the service got something else: $got" ;; esac
expect_metric $((before + 5000000)) http_server_request_body_size_bytes_sum http_route=/api/upload-file
