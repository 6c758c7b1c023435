# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What ./service and ./care have in common: both run in the VM, as root under systemd. What they change is lost with the guest.

fail()
{
	echo "FAIL: $*"
	systemctl status --no-pager -n 0 isamon.service
	cat /run/isamon.log
	[ ! -d /run/systemd/journal ] || journalctl --no-pager -o short-monotonic -n 40
	exit 1
}

uptime_s() { cut -d . -f 1 /proc/uptime; } # bash's own SECONDS go with the clock, which ./care changes

# wait_for SECONDS WHAT COMMAND...
wait_for()
{
	local end what=$2
	end=$(($(uptime_s) + 4 * $1)) # the machine is an emulated one
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$(uptime_s)" -lt $end ] || fail "waited too long until $what"
		sleep 0.1
	done
}

main_pid() { systemctl show -P MainPID "${1:-isamon.service}"; }
page() { curl -fsS --max-time 10 http://127.0.0.1:9912/metrics; }
has() { page | grep -E "$1" >/dev/null; }
