#!/bin/bash
# SPDX-License-Identifier: MIT
# The fake AWS of the tests is worth their trust: botocore and awscli, which know AWS, get from it what they expect; what
# AWS would refuse, it refuses; a fault is the one that was asked for; what was stored survives a kill.
# beside: yes
# limit: 180
. "$(dirname "$0")/../fixtures/lib.sh"
# shellcheck source=tests/fixtures/aws.sh
. "$FIXTURES/aws.sh"
need curl openssl faketime /usr/bin/aws
"$PY" -c 'import botocore' 2>/dev/null || skip "needs python3-botocore"

start_fake_aws --tls --proxy
export T AWS_URL IMDS_URL FAKE_URL CONTAINER_URL TLS_URL PROXY_URL FAKE_CA

"$PY" "$FIXTURES/aws_proof.py" || fail "services and limits"
"$PY" "$FIXTURES/aws_proof_trust.py" || fail "signatures, faults, credentials and ways"

# aws_says CODE ARGUMENT...: awscli fails, and that is why.
aws_says() {
	local code=$1
	shift
	if aws_cli "$@" >"$T/cli.log" 2>&1; then fail "aws $*: was taken"; fi
	grep -q "($code)" "$T/cli.log" || fail "aws $*: no $code"
}

put_one() { aws_cli cloudwatch put-metric-data --namespace AgentISA --metric-name ErrorCount --value "$1"; }

# The guide's command, as it stands.
guides_alarm() {
	aws_cli cloudwatch put-metric-alarm \
		--alarm-name "HighErrorRate" \
		--alarm-description "Alarma por alta tasa de errores" \
		--metric-name "ErrorCount" \
		--namespace "AgentISA" \
		--statistic "Sum" \
		--period 300 \
		--threshold 10 \
		--comparison-operator "GreaterThanThreshold" \
		--evaluation-periods 1 \
		--alarm-actions "arn:aws:sns:us-east-1:123456789012:AlertTopic"
}

state_is() { [ "$(aws_cli cloudwatch describe-alarms --query 'MetricAlarms[0].StateValue' --output text)" = "$1" ]; }

# Debian's speaks query; one that stands first in PATH may be newer, and speak JSON.
for AWS_CLI in $(printf '%s\n' /usr/bin/aws "$(command -v aws)" | sort -u); do
	fake reset
	say "$("$AWS_CLI" --version)"
	guides_alarm || fail "the guide's alarm"
	put_one 10
	wait_for 10 "OK at the threshold" state_is OK
	put_one 1
	wait_for 10 "ALARM above it" state_is ALARM
	[ "$(fake alarms name=HighErrorRate select=StateValue)" = ALARM ] || fail "the test reads another state"
done
unset AWS_CLI

AWS_ACCESS_KEY_ID=AKIAOTHER aws_says InvalidClientTokenId sts get-caller-identity
AWS_SECRET_ACCESS_KEY=other aws_says SignatureDoesNotMatch cloudwatch list-metrics
AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 aws_says SignatureDoesNotMatch cloudwatch list-metrics

# A clock that is wrong by an hour, by faketime.
cat >"$T/skewed" <<'END'
#!/bin/sh
exec faketime -f "$SKEW" /usr/bin/aws "$@"
END
chmod +x "$T/skewed"
for SKEW in -1h +1h; do
	export SKEW
	AWS_CLI=$T/skewed AWS_MAX_ATTEMPTS=1 aws_says SignatureDoesNotMatch cloudwatch list-metrics
done
SKEW=-10m AWS_CLI=$T/skewed aws_cli cloudwatch list-metrics >/dev/null || fail "ten minutes are allowed"

# A kill loses nothing that was answered, and the ports stay.
put_one 31
before=$(fake metrics) port=$AWS_PORT
stop fake-aws KILL
start_fake_aws --tls --proxy
[ "$(fake metrics)" = "$before" ] || fail "other data after a kill"
[ "$AWS_PORT" = "$port" ] || fail "another port after a kill"
[ "$(fake alarms select=AlarmName)" = HighErrorRate ] || fail "the alarm is gone after a kill"

# Fourteen days of minutes of ten metrics, in requests of about a thousand.
"$PY" "$FIXTURES/aws_load.py" || fail "fourteen days"
[ "$(fake metrics metric=M3 select=time | sort -u | wc -l)" = 20150 ] || fail "minutes are missing"
! grep -q Traceback "$T/fake-aws.log" || fail "the fake broke"
