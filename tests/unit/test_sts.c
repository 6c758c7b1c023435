/* SPDX-License-Identifier: MIT */
/* AssumeRole: the answer's XML, errors, retries, and a clock that is wrong. */
#include "transport_stub.h"

#include "aws/sts.h"

#define STS "https://sts.eu-west-1.amazonaws.com"

static const char good[] =
	"<?xml version=\"1.0\"?>\n<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
	"  <AssumeRoleResult>\n    <AssumedRoleUser>\n      <Arn>arn:x</Arn></AssumedRoleUser>\n"
	"    <Credentials>\n      <AccessKeyId>ASIAROLE</AccessKeyId>\n"
	"      <SecretAccessKey> hush&amp;&lt;&gt;&quot;&apos;/+= </SecretAccessKey>\n"
	"      <SessionToken>hush-t</SessionToken>\n"
	"      <Expiration>2026-11-26T11:00:00.250Z</Expiration>\n    </Credentials>\n"
	"  </AssumeRoleResult>\n</AssumeRoleResponse>\n";

#define CREDENTIALS(text) "<AssumeRoleResult><Credentials>" text "</Credentials></AssumeRoleResult>"
#define ID "<AccessKeyId>A</AccessKeyId>"
#define SECRET "<SecretAccessKey>hush</SecretAccessKey>"
#define TOKEN "<SessionToken>hush</SessionToken>"
#define END "<Expiration>2026-11-26T11:00:00Z</Expiration>"

static void xml(void)
{
	static const struct {
		const char *name, *text;
		int err;
	} rows[] = {
		{ "short", CREDENTIALS(ID SECRET TOKEN END), 0 },
		{ "in another order", CREDENTIALS(END TOKEN SECRET ID), 0 },
		{ "without an id", CREDENTIALS(SECRET TOKEN END), -EPROTO },
		{ "without a secret", CREDENTIALS(ID TOKEN END), -EPROTO },
		{ "without a token", CREDENTIALS(ID SECRET END), -EPROTO },
		{ "an empty token", CREDENTIALS(ID SECRET "<SessionToken></SessionToken>" END),
		  -EPROTO },
		{ "without an end", CREDENTIALS(ID SECRET TOKEN), -EPROTO },
		{ "an end that is none",
		  CREDENTIALS(ID SECRET TOKEN "<Expiration>soon</Expiration>"), -EPROTO },
		{ "an element in an element",
		  CREDENTIALS("<AccessKeyId><b>A</b></AccessKeyId>" SECRET TOKEN END), -EPROTO },
		{ "an entity of its own",
		  CREDENTIALS("<AccessKeyId>&x;</AccessKeyId>" SECRET TOKEN END), -EPROTO },
		{ "a document type", "<!DOCTYPE x>" CREDENTIALS(ID SECRET TOKEN END), -EPROTO },
		{ "CDATA", CREDENTIALS("<AccessKeyId><![CDATA[A]]></AccessKeyId>" SECRET TOKEN END),
		  -EPROTO },
		{ "a comment", CREDENTIALS("<!-- " ID " -->" SECRET TOKEN END), -EPROTO },
		{ "a line break within",
		  CREDENTIALS("<AccessKeyId>A\nB</AccessKeyId>" SECRET TOKEN END), -EPROTO },
		{ "an empty id", CREDENTIALS("<AccessKeyId> </AccessKeyId>" SECRET TOKEN END),
		  -EPROTO },
		{ "not closed", "<AssumeRoleResult><Credentials>" ID SECRET TOKEN END, -EPROTO },
		{ "elsewhere", "<Credentials>" ID SECRET TOKEN END "</Credentials>", -EPROTO },
		{ "nothing", "", -EPROTO },
	};
	struct keys k = { 0 };

	unit_begin("XML: as AWS writes it");
	EXPECT_INT(sts_parse_keys(good, sizeof(good) - 1, &k), 0);
	EXPECT_STR(k.id, "ASIAROLE");
	EXPECT_STR(k.secret, "hush&<>\"'/+=");
	EXPECT_STR(k.token, "hush-t");
	EXPECT_INT(k.expires, START_S + 3600);
	keys_done(&k);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("XML: %s", rows[i].name);
		EXPECT_INT(sts_parse_keys(rows[i].text, strlen(rows[i].text), &k), rows[i].err);
		EXPECT(!k.id == !!rows[i].err);
		keys_done(&k);
	}
	/* Cut anywhere: no crash, and no keys. */
	unit_begin("XML: half of it");
	for (size_t n = 0; n < (size_t)(strstr(good, "</AssumeRoleResult>") - good) + 18; n++)
		if (!EXPECT_INT(sts_parse_keys(good, n, &k), -EPROTO))
			break;
}

/* --- the call */

static struct {
	bool done;
	int err;
	char id[64];
} got;

static void on_keys(int err, struct keys *keys, const char *why, void *ctx)
{
	(void)ctx;
	got.done = true;
	got.err = err;
	snprintf(got.id, sizeof(got.id), "%s", keys ? keys->id : "");
	EXPECT(!err == !!keys);
	buf_printf(&stub.told, "why: %s\n", why);
}

static char role_arn[] = "arn:aws:iam::1:role/a", session_name[] = "isamon", by_id[] = "AKIABASE",
	    by_secret[] = HUSH "-secret";
static const struct profile_role role = { .arn = role_arn, .session_name = session_name };
static const struct keys by = { .id = by_id, .secret = by_secret };

/* Asks and waits. Returns the error of either. */
static int ask(const char *endpoint, const char *region)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct sts *s;
	int err;

	memset(&got, 0, sizeof(got));
	EXPECT_INT(sts_new(stub.base, NULL, endpoint, &s), 0);
	err = sts_assume_role(s, &role, &by, region, on_keys, NULL, &why);
	buf_printf(&stub.told, "why: %s\n", buf_str(&why));
	if (!err) {
		EXPECT_INT(sts_assume_role(s, &role, &by, region, on_keys, NULL, &why), -EBUSY);
		EXPECT(!got.done);
		stub_run(&got.done);
		err = got.err;
	}
	sts_free(s);
	return err;
}

static void endpoints(void)
{
	static const struct {
		const char *endpoint, *region, *variable, *url, *host;
	} rows[] = {
		{ NULL, "eu-west-1", NULL, "https://sts.eu-west-1.amazonaws.com/",
		  "\nHost: sts.eu-west-1.amazonaws.com\n" },
		{ NULL, "cn-north-1", NULL, "https://sts.cn-north-1.amazonaws.com.cn/",
		  "\nHost: sts.cn-north-1.amazonaws.com.cn\n" },
		{ "http://127.0.0.1:8080/x/", "r", NULL, "http://127.0.0.1:8080/x/",
		  "\nHost: 127.0.0.1:8080\n" },
		{ "", "r", "http://[::1]:9", "http://[::1]:9/", "\nHost: [::1]:9\n" },
	};

	char line[100];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("endpoint: %s", rows[i].url);
		stub_begin();
		if (rows[i].variable)
			setenv("AWS_ENDPOINT_URL_STS", rows[i].variable, 1);
		STUB(.method = "POST", .url = "http", .body = good);
		EXPECT_INT(ask(rows[i].endpoint, rows[i].region), 0);
		EXPECT_STR(got.id, "ASIAROLE");
		snprintf(line, sizeof(line), "POST %s\n", rows[i].url);
		EXPECT_HAS(buf_str(&stub.asked), line);
		EXPECT_HAS(buf_str(&stub.asked), rows[i].host);
		EXPECT_HAS(buf_str(&stub.asked), "\n\nAction=AssumeRole&Version=2011-06-15&");
		EXPECT_HAS(buf_str(&stub.asked), "SignedHeaders=content-type;host;x-amz-date");
		EXPECT_HAS(buf_str(&stub.asked), "X-Amz-Date: 20261126T100000Z\n");
		stub_end();
	}
	unit_begin("endpoints that cannot be");
	stub_begin();
	EXPECT_INT(ask(NULL, NULL), -EINVAL);
	EXPECT_HAS(buf_str(&stub.told), "the region is not known");
	EXPECT_INT(ask(NULL, "evil.example/"), -EINVAL);
	EXPECT_INT(ask("ftp://x", "r"), -EINVAL);
	EXPECT_INT(ask("http://", "r"), -EINVAL);
	EXPECT_INT(ask("http://user@host/", "r"), -EINVAL);
	EXPECT_UINT(stub.n_asked, 0);
	stub_end();
}

static void fails(void)
{
	static const struct {
		const char *name;
		struct stub_rule rule;
		int err;
		const char *why;
		unsigned int asked;
	} rows[] = {
		{ "the network", { .err = -ECONNREFUSED }, -ECONNREFUSED, "Connection refused", 3 },
		{ "a hang", { .err = -ETIMEDOUT }, -ETIMEDOUT, "timed out", 3 },
		{ "too long an answer", { .err = -EFBIG }, -EFBIG, "too large", 1 },
		{ "500", { .status = 500 }, -EPROTO, "it answers with status 500", 3 },
		{ "throttled",
		  { .status = 400,
		    .body = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>" },
		  -EACCES,
		  "Throttling: Rate exceeded",
		  3 },
		{ "expired",
		  { .status = 403,
		    .body = "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>" },
		  -EACCES,
		  "ExpiredToken: m",
		  1 },
		{ "another's page",
		  { .status = 404, .body = "<html>" },
		  -EPROTO,
		  "it answers with status 404",
		  1 },
		{ "another's 200", { .body = "<html>" }, -EPROTO, "not the XML", 1 },
		{ "its own secrets",
		  { .status = 400,
		    .body = "<Error><Code>X</Code><Message>a " HUSH "-secret b</Message></Error>" },
		  -EACCES,
		  "X: (a message with a secret in it)",
		  1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stub_rule r = rows[i].rule;

		unit_begin("fails: %s", rows[i].name);
		stub_begin();
		r.method = "POST";
		r.url = STS;
		stub_rule_add(r);
		EXPECT_INT(ask(NULL, "eu-west-1"), rows[i].err);
		EXPECT_HAS(buf_str(&stub.told),
			   "the role arn:aws:iam::1:role/a could not be assumed at "
			   "sts.eu-west-1.amazonaws.com: ");
		EXPECT_HAS(buf_str(&stub.told), rows[i].why);
		EXPECT_UINT(stub.n_asked, rows[i].asked);
		stub_end();
	}
}

static void recovers(void)
{
	stub_begin();
	STUB(.method = "POST", .url = STS, .err = -ECONNRESET, .times = 1);
	STUB(.method = "POST", .url = STS, .status = 503, .times = 1);
	STUB(.method = "POST", .url = STS, .body = good);
	EXPECT_INT(ask(NULL, "eu-west-1"), 0);
	EXPECT_UINT(stub.n_asked, 3);
	stub_end();
}

#define SKEWED "<Error><Code>SignatureDoesNotMatch</Code><Message>expired</Message></Error>"

static void wrong_clock(void)
{
	stub_begin();
	STUB(.method = "POST", .url = STS, .status = 403, .body = SKEWED, .times = 1,
	     .headers = "Date: Thu, 26 Nov 2026 11:30:00 GMT\r\n");
	STUB(.method = "POST", .url = STS, .body = good);
	EXPECT_INT(ask(NULL, "eu-west-1"), 0);
	EXPECT_HAS(buf_str(&stub.asked), "X-Amz-Date: 20261126T113000Z\n");
	stub_clear();
	/* Once only, and not if the clock is right. */
	STUB(.method = "POST", .url = STS, .status = 403, .body = SKEWED,
	     .headers = "Date: Thu, 26 Nov 2026 11:30:00 GMT\r\n");
	EXPECT_INT(ask(NULL, "eu-west-1"), -EACCES);
	EXPECT_UINT(stub.n_asked, 2);
	stub_clear();
	STUB(.method = "POST", .url = STS, .status = 403, .body = SKEWED,
	     .headers = "Date: Thu, 26 Nov 2026 10:00:30 GMT\r\n");
	EXPECT_INT(ask(NULL, "eu-west-1"), -EACCES);
	EXPECT_UINT(stub.n_asked, 1);
	stub_end();
}

static void cancelled(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct sts *s;

	stub_begin();
	memset(&got, 0, sizeof(got));
	STUB(.method = "POST", .url = STS, .held = true);
	REQUIRE_INT(sts_new(stub.base, NULL, NULL, &s), 0);
	EXPECT_INT(sts_assume_role(s, &role, &by, "eu-west-1", on_keys, NULL, &why), 0);
	stub_run_asked(1);
	sts_cancel(s);
	EXPECT_INT(sts_assume_role(s, &role, &by, "eu-west-1", on_keys, NULL, &why), 0);
	sts_free(s);
	sts_free(NULL);
	EXPECT(!got.done);
	stub_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, xml },
		{ NULL, endpoints },
		{ NULL, fails },
		{ "a server that is not well is asked again", recovers },
		{ "a clock that is wrong is learned", wrong_clock },
		{ "cancelled, and freed", cancelled },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
