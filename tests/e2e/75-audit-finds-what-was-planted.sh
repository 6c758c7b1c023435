#!/bin/bash
# SPDX-License-Identifier: MIT
# isamon audit, on a host of its own (mounts, processes, network): a clean one has no findings; each thing that is planted is found, and
# nothing else; what was known, is new, has gone, and is accepted is told apart.
# limit: 150
if [ -z "${OWN_HOST:-}" ] && [ "$(id -u)" = 0 ] && unshare -mpn --fork --mount-proc true 2>/dev/null; then
	OWN_HOST=1 exec unshare -mpn --fork --kill-child --mount-proc --propagation private "$0"
fi
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=../fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
[ -n "${OWN_HOST:-}" ] || skip "needs namespaces of its own"
need ip curl openssl faketime setpriv systemctl journalctl
umask 022
ip link set lo up

# --- the host

# Where its directories are: all can come there, and neither this repository nor the test's directory is below.
case $REPO/$T in /srv/*) H=/mnt ;; *) H=/srv ;; esac
mount -t tmpfs -o mode=755 none $H
cp -a /etc "$H/etc"
mount --bind "$H/etc" /etc
mount -t tmpfs -o mode=755 none /var/log
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/systemd/system /run/sshd $H/bin
mkdir -m 0 $H/hidden

# stand_in PROGRAM: it says what is in $H/PROGRAM, or nothing, and writes what it was asked to $H/PROGRAM.asked.
stand_in() {
	local path
	path=$(command -v "$1") || return 1
	printf '#!/bin/sh\necho "$*" >>%s.asked\ncat %s 2>/dev/null\nexit 0\n' "$H/$1" "$H/$1" >"$H/bin/$1"
	chmod 755 "$H/bin/$1"
	mount --bind "$H/bin/$1" "$(realpath "$path")"
}
stand_in systemctl
stand_in journalctl
if stand_in apt-get; then
	mkdir -p $H/apt/lists/partial
	mount --bind $H/apt /var/lib/apt
	PACKAGES=apt-get STAMPS=$H/apt/lists
elif stand_in dnf; then
	mount -t tmpfs none /var/cache
	mkdir -p /var/cache/dnf
	touch /var/cache/dnf/last_makecache
	PACKAGES=dnf STAMPS=/var/cache/dnf
else
	skip "needs apt-get or dnf"
fi

APP=$H/opt/agent-isa HOMES=$H/home
mkdir -p $APP/app $APP/venv $APP/data $H/etc-app $H/log $HOMES/{root,ubuntu,eve}/.ssh $HOMES/ubuntu/.aws
cat >/etc/passwd <<END
root:x:0:0:root:$HOMES/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
agent-isa:x:4242:4242::$H/opt/agent-isa:/bin/false
ubuntu:x:1000:1000:Ubuntu:$HOMES/ubuntu:/bin/bash
END
cat >/etc/shadow <<'END'
root:*:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
sshd:!:19000::::::
agent-isa:!:19000::::::
ubuntu:!:19000:0:99999:7:::
END
chmod 640 /etc/shadow
rm -rf /etc/sudoers /etc/sudoers.d
mkdir -m 750 /etc/sudoers.d
printf '%s\n' 'Defaults env_reset' 'root ALL=(ALL:ALL) ALL' '%sudo ALL=(ALL:ALL) ALL' '@includedir /etc/sudoers.d' >/etc/sudoers
chmod 440 /etc/sudoers
mkdir -p /etc/ssh/sshd_config.d
rm -f /etc/ssh/sshd_config.d/*
printf '%s\n' 'Include /etc/ssh/sshd_config.d/*.conf' 'PermitRootLogin no' 'PasswordAuthentication no' \
	'KbdInteractiveAuthentication no' 'UsePAM yes' 'X11Forwarding no' >/etc/ssh/sshd_config
if command -v sshd >/dev/null; then
	ssh-keygen -A >/dev/null
	sshd -T >/dev/null || fail "sshd does not like its configuration"
	SAYS='sshd -T'
else
	say "no sshd here: only its files are read"
	SAYS=/etc/ssh/sshd_config
fi

# certificate NAME DAYS [DATE]
certificate() {
	faketime "${3:-$(date '+%F %T')}" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1.example" -days "$2" \
		-keyout "/etc/nginx/$1.key" -out "/etc/nginx/$1.pem" 2>"$T/openssl.log"
	chmod 600 "/etc/nginx/$1.key"
}
mkdir -p /etc/nginx/sites
certificate good 90
printf '%s\n' 'http { # ssl_certificate /nowhere;' 'include sites/*;' '}' >/etc/nginx/nginx.conf
printf '%s\n' 'server { ssl_certificate good.pem; ssl_certificate_key "/etc/nginx/good.key"; }' >/etc/nginx/sites/good

# unit NAME LINE...
unit() { printf '%s\n' "Id=$1" LoadState=loaded "${@:2}" '' >>$H/systemctl; }
unit agent-isa.service User=agent-isa DynamicUser=no NoNewPrivileges=yes ProtectSystem=full ProtectHome=yes PrivateTmp=yes
unit isamon.service User= DynamicUser=no NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes

stamp() { date -d "$1" '+%b %e %H:%M:%S'; }
log() { printf '%s host sshd[%s]: %s\n' "$(stamp "${3:-1 hour ago}")" "$1" "$2" >>/var/log/auth.log; }
log 1 'Accepted publickey for ubuntu from 198.51.100.1 port 50000 ssh2: ED25519 SHA256:abc'
printf 'JWT_SECRET=a-secret-that-nobody-may-see\n' >$H/etc-app/agent-isa.env
chmod 640 $H/etc-app/agent-isa.env
printf 'import os\nJWT_SECRET = os.environ["JWT_SECRET"]\n' >$APP/app/app.py
printf '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n' >$HOMES/ubuntu/.aws/credentials
chmod 600 $HOMES/ubuntu/.aws/credentials
chown -R 4242:4242 $APP $H/etc-app $H/log
chown -R 1000:1000 $HOMES/ubuntu

# serve UID ADDRESS PROTOCOL PORT
serve() {
	start "serve-$3-$4" setpriv --reuid "$1" --clear-groups "$PY" -c '
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if sys.argv[2] == "tcp" else socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[3])))
if sys.argv[2] == "tcp": s.listen()
print("ready", flush=True)
time.sleep(1000)' "$2" "$3" "$4"
	wait_for 20 "port $4" grep -qs ready "$T/serve-$3-$4.log"
}
serve 4242 0.0.0.0 tcp 8000
serve 0 127.0.0.1 tcp 6380
start_fake_aws

conf() { # LINE...: of [audit]
	cat >"$T/isamon.conf" <<-END
		[app]
		directory = $APP/app
		venv = $APP/venv
		[aws]
		imds_endpoint = $IMDS_URL
		[daemon]
		state_directory = $T/state
		runtime_directory = $T/run
		[job "backup"]
		enabled = no
		[job "audit"]
		schedule = 0 5 * * SUN
		command = audit --new
		[audit]
		directory = $H/opt
		directory = $H/etc-app
		directory = $H/log
	END
	[ $# = 0 ] || printf '%s\n' "$@" >>"$T/isamon.conf"
}
# run STATUS ARGUMENT...: of isamon audit; output in $T/out, $T/err
run() {
	local want=$1 got=0
	shift
	timeout 60 "$ISAMON" audit --config "$T/isamon.conf" "$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
	! grep -qE 'nobody-may-see|IOSFODNN7' "$T/out" "$T/err" "$T/state"/* || fail "a secret is shown"
	[ "$got" = "$want" ] || fail "isamon audit $*: status $got, expected $want: $(head -n 60 "$T/out" "$T/err")"
}
has() { grep -qE -e "$1" "$T/${2:-out}" || fail "no '$1' in: $(head -n 60 "$T/${2:-out}")"; }
# found [FIELD=VALUE...]: "grade id subject" of what the JSON in $T/out has, but for what is fine, sorted.
found() {
	"$PY" -c '
import json, sys
want = [w.split("=") for w in sys.argv[2:]]
for f in json.load(open(sys.argv[1]))["findings"]:
    if f["grade"] != "fine" and all(str(f.get(k)) == v for k, v in want):
        print(f["grade"], f["id"], f.get("subject", "")) ' "$T/out" "$@" | sed 's/ $//' | LC_ALL=C sort
}
mkdir "$T/state"
conf

say "== a clean host has nothing but what is fine"
run 0 --json
[ -z "$(found)" ] || fail "a clean host has: $(found) $(grep -B1 -A2 unknown "$T/out")"
run 0 --all
has '^fine: 0 high, 0 medium, 0 low; since .*: 0 new, 0 gone$'
has "says $SAYS"
has 'last ubuntu from$'
has 'refuses who has no'
has 'good.example: (89|90) days left'
[ "$(stat -c %a "$T/state/audit.json")" = 600 ] || fail "the state can be read by others"

say "== what is planted is found, and nothing else"
serve 0 0.0.0.0 tcp 9100
serve 0 0.0.0.0 tcp 6379
serve 0 0.0.0.0 udp 161
cat >>/etc/passwd <<END
toor:x:0:0::/root:/bin/bash
nopw:x:2001:2001::/nonexistent:/usr/sbin/nologin
eve:x:2002:2002::$HOMES/eve:/bin/bash
mallory:x:2003:2003::/nonexistent:/bin/sh
old:x:2004:2004::/nonexistent:/bin/false
END
# shellcheck disable=SC2016
printf '%s\n' 'toor:*:1::::::' 'nopw::1::::::' 'eve:!:1::::::' 'mallory:*:1::::::' 'old:$1$abc$defghijklmnopqrstuvw/:1::::::' >>/etc/shadow
echo 'ssh-ed25519 AAAA eve' >$HOMES/eve/.ssh/authorized_keys
echo 'key' >$HOMES/eve/.ssh/id_rsa
chmod 644 $HOMES/ubuntu/.aws/credentials
echo 'bob ALL=(ALL) NOPASSWD: /bin/ls, ALL' >/etc/sudoers.d/10-bob
echo 'ubuntu ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-cloud-init-users
echo 'Defaults:carol !authenticate' >/etc/sudoers.d/carol
echo 'dave ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/not.read
echo '%staff ALL=(ALL) ALL' >/etc/sudoers.d/loose
cat >/etc/sudoers.d/20-operators <<'END'
OPERATORS ALL=(BOSS) NOPASSWD: \
  SHELLS # all of them
# not this one \
frank ALL=(root) NOPASSWD: /usr/bin/vim /etc/hosts
grace ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx
ubuntu ALL=(root) NOPASSWD: /bin/sh
END
echo "heidi ALL=(root) NOPASSWD: $APP/app/restart.sh" >/etc/sudoers.d/25-restart
printf '%s\n' 'User_Alias OPERATORS = olivia, !peggy' 'Runas_Alias BOSS = root' 'Cmnd_Alias SHELLS = /bin/ls, /bin/bash' >/etc/sudoers.d/30-aliases
printf '#!/bin/sh\n' >"$APP/app/restart.sh"
chown 4242:4242 "$APP/app/restart.sh"
chmod 440 /etc/sudoers.d/*
chmod 446 /etc/sudoers.d/loose
for i in $(seq 120); do
	log "$i" "Failed password for invalid user admin from 203.0.113.9 port $((20000 + i)) ssh2" '30 minutes ago'
done
log 5 'Failed password for invalid user x from 192.0.2.1 port 1 ssh2 from 203.0.113.10 port 7 ssh2'
log 6 'Accepted password for carol from 203.0.113.9 port 30000 ssh2' '20 minutes ago'
log 7 'Accepted publickey for root from 198.51.100.7 port 30001 ssh2: RSA SHA256:x' '10 minutes ago'
log 8 'Accepted password for root from 198.51.100.8 port 30001 ssh2' '40 days ago'
cat >/etc/ssh/sshd_config.d/10-bad.conf <<'END'
PermitRootLogin yes
PasswordAuthentication yes
PermitEmptyPasswords yes
X11Forwarding yes
MaxAuthTries 20
Ciphers aes256-gcm@openssh.com,aes128-cbc
Match User guest
	PasswordAuthentication yes
END
touch $APP/app/{world,stranger,setuid} $APP/data/fine
touch $APP/app/$'w\xf8rld' # no UTF-8
chmod 666 $APP/app/world $APP/app/$'w\xf8rld'
chown 2002 $APP/app/stranger
mkdir -m 777 $APP/data/all
mkdir $APP/backups
echo x >$APP/backups/agent-isa-config-20261126-020000.tar.gz
ln -s /etc/shadow $APP/data/link
chmod 644 $H/etc-app/agent-isa.env
printf 'x: AKIAIOSFODNN7EXAMPLE\n' >$APP/app/settings.yaml
chown -h 4242 $APP/app/{world,setuid,settings.yaml} $APP/app/$'w\xf8rld' $APP/data/{fine,all,link}
chmod 4755 $APP/app/setuid # (chown takes the bit away)
rm $H/systemctl
unit agent-isa.service User= DynamicUser=no NoNewPrivileges=no ProtectSystem=no ProtectHome=no PrivateTmp=no
unit isamon.service User= DynamicUser=no NoNewPrivileges=yes ProtectSystem=no ProtectHome=yes PrivateTmp=yes
stop serve-tcp-8000
serve 0 0.0.0.0 tcp 8000
if [ "$PACKAGES" = dnf ]; then
	echo 'ALAS2023-2024-501 important/Sec. openssl-1:3.0.8-1.amzn2023.0.11.x86_64'
else
	echo 'Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])'
	echo 'Inst openssl [3.0.16-1] (3.0.17-1~deb12u2 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])'
fi >"$H/$PACKAGES"
find "$STAMPS" -exec touch -d '30 days ago' {} +
fake imds v1=yes >/dev/null
certificate over 30 '2020-01-01 00:00:00'
certificate soon 5
chmod 644 /etc/nginx/soon.key
for i in over soon; do
	echo "server { ssl_certificate /etc/nginx/$i.pem; ssl_certificate_key $i.key; }" >/etc/nginx/sites/$i
done

LC_ALL=C sort >"$T/planted" <<END
high ports.open tcp/6379
medium ports.open tcp/9100
low ports.open udp/161
high users.uid-0 toor
medium users.empty-password nopw
medium users.shell eve
low users.shell mallory
medium users.weak-hash old
high sudo.nopasswd bob
high sudo.nopasswd frank
high sudo.nopasswd heidi
high sudo.nopasswd olivia
low sudo.nopasswd ubuntu
medium sudo.no-authenticate carol
high sudo.writable /etc/sudoers.d/loose
medium logins.failed
high logins.guessed carol from 203.0.113.9
medium logins.root 198.51.100.7
high ssh.setting PermitRootLogin
high ssh.setting PermitEmptyPasswords
medium ssh.setting PasswordAuthentication
low ssh.setting X11Forwarding
low ssh.setting MaxAuthTries
medium ssh.setting Ciphers
low ssh.match PasswordAuthentication Match User guest
high files.world-writable $APP/app/world
high files.world-writable $APP/app/w?rld
high files.secret $APP/backups/agent-isa-config-20261126-020000.tar.gz
high files.world-writable $APP/data/all
medium files.owner $APP/app/stranger
high files.setuid $APP/app/setuid
high files.secret $H/etc-app/agent-isa.env
high files.secret $APP/app/settings.yaml
high files.secret $HOMES/ubuntu/.aws/credentials
high files.secret $HOMES/eve/.ssh/id_rsa
high units.hardening agent-isa.service User
medium units.hardening agent-isa.service NoNewPrivileges
medium units.hardening agent-isa.service ProtectSystem
low units.hardening agent-isa.service PrivateTmp
low units.hardening agent-isa.service ProtectHome
medium units.hardening isamon.service ProtectSystem
high units.root port 8000
medium updates.security
medium updates.lists
high imds.v1
high certificates.expiry /etc/nginx/over.pem
medium certificates.expiry /etc/nginx/soon.pem
high certificates.key /etc/nginx/soon.key
END
same() { # FIELD=VALUE...: exactly what was planted
	found "$@" >"$T/found"
	diff "$T/planted" "$T/found" >"$T/diff" || fail "planted (<) and found (>): $(cat "$T/diff")"
}
run 1 --json --no-save
same new=True accepted=False
run 1 --json
same new=True
"$PY" -c '
import json, sys
f = {(f["id"], f.get("subject", "")): f for f in json.load(open(sys.argv[1]))["findings"]}
def says(name, *parts):
    for p in parts: assert p in f[name]["evidence"], f[name]
says(("ports.open", "tcp/9100"), "0.0.0.0", "python3", "process")
says(("logins.failed", ""), "121 failed", "203.0.113.9 120", "203.0.113.10 1", "/var/log/auth.log")
says(("logins.guessed", "carol from 203.0.113.9"), "120 failed")
says(("certificates.expiry", "/etc/nginx/over.pem"), "over.example", "over since")
says(("updates.security", ""), "1 security updates", "openssl")
says(("ssh.setting", "Ciphers"), "aes128-cbc", sys.argv[2])
assert all(x.get("meaning") and x.get("remedy") for x in f.values() if x["grade"] in ("high", "medium", "low")), f
' "$T/out" "$SAYS" || fail "the evidence"

say "== for people: in 80 columns, graded, the verdict last"
run 1
awk 'length($0) > 80 && NF > 2' "$T/out" >"$T/long"
[ ! -s "$T/long" ] || fail "too long: $(cat "$T/long")"
[ "$(grep -xE 'HIGH|MEDIUM|LOW' "$T/out" | tr '\n' ' ')" = "HIGH MEDIUM LOW " ] || fail "the grades"
tail -n 1 "$T/out" | grep -qxE 'NOT FINE: 24 high, 16 medium, 8 low; since .*: 0 new, 0 gone' || fail "the verdict: $(tail -n 2 "$T/out")"

say "== what is known is not new; what is new is; what is mended has gone"
run 0 --new --json
[ -z "$(found)" ] || fail "new: $(found)"
serve 4242 0.0.0.0 tcp 9200
stop serve-tcp-6379
chmod 600 $APP/app/world
run 1 --new
has '^  ports.open tcp/9200 \[new\]$'
[ "$(grep -c '\[new\]' "$T/out")" = 1 ] || fail "more than one is new"
has '^GONE SINCE THE LAST RUN$'
has '^  ports.open tcp/6379 \(high\)$'
has 'files.world-writable .*/app/world \(high\)$'
run 0 --new
stop serve-tcp-9200

say "== sshd that cannot be asked, a journal in place of auth.log"
if [ "$SAYS" = 'sshd -T' ]; then
	found_ssh() { found | grep ' ssh\.'; }
	run 1 --json --no-save
	found_ssh >"$T/asked"
	mount --bind /bin/false "$(realpath "$(command -v sshd)")"
	run 1 --json --no-save
	found_ssh | diff "$T/asked" - || fail "sshd -T and its files do not say the same"
	has 'MaxAuthTries 20, says /etc/ssh/sshd_config'
fi
entry() {
	printf '{"__CURSOR":"s=%s","__REALTIME_TIMESTAMP":"%s000000","PRIORITY":"6","MESSAGE":"%s"}\n' "$1" "$(date -d "1 hour ago" +%s)" "$2" >>$H/journalctl
}
entry 1 'Failed password for root from 2001:db8::9 port 4711 ssh2'
entry 2 'Accepted publickey for root from 2001:db8::8 port 4712 ssh2: RSA SHA256:x'
run 1 --json --no-save
has '"evidence": "1 failed logins within 7 days, .* says the journal; most from 2001:db8::9 1"'
has '"subject": "2001:db8::8"'
grep -q -- '_UID=0 _COMM=sshd + _UID=0 _COMM=sshd-session$' $H/journalctl.asked || fail "whose process calls itself sshd is believed"
rm $H/journalctl
if command -v utmpdump >/dev/null; then
	now=$(date -u +%Y-%m-%dT%H:%M:%S,000000+00:00)
	echo "[7] [00001] [ts/0] [root    ] [pts/0       ] [198.51.100.9        ] [198.51.100.9   ] [$now]" | utmpdump -r >/var/log/wtmp 2>"$T/utmpdump.log"
	echo "[6] [00001] [    ] [admin   ] [ssh:notty   ] [203.0.113.77        ] [203.0.113.77   ] [$now]" | utmpdump -r >/var/log/btmp 2>>"$T/utmpdump.log"
	rm /var/log/auth.log
	run 1 --json --no-save
	has '"evidence": "1 failed logins .* says wtmp and btmp; most from 203.0.113.77 1"'
	has '"subject": "198.51.100.9"'
fi

say "== homes that are hidden from it are not said to be clean"
mount --bind $H/hidden /root
run 1
has '^  files.homes$'
! grep -A9 '^GONE' "$T/out" | grep 'files\.' || fail "what cannot be seen has gone"
umount /root

say "== what is accepted is counted, and no more"
sed -i 's/^high/accepted/; s/^medium/accepted/' "$T/planted"
conf 'accept = [a-tv-z]*.* *' 'accept = u*.*	*'
run 0
has '^fine: 0 high, 0 medium, 0 low, [0-9]+ accepted;'
conf 'accept = ports.open tcp/9*' 'allow_user = eve' 'allow_user = ubuntu'
run 1 --json
[ "$(found accepted=True)" = "medium ports.open tcp/9100" ] || fail "accepted: $(found accepted=True)"
! found | grep -q 'users.shell eve' || fail "an allowed user is found"
has 'toor'

say "== as a job; as nobody; with a state that is none"
timeout 60 "$ISAMON" jobs run audit --config "$T/isamon.conf" >"$T/out" 2>"$T/err" </dev/null || fail "the job: $? $(cat "$T/out" "$T/err")"
has 'NOT FINE: '
echo '{"version": 9}' >"$T/state/audit.json"
run 1
has 'nothing to compare with|no earlier run to compare with'
run 0 --new --no-save --json
[ -z "$(found new=True)" ] || fail "the state was not written anew"
install -m 755 "$ISAMON" $H/bin/isamon
install -m 644 "$T/isamon.conf" $H/isamon.conf
got=0
sum=$(sha256sum <"$T/state/audit.json")
timeout 60 setpriv --reuid 65534 --clear-groups $H/bin/isamon audit --config $H/isamon.conf >"$T/out" 2>"$T/err" </dev/null || got=$?
[ $got = 1 ] || fail "as nobody: $got $(cat "$T/out" "$T/err")"
has 'not root' err
has '/etc/shadow cannot be read'
[ "$(sha256sum <"$T/state/audit.json")" = "$sum" ] || fail "nobody wrote the state"
run 2 --nonsense
run 2 nonsense
conf 'accept = nonsense'
run 2
has 'not an id and a subject' err
