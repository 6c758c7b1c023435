#!/bin/bash
# SPDX-License-Identifier: MIT
#
# install.sh install PROGRAM | uninstall      for `make install` and `make uninstall`
#
# Reads DESTDIR, bindir, docdir, sysconfdir, localstatedir and unitdir from the environment.
# A configuration that is there is never touched: the new example is laid beside it. Uninstalling
# leaves configuration and data.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${bindir:?}" "${docdir:?}" "${sysconfdir:?}" "${localstatedir:?}" "${unitdir:?}"
root=${DESTDIR:-}
conf=$root$sysconfdir/isamon/isamon.conf
unit=$root$unitdir/isamon.service

reload_systemd()
{
	[ -z "$root" ] && [ -d /run/systemd/system ] || return 0
	systemctl daemon-reload || :
}

case ${1:-} in
install)
	install -D -m 755 "${2:?}" "$root$bindir/isamon"
	install -d -m 755 "$root$unitdir" "$root$sysconfdir/isamon"
	install -d -m 750 "$root$localstatedir/lib/isamon"
	sed -e "s|@bindir@|$bindir|" -e "s|@docdir@|$docdir|" dist/isamon.service >"$unit.new"
	chmod 644 "$unit.new"
	mv "$unit.new" "$unit"
	if [ ! -e "$conf" ]; then
		install -m 644 dist/isamon.conf "$conf"
	elif ! cmp -s dist/isamon.conf "$conf"; then
		install -m 644 dist/isamon.conf "$conf.new"
		echo "kept $conf; the new example is $conf.new"
	fi
	for f in README.md LICENSE docs/*.md docs/*.svg; do
		[ ! -e "$f" ] || install -D -m 644 "$f" "$root$docdir/$f"
	done
	reload_systemd
	echo "installed $root$bindir/isamon; start it with: systemctl enable --now isamon"
	;;
uninstall)
	if [ -z "$root" ] && [ -d /run/systemd/system ]; then
		systemctl disable --now isamon.service 2>/dev/null || :
	fi
	rm -f "$root$bindir/isamon" "$unit"
	for f in README.md LICENSE docs/*.md docs/*.svg; do rm -f "$root$docdir/$f"; done
	rmdir "$root$docdir/docs" "$root$docdir" 2>/dev/null || :
	reload_systemd
	echo "left in place: ${conf%/*}, $root$localstatedir/lib/isamon"
	;;
*)
	echo "usage: install.sh install PROGRAM | uninstall" >&2
	exit 2
	;;
esac
