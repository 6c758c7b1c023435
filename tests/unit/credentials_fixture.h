/* SPDX-License-Identifier: MIT */
/* Credentials over the stub of the transport: an instance, files, and somebody who asks and waits. */
#ifndef ISAMON_TEST_CREDENTIALS_FIXTURE_H
#define ISAMON_TEST_CREDENTIALS_FIXTURE_H

#include "transport_stub.h"

#include "aws/credentials.h"

#define IMDS "http://imds.test"
#define ROLES IMDS "/latest/meta-data/iam/security-credentials/"

static char scratch[] = "/tmp/test_credentials.XXXXXX";

/* What a callback brought. */
struct got {
	bool done;
	unsigned int n;
	int err;
	char id[64], secret[64], token[64];
};

UNIT_USED_ static void on_got(int err, const struct sigv4_key *key, const char *why, void *ctx)
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

UNIT_USED_ static struct credentials *make(struct credentials_options *o)
{
	struct credentials *c = NULL;

	if (!o->imds_endpoint)
		o->imds_endpoint = IMDS;
	EXPECT_INT(credentials_new(stub.base, NULL, o, &c), 0);
	return c;
}

/* Asks and waits for the answer. */
UNIT_USED_ static struct got get(struct credentials *c)
{
	struct got g = { 0 };

	EXPECT_INT(credentials_get(c, on_got, &g), 0);
	stub_run(&g.done);
	stub_settle();
	EXPECT_UINT(g.n, 1);
	return g;
}

UNIT_USED_ static const char *told(void)
{
	return buf_str(&stub.told);
}

/* {"Code": "Success", ...} of set @n, good until @expires. */
UNIT_USED_ static const char *json(unsigned int n, const char *expires)
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

UNIT_USED_ static void imds_token(void)
{
	STUB(.method = "PUT", .url = IMDS "/latest/api/token", .body = HUSH "-imds");
}

/* An instance with the role web. */
UNIT_USED_ static void imds_role(const char *body)
{
	STUB(.method = "GET", .url = ROLES "web", .body = body);
	STUB(.method = "GET", .url = ROLES, .body = "web\n");
}

UNIT_USED_ static const char *file(const char *name, const char *text)
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

UNIT_USED_ static const char every_source[] = "[default]\naws_access_key_id = AKIAFILE\n"
					      "aws_secret_access_key = " HUSH "-file\n";

/* unit_main(), with a directory for the files. */
UNIT_USED_ static int credentials_main(int argc, char **argv, const struct unit_case *cases,
				       size_t n)
{
	int rc;

	if (!mkdtemp(scratch))
		return 1;
	rc = unit_main(argc, argv, cases, n);
	unlink(file("credentials", ""));
	unlink(file("config", ""));
	rmdir(scratch);
	return rc;
}

#endif
