/* SPDX-License-Identifier: MIT */
/* The instance's role: tokens, and all the ways in which the metadata fail. */
#include "credentials_fixture.h"

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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, instance_fails },
		{ "an instance that is slow to begin", instance_recovers },
		{ "a token that is refused is fetched anew, a good one kept", token_is_renewed },
		{ "the environment forbids to ask the instance", disabled },
	};

	return credentials_main(argc, argv, cases, ARRAY_SIZE(cases));
}
