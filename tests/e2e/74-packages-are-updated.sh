#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon update system, security and check: with real apt-get and dpkg in a chroot (an overlay of this system, sources of our own) the right
# packages come in the right versions, and what runs the old ones is named; dnf by a stand-in that records how it is called.
# beside: yes
# limit: 180
. "$(dirname "$0")/../fixtures/lib.sh"
umask 022
need apt-get dpkg-deb dpkg-scanpackages chroot
need_root
[ -d /var/lib/dpkg/info ] || skip "needs a system of dpkg"
M=$T/m R=$T/m/root S=$T/m/root/srv/sources
mkdir -p "$M"
at_end() { ! mountpoint -q "$M" || { umount -R -l "$R" 2>/dev/null || :; umount -l "$M"; }; }
mount -t tmpfs none "$M" 2>/dev/null || skip "cannot mount a tmpfs"
mkdir -p "$M/upper" "$M/work" "$R"
mount -t overlay -o "lowerdir=/,upperdir=$M/upper,workdir=$M/work" none "$R" 2>/dev/null || skip "cannot mount an overlay"
mount --bind /dev "$R/dev"
mount -t proc none "$R/proc"
cp -L "$ISAMON" "$R/isamon"
printf '%s\n' '[daemon]' 'state_directory = /state' >"$R/isamon.conf"
rm -rf "$R/etc/apt/sources.list" "$R/etc/apt/sources.list.d" "$R/etc/apt/preferences.d" "$R/var/lib/apt/lists" "$R/etc/apt/apt.conf.d"
mkdir -p "$R/etc/apt/apt.conf.d"

inside() { chroot "$R" "$@"; }
run() { # STATUS ARGUMENT...
	local want=$1 got=0
	shift
	timeout 90 chroot "$R" /isamon update "$@" --config /isamon.conf >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon update $*: status $got, expected $want: $(head -n 40 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 40 "$T/${2:-out}")"; }
json() { "$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$T/out" "$1" || fail "not so: $1"; }
# shellcheck disable=SC2016
installed() { [ "$(inside dpkg-query -W -f '${Version}' "$1")" = "$2" ] || fail "$1 is not $2: $(inside dpkg -l "$1" 2>&1 | tail -n 1)"; }

# package SOURCE NAME VERSION [POSTINST]
package() {
	local d=$T/package
	rm -rf "$d"
	mkdir -p "$d/DEBIAN" "$d/usr/lib/$2" "$d/etc"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: a test\n' "$2" "$3" >"$d/DEBIAN/control"
	head -c 8192 /dev/zero >"$d/usr/lib/$2/lib.so"
	echo "$3" >"$d/usr/lib/$2/version"
	echo "setting = $3" >"$d/etc/$2.conf"
	echo "/etc/$2.conf" >"$d/DEBIAN/conffiles"
	[ -z "${4:-}" ] || { printf '#!/bin/sh\n%s\n' "$4" >"$d/DEBIAN/postinst" && chmod 755 "$d/DEBIAN/postinst"; }
	mkdir -p "$S/$1/pool"
	dpkg-deb --root-owner-group -b "$d" "$S/$1/pool/$2_$3.deb" >/dev/null
}
# publish SOURCE SUITE LABEL: what is in its pool
publish() {
	local dir=$S/$1/dists/$2 list
	list=main/binary-$(dpkg --print-architecture)/Packages
	mkdir -p "$S/$1/pool" "$(dirname "$dir/$list")"
	(cd "$S/$1" && dpkg-scanpackages -m pool 2>/dev/null) >"$dir/$list"
	cat >"$dir/Release" <<-END
		Origin: Debian
		Label: $3
		Suite: $2
		Version: 12
		Codename: $2
		Architectures: $(dpkg --print-architecture)
		Components: main
		Date: $(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S UTC')
		SHA256:
		 $(sha256sum "$dir/$list" | cut -d ' ' -f 1) $(stat -c %s "$dir/$list") $list
	END
}
publish_all() {
	publish plain stable Debian
	publish holes stable-security Debian-Security
}

say "== installed: two packages, one of whose files somebody runs"
for name in isamon-lib isamon-tool; do
	package plain $name 1.0
	inside dpkg -i "/srv/sources/plain/pool/${name}_1.0.deb" >"$T/dpkg.log" 2>&1 || fail "dpkg -i"
done
printf 'deb [trusted=yes] file:/srv/sources/%s %s main\n' plain stable holes stable-security >"$R/etc/apt/sources.list"
echo "setting = ours" >"$R/etc/isamon-tool.conf"
publish_all
run 0 system --dry-run
has 'apt-get has nothing newer'
cp -L "$R$PY" "$R/usr/bin/isamon-user" # so that it has a name of its own
start user chroot "$R" /usr/bin/isamon-user -c '
import mmap, os, time
f = os.open("/usr/lib/isamon-lib/lib.so", os.O_RDONLY)
m = mmap.mmap(f, 8192, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
print("mapped", flush=True)
time.sleep(600)'
wait_for 20 "it to be mapped" grep -qs mapped "$T/user.log"

say "== only what closes holes, in the version that does"
package holes isamon-lib 1.1
package plain isamon-lib 1.2
package plain isamon-tool 2.0
publish_all
sum=$(sha256sum <"$R/var/log/dpkg.log")
run 2 security
has 'say --yes' err
run 2 system
run 0 system --dry-run
run 0 security --dry-run --json
json '[(p["name"], p["old"], p["new"], p["security"]) for p in d["packages"]] == [("isamon-lib", "1.0", "1.1", True)] and not d["done"]'
[ "$(sha256sum <"$R/var/log/dpkg.log")" = "$sum" ] || fail "a dry run has called dpkg: $(tail -n 3 "$R/var/log/dpkg.log")"
installed isamon-lib 1.0
run 1 check --json
json 'd["packages"]["manager"] == "apt-get" and d["packages"]["pending"] == 2 and d["app"] is None and d["pending"]'
run 0 security --yes
has 'security +isamon-lib +1.0 -> 1.1'
has '^1 packages are installed$'
has '\(isamon-user\) +1 process, /usr/lib/isamon-lib/lib.so'
installed isamon-lib 1.1
installed isamon-tool 1.0
grep -q 'Setting up isamon-lib' "$R/state/update.log" || fail "not in the log"

say "== all of it; a configuration that was changed here stays"
run 0 system --yes --json
json 'd["done"] and d["fine"] and sorted((p["name"], p["new"]) for p in d["packages"]) == [("isamon-lib", "1.2"), ("isamon-tool", "2.0")] and d["room_known"]'
json '[u["library"] for u in d["restart"] if "isamon" in u["library"]] == ["/usr/lib/isamon-lib/lib.so"] and not d["reboot"]["due"]'
installed isamon-lib 1.2
installed isamon-tool 2.0
[ "$(cat "$R/etc/isamon-tool.conf")" = "setting = ours" ] || fail "the configuration was replaced"
run 0 system --yes
has 'apt-get has nothing newer'
stop user

say "== one that cannot be installed; sources that are away; a reboot"
package plain isamon-tool 3.0 'echo "this package is broken" >&2; exit 1'
publish_all
run 1 system --yes
has 'apt-get: failed with status 100' err
has 'this package is broken' err
mkdir -p "$R/run"
touch "$R/run/reboot-required"
echo linux-image-6.1.0-30-amd64 >"$R/run/reboot-required.pkgs"
run 1 check
has 'a reboot is due: packages ask for it: linux-image-6.1.0-30-amd64$'
mv "$S/holes" "$S/away"
run 1 system --yes
has 'apt-get update: failed' err

say "== dnf: how it is asked, and what is made of its answers"
cat >"$R/usr/bin/dnf" <<-'END'
	#!/bin/sh
	echo "$*" >>/dnf.calls
	case "$*" in
	*check-update*--security*) cat /dnf.security; exit 100 ;;
	*check-update*) cat /dnf.all; exit 100 ;;
	*--assumeno*) cat /dnf.plan; exit 1 ;;
	*-y*) echo "Complete!" ;;
	esac
END
chmod 755 "$R/usr/bin/dnf"
cat >"$R/dnf.all" <<-END

	kernel.x86_64                 6.1.119-129.201.amzn2023            amazonlinux
	openssl-libs.x86_64           1:3.0.8-1.amzn2023.0.18             amazonlinux
	python3-setuptools-wheel-with-a-long-name.noarch
	                              59.6.0-2.amzn2023.0.5               amazonlinux
	Obsoleting Packages
	kernel-tools.x86_64           6.1.119-129.201.amzn2023            amazonlinux
	    kernel-tools.x86_64       6.1.112-122.189.amzn2023            @amazonlinux
END
grep openssl "$R/dnf.all" >"$R/dnf.security"
printf '%s\n' 'Dependencies resolved.' 'Total download size: 63 M' 'Operation aborted.' >"$R/dnf.plan"
run 0 system --yes --json
json 'd["manager"] == "dnf" and [p["name"] for p in d["packages"]] == ["kernel.x86_64", "openssl-libs.x86_64", "python3-setuptools-wheel-with-a-long-name.noarch"]'
json '[p["security"] for p in d["packages"]] == [False, True, False] and d["fetch_bytes"] == 63 << 20 and d["done"]'
printf '%s\n' '-q check-update' '-q check-update --security' '--assumeno --setopt=alwaysprompt=True upgrade' '-y upgrade' | cmp - "$R/dnf.calls" || fail "asked otherwise: $(cat "$R/dnf.calls")"
rm "$R/dnf.calls"
printf '%s\n' '[job "security"]' 'schedule = 0 4 * * 0' 'command = update security --yes' '[job "backup"]' 'enabled = no' >>"$R/isamon.conf"
chroot "$R" /isamon jobs run security --config /isamon.conf >"$T/out" 2>&1 </dev/null || fail "as a job: $(cat "$T/out")"
has 'security +openssl-libs.x86_64 +1:3.0.8-1.amzn2023.0.18'
printf '%s\n' '-q check-update --security' '--assumeno --setopt=alwaysprompt=True upgrade-minimal --security' '-y upgrade-minimal --security' | cmp - "$R/dnf.calls" ||
	fail "asked otherwise: $(cat "$R/dnf.calls")"
