/* SPDX-License-Identifier: MIT */
/* Credentials: which source decides, how long they are good for, who waits for whom. */
#include "credentials_fixture.h"

/* --- which source decides */

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
	EXPECT_HAS(told(), "are expired by this host's clock; they are used all the same");
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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "configuration, environment, file, container, instance: in this order",
		  precedence },
		{ NULL, half_configured },
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
	};

	return credentials_main(argc, argv, cases, ARRAY_SIZE(cases));
}
