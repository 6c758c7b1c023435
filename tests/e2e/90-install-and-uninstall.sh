#!/bin/bash
# SPDX-License-Identifier: MIT
# make install puts everything under DESTDIR; what it installed works; make uninstall leaves data and
# configuration.
# limit: 120
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need make

root=$T/root
cd "$REPO" || exit
run_make() { make -s "$1" DESTDIR="$root" prefix=/usr sysconfdir=/etc unitdir=/usr/lib/systemd/system >"$T/make.log" 2>&1; }
run_make install || fail "make install"
program=$root/usr/bin/isamon
[ -x "$program" ] || fail "no $program"
[ -e "$root/usr/lib/systemd/system/isamon.service" ] || fail "no unit"
config=$(find "$root" -name 'isamon.conf*' | head -n 1)
[ -n "$config" ] || fail "no example configuration"
[ "$("$program" version)" = "$("$ISAMON" version)" ] || fail "not the same version"
"$program" check-config "$config" || fail "it does not like the example configuration"
if command -v systemd-analyze >/dev/null; then
	systemd-analyze verify --root="$root" /usr/lib/systemd/system/isamon.service 2>&1 | tail -n 5 || :
fi

for f in share/man/man8/isamon.8 share/man/man5/isamon.conf.5 share/bash-completion/completions/isamon \
	share/doc/isamon/prometheus/isamon.rules.yml share/doc/isamon/grafana/isamon.json; do
	[ -s "$root/usr/$f" ] || fail "no $f"
done
rotation=$root/etc/logrotate.d/isamon
cmp -s dist/logrotate.conf "$rotation" || fail "no file for logrotate"
if command -v logrotate >/dev/null; then
	logrotate --debug --state "$T/rotation" "$rotation" >"$T/rotation.log" 2>&1 || fail "logrotate does not take its file"
	! grep '^error:' "$T/rotation.log" || fail "logrotate complains of its file"
fi

mkdir -p "$root/etc/isamon" "$root/var/lib/isamon"
echo '# mine' >>"$root/etc/isamon/isamon.conf"
echo data >"$root/var/lib/isamon/kept"
run_make install || fail "make install, a second time"
grep -q '^# mine$' "$root/etc/isamon/isamon.conf" || fail "the second installation overwrote the configuration"
echo '# mine' >>"$rotation"
run_make install || fail "make install, a third time"
grep -q '^# mine$' "$rotation" || fail "the file for logrotate was overwritten"
[ "$(ls "$root/etc/logrotate.d")" = isamon ] || fail "logrotate would read something twice: $(ls "$root/etc/logrotate.d")"
run_make uninstall || fail "make uninstall"
grep -q '^# mine$' "$rotation" || fail "a changed file for logrotate is gone"
cp dist/logrotate.conf "$rotation"
run_make uninstall || fail "make uninstall, a second time"
[ ! -e "$rotation" ] || fail "the file for logrotate is still there"
[ ! -e "$program" ] || fail "the program is still there"
[ -z "$(find "$root/usr" -type f)" ] || fail "left: $(find "$root/usr" -type f)"
[ ! -e "$root/usr/lib/systemd/system/isamon.service" ] || fail "the unit is still there"
[ -e "$root/var/lib/isamon/kept" ] || fail "the data is gone"
grep -q '^# mine$' "$root/etc/isamon/isamon.conf" || fail "the configuration is gone"
find "$root" -type f
