#!/bin/bash
# SPDX-License-Identifier: MIT
# What is wrong with AWS, the network or the host is caused for real, and isamon doctor names that, and not another.
# limit: 180
# In namespaces of its own: name servers are taken away and file systems filled here.
if [ -z "${OWN_NETWORK:-}" ] && unshare -nm true 2>/dev/null; then
	OWN_NETWORK=1 exec unshare -nm "$0"
fi
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=../fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl ip openssl mount
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"
[ -n "${OWN_NETWORK:-}" ] || skip "needs namespaces of its own"
ip link set lo up

SERVICE_PORT=$(free_port) ISAMON_PORT=$(free_port)
BUCKET=backups-of-isamon
start_fake_aws --tls
KEY=$AWS_ACCESS_KEY_ID SECRET=$AWS_SECRET_ACCESS_KEY
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
fake s3/bucket name=$BUCKET
mkdir -p "$T/run"

# conf SECRET [LINE...]: a configuration with everything of AWS in use; the lines begin in [doctor].
conf() {
	write_config "$T/isamon.conf" "[aws]" "region = $AWS_REGION" "instance_id = i-0fa4e15a3c0ffee00" "access_key_id = $KEY" \
		"secret_access_key = $1" "endpoint_url = $AWS_URL" "imds_endpoint = $IMDS_URL" "[cloudwatch]" "enabled = yes" \
		"[logs]" "enabled = yes" "[backup]" "s3_bucket = ${2:-$BUCKET}" "data = $T/data" "config = none" \
		"directory = $T/backups" "[doctor]" "${@:3}"
}

# doctor WORD...: the findings are then in $T/found, "ID RESULT SUBJECT EVIDENCE" a line.
doctor() {
	local status=0
	timeout 30 "$ISAMON" doctor "$@" --json --config "$T/isamon.conf" >"$T/doctor.json" 2>"$T/doctor.log" || status=$?
	[ $status -le 1 ] || fail "doctor $*: exit $status"
	"$PY" -c 'import json, sys
for f in json.load(sys.stdin)["findings"]:
    print(f["id"], f["result"], f.get("subject", "-"), f["evidence"])' <"$T/doctor.json" >"$T/found" || fail "doctor $*: no findings"
	! grep -qF "$SECRET" "$T/doctor.json" || fail "doctor $* tells the secret"
}

has() { grep -q -- "$1" "$T/found" || fail "no '$1' in: $(cat "$T/found")"; }

# only ID WORD: the one problem is that, and it says so.
only() {
	local problems
	problems=$(awk '$2 == "problem" { print $1 }' "$T/found" | sort -u)
	[ "$problems" = "$1" ] || fail "the problems are '$problems', not '$1': $(cat "$T/found")"
	has "^$1 problem .*$2"
}

none() { ! grep ' problem ' "$T/found" || fail "a problem where there is none"; }

# --- AWS
conf "$SECRET"
doctor aws --s3-write
none
has "^aws.identity fine .*user/isamon"
has "^aws.credentials fine"
has "^aws.region fine - $AWS_REGION"
has "^aws.clock fine"
has "^aws.s3 fine $BUCKET it can be listed"
has "^aws.s3-write fine .*put there"
has "^aws.cloudwatch note .*no daemon has sent any"
has "^aws.logs note agent-isa there is no such group yet"
has "^network.endpoint fine 127.0.0.1"
[ -z "$(fake objects)" ] || fail "the probe was left: $(fake objects)"
doctor aws
! grep -q '^aws.s3-write' "$T/found" || fail "wrote to S3 without being asked"

fake fault unknown >/dev/null
doctor aws
only aws.identity "not valid"
fake faults/off >/dev/null

fake clock offset=1800 >/dev/null
doctor aws
only aws.clock "1800 s behind\|1799 s behind\|1801 s behind"
fake clock offset=0 >/dev/null

conf "$SECRET" no-such-bucket
doctor aws
only aws.s3 "create the bucket"

conf "$SECRET"
fake fault refuse service=s3 >/dev/null
doctor aws
only aws.s3 "s3:ListBucket"
fake faults/off >/dev/null

fake imds role=none >/dev/null
sed -i '/access_key/d' "$T/isamon.conf"
doctor aws
only aws.credentials "no credentials\|none"
fake imds role=isamon >/dev/null
doctor aws
none
has "^aws.credentials fine - the instance.s role isamon"

# Nothing is asked where nothing is used.
asked=$(fake requests | wc -l)
write_config "$T/isamon.conf" "[aws]" "imds_endpoint = $IMDS_URL" "[alarm \"x\"]" "metric = ErrorCount" "statistic = Sum" "threshold = 1"
sed -i '/^\[alarm/,$d' "$T/isamon.conf"
doctor aws
none
has "^aws.identity note .*AWS was not asked"
[ "$(fake requests | wc -l)" = "$asked" ] || fail "AWS was asked, though nothing of it is used"

# --- the network
# serve NAME PORT OPTION...: a TLS server with a self-signed certificate, made as faketime and openssl are told.
serve() {
	local name=$1 port=$2 when=$3 days=$4
	faketime "$when" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/$name.key" \
		-out "$T/$name.pem" -days "$days" -subj "/CN=$name.test" -addext "subjectAltName=DNS:$name.test,IP:127.0.0.1" 2>"$T/req.log" ||
		fail "openssl: $(cat "$T/req.log")"
	start "tls-$name" openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$T/$name.pem" -key "$T/$name.key" -www
	wait_port "$port"
}

cp /etc/hosts "$T/hosts"
mount --bind "$T/hosts" /etc/hosts
touch "$T/resolv.conf"
[ -e /etc/resolv.conf ] && mount --bind "$T/resolv.conf" "$(readlink -f /etc/resolv.conf)"
serve good 443 now 90
serve soon 8443 now 3
serve old 9443 "60 days ago" 30
echo "127.0.0.1 good.test wrong.test" >>/etc/hosts

network() { # LINE...: of [doctor]
	write_config "$T/isamon.conf" "[aws]" "imds_endpoint = $IMDS_URL" "[doctor]" "$@"
	doctor network
}

network "certificate = 127.0.0.1:443" "endpoint = 127.0.0.1:$AWS_PORT"
none
has "^network.endpoint fine 127.0.0.1:$AWS_PORT name .* connected to 127.0.0.1"
has "^network.certificate warning 127.0.0.1:443 \(8[89]\|90\) days are left .*made by itself"
has "^network.listening fine 127.0.0.1:443 openssl, process ${PIDS[tls-good]} of user 0"
network "certificate = $T/good.pem"
none
has "^network.certificate fine $T/good.pem \(8[89]\|90\) days are left (good.test, of good.test)"
network "certificate = $T/soon.pem"
only network.certificate "[23] days are left"
network "certificate = 127.0.0.1:9443"
only network.certificate "it expired [0-9]* days ago"
network "certificate = good.test:443"
none
network "certificate = wrong.test:443"
only network.certificate "it is for good.test, not for wrong.test"
network "certificate = $T/good.pem" "endpoint = good.test:443"
only network.tls "is not trusted"
network "certificate = $T/good.pem" "endpoint = 127.0.0.1:1"
only network.connect "Connection refused"

# Name servers that refuse, and one that does not answer.
echo "nameserver 127.0.0.1" >"$T/resolv.conf"
network "certificate = $T/good.pem" "endpoint = git.example.net:443"
only network.dns "nameserver 127.0.0.1"
start silent-dns "$PY" -c 'import socket, signal
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); signal.pause()'
wait_for 10 "the silent name server" grep -q '0100007F:0035' /proc/net/udp
network "certificate = $T/good.pem" "endpoint = git.example.net:443" "endpoint = 127.0.0.1:$AWS_PORT"
only network.dns "no answer in time"
has "^network.endpoint fine 127.0.0.1:$AWS_PORT"
conf "$SECRET"
sed -i 's|^endpoint_url = .*||' "$T/isamon.conf"
env -u AWS_ENDPOINT_URL timeout 30 "$ISAMON" doctor aws --json --config "$T/isamon.conf" >"$T/doctor.json" || :
"$PY" -c 'import json, sys
for f in json.load(sys.stdin)["findings"]:
    print(f["id"], f["result"], f.get("subject", "-"), f["evidence"])' <"$T/doctor.json" >"$T/found"
only network.dns "no answer in time"
stop silent-dns

# --- the host
mkdir "$T/full" "$T/inodes"
mount -t tmpfs -o size=1m,mode=700 none "$T/full"
mount -t tmpfs -o size=1m,nr_inodes=20,mode=700 none "$T/inodes"
doctor system
! grep -q "$T/full.*problem\|problem $T" "$T/found" || fail "a disk is full before it is"
head -c 1100000 /dev/zero >"$T/full/file" 2>/dev/null || :
doctor system
has "^system.disks problem $T/full 100 % full"
! grep "^system.disks .*$T/inodes .*problem" "$T/found" || fail "names another one"
rm "$T/full/file"
touch "$T/inodes/"{1..30} 2>/dev/null || :
doctor system
has "^system.inodes problem $T/inodes 100 % of its inodes"
has "^system.disks fine $T/full"
umount "$T/full" "$T/inodes"

# --- isamon itself, and what its daemon last got
conf "$SECRET"
sed -i '/^\[cloudwatch\]/,/^enabled/d' "$T/isamon.conf"
printf '[log "app"]\npath = %s\nstart = beginning\n' "$T/app.txt" >>"$T/isamon.conf"
mkdir -p "$T/data"
doctor isamon
has "^isamon.daemon problem"
has "^isamon.backup problem data there is none of $T/data"
has "^isamon.configuration fine $T/isamon.conf"
fake fault refuse operation=PutLogEvents >/dev/null
echo "2026-11-26 10:00:00 started" >"$T/app.txt"
start isamon "$ISAMON" run --config "$T/isamon.conf"
URL=http://127.0.0.1:$ISAMON_PORT/metrics
wait_for 20 "isamon to be ready" isamon_ready
refused() {
	doctor aws
	grep -q '^aws.logs problem' "$T/found"
}
wait_for 30 "the daemon to be refused" refused
only aws.logs "logs:PutLogEvents"
fake faults/off >/dev/null
allowed() {
	echo "2026-11-26 10:00:00 again" >>"$T/app.txt"
	doctor aws
	grep -q '^aws.logs fine logs:PutLogEvents allowed' "$T/found"
}
wait_for 60 "the daemon to be allowed" allowed
none
doctor isamon
has "^isamon.daemon fine"
has "^isamon.lost fine"

# --- a bundle, with secrets everywhere
TOKEN=FwoGZXIvYXdzSESSIONTOKENnotforanybundle0123456789abcdef
JWT=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2VjcmV0LXNpZ25hdHVyZS1ub3QtZm9yLWJ1bmRsZXM
# Over supervisord's own configuration, in this namespace; where there is none, that secret is not known.
SUPERVISOR=supervisors-password-1
printf '[unix_http_server]\nfile=/run/none.sock\nusername=u\npassword=%s\n' "$SUPERVISOR" >"$T/supervisord.conf"
if [ -e /etc/supervisor/supervisord.conf ]; then
	mount --bind "$T/supervisord.conf" /etc/supervisor/supervisord.conf
elif [ -e /etc/supervisord.conf ]; then
	mount --bind "$T/supervisord.conf" /etc/supervisord.conf
else
	SUPERVISOR=jwt-secret-of-the-service-1
fi
{
	echo "2026-11-26 10:00:01 JWT_SECRET=jwt-secret-of-the-service-1"
	echo "2026-11-26 10:00:02 Authorization: Bearer $JWT"
	echo "2026-11-26 10:00:03 boto said $SECRET and ${SUPERVISOR/jwt-*/nothing} and $TOKEN in the middle"
	echo "2026-11-26 10:00:04 key AKIAIOSFODNN7EXAMPLE postgres://u:database-password-1@db/x"
	echo "2026-11-26 10:00:05 customer 4711 paid"
	echo "-----BEGIN PRIVATE KEY-----"
	echo "bundleprivatekeybundleprivatekeybundleprivatekey"
	echo "-----END PRIVATE KEY-----"
} >>"$T/app.txt"
sed -i "s|^secret_access_key.*|&\nsession_token = $TOKEN|" "$T/isamon.conf"
printf 'mask = customer (\\d+)\n[service]\nsupervisor_user = u\nsupervisor_password = service-password-1\n' >>"$T/isamon.conf"
timeout 60 "$ISAMON" doctor --bundle "$T/bundle.tar.gz" --config "$T/isamon.conf" >"$T/bundle.log" 2>&1 || [ $? = 1 ] || fail "bundle: $(cat "$T/bundle.log")"
[ "$(stat -c %a "$T/bundle.tar.gz")" = 600 ] || fail "the bundle's mode is $(stat -c %a "$T/bundle.tar.gz")"
mkdir "$T/unpacked"
tar -xzf "$T/bundle.tar.gz" -C "$T/unpacked" || fail "the bundle cannot be unpacked"
for secret in "$SECRET" "$KEY" "$TOKEN" "$JWT" jwt-secret-of-the-service-1 "$SUPERVISOR" service-password-1 AKIAIOSFODNN7EXAMPLE \
	database-password-1 bundleprivatekey "customer 4711"; do
	! grep -rF -- "$secret" "$T/unpacked" || fail "the bundle has the secret $secret"
done
B=$T/unpacked/isamon-doctor
grep -q "customer \*\*\* paid" "$B/logs/app" || fail "the log is not there: $(ls "$B/logs")"
grep -q '^access_key_id = \*\*\*' "$B/isamon.conf" || fail "no configuration: $(cat "$B/isamon.conf")"
grep -q '"id": "isamon.daemon"' "$B/findings.json" || fail "no findings"
grep -q '"service":' "$B/status.json" || fail "no status"
grep -q '^isamon_build_info' "$B/metrics.txt" || fail "no metrics"
grep -q "MemAvailable" "$B/host/meminfo" || fail "no figures"
grep -q "jobs: no job ever ran" "$B/MISSING.txt" || fail "MISSING.txt: $(cat "$B/MISSING.txt")"
! timeout 60 "$ISAMON" doctor isamon --bundle "$T/bundle.tar.gz" --config "$T/isamon.conf" >"$T/bundle.log" 2>&1 || fail "writes over a bundle"
grep -q "is there already" "$T/bundle.log" || fail "does not say why: $(cat "$T/bundle.log")"
timeout 60 "$ISAMON" doctor isamon --bundle "$T/bundle.tar.gz" --force --config "$T/isamon.conf" >"$T/bundle.log" 2>&1 || [ $? = 1 ] || fail "--force: $(cat "$T/bundle.log")"
