#!/bin/bash
# SPDX-License-Identifier: MIT
# What is wrong with AWS, the network or the host is caused for real, and isamon doctor names that, and not another.
# limit: 120
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

fake imds name=role value=none >/dev/null 2>&1 || fake imds role=none >/dev/null
sed -i '/access_key/d' "$T/isamon.conf"
doctor aws
only aws.credentials "."

# What the daemon last got says what may be written.
conf "$SECRET"
fake fault refuse operation=PutMetricData >/dev/null
