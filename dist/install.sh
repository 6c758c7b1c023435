#!/bin/bash
# SPDX-License-Identifier: MIT
#
# install.sh install PROGRAM | uninstall      for `make install` and `make uninstall`
#
# Reads DESTDIR, bindir, docdir, mandir, completiondir, sysconfdir, localstatedir and unitdir from the environment.
# A configuration that is there is never touched: the new example is laid beside it. Uninstalling
# leaves configuration and data.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${bindir:?}" "${docdir:?}" "${mandir:?}" "${completiondir:?}" "${sysconfdir:?}" "${localstatedir:?}" "${unitdir:?}"
root=${DESTDIR:-}
conf=$root$sysconfdir/isamon/isamon.conf
unit=$root$unitdir/isamon.service
logrotate=$root$sysconfdir/logrotate.d/isamon
# For other programs, to be taken where they are wanted.
examples=(prometheus/isamon.rules.yml grafana/isamon.json)

# lay_example FILE WHERE [BESIDE]: one that is there and differs is kept, and the new one laid as BESIDE (WHERE.new).
lay_example()
{
	local beside=${3:-$2.new}
	if [ ! -e "$2" ]; then
		install -D -m 644 "$1" "$2"
	elif ! cmp -s "$1" "$2"; then
		install -D -m 644 "$1" "$beside"
		echo "kept $2; the new example is $beside"
	fi
}

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
	lay_example dist/isamon.conf "$conf"
	# (Whatever else were in logrotate.d would be read by logrotate.)
	lay_example dist/logrotate.conf "$logrotate" "${conf%/*}/logrotate.new"
	for f in README.md LICENSE docs/*.md docs/*.svg; do
		[ ! -e "$f" ] || install -D -m 644 "$f" "$root$docdir/$f"
	done
	install -D -m 644 dist/isamon.8 "$root$mandir/man8/isamon.8"
	install -d -m 755 "$root$mandir/man5"
	awk -f dist/conf-to-man.awk dist/isamon.conf >"$root$mandir/man5/isamon.conf.5"
	chmod 644 "$root$mandir/man5/isamon.conf.5"
	install -D -m 644 dist/isamon.bash "$root$completiondir/isamon"
	for f in "${examples[@]}"; do install -D -m 644 "dist/$f" "$root$docdir/$f"; done
	reload_systemd
	echo "installed $root$bindir/isamon; start it with: systemctl enable --now isamon"
	;;
uninstall)
	if [ -z "$root" ] && [ -d /run/systemd/system ]; then
		systemctl disable --now isamon.service 2>/dev/null || :
	fi
	rm -f "$root$bindir/isamon" "$unit"
	! cmp -s dist/logrotate.conf "$logrotate" || rm -f "$logrotate"
	for f in README.md LICENSE docs/*.md docs/*.svg; do rm -f "$root$docdir/$f"; done
	rm -f "$root$mandir/man8/isamon.8" "$root$mandir/man5/isamon.conf.5" "$root$completiondir/isamon"
	for f in "${examples[@]}"; do rm -f "$root$docdir/$f"; done
	rmdir "$root$docdir/docs" "$root$docdir/prometheus" "$root$docdir/grafana" "$root$docdir" 2>/dev/null || :
	reload_systemd
	[ ! -e "$logrotate" ] || echo "left in place, because it was changed: $logrotate"
	echo "left in place: ${conf%/*}, $root$localstatedir/lib/isamon"
	;;
*)
	echo "usage: install.sh install PROGRAM | uninstall" >&2
	exit 2
	;;
esac
