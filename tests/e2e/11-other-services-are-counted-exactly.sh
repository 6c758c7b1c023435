#!/bin/bash
# SPDX-License-Identifier: MIT
# As 10, for gunicorn, aiohttp, node, nginx by itself, and nginx before uvicorn, where both of
# nginx's sides are watched at once: HTTP/1.1 kept alive in front, HTTP/1.0 and a connection a request
# behind.
# vm: yes
# limit: 150
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need ab wrk curl

begin() {
	say "== $1"
	SERVICE_PORT=$(free_port)
	start_isamon
}

end() {
	stop service
	expect_metric 0 http_server_active_requests
	stop isamon
	[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
}

# In the VM nginx will do, by itself and before uvicorn.
if [ $SLOW = 1 ] && command -v gunicorn >/dev/null; then
	begin "gunicorn, 3 workers"
	start_gunicorn -w 3
	load "$SERVICE_PORT" /health /fail /nowhere
	compare "$TALLY_DIR" --lost --aborts
	end
fi

if [ $SLOW = 1 ] && "$PY" -c 'import aiohttp' 2>/dev/null; then
	begin aiohttp
	start_aiohttp
	load "$SERVICE_PORT" /health /fail /nowhere
	curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/api/stream"
	curl -fsS --http1.0 -o /dev/null "http://127.0.0.1:$SERVICE_PORT/api/stream"
	compare "$TALLY_DIR" --lost --aborts
	end
fi

if [ $SLOW = 1 ] && command -v node >/dev/null; then
	begin node
	start_node
	load "$SERVICE_PORT" /health /fail /nowhere /api/stream
	compare "$TALLY_DIR" --lost --aborts
	load_wrk "$SERVICE_PORT" /health /fail
	compare "$TALLY_DIR" --lost --aborts --unread 24
	end
fi

need nginx
begin "nginx by itself"
start_nginx_static 2
head -c 500000 /dev/urandom >"$T/nginx/static/blob"
load "$SERVICE_PORT" /hello /moved /broken /nowhere /files/blob
compare "$T/nginx/access.log" --lost --aborts
load_wrk "$SERVICE_PORT" /hello /broken /moved /files/blob
compare "$T/nginx/access.log" --lost --aborts --unread 24
end

say "== nginx before uvicorn, both watched"
SERVICE_PORT=$(free_port) FRONT_PORT=$(free_port)
SERVICE_PORTS="$SERVICE_PORT, $FRONT_PORT"
start_isamon
start_uvicorn --workers 2
start_nginx_proxy
load "$FRONT_PORT" /health /fail /nowhere /api/models
compare "$TALLY_DIR" "$T/front/access.log" --lost --aborts
stop front
end
