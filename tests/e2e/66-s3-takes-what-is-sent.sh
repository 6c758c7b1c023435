#!/bin/bash
# SPDX-License-Identifier: MIT
# What the S3 client sends is there, whole and checked; real Swift says so of signatures and parts, a fake AWS of
# If-None-Match, encryption, storage classes, checksums and whatever goes wrong; awscli lists and fetches it.
# beside: yes
# limit: 180
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
# shellcheck source=tests/fixtures/swift.sh
. "$FIXTURES/swift.sh"
need curl openssl /usr/bin/aws
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

BUCKET=backups-of-isamon
PART=5242880
ODD='dir/a b+c=ñ&/../x//y%2F.tar.gz'
TOOL=$REPO/${BUILD:-build}/release/tests/fixtures/s3_tool
[ -x "$TOOL" ] || fail "no $TOOL; make tests"

tool() { "$TOOL" "$@" "--bucket=$BUCKET"; }

# does WANTED WORD...: it succeeds and prints that, among other things.
does() {
	local want=$1
	shift
	tool "$@" >"$T/tool.log" 2>&1 || fail "$*: $(cat "$T/tool.log")"
	[ -z "$want" ] || grep -qF -- "$want" "$T/tool.log" || fail "$*: no '$want' in: $(cat "$T/tool.log")"
}

# fails WANTED WORD...: it fails, and that is a part of why; bucket and key are named, the secret is not.
fails() {
	local want=$1 status=0
	shift
	tool "$@" >"$T/tool.log" 2>&1 || status=$?
	[ $status = 1 ] || fail "$*: exit $status: $(cat "$T/tool.log")"
	[ -z "$want" ] || grep -qF -- "$want" "$T/tool.log" || fail "$*: no '$want' in: $(cat "$T/tool.log")"
	grep -qF "s3://$BUCKET" "$T/tool.log" || fail "$*: names no bucket: $(cat "$T/tool.log")"
	! grep -qF "$AWS_SECRET_ACCESS_KEY" "$T/tool.log" || fail "$*: tells the secret"
}

same() { cmp "$1" "$2" >/dev/null || fail "$2 is not what was sent"; }

head -c 100000 /dev/urandom >"$T/small"
head -c 5400000 /dev/urandom >"$T/large"
: >"$T/empty"

# --- what every store does: sent, resumed, listed, fetched, deleted. OPTION... are for what is sent.
every_store() {
	local key
	does "size=100000 parts=0" put "$T/small" "$ODD" "$@"
	does "size=0 parts=0" put "$T/empty" empty "$@"
	does "size=5400000 parts=2 there=0" put "$T/large" large --part=$PART "$@"
	fails "ECANCELED" put "$T/large" resumed --part=$PART --id="$T/id" --stop=5300000 "$@"
	does "parts=2 there=1" put "$T/large" resumed --part=$PART --id="$T/id" "$@"
	rm "$T/id"
	fails "ECANCELED" put "$T/large" given-up --part=$PART --id="$T/id" --stop=5300000 "$@"
	does "" abort given-up --id="$T/id"
	does "" abort given-up --id="$T/id"
	does "parts=2 there=0" put "$T/large" anew --part=$PART --id="$T/id" "$@"
	fails "ECANCELED" put "$T/large" given-up --part=$PART --stop=5300000 "$@"
	[ "$(tool list | cut -d' ' -f3- | tr '\n' '|')" = "anew|$ODD|empty|large|resumed|" ] || fail "list: $(tool list)"
	[ "$(tool list resu)" = "5400000 1 resumed" ] || fail "list resu: $(tool list resu)"
	for key in large resumed anew; do
		rm -f "$T/back"
		does "size=5400000" get $key "$T/back"
		same "$T/large" "$T/back"
	done
	head -c 3000000 "$T/large" >"$T/back"
	does "size=5400000" get large "$T/back" --from=3000000
	same "$T/large" "$T/back"
	does "size=100000" get "$ODD" "$T/back"
	same "$T/small" "$T/back"
	head -c 7000000 "$T/small" >"$T/back"
	printf x | dd of="$T/back" conv=notrunc status=none
	fails "EBADMSG" get "$ODD" "$T/back" --from=1
	fails "ENOENT" head nothing
	fails "ENOENT" get nothing "$T/back"
	does "" delete anew
	does "" delete anew
	fails "ENOENT" head anew
	AWS_SECRET_ACCESS_KEY=wrong-and-secret fails "SignatureDoesNotMatch" list
	AWS_ACCESS_KEY_ID=somebody:else fails "EACCES" list
	aws_cli s3 ls --recursive "s3://$BUCKET" >"$T/cli.log" || fail "aws s3 ls"
	for key in "$ODD" empty large resumed; do grep -qF " $key" "$T/cli.log" || fail "aws s3 ls: no $key"; done
	aws_cli s3 cp --only-show-errors "s3://$BUCKET/resumed" "$T/cli" || fail "aws s3 cp"
	same "$T/large" "$T/cli"
}

# --- the fake AWS
start_fake_aws --tls --proxy
fake s3/bucket name=$BUCKET
fake s3/set page=2 # so that lists have pages
every_store
[ -z "$(fake uploads)" ] || fail "parts are left: $(fake uploads)"
aws_cli s3 cp --only-show-errors "s3://$BUCKET/$ODD" "$T/cli" || fail "aws s3 cp"
same "$T/small" "$T/cli"
[ "$(fake objects key=large select=parts,checksum | cut -c1-2)" = "2 " ] || fail "no checksum of the parts: $(fake objects key=large)"

does "checked=1 verified=1" put "$T/small" classed --class=STANDARD_IA --sse=aws:kms --kms=arn:aws:kms:x --sha256="$(sha256sum <"$T/small" | cut -d' ' -f1)"
does "checked=1 verified=1" put "$T/large" classed2 --class=GLACIER_IR --sse=AES256 --part=$PART
[ "$(fake objects key=classed select=class,sse,kms)" = "STANDARD_IA aws:kms arn:aws:kms:x" ] || fail "class: $(fake objects key=classed)"
[ "$(fake objects key=classed2 select=class,sse)" = "GLACIER_IR AES256" ] || fail "class: $(fake objects key=classed2)"
does "class=GLACIER_IR sse=AES256" head classed2
fails "correct the storage class" put "$T/small" x --class=NONE
fails "EBADMSG" put "$T/small" x --sha256="$(sha256sum <"$T/empty" | cut -d' ' -f1)"
fails "EBADMSG" put "$T/large" x --part=$PART --sha256="$(sha256sum <"$T/empty" | cut -d' ' -f1)"

# What is there stays.
fails "EEXIST" put "$T/small" large
fails "EEXIST" put "$T/large" classed --part=$PART
does "size=100000" head classed
does "verified=1" put "$T/large" classed --part=$PART --overwrite=yes
does "size=5400000" head classed

# A bucket elsewhere, none, and a policy.
fake s3/bucket name=elsewhere region=eu-west-1
BUCKET=elsewhere fails "the bucket is in the region eu-west-1, not in us-east-1" put "$T/small" x
BUCKET=no-such-bucket fails "ENXIO" put "$T/small" x
fake fault refuse service=s3 times=1 >/dev/null
fails "allow s3:PutObject on arn:aws:s3:::$BUCKET/* in the IAM policy" put "$T/small" x

# Whatever happens once to a part, to the end, to a small object or to a download: it is there, once, and nothing is left.
n=0
for fault in "500" "reset" "midbody" "error200" "throttle" "reset effect=yes" "500 effect=yes" "half" "garbage" "hang seconds=1" \
	"expired" "error code=BadDigest" "error code=ConditionalRequestConflict"; do
	read -ra words <<<"$fault"
	operations=(UploadPart CompleteMultipartUpload PutObject)
	[ "$fault" != expired ] || operations=(UploadPart PutObject) # keys that are refused twice are not tried again
	for operation in "${operations[@]}"; do
		fake fault "${words[@]}" service=s3 times=1 operation="$operation" >/dev/null
	done
	does "verified=1" put "$T/large" "fault$((++n))" --part=$PART
	does "verified=1" put "$T/small" "small$n"
	[ "$(fake faults select=left | sort -u)" = 0 ] || fail "$fault: was not met"
	fake faults/off
done
for fault in "500" "reset" "garbage" "half" "throttle"; do
	fake fault "$fault" service=s3 times=1 operation=GetObject >/dev/null
	rm -f "$T/back"
	does "size=5400000" get large "$T/back"
	same "$T/large" "$T/back"
	fake faults/off
done
[ -z "$(fake uploads)" ] || fail "parts are left: $(fake uploads)"

# A clock that is wrong by an hour is learned.
fake clock offset=3600 >/dev/null
does "verified=1" put "$T/large" skewed --part=$PART
fake clock offset=0 >/dev/null

# What does not pass ends, and says so; the upload can be gone on with, or is gone.
fake fault 503 service=s3 operation=UploadPart >/dev/null
fails "EAGAIN" put "$T/large" never --part=$PART
[ -z "$(fake uploads)" ] || fail "parts are left: $(fake uploads)"
fake faults/off

# Temporary credentials, and AWS's own names: virtual-hosted, through the proxy.
eval "$(aws_cli sts assume-role --role-arn arn:aws:iam::123456789012:role/backup --role-session-name e2e \
	--query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text |
	awk '{ printf "TEMPORARY=(AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s)", $1, $2, $3 }')"
env "${TEMPORARY[@]}" "$TOOL" put "$T/small" temporary --bucket=$BUCKET | grep -q verified=1 || fail "temporary credentials"
env -u AWS_ENDPOINT_URL https_proxy="$PROXY_URL" AWS_CA_BUNDLE="$FAKE_CA" "$TOOL" list --bucket=$BUCKET >"$T/virtual" ||
	fail "virtual-hosted: $(cat "$T/virtual")"
[ "$(fake requests service=s3 select=style last=1)" = virtual ] || fail "not virtual-hosted"

# A bandwidth limit holds: 3 MB at 1 MB a second take two seconds at least.
head -c 3000000 "$T/large" >"$T/three"
begin=$(date +%s%N)
does "verified=1" put "$T/three" slowly --rate=1000000
took=$((($(date +%s%N) - begin) / 1000000))
[ $took -ge 1500 ] || fail "3 MB in $took ms is faster than the limit"
! grep -q Traceback "$T/fake-aws.log" || fail "the fake broke"
stop fake-aws

# --- Swift
need_swift
start_swift
export AWS_ACCESS_KEY_ID=$SWIFT_KEY AWS_SECRET_ACCESS_KEY=$SWIFT_SECRET AWS_ENDPOINT_URL=$S3_URL AWS_CLI_URL=$S3_URL
aws_cli s3 mb "s3://$BUCKET" >/dev/null || fail "aws s3 mb"
every_store --overwrite=yes
fails "EOPNOTSUPP" put "$T/small" new
! aws_cli s3api list-multipart-uploads --bucket $BUCKET | grep -q UploadId || fail "parts are left"
