#!/bin/bash
# SPDX-License-Identifier: MIT
#
# deps.sh [--yes|--auto] [build] [test] [lint]
#
# Installs the packages that isamon's build, tests and lint need and that are missing, on Debian
# and Ubuntu (apt) and on Amazon Linux 2023 and Fedora (dnf). Asks first, unless it is root or
# --yes was given. --auto, for make: root installs, anybody else is only told what is missing.
# What cannot be had is named; the exit status is 1 only if a build dependency is among it.
# No service is started or enabled by an installation.
set -euo pipefail

# group, Debian's names (a|b: the first that exists), Fedora's names ("-": has none).
# (The VM tests boot Debian's kernels: there is nothing for them in Fedora's column.)
# A name with "!" before it is a program: any package's will do, the name behind "=" supplies it.
packages='
build	gcc			gcc
build	make			make
build	clang			clang
build	llvm			llvm
build	!bpftool=bpftool|linux-tools-generic	!bpftool=bpftool
build	pkg-config|pkgconf	!pkg-config=pkgconf-pkg-config
build	libbpf-dev		libbpf-devel
build	libelf-dev		elfutils-libelf-devel
build	zlib1g-dev		zlib-devel
build	libevent-dev		libevent-devel
build	libinih-dev		inih-devel
build	libjansson-dev		jansson-devel
build	libcap-ng-dev		libcap-ng-devel
build	libncurses-dev		ncurses-devel
build	libssl-dev		openssl-devel
build	libsqlite3-dev		sqlite-devel
build	libpcre2-dev		pcre2-devel
build	libexpat1-dev		expat-devel
build	libcurl4-openssl-dev|libcurl4-gnutls-dev		libcurl-devel
build	libcurl4		libcurl
build	libarchive-dev		libarchive-devel
build	libarchive13|libarchive13t64	libarchive
test	libclang-rt-dev|clang	compiler-rt
test	-			libasan
test	-			libubsan
test	python3			python3
test	python3-fastapi		python3-fastapi
test	python3-uvicorn		python3-uvicorn
test	python3-uvloop		python3-uvloop
test	python3-httptools	python3-httptools
test	python3-websockets	python3-websockets
test	python3-wsproto		python3-wsproto
test	python3-aiohttp		python3-aiohttp
test	python3-prometheus-client	python3-prometheus_client
test	gunicorn		python3-gunicorn
test	supervisor		supervisor
test	!logrotate=logrotate	!logrotate=logrotate
test	python3-botocore	python3-botocore
test	awscli			awscli
test	faketime		libfaketime
test	swift-proxy		-
test	swift-account		-
test	swift-container		-
test	swift-object		-
test	!openssl=openssl	!openssl=openssl
test	!node=nodejs		!node=nodejs
test	!nginx=nginx-light	nginx
test	!sshd=openssh-server	!sshd=openssh-server
test	wrk			wrk
test	apache2-utils		httpd-tools
test	!curl=curl		!curl=curl-minimal
test	prometheus		prometheus
test	prometheus-process-exporter	-
test	tmux			tmux
test	systemd-journal-remote	systemd-journal-remote
test	iproute2		iproute
test	procps			procps-ng
test	util-linux		util-linux
test	!tar=tar		!tar=tar
test	!setfattr=attr		!setfattr=attr
test	!setfacl=acl		!setfacl=acl
test	!mkfs.ext4=e2fsprogs	!mkfs.ext4=e2fsprogs
test	mount			util-linux
test	libdeflate0		libdeflate
test	restic			restic
test	borgbackup		borgbackup
test	valgrind		valgrind
test	cpio			-
test	xz-utils		-
test	kmod			-
test	busybox-static		-
test	qemu-system-x86		-
test	qemu-system-common	-
test	!/usr/lib/qemu/virtiofsd=virtiofsd	-
test	git			git
test	python3-venv		python3
test	python3-pip		python3-pip
test	dpkg-dev		-
lint	clang-format		clang-tools-extra
lint	clang-tidy		-
lint	cppcheck		cppcheck
lint	shellcheck		ShellCheck
'

say() { printf '%s\n' "$*" >&2; }

mode=ask groups=
for a; do
	case $a in
	--yes | --auto) mode=${a#--} ;;
	build | test | lint) groups+=" $a" ;;
	*) say "usage: deps.sh [--yes|--auto] [build] [test] [lint]"; exit 2 ;;
	esac
done
: "${groups:= build}"
root=
if [ "$(id -u)" = 0 ]; then
	root=1
	[ "$mode" = auto ] || mode=yes
fi

if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
	family=apt
elif command -v dnf >/dev/null && command -v rpm >/dev/null; then
	family=dnf
else
	family=
fi
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C
scratch=$(mktemp -d "${TMPDIR:-/tmp}/isamon-deps.XXXXXX")
policy=
finish() { rm -rf "$scratch"; [ -z "$policy" ] || as_root rm -f "$policy"; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

as_root() { if [ -n "$root" ]; then "$@"; else sudo "$@"; fi; }

# --- what is there

# Names of the given packages that are installed, one a line.
installed()
{
	local one
	case $family in
	apt) dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p' ;;
	dnf) for one; do ! rpm -q --whatprovides "$one" >/dev/null 2>&1 || echo "$one"; done ;;
	esac || :
}

# Reads the table; prints "group<TAB>name|alternative" of what is missing.
missing()
{
	local group debian fedora name all have supplier program
	all=$(wanted | cut -f2 | sed 's/^!.*=//' | tr '|' '\n')
	# shellcheck disable=SC2086
	have=" $(installed $all | tr '\n' ' ') "
	while IFS=$'\t' read -r group name; do
		case $name in
		!*)
			supplier=${name#*=} program=${name%%=*} program=${program#!}
			if command -v "$program" >/dev/null || [ -e "$program" ]; then continue; fi
			name=$supplier
			;;
		esac
		local one ok=
		for one in ${name//|/ }; do
			case $have in *" $one "*) ok=1 ;; esac
		done
		[ -n "$ok" ] || printf '%s\t%s\n' "$group" "$name"
	done < <(wanted)
}

# The rows of the chosen groups for this family: "group<TAB>name".
wanted()
{
	local group debian fedora name
	while read -r group debian fedora; do
		[ -n "$group" ] || continue
		case "$groups " in *" $group "*) ;; *) continue ;; esac
		if [ $family = apt ]; then name=$debian; else name=$fedora; fi
		case $(uname -m)$name in x86_64*) ;; *qemu* | *virtiofsd*) continue ;; esac
		[ "$name" = - ] || printf '%s\t%s\n' "$group" "$name"
	done <<<"$packages"
}

# --- what can be had

refresh()
{
	local try
	[ $family = apt ] || return 0
	for try in 1 2 3 4 5; do
		if as_root apt-get -qq -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
			-o Acquire::https::Timeout=30 update >"$scratch/update" 2>&1; then
			return 0
		fi
		sleep $((try * 3))
	done
	say "deps: apt-get update failed; going on with the lists that are there:"
	tail -n 3 "$scratch/update" >&2
}

# The first of the alternatives that a repository has; nothing if there is none.
available()
{
	local one
	for one in ${1//|/ }; do
		case $family in
		apt) case $(apt-cache policy "$one" 2>/dev/null) in
			*"Candidate: (none)"* | "") continue ;;
			esac ;;
		# (dnf passes over what no repository has, quicker than it can be asked)
		esac
		echo "$one"
		return
	done
}

# Keeps package scripts from starting services while we install.
hold_services()
{
	[ $family = apt ] || return 0
	[ ! -e /usr/sbin/policy-rc.d ] || return 0
	printf '#!/bin/sh\nexit 101\n' >"$scratch/policy"
	policy=/usr/sbin/policy-rc.d
	as_root install -m 755 "$scratch/policy" $policy
}

# Services of packages that came in through us are not to start at the next boot either.
disable_services()
{
	local name
	command -v systemctl >/dev/null || return 0
	for name in nginx prometheus prometheus-process-exporter swift-proxy swift-account swift-container swift-object ssh sshd; do
		case " $* " in *" $name "* | *" $name-light "* | *" open${name%d}-server "*)
			as_root systemctl disable $name.service >/dev/null 2>&1 || : ;;
		esac
	done
}

install_packages()
{
	case $family in
	apt) as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=900 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
		-o Dpkg::Options::=--force-confold install "$@" ;;
	dnf) as_root dnf -q -y --setopt=strict=0 install "$@" ;;
	esac >"$scratch/install" 2>&1
}

# --- go

if [ -z "$family" ]; then
	[ "$mode" = auto ] && exit 0
	say "deps: this system has neither apt nor dnf: see the table in dist/deps.sh for what to install"
	exit 1
fi

list=$(missing)
[ -n "$list" ] || exit 0
names=$(cut -f2 <<<"$list" | tr '\n' ' ')

if [ "$mode" = auto ] && [ -z "$root" ]; then
	say "missing packages: $names"
	say "install them with: sudo make deps"
	if grep -q '^build' <<<"$list"; then exit 1; fi
	exit 0
fi
if [ "$mode" = ask ]; then
	say "to be installed: $names"
	read -r -p "Install them with sudo? [y/N] " answer || answer=
	case $answer in y* | Y*) ;; *) exit 1 ;; esac
fi

refresh
to_install=() gone=()
while IFS=$'\t' read -r group name; do
	one=$(available "$name")
	if [ -n "$one" ]; then to_install+=("$one"); else gone+=("$group	$name"); fi
done <<<"$list"

if [ ${#to_install[@]} != 0 ]; then
	say "installing: ${to_install[*]}"
	hold_services
	if ! install_packages "${to_install[@]}"; then
		tail -n 5 "$scratch/install" >&2
		say "deps: that failed; trying them one by one"
		for name in "${to_install[@]}"; do install_packages "$name" || :; done
	fi
	disable_services "${to_install[@]}"
fi

# --- what is still missing
left=$(missing)
[ -n "$left" ] || exit 0
for group in build test lint; do
	names=$(sed -n "s/^$group\t//p" <<<"$left" | tr '\n' ' ')
	case ${names:+$group} in
	build) say "could not be had: $names(isamon cannot be built without)" ;;
	test) say "could not be had: $names(the tests that need them are skipped)" ;;
	lint) say "could not be had: $names(those checks are skipped)" ;;
	esac
done
if grep -q '^build' <<<"$left"; then exit 1; fi
exit 0
