#!/bin/bash
# SPDX-License-Identifier: MIT
#
# need.sh TOOL...             says which of the programs are missing
# need.sh --libs PC LIB...    says which libraries pkg-config (PC) does not know
set -u
missing=()
if [ "${1:-}" = --libs ]; then
	pc=$2
	shift 2
	"$pc" --exists "$@" 2>/dev/null && exit 0
	for lib; do "$pc" --exists "$lib" 2>/dev/null || missing+=("library $lib"); done
else
	PATH=$PATH:/usr/sbin:/sbin
	for tool; do command -v "${tool%% *}" >/dev/null || missing+=("$tool"); done
fi
[ ${#missing[@]} = 0 ] && exit 0
for m in "${missing[@]}"; do echo "$m not found: run sudo make deps" >&2; done
exit 1
