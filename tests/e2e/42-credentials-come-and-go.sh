#!/bin/bash
# SPDX-License-Identifier: MIT
# Every source of credentials, and what may go wrong with it: isamon finds them, keeps them fresh, waits for them, says what is
# missing; clocks, proxies and certificates are as they may be; no secret is in anything that it writes.
# beside: yes
# limit: 300
# shellcheck disable=SC2034,SC2119 # what lib.sh uses; functions with optional arguments
# In a network of its own, where AWS's own names and addresses lead nowhere but to the proxy.
if [ -z "${OWN_NETWORK:-}" ] && unshare -n true 2>/dev/null; then
	OWN_NETWORK=1 exec unshare -n "$0"
fi
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=../fixtures/aws.sh
. "$FIXTURES/aws.sh"
need_root
need curl faketime openssl ip
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"
[ -z "${OWN_NETWORK:-}" ] || ip link set lo up

FILL=$REPO/${BUILD:-build}/release/tests/bench/fill_spool
[ -x "$FILL" ] || fail "no $FILL; make tests"
SERVICE_PORT=$(free_port)
ISAMON_PORT=$(free_port)
URL=http://127.0.0.1:$ISAMON_PORT/metrics
umask 077
mkdir "$T/run" "$T/out"

start_fake() { # [OPTION...]; isamon is told nothing of it by the environment but the endpoints
	start_fake_aws --tls --proxy "$@"
	KEY=$AWS_ACCESS_KEY_ID SECRET=$AWS_SECRET_ACCESS_KEY
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION
}
start_fake
PROXY=${PROXY_URL/:\/\//:\/\/operator:proxy-pass-not-for-logs@}
CONTAINER_TOKEN='Bearer container-token-not-for-logs'

# conf [LINE...]: a configuration; the lines are of [aws], or begin another section.
conf() {
	{
		printf '[service]\nname = fixture\nports = %s\n[listen]\nport = %s\n' "$SERVICE_PORT" "$ISAMON_PORT"
		printf '[daemon]\nruntime_directory = %s\nstate_directory = %s\nlog_level = debug\n[job "backup"]\nenabled = no\n' "$T/run" "$T/state"
		printf '[cloudwatch]\nenabled = yes\n[aws]\n'
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$T/isamon.conf"
}

# fill: a state file with one minute that waits.
fill() {
	rm -rf "$T/state" "$T/run"
	mkdir "$T/state" "$T/run"
	"$@" "$FILL" "$T/state" 1 60 10 0 >"$T/fill.log" 2>&1 || fail "fill_spool: $(cat "$T/fill.log")"
}

N_PUSH=0
# push STATUS [COMMAND...]: isamon metrics push --once, through a command such as env; what it said is in $SAID.
push() {
	local want=$1 status=0
	shift
	SAID=$T/out/push.$((++N_PUSH))
	timeout 60 "$@" "$ISAMON" metrics push --once --config "$T/isamon.conf" >"$SAID" 2>&1 || status=$?
	[ $status = "$want" ] || fail "push: status $status, expected $want: $(grep -v debug: "$SAID" | tail -n 5)"
}

said() { grep -qiE -- "$1" "$SAID" || fail "expected \"$1\" in: $(grep -v debug: "$SAID" | tail -n 5)"; }

# The last request was carried out, signed by whom?
signed_by() { # PATTERN of the ARN
	local id effect arn
	read -r id effect < <(fake requests operation=PutMetricData last=1 select=key_id,effect)
	[ "$effect" = yes ] || fail "$1: the request had no effect"
	arn=$(fake keys id="$id" select=arn)
	# shellcheck disable=SC2053
	[[ $arn == $1 ]] || fail "signed by $arn, expected $1"
}

# source NAME PATTERN [COMMAND...]: one minute is pushed with the keys of that source.
source_is() {
	local name=$1 pattern=$2
	shift 2
	fill
	push 0 "$@"
	said '^pushed 1 minute, 0 wait'
	signed_by "$pattern"
	say "   $name"
}

stays() { # the minute waits, and goes when nothing is in its way any more
	said '^pushed 0 minutes, 1 wait'
	fake faults/off
	push 0 "$@"
	said '^pushed 1 minute, 0 wait'
}

here="region = us-east-1" id="instance_id = i-0123456789abcdef0"
user='arn:aws:iam::*:user/isamon'

say "== each source"
conf "$here" "$id" "access_key_id = $KEY" "secret_access_key = $SECRET"
source_is configuration "$user"
conf "$here" "$id"
source_is environment "$user" env AWS_ACCESS_KEY_ID="$KEY" AWS_SECRET_ACCESS_KEY="$SECRET"
conf "$id"
source_is "environment, region too" "$user" env AWS_ACCESS_KEY_ID="$KEY" AWS_SECRET_ACCESS_KEY="$SECRET" AWS_REGION=us-east-1

printf '[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n[shop]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
	"$KEY" "$SECRET" >"$T/credentials"
cat >"$T/config" <<-END
	[profile shop]
	region = us-east-1
	[profile role]
	role_arn = arn:aws:iam::123456789012:role/metrics
	source_profile = shop
	[profile instance]
	role_arn = arn:aws:iam::123456789012:role/from-instance
	credential_source = Ec2InstanceMetadata
END
files=(env AWS_SHARED_CREDENTIALS_FILE="$T/credentials" AWS_CONFIG_FILE="$T/config")
conf "$id"
source_is "profile of the environment" "$user" "${files[@]}" AWS_PROFILE=shop
conf "$id" "profile = shop" "credentials_file = $T/credentials" "config_file = $T/config"
source_is "profile of the configuration" "$user"
conf "$here" "$id" "profile = role" "credentials_file = $T/credentials" "config_file = $T/config"
source_is "a role of a profile, through STS" 'arn:aws:sts::*:assumed-role/metrics/*'
conf "$here" "$id" "profile = instance" "credentials_file = $T/credentials" "config_file = $T/config"
source_is "a role by the instance's, through STS" 'arn:aws:sts::*:assumed-role/from-instance/*'

conf "$here" "$id"
fake imds auth="$CONTAINER_TOKEN" >/dev/null
container=(env AWS_CONTAINER_CREDENTIALS_FULL_URI="$CONTAINER_URL" AWS_CONTAINER_AUTHORIZATION_TOKEN="$CONTAINER_TOKEN")
source_is container 'arn:aws:sts::*:assumed-role/container/*' "${container[@]}"
conf
source_is "the instance, its region and its id" 'arn:aws:sts::*:assumed-role/isamon/*'
[ "$(fake metrics metric=RequestCount last=1 select=dimensions)" = "InstanceId=i-0fa4e15a3c0ffee00" ] ||
	fail "the dimension InstanceId is not what the instance's metadata say"
[ -z "$(fake requests service=imds operation=GetCredentials status=401)" ] || fail "IMDS was asked without a token"
conf "$here" "$id"
source_is "the first of them decides" "$user" "${files[@]}" "${container[@]:1}" AWS_ACCESS_KEY_ID="$KEY" AWS_SECRET_ACCESS_KEY="$SECRET"

say "== what may be wrong with a source"
fill
fake imds role=none >/dev/null
push 3
said 'no AWS credentials'
fake imds role=isamon >/dev/null
stays
fill
fake fault 404 service=imds >/dev/null
push 3
stays
fill
fake fault hang service=imds >/dev/null
push 3
stays
fill
fake fault error200 service=imds operation=GetCredentials >/dev/null
push 3
said 'AssumeRoleUnauthorizedAccess|cannot assume'
stays
fill
fake fault 500 service=imds times=1 >/dev/null
push 0
fill
fake imds expired=yes >/dev/null
push 3
said expired
fake imds expired=no >/dev/null
stays
fill
push 3 env AWS_CONTAINER_CREDENTIALS_FULL_URI="$CONTAINER_URL" AWS_CONTAINER_AUTHORIZATION_TOKEN="not-the-token-either"
said 'container'
stays "${container[@]}"
fill
push 3 env AWS_ACCESS_KEY_ID="$KEY" AWS_SECRET_ACCESS_KEY="another-secret-not-for-logs"
said 'SignatureDoesNotMatch|InvalidSignature'
stays
fill
push 3 env AWS_ACCESS_KEY_ID="$KEY"
said 'AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY'
stays
fill
push 3 "${files[@]}" AWS_PROFILE=nobody
said nobody
stays

say "== clocks: isamon's is an hour off"
for how in +1h -1h; do
	for code in SignatureDoesNotMatch RequestTimeTooSkewed RequestExpired AuthFailure; do
		fake clock code=$code >/dev/null
		before=$(fake requests operation=PutMetricData | wc -l)
		fill faketime -f "$how"
		push 0 faketime -f "$how"
		said '^pushed 1 minute, 0 wait'
		asked=$(($(fake requests operation=PutMetricData | wc -l) - before))
		[ $asked = 2 ] || fail "$how, $code: $asked requests, expected one that is refused and one that is not"
	done
done

say "== certificates"
tls="endpoint_url = $TLS_URL"
conf "$here" "$id" "$tls" "ca_bundle = $FAKE_CA"
fill
push 0
conf "$here" "$id" "$tls"
fill
before=$(fake requests operation=PutMetricData | wc -l)
push 3
said certificate
[ "$(fake requests operation=PutMetricData | wc -l)" = "$before" ] || fail "a server of an unknown authority was sent a request"

say "== proxies"
conf "$here" "$id" "$tls" "ca_bundle = $FAKE_CA" "proxy = $PROXY_URL"
source_is "of the configuration" 'arn:aws:sts::*:assumed-role/isamon/*'
[ "$(fake proxy last=1 select=method,status)" = "CONNECT 200" ] || fail "it was not asked: $(fake proxy)"
! fake proxy | grep -qv '"CONNECT"' || fail "the instance's metadata were asked through it: $(fake proxy)"
conf "$here" "$id" "$tls" "ca_bundle = $FAKE_CA"
before=$(fake proxy | wc -l)
source_is "of the environment" 'arn:aws:sts::*:assumed-role/isamon/*' env https_proxy="$PROXY_URL"
[ "$(fake proxy | wc -l)" -gt "$before" ] || fail "it was not asked"
before=$(fake proxy | wc -l)
source_is "but for no_proxy" 'arn:aws:sts::*:assumed-role/isamon/*' env https_proxy="$PROXY_URL" no_proxy=127.0.0.1
[ "$(fake proxy | wc -l)" = "$before" ] || fail "it was asked in spite of no_proxy"
if [ -n "${OWN_NETWORK:-}" ]; then
	conf "$here" "$id" "ca_bundle = $FAKE_CA" "proxy = $PROXY_URL"
	source_is "AWS's own names" 'arn:aws:sts::*:assumed-role/isamon/*' env -u AWS_ENDPOINT_URL
	[ "$(fake proxy last=1 select=target)" = monitoring.us-east-1.amazonaws.com:443 ] || fail "another name: $(fake proxy last=1)"
	conf "$here" "$id" "ca_bundle = $FAKE_CA" "proxy = $PROXY_URL" "profile = role" "credentials_file = $T/credentials" "config_file = $T/config"
	source_is "those of STS too" 'arn:aws:sts::*:assumed-role/metrics/*' env -u AWS_ENDPOINT_URL
	[ -n "$(fake proxy target=sts.us-east-1.amazonaws.com:443)" ] || fail "STS was not asked by its name"
fi

stop fake-aws
start_fake --proxy-login 'operator:proxy-pass-not-for-logs'
conf "$here" "$id" "$tls" "ca_bundle = $FAKE_CA"
source_is "one that wants a password" 'arn:aws:sts::*:assumed-role/isamon/*' env https_proxy="$PROXY"
fill
push 3 env https_proxy="$PROXY_URL"
said '407|proxy'
push 3 env https_proxy="${PROXY/operator/nobody}"
said '407|proxy'
conf "$here" "$id" "$tls" "ca_bundle = $FAKE_CA" "proxy = $PROXY"
push 2
said 'holds a user or a password'

# --- the daemon, a minute of which is a second

daemon() { # [LINE...]: as conf
	conf "$@" "[cloudwatch]" "storage_resolution = 1" "interval = 1"
	rm -rf "$T/state" "$T/run"
	mkdir "$T/state" "$T/run"
	start isamon "${UNDER[@]}" "$ISAMON" run --config "$T/isamon.conf"
	wait_for 10 "isamon to be ready" isamon_ready
}
UNDER=()
pushed() { metric isamon_cloudwatch_minutes_pushed_total; }
pushed_more() { # N more than there were
	local want=$(($(pushed) + $1))
	more() { [ "$(pushed)" -ge "$want" ]; }
	wait_for "${2:-30}" "$1 more minutes to be pushed" more
}
spool_is_short() { [ "$(metric isamon_cloudwatch_spool_minutes)" -le 3 ]; }
nothing_was_lost() {
	wait_for 30 "the spool to be empty" spool_is_short
	expect_metric 0 isamon_cloudwatch_minutes_rejected_total
	expect_metric 0 isamon_cloudwatch_minutes_dropped_total
}
keys_used() { fake requests operation=PutMetricData effect=yes select=key_id | sort -u | wc -l; }

say "== the network comes late"
fake down name=imds
fake down
daemon
waits() { [ "$(metric isamon_cloudwatch_spool_minutes)" -ge 3 ]; }
wait_for 15 "minutes to wait" waits
[ "$(pushed)" = 0 ] || fail "something was pushed without a network"
fake up
fake up name=imds
pushed_more 3 60
nothing_was_lost
grep -q '"InstanceId=i-0fa4e15a3c0ffee00"' <(fake metrics metric=RequestCount last=2) || fail "the instance's id did not come"
lines=$(grep -E ': (warning|error): ' "$T/isamon.log" | grep -ciE 'cloudwatch|credentials' || :)
[ "$lines" -le 4 ] || fail "$lines lines of warnings: it is to be said once a change"

say "== the instance's keys change"
before=$(keys_used)
fake imds/rotate
fake expire key=all
pushed_more 3
[ "$(keys_used)" -gt "$before" ] || fail "the new keys were not taken"
fake fault expired times=2 >/dev/null
pushed_more 3
nothing_was_lost
say "== the metadata service goes; what was got is used on"
fake down name=imds
pushed_more 5
fake up name=imds
"$ISAMON" metrics preview --config "$T/isamon.conf" >"$T/out/preview" 2>&1 || fail "metrics preview: $(cat "$T/out/preview")"
"$ISAMON" status --config "$T/isamon.conf" >"$T/out/status" 2>&1 || :
curl -fsS "$URL" >"$T/out/page"
stop isamon
[ "$STATUS" = 0 ] || fail "isamon ended with status $STATUS"

say "== the keys of a file change"
temporary() { # into the file: new ones of the instance's role
	fake imds/rotate
	local token
	token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$IMDS_URL/latest/api/token")
	curl -fsS -H "X-aws-ec2-metadata-token: $token" "$IMDS_URL/latest/meta-data/iam/security-credentials/isamon" |
		"$PY" -c 'import json, sys
k = json.load(sys.stdin)
print("[default]\naws_access_key_id = %(AccessKeyId)s\naws_secret_access_key = %(SecretAccessKey)s\naws_session_token = %(Token)s" % k)' \
			>"$T/credentials.new"
	mv "$T/credentials.new" "$T/credentials"
}
temporary
daemon "$here" "$id" "credentials_file = $T/credentials"
pushed_more 2
before=$(keys_used)
fake expire key=all
refused() { [ "$(fake requests code=ExpiredToken | wc -l)" -gt 0 ]; }
wait_for 15 "the old keys to be refused" refused
temporary
pushed_more 3 90
[ "$(keys_used)" -gt "$before" ] || fail "the new keys were not taken"
nothing_was_lost
stop isamon

say "== a daemon whose clock is an hour off learns it once"
fake clock code=RequestTimeTooSkewed >/dev/null
for how in +1h -1h; do
	before=$(fake requests code=RequestTimeTooSkewed | wc -l)
	UNDER=(faketime -f "$how")
	daemon "$here" "$id"
	pushed_more 5
	nothing_was_lost
	stop isamon
	n=$(($(fake requests code=RequestTimeTooSkewed | wc -l) - before))
	[ $n = 1 ] || fail "$how: $n requests were refused, expected the first one only"
done

say "== no secret is in what isamon wrote"
# The fake's journal has all keys that it has ever given; signatures, and the key that signs, are made of them.
"$PY" - "$FAKE_STATE/journal.jsonl" "$SECRET" <<'END' >"$T/secrets"
import datetime, hashlib, hmac, json, sys
keys = [json.loads(line)["key"] for line in open(sys.argv[1]) if line.startswith('{"key"')]
assert len(keys) > 5
secrets = [sys.argv[2]] + [k["secret"] for k in keys] + [k["token"] for k in keys if k["token"]]
sign = lambda key, text: hmac.new(key, text.encode(), hashlib.sha256)
for secret in secrets[: len(keys) + 1]:
    for day in (0, 1, -1):
        key = ("AWS4" + secret).encode()
        date = (datetime.datetime.utcnow() + datetime.timedelta(day)).strftime("%Y%m%d")
        for text in (date, "us-east-1", "monitoring", "aws4_request"):
            last = sign(key, text)
            key = last.digest()
        print(last.hexdigest())
for secret in secrets:
    print(secret[:24])
print("another-secret-not-for-logs\nproxy-pass-not-for-logs\ncontainer-token-not-for-logs\nnot-the-token-either\nAQAEA\nSignature=")
END
[ "$(wc -l <"$T/secrets")" -gt 30 ] || fail "there are too few secrets"
"$ISAMON" check-config --config "$T/isamon.conf" >"$T/out/check" 2>&1 || :
grep -q debug: "$T/isamon.log" || fail "there is no line of debug in the log"
if grep -rlaF -f "$T/secrets" "$T/isamon.log" "$T/out" "$T/state" "$T/run" >"$T/found"; then
	fail "a secret is in: $(tr '\n' ' ' <"$T/found")"
fi
# The search itself finds what is there.
grep -qaF -f "$T/secrets" "$T/credentials" || fail "the search for secrets finds nothing"
