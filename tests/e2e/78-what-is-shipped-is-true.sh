#!/bin/bash
# SPDX-License-Identifier: MIT
# What stands in dist/: Prometheus takes the alerts, and they go off when they should; each expression of the dashboard is one, and of
# metrics that there are; man pages and completion know every command and key; the docs know every finding.
# beside: yes
# limit: 90
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
. "$(dirname "$0")/../fixtures/lib.sh"
need awk
cd "$REPO" || exit

say "== metrics that alerts and dashboard name are documented"
# shellcheck disable=SC2016
grep -oE '^- \*\*`[a-z_]+`' docs/metrics.md | sed 's/.*`\(.*\)`/\1/' >"$T/metrics"
"$PY" - dist/grafana/isamon.json "$T/expressions" <<'END'
import json, sys
panels = [p for p in json.load(open(sys.argv[1]))["panels"] if p["type"] != "row"]
assert len({p["id"] for p in panels}) == len(panels) > 15
with open(sys.argv[2], "w") as out:
    for p in panels:
        for t in p["targets"]:
            out.write(t["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*") + "\n")
END
{ cat "$T/expressions" && sed 's/#.*//' dist/prometheus/isamon.rules.yml; } |
	grep -oE '\b(isamon|http_server|process)_[a-z_]+\b' | sort -u >"$T/named"
[ "$(wc -l <"$T/named")" -gt 30 ] || fail "few metrics are named: $(cat "$T/named")"
while read -r name; do
	grep -qxF -e "$name" -e "${name%_bucket}" -e "${name%_count}" "$T/metrics" || fail "no metric $name"
done < <(grep -vE '^process_[a-z]+$|_ratio:|^isamon_rules' "$T/named")

say "== every finding is documented, and every documented one can be found"
"$PY" - <<'END' || fail "docs/doctor.md, docs/doctor-checks.md and docs/audit.md are not what userspace/check finds"
import glob, re, sys
areas = "service|proxy|permissions|aws|network|system|isamon|ports|users|sudo|logins|ssh|files|units|updates|imds|certificates"
def names(pattern, paths):
    return {m for p in paths for m in re.findall(pattern % areas, open(p, encoding="utf-8").read())}
sources = [p for p in glob.glob("userspace/check/*.c") if "/advice" not in p]
order = "userspace/check/diagnosis.c"
code = names(r'"((?:%s)\.[a-z0-9-]+)"', [p for p in sources if p != order]) - {"isamon.service"}
docs = names(r"`((?:%s)\.[a-z0-9-]+)`", ["docs/doctor.md", "docs/doctor-checks.md", "docs/audit.md"])
causes = names(r'"((?:%s)\.[a-z0-9-]+)"', [order])
assert len(code) > 70, code
for what, some in ("not documented", code - docs), ("found by nobody", docs - code), ("a cause that nobody finds", causes - code):
    if some:
        sys.exit("%s: %s" % (what, ", ".join(sorted(some))))
END

say "== alerts"
if command -v promtool >/dev/null; then
	promtool check rules dist/prometheus/isamon.rules.yml >"$T/said" 2>&1 || fail "promtool: $(cat "$T/said")"
	sed "s|@RULES@|$PWD/dist/prometheus/isamon.rules.yml|" "$FIXTURES/rules_test.yml" >"$T/test.yml"
	promtool test rules "$T/test.yml" >"$T/said" 2>&1 || fail "promtool: $(cat "$T/said")"
	# Each alert has a case in which it goes off.
	while read -r alert; do
		grep -A4 "alertname: $alert\$" "$FIXTURES/rules_test.yml" | grep -q exp_labels || fail "$alert is not tried"
	done < <(sed -n 's/^ *- alert: //p' dist/prometheus/isamon.rules.yml)
	# The dashboard's expressions, as rules.
	{
		printf 'groups:\n- name: x\n  rules:\n'
		n=0
		while read -r expression; do printf "  - record: x:x:%d\n    expr: '%s'\n" $((++n)) "$expression"; done <"$T/expressions"
	} >"$T/dashboard.yml"
	promtool check rules "$T/dashboard.yml" >"$T/said" 2>&1 || fail "promtool, of the dashboard: $(cat "$T/said")"
else
	say "no promtool: expressions were not tried"
fi

say "== every command stands in isamon(8), and is completed"
"$ISAMON" --help | sed -nE 's/^  ([a-z-]+)  .*/\1/p' >"$T/commands"
[ "$(wc -l <"$T/commands")" -gt 10 ] || fail "few commands: $(cat "$T/commands")"
sed -nE 's/^\.It Cm ([a-z-]+)$/\1/p' dist/isamon.8 | sort >"$T/pages"
sort "$T/commands" | diff - "$T/pages" >"$T/said" || fail "isamon(8) and isamon --help: $(cat "$T/said")"
mkdir "$T/bin"
ln -s "$ISAMON" "$T/bin/isamon"
cat >"$T/complete" <<'END'
. dist/isamon.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_isamon
printf '%s\n' "${COMPREPLY[@]}"
END
complete_line() { PATH=$T/bin:$PATH bash "$T/complete" isamon "$@"; }
complete_line "" | diff - "$T/commands" >"$T/said" || fail "completed: $(cat "$T/said")"
[ "$(complete_line backup ver)" = verify ] || fail "backup ver: $(complete_line backup ver)"
complete_line backup create --to | grep -qx -e --to-s3 || fail "backup create --to: $(complete_line backup create --to)"
complete_line status -- | grep -qx -e --json || fail "status --: $(complete_line status --)"
[ "$(complete_line nonsense dist/isamon.ba)" = "" ] || fail "behind what is no command: $(complete_line nonsense dist/isamon.ba)"
[ "$(complete_line check-config --config dist/isamon.ba)" = dist/isamon.bash ] || fail "a file is not completed"

say "== every key stands in isamon.conf(5), and its page is one"
awk -f dist/conf-to-man.awk dist/isamon.conf >"$T/isamon.conf.5" || fail "isamon.conf(5) could not be made"
grep -oE '^#[a-z_0-9]+ =' dist/isamon.conf | sort | uniq -c >"$T/keys"
grep -oE '^[a-z_0-9]+ =' "$T/isamon.conf.5" | sed 's/^/#/' | sort | uniq -c | diff "$T/keys" - >"$T/said" ||
	fail "keys of the example and of the page: $(cat "$T/said")"
if command -v man >/dev/null; then
	for page in dist/isamon.8 "$T/isamon.conf.5"; do
		man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null | grep . && fail "man does not like $page"
		MANWIDTH=80 man -l "$page" >"$T/page" || fail "man cannot show $page"
		[ "$(wc -l <"$T/page")" -gt 80 ] || fail "$page is short"
	done
else
	say "no man: the pages were not shown"
fi
