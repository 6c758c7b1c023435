#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon update app: with a real git repository, environments, supervisord and uvicorn a new version comes in whole; one that does not start,
# hangs, fails its requirements or its health is not left in place; kill -9 at any step is told, resumed, aborted; data stays.
# beside: yes
# limit: 400
. "$(dirname "$0")/../fixtures/lib.sh"
umask 022
need curl supervisord git setpriv
need_root
"$PY" -c 'import venv, ensurepip, uvicorn, fastapi' 2>/dev/null || skip "needs Python's venv, uvicorn and fastapi"
# The tree's owner comes to it, wherever the test's directory is.
chmod 755 "$T"
way=${T%/*}
while [ -n "$way" ]; do
	[ $((0$(stat -c %a "$way") & 1)) = 1 ] || chmod o+x "$way"
	way=${way%/*}
done
P=$T/opt A=$T/opt/app V=$T/opt/venv D=$T/opt/data W=$T/wheels
SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
mkdir -p "$P" "$D" "$T/etc" "$T/run" "$W" "$T/work" "$T/hold"
chown nobody "$P"
export GIT_AUTHOR_NAME=dev GIT_AUTHOR_EMAIL=dev@example.com GIT_COMMITTER_NAME=dev GIT_COMMITTER_EMAIL=dev@example.com
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

cat >"$T/isamon.conf" <<-END
	[service]
	name = web
	ports = $SERVICE_PORT
	manager = supervisor
	supervisor_socket = $T/sv.sock
	start_timeout = 8
	[app]
	directory = $A
	venv = $V
	[update]
	keep_environments = 1
	pip_option = --no-index
	pip_option = --find-links=$W
	[listen]
	port = $ISAMON_PORT
	[daemon]
	runtime_directory = $T/run
	state_directory = $T/state
	[backup]
	directory = $T/backups
	data = $D
	config = $T/etc
	[job "backup"]
	enabled = no
END

as_owner() { setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/nonexistent "$@"; }
work_git() { as_owner git -C "$T/work" "$@"; }
app_git() { git -c safe.directory='*' -C "$A" "$@"; }
# run STATUS ARGUMENT...: of isamon update; output in $T/out, $T/err
run() {
	local want=$1 got=0
	shift
	timeout 90 "$ISAMON" update "$@" --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "isamon update $*: status $got, expected $want: $(head -n 40 "$T/out" "$T/err")"
}
app() { run "$1" app --yes --no-backup "${@:2}"; }
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 40 "$T/${2:-out}")"; }
json() { "$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$T/out" "$1" || fail "not so: $1"; }
version_now() { curl -fsS --max-time 2 "http://127.0.0.1:$SERVICE_PORT/version"; }
answers() { [ "$(version_now)" = "\"$1\"" ]; }
expect_version() { answers "$1" || fail "not version $1: $(version_now 2>&1)"; }

# wheel VERSION: of a package of our own, in which it is seen what is installed
wheel() {
	"$PY" -c '
import sys, zipfile
to, version = sys.argv[1:]
info = "tinydep-%s.dist-info/" % version
with zipfile.ZipFile("%s/tinydep-%s-py3-none-any.whl" % (to, version), "w") as z:
    z.writestr("tinydep.py", "version = %r\ndef main(): print(version)\n" % version)
    z.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tinydep\nVersion: %s\n" % version)
    z.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr(info + "entry_points.txt", "[console_scripts]\ntinydep = tinydep:main\n")
    z.writestr(info + "RECORD", "")' "$W" "$1"
}

# version NAME DEPENDENCY [BEFORE] [AFTER]: commits and publishes it; lines of Python before there is an application, and after
version() {
	cat >"$T/work/main.py" <<-END
		import os, time, fastapi, tinydep, uvicorn
		${3:-}
		assert tinydep.version == "$2"
		app = fastapi.FastAPI()
		healthy = True
		${4:-}
		@app.get("/health")
		def health(): return fastapi.responses.JSONResponse({}, 200 if healthy else 503)
		@app.get("/version")
		def version(): return "$1"
		uvicorn.run(app, host="127.0.0.1", port=$SERVICE_PORT, access_log=False)
	END
	echo "tinydep==$2" >"$T/work/requirements.txt"
	echo "$1" >"$T/work/file-of-$1"
	chown -R nobody "$T/work"
	work_git add -A
	work_git commit -q -m "version $1"
	work_git push -q origin HEAD:main
}
tip() { work_git rev-parse HEAD; }
head_is() { [ "$(app_git rev-parse HEAD)" = "$1" ] || fail "the tree is not at $1"; }
# All that is the service's, but what git and Python write for themselves.
tree() {
	(
		cd "$P"
		find app data -path app/.git -prune -o -name __pycache__ -prune -o ! -type d -printf '%p %m %U:%G %s %l\n' | sort
		find app data -path app/.git -prune -o -name __pycache__ -prune -o -type f -exec sha256sum {} + | sort -k 2
		find venv -name __pycache__ -prune -o -printf '%p %y %m %U:%G %l %i\n' | sort
		git -c safe.directory='*' -C app status --porcelain
		git -c safe.directory='*' -C app symbolic-ref HEAD
		git -c safe.directory='*' -C app rev-parse HEAD
	)
}
same() { [ "$(tree)" = "$(cat "$T/$1")" ] || fail "not the tree of $1: $(tree | diff - "$T/$1" | head -n 20)"; }
nothing_beside() { # N environments that are kept
	[ "$(find "$P" -mindepth 1 -maxdepth 1 | wc -l)" = "$((3 + $1))" ] || fail "left beside it: $(ls -lA "$P")"
	[ ! -e "$T/state/update.journal" ] || fail "the journal is left"
}
data_is_whole() { [ "$(sha256sum <"$D/production.db")" = "$DATA_SUM" ] || fail "the data was touched"; }
rolled_back() { # FILE of tree(), the version that answers, N of kept
	same "$1"
	expect_version "$2"
	nothing_beside "$3"
	data_is_whole
}

say "== a service that is installed as the guide says"
for v in 1.0 2.0; do wheel $v; done
mkdir "$T/origin"
chown nobody "$T/origin" "$T/work"
as_owner git init -q --bare -b main "$T/origin"
work_git init -q -b main
work_git remote add origin "file://$T/origin"
printf '%s\n' '*.pyc' __pycache__ settings.toml >"$T/work/.gitignore"
version one 1.0
as_owner git clone -q "file://$T/origin" "$A" 2>"$T/clone.log" || fail "git clone"
echo "secret of this host" >"$A/settings.toml"
as_owner "$PY" -m venv --system-site-packages "$V"
as_owner "$V/bin/python" -m pip install -q --no-index --find-links "$W" -r "$A/requirements.txt" >"$T/pip.log" 2>&1 || fail "pip"
"$PY" -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("create table t(x)"); d.commit()' "$D/production.db"
DATA_SUM=$(sha256sum <"$D/production.db")
echo key=value >"$T/etc/env"
supervisor_config "$T/sv.conf" <<-END
	[program:web]
	command = $V/bin/python $A/main.py
	user = nobody
	startretries = 1
	startsecs = 1
END
start supervisord supervisord -n -c "$T/sv.conf"
wait_for 30 "version one" answers one

say "== nothing to do; a plan; one that works"
run 0 app --yes
has 'is at origin/main already'
version two 2.0
run 2 app
has 'say --yes' err
run 0 app --dry-run
has '1 new commit, 3 files are others'
has 'version two'
has 'a new environment is built beside'
run 0 app --dry-run --json
json 'd["plan"]["commits"] == 1 and d["plan"]["requirements_changed"] and not d["plan"]["up_to_date"]'
expect_version one
run 0 app --yes
has "^$A: is updated to $(tip | cut -c 1-12), and the service is healthy"
expect_version two
head_is "$(tip)"
nothing_beside 1
data_is_whole
[ "$(find "$T/backups" -name 'agent-isa-*.tar.gz' | wc -l)" = 2 ] || fail "no backup was made: $(ls -lA "$T/backups")"
[ "$("$V/bin/tinydep")" = 2.0 ] || fail "its scripts do not find their environment: $(head -n 1 "$V/bin/tinydep")"
[ "$(stat -c %U "$V" "$V/bin/tinydep" "$A/main.py" "$A/.git/index" | sort -u)" = nobody ] || fail "not of the tree's user"
[ "$(cat "$A/settings.toml")" = "secret of this host" ] || fail "what git ignores was touched"
[ "$(app_git symbolic-ref HEAD)" = refs/heads/main ] || fail "not on its branch"

say "== only the code; an older one; its branch again; a name that is none"
version three 2.0
app 0 --json
json 'd["end"] == "done" and not d["plan"]["new_environment"] and d["kept"] == "" and not d["service_down"]'
expect_version three
work_git tag old HEAD~1
work_git push -q origin old
app 0 --ref old
has '1 commit that it has now is not in it'
expect_version two
as_owner git -C "$A" checkout -q main
app 1 --ref nowhere
has 'no branch, tag or commit of that name' err
app 3 --ref=--exec=x
has 'not a name that git knows' err
timeout 60 "$ISAMON" service restart --config "$T/isamon.conf" >"$T/out" 2>&1 || fail "restart: $(cat "$T/out")"
expect_version three
nothing_beside 1
tree >"$T/good"

say "== a link of the user's to an environment of root's is not exchanged"
mkdir "$T/roots"
"$PY" -m venv --without-pip "$T/roots/tool"
mv "$V" "$T/venv.kept"
as_owner ln -s "$T/roots/tool" "$V"
before=$(find "$T/roots" -printf '%p %i %U\n' | sort)
app 3 --rebuild
has 'others than root may change it; and a symbolic link leads' err
[ "$(find "$T/roots" -printf '%p %i %U\n' | sort)" = "$before" ] || fail "root's environment was touched"
rm "$V"
mv "$T/venv.kept" "$V"

say "== what is refused: a dirty tree, a file in the way"
echo "# by hand" >>"$A/main.py"
app 1
has 'has changes of its own' err
has ' M main.py' err
as_owner git -C "$A" checkout -q main.py
touch "$A/new file"
app 1
has 'new file' err
rm "$A/new file"
as_owner git -C "$A" config core.quotePath false
touch "$A/"$'caf\xe9\xc2\x9b'
app 1 --json
json 'not d["fine"] and "?? caf??" in d["why"]'
rm "$A/"caf*
as_owner git -C "$A" config --unset core.quotePath
as_owner git -C "$A" checkout -q -b $'odd\xff'
run 0 app --dry-run --json --ref origin/main
json 'd["plan"]["branch"] == "odd?"'
as_owner git -C "$A" checkout -q main
as_owner git -C "$A" branch -q -D $'odd\xff'
echo "of the new version" >"$T/work/settings.toml"
chown nobody "$T/work/settings.toml"
work_git add -f settings.toml
version tracked 2.0
app 1
has 'settings.toml: git ignores it now' err
work_git rm -q --cached settings.toml
rolled_back good three 1

say "== versions that are no good: each goes back"
version bad 1.0 'raise SystemExit("cannot start")'
app 1
has 'the old code and environment are back' err
has 'cannot start' err
rolled_back good three 1
version hangs 2.0 'time.sleep(60)'
app 1 --json
json 'd["end"] == "rolled back" and not d["service_down"] and not d["fine"]'
rolled_back good three 1
version unwell 2.0 '' 'healthy = False'
app 1
has '503' err
has 'the new version ran for a while, and data was left as it is: .*none was made before' err
has 'the old code and environment are back' err
rolled_back good three 1
version missing 9.9
app 1
has 'pip install: failed with status 1' err
has 'tinydep==9.9' err
has 'nothing was changed' err
rolled_back good three 1

say "== killed: told, aborted, resumed"
version four 1.0 "while os.path.exists('$T/hold/start'): time.sleep(0.1)"
cut_off() { # STEP: when it is seen at $2
	touch "$T/hold/start"
	rm -f "$T/update.log"
	start update "$ISAMON" update app --yes --no-backup --config "$T/isamon.conf"
	wait_for 90 "$2" grep -qs "$2" "$T/update.log"
	run 0 app --status
	has "is under way at the step \"$1\""
	for order in start stop restart; do
		timeout 20 "$ISAMON" service $order --config "$T/isamon.conf" >"$T/out" 2>"$T/err" && fail "service $order during an update"
		has "isamon update app --yes .*has the service in hand, in process ${PIDS[update]}, since 20.*: wait until it has ended.*--force" err
	done
	{ stop update KILL; } 2>/dev/null
	run 1 app --status --json
	json "d['unfinished'] and not d['working'] and d['step'] == '$1'"
	timeout 20 "$ISAMON" service start --config "$T/isamon.conf" >"$T/out" 2>"$T/err" && fail "service start of what is half done"
	has 'was cut off: isamon update app --resume goes on, isamon update app --abort goes back; --force' err
	rm "$T/hold/start"
}
cut_off build 'building the new environment'
app 1
has 'is unfinished, since' err
run 0 app --abort
has 'as it was'
rolled_back good three 1
cut_off start 'starting the service'
start isamon "$ISAMON" run --config "$T/isamon.conf"
URL=http://127.0.0.1:$ISAMON_PORT/metrics
wait_for 20 "isamon to be ready" isamon_ready
expect_metric 1 isamon_update_unfinished
grep -q "an update of $A was cut off" "$T/isamon.log" || fail "the daemon does not say it"
stop isamon
timeout 60 "$ISAMON" doctor service --fix --yes --json --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || true
json "d['diagnosis']['id'] == 'service.unfinished' and not [f for f in d['fixes'] if f['result'] == 'done']"
run 2 app --abort
has 'say --yes' err
run 0 app --abort --yes
rolled_back good three 1
run 1 app --abort
has 'no update is unfinished' err
cut_off start 'starting the service'
mkdir -m 700 "$P/.data.isamon-restore"
printf '%s\n' '{"isamon_restore":1,"id":"20260101-000000","step":"start","target":"/t","archive":"/a","old_inode":1,"new_inode":2,' \
	'"owner_of_target":false,"alone":true,"ran_known":false,"ran":false}' >"$P/.data.isamon-restore/journal"
run 1 app --resume
has 'the restore 20260101-000000 of .* was cut off' err
rm -r "$P/.data.isamon-restore"
run 0 app --resume
expect_version four
head_is "$(tip)"
[ "$("$V/bin/tinydep")" = 1.0 ] || fail "not the new environment"
nothing_beside 1
data_is_whole

say "== submodules, also those that were there before: they would stay at their old commits"
link() { work_git update-index --add --cacheinfo "160000,$(tip),sub"; }
printf '[submodule "sub"]\n\tpath = sub\n\turl = ../sub\n' >"$T/work/.gitmodules"
mkdir "$T/work/sub"
link
version sub 1.0
app 3
has 'has submodules' err
as_owner git -C "$A" pull -q
app 0
has 'is at origin/main already'
link
version sub-two 1.0
app 3
has 'has submodules' err
rm -r "$T/work/sub" "$T/work/.gitmodules"
version no-sub 1.0
app 0
expect_version no-sub

say "== a Python that has gone; what a git that root ran has left"
version five 2.0
sed -i.old "s|^home = .*|home = $T/gone|; s|^executable = .*|executable = $T/gone/python3|" "$V/pyvenv.cfg"
app 1
has "$T/gone/python3: No such file or directory, and it is the Python that $V/pyvenv.cfg names: " err
has 'nothing was changed' err
mv "$V/pyvenv.cfg.old" "$V/pyvenv.cfg"
chown root "$A/.git"
app 3
has "$A belongs to nobody, but something in it does not, .*: chown -R nobody: $A" err
chown nobody "$A/.git"
app 3 --ref 'main@{1}'
has 'not a name that git knows' err
app 0
expect_version five
