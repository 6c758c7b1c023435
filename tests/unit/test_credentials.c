/* SPDX-License-Identifier: MIT */
/* Credentials: which source decides, how long they are good for, who waits for whom, and what is told when there are none. */
#include "transport_stub.h"

#include <sys/stat.h>

#include "aws/credentials.h"

#define IMDS "http://imds.test"
#define ROLES IMDS "/latest/meta-data/iam/security-credentials/"

static char scratch[] = "/tmp/test_credentials.XXXXXX";

/* What the last callback brought. */
struct got {
	bool done;
	unsigned int n;
	int err;
	char id[64], secret[64], token[64];
};

static void on_got(int err, const struct sigv4_key *key, const char *why, void *ctx)
{
	struct got *g = ctx;

	g->done = true;
	g->n++;
	g->err = err;
	g->id[0] = g->secret[0] = g->token[0] = '\0';
	EXPECT(!err == !!key);
	EXPECT(!err == !why[0]);
	EXPECT(!strchr(why, '\n'));
	buf_printf(&stub.told, "why: %s\n", why);
	if (key) {
		snprintf(g->id, sizeof(g->id), "%s", key->id);
		snprintf(g->secret, sizeof(g->secret), "%s", key->secret);
		snprintf(g->token, sizeof(g->token), "%s", key->token ? key->token : "-");
	}
}

static struct credentials *make(struct credentials_options *o)
{
	struct credentials *c = NULL;

	if (!o->imds_endpoint)
		o->imds_endpoint = IMDS;
	EXPECT_INT(credentials_new(stub.base, NULL, o, &c), 0);
	return c;
}

/* Asks and waits for the answer. */
static struct got get(struct credentials *c)
{
	struct got g = { 0 };

	EXPECT_INT(credentials_get(c, on_got, &g), 0);
	stub_run(&g.done);
	stub_settle();
	EXPECT_UINT(g.n, 1);
	return g;
}

static const char *told(void)
{
	return buf_str(&stub.told);
}

/* {"Code": "Success", ...} of set @n, good until @expires. */
static const char *json(unsigned int n, const char *expires)
{
	static char texts[4][600];
	static unsigned int next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]),
		 "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIA%u\","
		 "\"SecretAccessKey\":\"" HUSH "-secret-%u\",\"Token\":\"" HUSH "-token-%u\","
		 "\"Expiration\":\"%s\"}",
		 n, n, n, expires);
	return text;
}

static void imds_token(void)
{
	STUB(.method = "PUT", .url = IMDS "/latest/api/token", .body = HUSH "-imds");
}

/* An instance with the role web. */
static void imds_role(const char *body)
{
	STUB(.method = "GET", .url = ROLES "web", .body = body);
	STUB(.method = "GET", .url = ROLES, .body = "web\n");
}

static const char *file(const char *name, const char *text)
{
	static char paths[2][100];
	static unsigned int next;
	char *path = paths[next++ % 2];
	FILE *f;

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	f = fopen(path, "w");
	if (EXPECT(f)) {
		fputs(text, f);
		fclose(f);
	}
	return path;
}

/* --- which source decides */

static const char every_source[] = "[default]\naws_access_key_id = AKIAFILE\n"
				   "aws_secret_access_key = " HUSH "-file\n";

/* Each row has one source less than the one before. */
static void precedence(void)
{
	struct credentials_options o = { .access_key_id = "AKIACONF",
					 .secret_access_key = HUSH "-conf",
					 .session_token = HUSH "-conftoken" };
	struct credentials *c;
	struct got g;

	stub_begin();
	setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", HUSH "-env", 1);
	setenv("AWS_SESSION_TOKEN", HUSH "-envtoken", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", file("credentials", every_source), 1);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", 1);
	STUB(.method = "GET", .url = "http://169.254.170.2/v2/x",
	     .body = json(1, "2026-11-26T16:00:00Z"));
	imds_token();
	imds_role(json(2, "2026-11-26T16:00:00Z"));
	c = make(&o);
	EXPECT_STR(credentials_source(c), "none");
	g = get(c);
	EXPECT_STR(g.id, "AKIACONF");
	EXPECT_STR(g.token, HUSH "-conftoken");
	EXPECT_STR(credentials_source(c), "configuration");
	credentials_free(c);
	o.access_key_id = o.secret_access_key = o.session_token = "";
	c = make(&o);
	g = get(c);
	EXPECT_STR(g.id, "AKIAENV");
	EXPECT_STR(g.secret, HUSH "-env");
	EXPECT_STR(g.token, HUSH "-envtoken");
	EXPECT_STR(credentials_source(c), "environment");
	credentials_reject(c);
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	g = get(c);
	EXPECT_STR(g.id, "AKIAFILE");
	EXPECT_STR(g.token, "-");
	EXPECT_STR(credentials_source(c), "profile default");
	EXPECT_UINT(stub.n_asked, 0);
	credentials_reject(c);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials", 1);
	g = get(c);
	EXPECT_STR(g.id, "ASIA1");
	EXPECT_STR(credentials_source(c), "container");
	credentials_reject(c);
	unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	g = get(c);
	EXPECT_STR(g.id, "ASIA2");
	EXPECT_STR(g.token, HUSH "-token-2");
	EXPECT_STR(credentials_source(c), "instance role web");
	EXPECT(stub.all_direct);
	credentials_free(c);
	stub_end();
}

/* A source that is configured and fails is told, and the next ones are not asked. */
static void half_configured(void)
{
	static const struct {
		const char *name;
		struct credentials_options o;
		const char *variable, *value;
		const char *file;
		const char *why;
	} rows[] = {
		{ "an id without its secret, in the configuration",
		  { .access_key_id = "AKIA1" },
		  NULL,
		  NULL,
		  "",
		  "[aws] of the configuration has access_key_id without secret_access_key" },
		{ "a secret without its id, in the configuration",
		  { .secret_access_key = HUSH },
		  NULL,
		  NULL,
		  "",
		  "[aws] of the configuration has secret_access_key without access_key_id" },
		{ "an id without its secret, in the environment",
		  { 0 },
		  "AWS_ACCESS_KEY_ID",
		  "AKIA1",
		  every_source,
		  "the environment has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY" },
		{ "keys with spaces in them",
		  { .access_key_id = "AKIA1", .secret_access_key = HUSH " \n" },
		  NULL,
		  NULL,
		  "",
		  "[aws] of the configuration has keys that cannot be keys" },
		{ "a profile that is not there",
		  { .profile = "nobody" },
		  NULL,
		  NULL,
		  every_source,
		  "profile nobody is neither in /tmp/test_credentials." },
		{ "a file that was asked for and is not there",
		  { .credentials_file = "/nowhere/c" },
		  NULL,
		  NULL,
		  "",
		  "/nowhere/c cannot be read: No such file" },
		{ "a profile of single sign-on",
		  { 0 },
		  NULL,
		  NULL,
		  "[default]\nsso_session = corp\n",
		  "profile default has sso_session, which isamon does not support" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credentials_options o = rows[i].o;
		struct credentials *c;
		struct got g;

		unit_begin("refused: %s", rows[i].name);
		stub_begin();
		setenv("AWS_SHARED_CREDENTIALS_FILE", file("credentials", rows[i].file), 1);
		if (rows[i].variable)
			setenv(rows[i].variable, rows[i].value, 1);
		c = make(&o);
		g = get(c);
		EXPECT(g.err && g.err != -ENOENT);
		EXPECT_HAS(told(), rows[i].why);
		EXPECT_STR(credentials_source(c), "none");
		credentials_free(c);
		stub_end();
	}
}

/* --- the instance */

static void instance_fails(void)
{
	static const struct {
		const char *name;
		struct stub_rule rules[3];
		int err;
		const char *why;
		unsigned int asked;
	} rows[] = {
		{ "no such host",
		  { { "PUT", IMDS, .err = -EHOSTUNREACH, .unsent = true } },
		  -ENOENT,
		  "no AWS credentials: none in [aws]",
		  3 },
		{ "PUT hangs",
		  { { "PUT", IMDS, .err = -ETIMEDOUT } },
		  -ENOENT,
		  "--http-put-response-hop-limit 2",
		  3 },
		{ "PUT hangs before it is sent",
		  { { "PUT", IMDS, .err = -ETIMEDOUT, .unsent = true } },
		  -ENOENT,
		  "could not be asked: Connection timed out",
		  3 },
		{ "switched off", { { "PUT", IMDS, .status = 403 } }, -ENOENT, "refused (403)", 1 },
		{ "PUT is not known",
		  { { "PUT", IMDS, .status = 404 } },
		  -ENOENT,
		  "answered with status 404 to the request for a token",
		  1 },
		{ "a token that is none",
		  { { "PUT", IMDS, .body = "a\r\nX: y" } },
		  -ENOENT,
		  "a token that cannot be one",
		  1 },
		{ "no role",
		  { { "PUT", IMDS, .body = HUSH }, { "GET", IMDS, .status = 404 } },
		  -ENOENT,
		  "the instance has no role: attach an instance profile",
		  2 },
		{ "GET hangs",
		  { { "PUT", IMDS, .body = HUSH }, { "GET", IMDS, .err = -ETIMEDOUT } },
		  -ENOENT,
		  "could not be asked: Connection timed out",
		  4 },
		{ "500 for ever",
		  { { "PUT", IMDS, .body = HUSH }, { "GET", IMDS, .status = 500 } },
		  -ENOENT,
		  "answered with status 500",
		  4 },
		{ "a role's name that is none",
		  { { "PUT", IMDS, .body = HUSH }, { "GET", IMDS, .body = "../../x\n" } },
		  -ENOENT,
		  "name no role",
		  2 },
		{ "an error in a 200",
		  { { "PUT", IMDS, .body = HUSH },
		    { "GET", ROLES "web",
		      .body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot "
			      "assume\\nthe role\"}" },
		    { "GET", ROLES, .body = "web" } },
		  -EACCES,
		  "it answers with the error AssumeRoleUnauthorizedAccess: EC2 cannot assume?the role",
		  3 },
		{ "a 200 of something else",
		  { { "PUT", IMDS, .body = HUSH },
		    { "GET", ROLES "web", .body = "<html>" },
		    { "GET", ROLES, .body = "web" } },
		  -EPROTO,
		  "not the JSON",
		  3 },
		{ "a 200 with half of it",
		  { { "PUT", IMDS, .body = HUSH },
		    { "GET", ROLES "web", .body = "{\"Code\":\"Success\",\"AccessKeyId\":\"A\"}" },
		    { "GET", ROLES, .body = "web" } },
		  -EPROTO,
		  "no AccessKeyId, SecretAccessKey and Token",
		  3 },
		{ "the role's keys are gone",
		  { { "PUT", IMDS, .body = HUSH },
		    { "GET", ROLES "web", .status = 404 },
		    { "GET", ROLES, .body = "web" } },
		  -ENODATA,
		  "do not have that (404)",
		  3 },
		{ "each token is refused",
		  { { "PUT", IMDS, .body = HUSH }, { "GET", IMDS, .status = 401 } },
		  -ENOENT,
		  "refused a token that they had just given (401)",
		  4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct credentials_options o = { 0 };
		struct credentials *c;
		struct got g;

		unit_begin("instance: %s", rows[i].name);
		stub_begin();
		for (size_t k = 0; k < 3 && rows[i].rules[k].method; k++)
			stub_rule_add(rows[i].rules[k]);
		c = make(&o);
		g = get(c);
		EXPECT_INT(g.err, rows[i].err);
		EXPECT_HAS(told(), rows[i].why);
		EXPECT_UINT(stub.n_asked, rows[i].asked);
		credentials_free(c);
		stub_end();
	}
}

static void instance_recovers(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .err = -ECONNRESET, .times = 1);
	STUB(.method = "PUT", .url = IMDS, .body = HUSH "-1");
	STUB(.method = "GET", .url = ROLES, .status = 503, .times = 1);
	imds_role(json(1, "2026-11-26T16:00:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_HAS(buf_str(&stub.asked), "X-aws-ec2-metadata-token-ttl-seconds: 21600\n");
	EXPECT_HAS(buf_str(&stub.asked), "X-aws-ec2-metadata-token: " HUSH "-1\n");
	EXPECT(stub.longest_pause_ms <= 400);
	credentials_free(c);
	stub_end();
}

static void token_is_renewed(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .body = HUSH "-1", .times = 1);
	STUB(.method = "PUT", .url = IMDS, .body = HUSH "-2");
	STUB(.method = "GET", .url = ROLES, .status = 401, .times = 1);
	imds_role(json(1, "2026-11-26T16:00:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_UINT(stub.n_asked, 5); /* PUT, 401, PUT, the list, the keys */
	EXPECT_HAS(buf_str(&stub.asked), "X-aws-ec2-metadata-token: " HUSH "-2\n");
	stub_clear();
	imds_role(json(2, "2026-11-26T16:00:00Z"));
	credentials_reject(c);
	EXPECT_STR(get(c).id, "ASIA2");
	EXPECT_UINT(stub.n_asked, 2); /* the token is kept */
	stub_clear();
	pass_seconds(21600);
	STUB(.method = "PUT", .url = IMDS, .body = HUSH "-3");
	imds_role(json(3, "2026-11-26T22:00:00Z"));
	EXPECT_STR(get(c).id, "ASIA3");
	EXPECT_UINT(stub.n_asked, 3);
	credentials_free(c);
	stub_end();
}

static void disabled(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
	c = make(&o);
	EXPECT_INT(get(c).err, -ENOENT);
	EXPECT_HAS(told(), "AWS_EC2_METADATA_DISABLED");
	EXPECT_UINT(stub.n_asked, 0);
	credentials_free(c);
	stub_end();
}

/* --- how long */

static void refreshed_ahead(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;
	struct got g;

	stub_begin();
	imds_token();
	imds_role(json(1, "2026-11-26T11:00:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	stub_clear();
	pass_seconds(3600 - 900 - 70);
	EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_UINT(stub.n_asked, 0); /* 16 minutes and 10 seconds ahead: not yet */
	pass_seconds(80);
	imds_role(json(2, "2026-11-26T12:00:00Z"));
	stub.rules[0].held = true;
	g = get(c);
	EXPECT_STR(g.id, "ASIA1"); /* given at once */
	stub_run_asked(2);
	EXPECT_STR(get(c).id, "ASIA1"); /* and to the next one too */
	EXPECT_UINT(stub.n_asked, 2);
	stub_release();
	stub_settle();
	EXPECT_STR(get(c).id, "ASIA2");
	EXPECT_UINT(stub.n_asked, 2);
	credentials_free(c);
	stub_end();
}

static void must_be_refreshed(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	imds_token();
	imds_role(json(1, "2026-11-26T11:00:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	stub_clear();
	pass_seconds(3600 - 599);
	STUB(.method = "GET", .url = IMDS, .status = 400);
	EXPECT_STR(get(c).id, "ASIA1"); /* tried first, and the old ones are still good */
	EXPECT_UINT(stub.n_asked, 1);
	EXPECT_HAS(told(), "could not be fetched anew");
	EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_UINT(stub.n_asked, 1); /* not within the pause */
	stub_clear();
	pass_seconds(2);
	imds_role(json(2, "2026-11-26T17:00:00Z"));
	EXPECT_STR(get(c).id, "ASIA2");
	credentials_free(c);
	stub_end();
}

static void expired_instance(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	imds_token();
	imds_role(json(1, "2026-11-26T09:00:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_HAS(told(), "are expired; they are used all the same");
	stub_clear();
	pass_seconds(299);
	EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_UINT(stub.n_asked, 0);
	pass_seconds(302);
	STUB(.method = "GET", .url = IMDS, .status = 400);
	EXPECT_STR(get(c).id, "ASIA1"); /* IMDS fails: they are all there is */
	EXPECT_UINT(stub.n_asked, 1);
	stub_clear();
	pass_seconds(2);
	imds_role(json(2, "2026-11-26T17:00:00Z"));
	EXPECT_STR(get(c).id, "ASIA2");
	credentials_free(c);
	stub_end();
}

static void expired_container(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;
	struct got g;

	stub_begin();
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/c", 1);
	STUB(.method = "GET", .url = "http://127.0.0.1:1/c",
	     .body = json(1, "2026-11-26T11:00:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	pass_seconds(3600);
	stub_clear();
	STUB(.method = "GET", .url = "http://127.0.0.1:1/c", .status = 500);
	g = get(c);
	EXPECT_INT(g.err, -EACCES);
	EXPECT_STR(g.id, "");
	EXPECT_HAS(told(), "it answers with status 500");
	credentials_free(c);
	stub_end();
}

/* Ones that are always near their end are fetched once a minute, not at each request. */
static void short_lived(void)
{
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/c", 1);
	STUB(.method = "GET", .url = "http://127.0.0.1:1/c",
	     .body = json(1, "2026-11-26T10:05:00Z"));
	c = make(&o);
	for (int i = 0; i < 10; i++)
		EXPECT_STR(get(c).id, "ASIA1");
	EXPECT_UINT(stub.n_asked, 1);
	pass_seconds(61);
	get(c);
	EXPECT_UINT(stub.n_asked, 2);
	credentials_free(c);
	stub_end();
}

/* --- who waits for whom */

static void one_walk_for_all(void)
{
	struct got g[5] = { { 0 } };
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	imds_token();
	imds_role(json(1, "2026-11-26T16:00:00Z"));
	stub.rules[1].held = true;
	c = make(&o);
	for (size_t i = 0; i < 5; i++)
		EXPECT_INT(credentials_get(c, on_got, &g[i]), 0);
	stub_run_asked(3);
	EXPECT(!g[0].done);
	credentials_cancel(c, &g[1]);
	stub_release();
	stub_run(&g[4].done);
	EXPECT_UINT(stub.n_asked, 3);
	for (size_t i = 0; i < 5; i++)
		EXPECT_STR(g[i].id, i == 1 ? "" : "ASIA1");
	credentials_free(c);
	stub_end();
}

/* Whoever rejects while the walk is under way cannot know what it brings: the same again is in doubt. */
static void rejected_during_a_walk(void)
{
	struct credentials_options o = { 0 };
	struct got g = { 0 };
	struct credentials *c;

	stub_begin();
	imds_token();
	imds_role(json(1, "2026-11-26T10:14:00Z"));
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIA1");
	stub_clear();
	pass_seconds(120);
	STUB(.method = "GET", .url = ROLES "web", .body = json(1, "2026-11-26T10:14:00Z"),
	     .held = true, .times = 1);
	imds_role(json(2, "2026-11-26T16:00:00Z"));
	EXPECT_STR(get(c).id, "ASIA1"); /* and a walk begins behind it */
	stub_run_asked(2);
	credentials_reject(c);
	EXPECT_INT(credentials_get(c, on_got, &g), 0);
	stub_settle();
	EXPECT(!g.done);
	stub_release();
	stub_run(&g.done);
	EXPECT_STR(g.id, "ASIA2");
	EXPECT_UINT(stub.n_asked, 4);
	credentials_free(c);
	stub_end();
}

static void same_after_rejection(void)
{
	struct credentials_options o = { .access_key_id = "AKIA1", .secret_access_key = HUSH };
	struct credentials *c;
	uint64_t pause_s = 1;

	stub_begin();
	c = make(&o);
	EXPECT_STR(get(c).id, "AKIA1");
	credentials_reject(c);
	EXPECT_STR(get(c).id, "AKIA1"); /* the same, once more */
	for (int i = 0; i < 8; i++) {
		credentials_reject(c);
		EXPECT_INT(get(c).err, -EACCES);
		pass_seconds(pause_s - 1);
		EXPECT_INT(get(c).err, -EACCES);
		pass_seconds(1);
		EXPECT_STR(get(c).id, "AKIA1");
		pause_s = pause_s * 2 > 60 ? 60 : pause_s * 2;
	}
	EXPECT_HAS(told(), "AWS does not accept the credentials of configuration");
	pass_seconds(400);
	credentials_reject(c);
	EXPECT_STR(get(c).id, "AKIA1"); /* they were good for a while: no pause */
	credentials_free(c);
	stub_end();
}

static void backs_off(void)
{
	static const unsigned int pauses_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct credentials_options o = { 0 };
	struct credentials *c;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .status = 403);
	c = make(&o);
	for (size_t i = 0; i < ARRAY_SIZE(pauses_s); i++) {
		EXPECT_INT(get(c).err, -ENOENT);
		EXPECT_UINT(stub.n_asked, i + 1);
		pass_seconds(pauses_s[i] - 1);
		EXPECT_INT(get(c).err, -ENOENT);
		EXPECT_UINT(stub.n_asked, i + 1);
		pass_seconds(1);
	}
	stub_clear();
	imds_token();
	imds_role(json(1, "2026-11-26T16:00:00Z"));
	EXPECT_STR(get(c).id, "ASIA1");
	credentials_free(c);
	stub_end();
}

static void get_again(int err, const struct sigv4_key *key, const char *why, void *ctx);

static struct {
	struct credentials *c;
	struct got second;
	unsigned int n;
} nested;

static void get_again(int err, const struct sigv4_key *key, const char *why, void *ctx)
{
	(void)why;
	(void)ctx;
	nested.n++;
	EXPECT_INT(err, 0);
	credentials_reject(nested.c);
	EXPECT_INT(credentials_get(nested.c, on_got, &nested.second), 0);
	EXPECT(!nested.second.done);
	EXPECT_STR(key->id, "ASIA1"); /* still there */
}

static void rejected_in_a_callback(void)
{
	struct credentials_options o = { 0 };
	struct got other = { 0 };

	stub_begin();
	memset(&nested, 0, sizeof(nested));
	imds_token();
	STUB(.method = "GET", .url = ROLES "web", .body = json(1, "2026-11-26T16:00:00Z"),
	     .times = 1);
	imds_role(json(2, "2026-11-26T16:00:00Z"));
	nested.c = make(&o);
	EXPECT_INT(credentials_get(nested.c, get_again, NULL), 0);
	EXPECT_INT(credentials_get(nested.c, on_got, &other), 0);
	stub_run(&nested.second.done);
	EXPECT_STR(nested.second.id, "ASIA2");
	EXPECT_STR(other.id, "ASIA2");
	EXPECT_UINT(nested.n, 1);
	credentials_free(nested.c);
	stub_end();
}

static void freed_at_work(void)
{
	struct credentials_options o = { 0 };
	struct got g = { 0 };
	struct credentials *c;

	stub_begin();
	STUB(.method = "PUT", .url = IMDS, .held = true);
	c = make(&o);
	EXPECT_INT(credentials_get(c, on_got, &g), 0);
	stub_run_asked(1);
	credentials_free(c);
	stub_settle();
	EXPECT(!g.done);
	c = make(&o);
	EXPECT_INT(credentials_get(c, on_got, &g), 0);
	credentials_free(c);
	credentials_free(NULL);
	EXPECT(!g.done);
	stub_end();
}

/* --- the files */

static void file_is_rotated(void)
{
	const char *path = file("credentials", every_source);
	struct credentials_options o = { .credentials_file = path };
	struct credentials *c;

	stub_begin();
	c = make(&o);
	EXPECT_STR(get(c).id, "AKIAFILE");
	file("credentials",
	     "[default]\naws_access_key_id=AKIANEW2\naws_secret_access_key=" HUSH "\n");
	o.credentials_file = path;
	EXPECT_STR(get(c).id, "AKIAFILE"); /* not looked at within the minute */
	pass_seconds(61);
	EXPECT_STR(get(c).id, "AKIANEW2");
	file("credentials",
	     "[default]\naws_access_key_id=AKIATHIRD\naws_secret_access_key=" HUSH "\n");
	credentials_reject(c);
	EXPECT_STR(get(c).id, "AKIATHIRD");
	file("credentials", "[default]\naws_access_key_id=AKIA\n");
	pass_seconds(61);
	EXPECT_STR(get(c).id, "AKIATHIRD"); /* half written: the old ones stay */
	EXPECT_HAS(told(), "profile default has aws_access_key_id without aws_secret_access_key");
	credentials_free(c);
	stub_end();
}

#define STS "https://sts.eu-west-1.amazonaws.com"

static const char assumed[] =
	"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
	"<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>" HUSH
	"-role</SecretAccessKey><SessionToken>" HUSH "-roletoken</SessionToken>"
	"<Expiration>2026-11-26T11:00:00Z</Expiration></Credentials></AssumeRoleResult>"
	"</AssumeRoleResponse>";

static void role_by_source_profile(void)
{
	struct credentials_options o = { .profile = "role" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile role]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = base\n"
		    "external_id = e/x\nduration_seconds = 900\nregion = eu-west-1\n"),
	       1);
	setenv("AWS_SHARED_CREDENTIALS_FILE",
	       file("credentials",
		    "[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=" HUSH "\n"),
	       1);
	STUB(.method = "POST", .url = STS, .body = assumed);
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIAROLE");
	EXPECT_STR(credentials_source(c), "profile role");
	EXPECT_HAS(buf_str(&stub.asked), "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa");
	EXPECT_HAS(buf_str(&stub.asked),
		   "&RoleSessionName=isamon&DurationSeconds=900&ExternalId=e%2Fx");
	EXPECT_HAS(buf_str(&stub.asked), "Credential=AKIABASE/20261126/eu-west-1/sts/aws4_request");
	EXPECT(!strstr(buf_str(&stub.asked), "Security-Token"));
	EXPECT(!stub.all_direct);
	credentials_free(c);
	stub_end();
}

/* The role's keys are asked for by the instance's, and those of the outer role by the inner one's. */
static void role_by_instance(void)
{
	struct credentials_options o = { .profile = "outer", .region = "eu-west-1" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile outer]\nrole_arn=arn:aws:iam::1:role/outer\nsource_profile=inner\n"
		    "[profile inner]\nrole_arn=arn:aws:iam::1:role/inner\n"
		    "credential_source = Ec2InstanceMetadata\n"),
	       1);
	imds_token();
	imds_role(json(7, "2026-11-26T16:00:00Z"));
	STUB(.method = "POST", .url = STS, .body = assumed);
	c = make(&o);
	EXPECT_STR(get(c).id, "ASIAROLE");
	EXPECT_UINT(stub.n_asked, 5);
	EXPECT_HAS(buf_str(&stub.asked), "X-Amz-Security-Token: " HUSH "-token-7");
	EXPECT_HAS(strstr(buf_str(&stub.asked), "inner"), "Credential=ASIAROLE/");
	EXPECT_HAS(strstr(buf_str(&stub.asked), "inner"), "outer");
	credentials_free(c);
	stub_end();
}

static void role_by_environment_and_container(void)
{
	struct credentials_options o = { .profile = "env", .region = "eu-west-1" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile env]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=Environment\n"
		    "[profile ecs]\nrole_arn=arn:aws:iam::1:role/a\ncredential_source=EcsContainer\n"),
	       1);
	c = make(&o);
	EXPECT_INT(get(c).err, -EINVAL);
	EXPECT_HAS(told(), "profile env: the environment has neither AWS_ACCESS_KEY_ID");
	credentials_free(c);
	o.profile = "ecs";
	c = make(&o);
	EXPECT_INT(get(c).err, -EINVAL);
	EXPECT_HAS(told(), "credential_source = EcsContainer, but there is no");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[::1]:8/", 1);
	STUB(.method = "GET", .url = "http://[::1]:8/", .body = json(4, "2026-11-26T16:00:00Z"));
	STUB(.method = "POST", .url = STS, .body = assumed);
	pass_seconds(1);
	EXPECT_STR(get(c).id, "ASIAROLE");
	EXPECT_HAS(buf_str(&stub.asked), "Credential=ASIA4/");
	credentials_free(c);
	stub_end();
}

static void role_is_refused(void)
{
	struct credentials_options o = { .profile = "role",
					 .region = "eu-west-1",
					 .sts_endpoint = "http://127.0.0.1:9/sts" };
	struct credentials *c;

	stub_begin();
	setenv("AWS_CONFIG_FILE",
	       file("config",
		    "[profile role]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=role\n"
		    "aws_access_key_id=AKIA1\naws_secret_access_key=" HUSH "-0123456789abcdef\n"),
	       1);
	STUB(.method = "POST", .url = "http://127.0.0.1:9/sts", .status = 403,
	     .body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: u "
		     "is not authorized</Message></Error></ErrorResponse>",
	     .times = 1);
	c = make(&o);
	EXPECT_INT(get(c).err, -EACCES);
	EXPECT_HAS(told(),
		   "profile role: the role arn:aws:iam::1:role/a could not be assumed at "
		   "127.0.0.1:9: AccessDenied: User: u is not authorized; the role's trust policy");
	STUB(.method = "POST", .url = "http://127.0.0.1:9/sts", .status = 403,
	     .body = "<Error><Code>SignatureDoesNotMatch</Code><Message>your secret is " HUSH
		     "-0123456789abcdef, is it?</Message></Error>");
	pass_seconds(1);
	EXPECT_INT(get(c).err, -EACCES);
	EXPECT_HAS(told(), "SignatureDoesNotMatch: (a message with a secret in it)");
	credentials_free(c);
	stub_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "configuration, environment, file, container, instance: in this order",
		  precedence },
		{ NULL, half_configured },
		{ NULL, instance_fails },
		{ "an instance that is slow to begin", instance_recovers },
		{ "a token that is refused is fetched anew, a good one kept", token_is_renewed },
		{ "the environment forbids to ask the instance", disabled },
		{ "new ones are fetched ahead, behind the back of who asks", refreshed_ahead },
		{ "shortly before the end a try comes first", must_be_refreshed },
		{ "expired ones of an instance are used", expired_instance },
		{ "expired ones of a container are not", expired_container },
		{ "short-lived ones are fetched once a minute", short_lived },
		{ "one walk for all who wait", one_walk_for_all },
		{ "a rejection during a walk", rejected_during_a_walk },
		{ "the same ones after a rejection", same_after_rejection },
		{ "pauses double, and nothing is for ever", backs_off },
		{ "a rejection within a callback", rejected_in_a_callback },
		{ "freed while somebody waits", freed_at_work },
		{ "a file that is changed is read again", file_is_rotated },
		{ "a role through source_profile", role_by_source_profile },
		{ "a role of a role, through the instance", role_by_instance },
		{ "a role through environment and container", role_by_environment_and_container },
		{ "a role that is refused", role_is_refused },
	};
	int rc;

	if (!mkdtemp(scratch))
		return 1;
	rc = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unlink(file("credentials", ""));
	unlink(file("config", ""));
	rmdir(scratch);
	return rc;
}
