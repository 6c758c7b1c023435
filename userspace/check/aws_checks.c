/* SPDX-License-Identifier: MIT */
/*
 * Who isamon is to AWS, step by step: clock, region, credentials, identity. Invariant: what follows from a step that failed is not asked, and never
 * a problem of its own.
 */
#include "check/aws_checks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/endpoint.h"
#include "aws/timestamp.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "check/aws_impl.h"

#define NOT_USED \
	"nothing of AWS is used: CloudWatch, its logs and S3 are off, and AWS was not asked"
#define CALLER "Action=GetCallerIdentity&Version=2011-06-15"
#define SKEW_WARNING_S 30
#define SKEW_PROBLEM_S 240
#define ANSWER_MAX (1u << 20)
#define BODY_MAX (4u << 20)
#define ATTEMPTS 2u

/* --- a question */

struct asking {
	struct aws_said *said;
	bool done;
};

static void answered(const struct aws_answer *a, void *ctx)
{
	struct asking *asking = ctx;
	char plain[AWS_WHY_MAX];

	asking->done = true;
	asking->said->failure = a->failure;
	snprintf(asking->said->code, sizeof(asking->said->code), "%s", a->code ? a->code : "");
	buf_add(&asking->said->body, a->body ? a->body : "", a->body ? a->body_len : 0);
	if (a->failure == AWS_OK)
		return;
	utf8_make_plain(a->message ? a->message : "", AWS_WHY_MAX, plain, sizeof(plain));
	buf_add_str(&asking->said->why, *plain ? plain : "AWS does not say why");
}

static bool is_done(void *ctx)
{
	return ((struct asking *)ctx)->done;
}

int aws_check_ask(struct lone_session *l, enum aws_service service, const char *operation,
		  const char *body, struct aws_said *ret)
{
	const struct aws_request r = {
		.service = service,
		.operation = operation,
		.body = body,
		.body_len = strlen(body),
		.attempts = ATTEMPTS,
		.timeout_ms = AWS_CHECK_STEP_MS,
	};
	struct asking asking = { .said = ret };
	struct aws_call *call = NULL;
	int err;

	*ret = (struct aws_said){ .failure = AWS_TRANSIENT,
				  .why = BUF_INIT(AWS_WHY_MAX),
				  .body = BUF_INIT(BODY_MAX) };
	err = aws_client_call(aws_session_client(l->session), &r, answered, &asking, &call);
	if (!err && !lone_session_wait(l, AWS_CHECK_STEP_MS, is_done, &asking)) {
		aws_call_cancel(call);
		buf_printf(&ret->why, "%s: no answer within %d ms", operation, AWS_CHECK_STEP_MS);
		return -ETIMEDOUT;
	}
	if (err)
		buf_printf(&ret->why, "%s: %s", operation, strerror(-err));
	return err || ret->failure != AWS_OK ? -EIO : 0;
}

void aws_said_done(struct aws_said *said)
{
	buf_done(&said->why);
	buf_done(&said->body);
}

const char *aws_check_element(const char *xml, const char *name, char ret[AWS_ELEMENT_MAX])
{
	char tag[64];
	const char *at;
	size_t n;

	*ret = '\0';
	snprintf(tag, sizeof(tag), "<%s>", name);
	at = strstr(xml, tag);
	if (!at)
		return ret;
	at += strlen(tag);
	n = strcspn(at, "<");
	if (n && n < AWS_ELEMENT_MAX && at[n] == '<' && utf8_is_plain(at, n))
		snprintf(ret, AWS_ELEMENT_MAX, "%.*s", (int)n, at);
	return ret;
}

int aws_check_begin(const struct check_input *in, const char *id, struct lone_session *l,
		    struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(AWS_WHY_MAX);
	const struct finding_text unknown = { .id = id, .result = FINDING_UNKNOWN };
	struct aws_said said;
	enum aws_failure failure;
	int err = lone_session_open(in->config, &why, l);

	if (err)
		return findings_add(out, &unknown, "%s", why.len ? buf_str(&why) : strerror(-err)) ?:
			       1;
	if (!lone_session_region(l, AWS_CHECK_STEP_MS))
		return findings_add(out, &unknown, "not tried: the region is not known") ?: 1;
	aws_check_ask(l, AWS_STS, "GetCallerIdentity", CALLER, &said);
	failure = said.failure;
	aws_said_done(&said);
	if (failure != AWS_NO_CREDENTIALS && failure != AWS_NO_REGION)
		return 0;
	return findings_add(out, &unknown, "not tried: AWS does not know who asks") ?: 1;
}

/* --- credentials */

struct keys_wanted {
	bool done;
	int err;
	struct buf why;
};

static void on_key(int err, const struct sigv4_key *key, const char *why, void *ctx)
{
	struct keys_wanted *k = ctx;

	(void)key;
	k->done = true;
	k->err = err;
	buf_add_str(&k->why, err && why ? why : "");
}

static bool has_keys(void *ctx)
{
	return ((struct keys_wanted *)ctx)->done;
}

static int check_credentials(struct lone_session *l, struct findings *out, bool *ret_ok)
{
	struct credentials *c = aws_session_credentials(l->session);
	struct keys_wanted k = { .why = BUF_INIT(AWS_WHY_MAX) };
	struct finding_text t = { .id = "aws.credentials" };
	int err = credentials_get(c, on_key, &k);

	if (!err && !lone_session_wait(l, AWS_CHECK_STEP_MS + 1000, has_keys, &k)) {
		credentials_cancel(c, &k);
		k.err = -ETIMEDOUT;
		buf_add_str(&k.why, "whoever should have them does not answer");
	}
	*ret_ok = !err && !k.err;
	if (!*ret_ok) {
		t.result = FINDING_PROBLEM;
		t.meaning = "isamon has no keys for AWS: nothing is sent there";
		t.remedy =
			"give the instance a role (EC2, Actions, Security, Modify IAM role); or see [aws]";
		err = findings_add(out, &t, "%s", k.why.len ? buf_str(&k.why) : strerror(-err));
	} else {
		err = findings_add(out, &t, "%s", credentials_source(c));
	}
	buf_done(&k.why);
	return err;
}

/* --- clock */

struct dating {
	bool done, known;
	int64_t skew_s;
	uint64_t began_ns;
};

static void on_date(const struct transport_answer *a, void *ctx)
{
	_cleanup_(buf_done) struct buf date = BUF_INIT(64);
	struct dating *d = ctx;
	uint64_t now_ns = clock_realtime_ns();
	time_t theirs;

	d->done = true;
	if (a->err || !transport_header(a, "date", &date) ||
	    timestamp_parse_http(buf_str(&date), &theirs))
		return;
	d->known = true;
	d->skew_s = (int64_t)theirs -
		    (int64_t)((d->began_ns + (now_ns - d->began_ns) / 2) / NS_PER_SEC);
}

static bool is_dated(void *ctx)
{
	return ((struct dating *)ctx)->done;
}

/* Of the endpoint that is used anyway: any answer of it has its time. */
static bool date_url(const struct config *c, const char *region, struct endpoint *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(AWS_WHY_MAX);

	if (c->cloudwatch_enabled || c->n_alarms)
		return endpoint_find(ENDPOINT_CLOUDWATCH, c->aws_endpoint_url_cloudwatch,
				     c->aws_endpoint_url, region, ret, &why) == 0;
	if (c->logs_enabled)
		return endpoint_find(ENDPOINT_LOGS, c->aws_endpoint_url_logs, c->aws_endpoint_url,
				     region, ret, &why) == 0;
	return endpoint_find(ENDPOINT_S3, c->aws_endpoint_url_s3, c->aws_endpoint_url, region, ret,
			     &why) == 0;
}

static int tell_clock(const struct dating *d, const char *host, struct findings *out)
{
	const int64_t off_s = d->skew_s < 0 ? -d->skew_s : d->skew_s;
	struct finding_text t = { .id = "aws.clock", .subject = host };

	if (!d->known) {
		t.result = FINDING_UNKNOWN;
		return findings_add(out, &t, "it does not answer with a date");
	}
	if (off_s >= SKEW_WARNING_S) {
		t.result = off_s >= SKEW_PROBLEM_S ? FINDING_PROBLEM : FINDING_WARNING;
		t.meaning =
			"AWS refuses requests whose time is five minutes off, and metrics get a wrong time";
		t.remedy = "set it right, and keep it so: systemctl enable --now chronyd (or "
			   "systemd-timesyncd); chronyc makestep";
	}
	return findings_add(out, &t, "this host's clock is %" PRId64 " s %s AWS's", off_s,
			    d->skew_s > 0 ? "behind" : "ahead of");
}

static int check_clock(struct lone_session *l, const struct config *c, const char *region,
		       struct findings *out)
{
	struct dating d = { .began_ns = clock_realtime_ns() };
	struct transport_call *call = NULL;
	struct transport_request r = {
		.method = "GET",
		.connect_timeout_ms = AWS_CHECK_STEP_MS / 2,
		.timeout_ms = AWS_CHECK_STEP_MS,
		.answer_max = ANSWER_MAX,
	};
	struct endpoint at;

	if (!date_url(c, region, &at))
		return 0;
	r.url = at.url;
	if (transport_start(aws_session_transport(l->session), &r, on_date, &d, &call) == 0 &&
	    !lone_session_wait(l, AWS_CHECK_STEP_MS, is_dated, &d))
		transport_cancel(call);
	return tell_clock(&d, at.host, out);
}

/* --- identity */

bool aws_checks_wanted(const struct config *c)
{
	return c->cloudwatch_enabled || c->logs_enabled || c->n_alarms || *c->backup_s3_bucket;
}

static int tell_identity(const struct lone_session *l, const struct aws_said *said,
			 struct findings *out)
{
	struct finding_text t = { .id = "aws.identity" };
	char arn[AWS_ELEMENT_MAX];

	(void)l;
	if (said->failure == AWS_OK) {
		aws_check_element(buf_str(&said->body), "Arn", arn);
		return findings_add(out, &t, "%s", *arn ? arn : "AWS knows it, and gives no ARN");
	}
	if (said->failure == AWS_NO_CREDENTIALS) {
		t.result = FINDING_PROBLEM;
		t.meaning = "AWS does not accept isamon's keys: nothing is sent there";
		t.remedy = "renew the keys, or give the instance a role; see also aws.clock";
		return findings_add(out, &t, "%s", buf_str(&said->why));
	}
	t.result = FINDING_UNKNOWN;
	t.remedy = "isamon doctor network says whether hosts are reached";
	return findings_add(out, &t, "%s", buf_str(&said->why));
}

static int check_region(struct lone_session *l, const char **ret_region, struct findings *out)
{
	const struct identity *i = aws_session_identity(l->session);
	struct finding_text t = { .id = "aws.region" };
	const char *id;

	*ret_region = lone_session_region(l, AWS_CHECK_STEP_MS);
	id = identity_instance_id(i);
	if (*ret_region)
		return findings_add(out, &t, "%s%s%s", *ret_region, id ? ", instance " : "",
				    id ? id : "");
	t.result = FINDING_PROBLEM;
	t.meaning =
		"isamon does not know which region's services to speak to: nothing is sent there";
	t.remedy =
		"write region in [aws]; on EC2 look why the instance's metadata (IMDSv2) do not answer";
	return findings_add(out, &t, "%s", *identity_why(i) ? identity_why(i) : "nobody tells it");
}

static int check_identity(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(AWS_WHY_MAX);
	_cleanup_(lone_session_close) struct lone_session look = { 0 };
	const char *region = NULL;
	struct aws_said said;
	bool have_keys = false;
	int err;

	if (!aws_checks_wanted(in->config))
		return findings_add(
			out, &(struct finding_text){ .id = "aws.identity", .result = FINDING_NOTE },
			NOT_USED);
	err = lone_session_open(in->config, &why, &look);
	if (err)
		return findings_add(out,
				    &(struct finding_text){ .id = "aws.identity",
							    .result = FINDING_UNKNOWN },
				    "%s", why.len ? buf_str(&why) : strerror(-err));
	err = check_region(&look, &region, out);
	if (!err)
		err = check_credentials(&look, out, &have_keys);
	if (!err && region)
		err = check_clock(&look, in->config, region, out);
	if (err || !have_keys || !region)
		return err;
	aws_check_ask(&look, AWS_STS, "GetCallerIdentity", CALLER, &said);
	err = tell_identity(&look, &said, out);
	aws_said_done(&said);
	return err;
}

const struct check aws_checks[] = {
	{ "aws", "aws.identity", check_identity, AWS_CHECK_TIMEOUT_MS },
	{ "aws", "aws.s3", aws_check_s3, AWS_CHECK_TIMEOUT_MS },
	{ "aws", "aws.cloudwatch", aws_check_cloudwatch, AWS_CHECK_TIMEOUT_MS },
	{ "aws", "aws.logs", aws_check_logs, AWS_CHECK_TIMEOUT_MS },
};
const size_t n_aws_checks = ARRAY_SIZE(aws_checks);
