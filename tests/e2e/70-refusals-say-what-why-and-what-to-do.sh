#!/bin/bash
# SPDX-License-Identifier: MIT
# What cannot be done is refused with the documented exit status and a text that helps.
# vm: yes
# limit: 60
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need_root
need curl setpriv

SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
mkdir -p "$T/run"
write_config "$T/isamon.conf"

# refused WHAT STATUS PATTERN COMMAND...: STATUS is one digit or several that will do; each line of PATTERN (extended, any case) must be in the text.
refused() {
	local what=$1 want=$2 patterns=$3 got=0 pattern
	shift 3
	timeout 20 "$@" >"$T/out" 2>&1 </dev/null || got=$?
	[[ $got =~ ^[$want]$ ]] || fail "$what: status $got, expected $want: $(cat "$T/out")"
	while read -r pattern; do
		[ -z "$pattern" ] || grep -qiE -e "$pattern" "$T/out" ||
			fail "$what: nothing about '$pattern' in: $(cat "$T/out")"
	done <<<"$patterns"
	say "ok $what: $(head -n 1 "$T/out")"
}

say "== usage"
refused "no command" 2 "usage|isamon help" "$ISAMON"
refused "unknown command" 2 "frobnicate" "$ISAMON" frobnicate
refused "unknown option" 2 "frobnicate" "$ISAMON" run --frobnicate
refused "port that is no number" 2 "port" "$ISAMON" run --port eighty
refused "port out of range" 2 "port" "$ISAMON" run --port 70000
refused "option without its value" 2 "config" "$ISAMON" run --config
refused "a word too many" 2 "surplus" "$ISAMON" run surplus
for command in run top status alarms dashboard; do
	refused "$command says who complains" 2 "^isamon $command: .*--jsn" "$ISAMON" $command --jsn
done
"$ISAMON" help >"$T/out" || fail "help: status $?"
grep -q check-config "$T/out" || fail "help does not name check-config"
"$ISAMON" version | grep -qE '[0-9]+\.[0-9]+' || fail "version"
for command in run top status alarms dashboard check-config version; do
	"$ISAMON" $command --help >"$T/out" || fail "$command --help: status $?"
	grep -q "^usage: isamon $command" "$T/out" || fail "$command --help says: $(cat "$T/out")"
done
# shellcheck disable=SC2016 # expanded inside
for command in help version "version --help" "check-config $REPO/dist/isamon.conf"; do
	refused "$command cannot be written" 3 "cannot write: No space left" \
		bash -c 'exec "$0" $1 >/dev/full' "$ISAMON" "$command"
done

say "== configuration"
refused "no such file" 23 "no-such.conf
No such file" "$ISAMON" run --config "$T/no-such.conf"
bad() { # WHAT PATTERNS LINE...
	local what=$1 patterns=$2
	shift 2
	printf '%s\n' "$@" >"$T/bad.conf"
	refused "check-config: $what" 2 "$patterns" "$ISAMON" check-config "$T/bad.conf"
	refused "run: $what" 2 "$patterns" "$ISAMON" run --config "$T/bad.conf"
}
bad "unknown key" "bad.conf:2:.*prots
ports" "[service]" "prots = 8000"
bad "unknown section" "bad.conf:1|bad.conf:2
service" "[servise]" "ports = 8000"
bad "no number" "bad.conf:2:.*port" "[listen]" "port = many"
bad "out of range" "bad.conf:2:.*70000" "[service]" "ports = 70000"
bad "not loopback" "insecure" "[listen]" "address = 0.0.0.0"
bad "bad route" "bad.conf:2:.*route" "[http]" "route = no-slash"
bad "not a power of two" "bad.conf:2:.*ring_size" "[http]" "ring_size = 1000"
"$ISAMON" check-config "$T/isamon.conf" || fail "check-config does not like a good file"
"$ISAMON" check-config --config "$T/isamon.conf" || fail "check-config does not take --config"
refused "check-config: two files" 2 "unexpected argument" "$ISAMON" check-config --config "$T/isamon.conf" "$T/bad.conf"
"$ISAMON" check-config "$REPO/dist/isamon.conf" || fail "check-config does not like dist/isamon.conf"

say "== what the machine refuses"
start squatter "$PY" -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); time.sleep(60)' "$ISAMON_PORT"
wait_port "$ISAMON_PORT"
refused "port in use" 3 "127.0.0.1:$ISAMON_PORT
in use" "$ISAMON" run --config "$T/isamon.conf"
stop squatter

refused "root without capabilities" 3 "CAP_BPF|permi" \
	setpriv --bounding-set=-all --inh-caps=-all "$ISAMON" run --config "$T/isamon.conf"

# Somebody else: reads its files where everybody may.
open=$(mktemp -d /tmp/isamon-e2e.XXXXXX)
at_end() { rm -rf "$open"; }
chmod 755 "$open"
mkdir -m 777 "$open/run"
sed "s|^runtime_directory = .*|runtime_directory = $open/run|" "$T/isamon.conf" >"$open/isamon.conf"
cp -L "$ISAMON" "$open/isamon"
chmod 755 "$open/isamon"
chmod 644 "$open/isamon.conf"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all)
refused "not root" 3 "CAP_BPF|permi|root" "${nobody[@]}" "$open/isamon" run --config "$open/isamon.conf"
chmod 600 "$open/isamon.conf"
refused "a configuration it may not read" 23 "isamon.conf
permission denied" "${nobody[@]}" "$open/isamon" run --config "$open/isamon.conf"
# A stranger may not ask a running one either.
chmod 644 "$open/isamon.conf"
start_isamon
sed -i "s|^runtime_directory = .*|runtime_directory = $T/run|" "$open/isamon.conf"
chmod 755 "$T"
refused "top by a stranger" 3 "permi|root|allowed" "${nobody[@]}" "$open/isamon" top --once --config "$open/isamon.conf"
stop isamon

say "== no cgroup2 mounted: isamon mounts one for itself"
# shellcheck disable=SC2016 # expanded inside
if unshare -m bash -c 'mount --make-rprivate / && for i in 1 2 3; do
		awk "\$3 == \"cgroup2\" { print \$2 }" /proc/mounts | sort -r | while read -r d; do umount -l "$d"; done
	done; ! grep -q " cgroup2 " /proc/mounts' 2>/dev/null; then
	# shellcheck disable=SC2016
	start isamon unshare -m bash -c 'mount --make-rprivate /
		awk "\$3 == \"cgroup2\" { print \$2 }" /proc/mounts | sort -r | while read -r d; do umount -l "$d"; done
		exec "$@"' isamon "$ISAMON" run --config "$T/isamon.conf"
	wait_for 10 "isamon to be ready" isamon_ready
	start_raw
	curl -fsS -o /dev/null "http://127.0.0.1:$SERVICE_PORT/delay/0"
	expect_metric 1 isamon_http_requests_ended_total end=complete
	stop isamon
	[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"
else
	say "could not unmount cgroup2 here: not tried without"
fi
