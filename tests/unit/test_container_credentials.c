/* SPDX-License-Identifier: MIT */
/* The container's endpoint: where a token may be sent, where it comes from, and what is said of failures. */
#include "transport_stub.h"

#include "aws/container_credentials.h"

#define URL "http://127.0.0.1:7/c"

static void allowed(void)
{
	static const struct {
		const char *url;
		bool allowed;
	} rows[] = {
		{ "http://169.254.170.2/v2/credentials/x", true },
		{ "http://169.254.170.23/v1/credentials", true },
		{ "http://[fd00:ec2::23]/v1/credentials", true },
		{ "http://[FD00:EC2:0::23]:80/v1", true },
		{ "http://127.0.0.1/", true },
		{ "http://127.8.9.1:51678/x?a=b", true },
		{ "http://[::1]:8080", true },
		{ "http://localhost:8080/x", true },
		{ "https://example.com/x", true },
		{ "https://10.0.0.1:8443/x", true },
		{ "http://169.254.170.3/", false },
		{ "http://169.254.169.254/", false },
		{ "http://10.0.0.1/", false },
		{ "http://126.255.255.255/", false },
		{ "http://128.0.0.1/", false },
		{ "http://example.com/", false },
		{ "http://localhost.example.com/", false },
		{ "http://127.0.0.1.example.com/", false },
		{ "http://127.1/", false },
		{ "http://0x7f.0.0.1/", false },
		{ "http://2130706433/", false },
		{ "http://127.0.0.1@example.com/", false },
		{ "http://127.0.0.1:80@example.com/", false },
		{ "http://example.com#@127.0.0.1/", false },
		{ "http://127.0.0.1#x", false },
		{ "http://127.0.0.1\\@example.com/", false },
		{ "http://127.0.0.1 /", false },
		{ "http://127.0.0.1/\r\nX: y", false },
		{ "http://[::1", false },
		{ "http://[::1]x/", false },
		{ "http://[::ffff:10.0.0.1]/", false },
		{ "http://[]/", false },
		{ "http:///x", false },
		{ "ftp://127.0.0.1/", false },
		{ "HTTP://127.0.0.1/", false },
		{ "//127.0.0.1/", false },
		{ "", false },
	};
	char shown[100];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_show(shown, sizeof(shown), rows[i].url, strlen(rows[i].url));
		unit_begin("URL: %s", shown);
		EXPECT_INT(container_url_allowed(rows[i].url), rows[i].allowed);
	}
}

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
	buf_printf(&stub.told, "why: %s\n", why);
}

static int ask(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct container_credentials *c;
	int err;

	memset(&got, 0, sizeof(got));
	EXPECT_INT(container_credentials_new(stub.base, NULL, &c), 0);
	err = container_credentials_get(c, on_keys, NULL, &why);
	buf_printf(&stub.told, "why: %s\n", buf_str(&why));
	if (!err) {
		EXPECT_INT(container_credentials_get(c, on_keys, NULL, &why), -EBUSY);
		stub_run(&got.done);
		err = got.err;
	}
	container_credentials_free(c);
	return err;
}

static const char good[] =
	"{\"RoleArn\":\"r\",\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"" HUSH
	"\",\"Token\":\"" HUSH "-t\",\"Expiration\":\"2026-11-26T16:00:00Z\"}";

static void begin(void)
{
	stub_begin();
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", URL "?" HUSH, 1);
}

static void tokens(void)
{
	char path[] = "/tmp/test_container.XXXXXX";
	int fd = mkstemp(path);

	begin();
	STUB(.method = "GET", .url = URL, .body = good);
	EXPECT_INT(ask(), 0);
	EXPECT_STR(got.id, "ASIA1");
	EXPECT(!strstr(buf_str(&stub.asked), "Authorization"));
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic " HUSH "-1", 1);
	EXPECT_INT(ask(), 0);
	EXPECT_HAS(buf_str(&stub.asked), "Authorization: Basic " HUSH "-1\n");
	REQUIRE(fd >= 0 && write(fd, HUSH "-2\n", strlen(HUSH "-2\n")) > 0);
	close(fd);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
	EXPECT_INT(ask(), 0);
	EXPECT_HAS(buf_str(&stub.asked), "Authorization: " HUSH "-2\n");
	unlink(path);
	EXPECT_INT(ask(), -ENOENT);
	EXPECT_HAS(buf_str(&stub.told),
		   "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: /tmp/test_container.");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", HUSH "\r\nX: y", 1);
	EXPECT_INT(ask(), -EINVAL);
	EXPECT_HAS(buf_str(&stub.told), "cannot stand in a header");
	EXPECT_UINT(stub.n_asked, 3);
	EXPECT(stub.all_direct);
	stub_end();
}

static void environment(void)
{
	stub_begin();
	EXPECT(!container_credentials_configured());
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/", 1);
	EXPECT(container_credentials_configured());
	EXPECT_INT(ask(), -EINVAL);
	EXPECT_HAS(buf_str(&stub.told), "AWS_CONTAINER_CREDENTIALS_FULL_URI is not allowed");
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@example.com/", 1);
	EXPECT_INT(ask(), -EINVAL);
	EXPECT_HAS(buf_str(&stub.told), "_RELATIVE_URI does not begin with /");
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", 1);
	STUB(.method = "GET", .url = "http://169.254.170.2/v2/x", .body = good);
	EXPECT_INT(ask(), 0);
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
		{ "500", { .status = 500 }, -EACCES, "it answers with status 500", 3 },
		{ "404", { .status = 404 }, -ENOENT, "it answers with status 404", 1 },
		{ "the token is refused",
		  { .status = 401 },
		  -EACCES,
		  "the authorization token is missing or not good",
		  1 },
		{ "an error in a 200",
		  { .body = "{\"code\":\"X\",\"message\":\"no\"}" },
		  -EACCES,
		  "it answers with the error X: no",
		  1 },
		{ "a page", { .body = "<html>" }, -EPROTO, "not the JSON", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stub_rule r = rows[i].rule;

		unit_begin("fails: %s", rows[i].name);
		begin();
		r.method = "GET";
		r.url = URL;
		stub_rule_add(r);
		EXPECT_INT(ask(), rows[i].err);
		EXPECT_HAS(buf_str(&stub.told), "the container's credentials endpoint (" URL "): ");
		EXPECT_HAS(buf_str(&stub.told), rows[i].why);
		EXPECT_UINT(stub.n_asked, rows[i].asked);
		stub_end();
	}
}

static void recovers(void)
{
	begin();
	STUB(.method = "GET", .url = URL, .err = -ECONNRESET, .times = 1);
	STUB(.method = "GET", .url = URL, .status = 429, .times = 1);
	STUB(.method = "GET", .url = URL, .body = good);
	EXPECT_INT(ask(), 0);
	stub_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, allowed },
		{ "the authorization token, from variable and file", tokens },
		{ "what the environment may say", environment },
		{ NULL, fails },
		{ "an endpoint that is not well is asked again", recovers },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
