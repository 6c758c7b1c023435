/* SPDX-License-Identifier: MIT */
/* Credentials and identity through the real transport, from a server on loopback; a proxy that nobody listens at stands in the
 * environment, because these questions must not go through one. */
#include "unit/http_server.h"

#include "aws/credentials.h"
#include "aws/identity.h"

#define OK(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body
#define KEYS \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"hush\",\"Token\":\"hush-t\"," \
	"\"Expiration\":\"2999-01-01T00:00:00Z\"}"
#define DOCUMENT "{\"region\":\"eu-west-1\",\"instanceId\":\"i-0abc\"}"

static struct event_base *base;
static struct transport *transport;
static char url[64];

static struct {
	unsigned int n;
	int err;
	char id[64], token[64], why[2000];
} got;

static void on_got(int err, const struct sigv4_key *key, const char *why, void *ctx)
{
	(void)ctx;
	got.n++;
	got.err = err;
	snprintf(got.id, sizeof(got.id), "%s", key ? key->id : "");
	snprintf(got.token, sizeof(got.token), "%s", key && key->token ? key->token : "");
	snprintf(got.why, sizeof(got.why), "%s", why);
	EXPECT(!strstr(why, "hush"));
}

static void set_up(const struct server_step *steps, size_t n)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);

	memset(&got, 0, sizeof(got));
	base = event_base_new();
	server_start(base, steps, n);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
	EXPECT_INT(transport_new(base, &(struct transport_options){ 0 }, &why, &transport), 0);
}

static void tear_down(void)
{
	transport_free(transport);
	server_stop();
	event_base_free(base);
	unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

static void get(const struct credentials_options *o, const char *source)
{
	struct credentials *c;

	EXPECT_INT(credentials_new(base, transport, o, &c), 0);
	EXPECT_INT(credentials_get(c, on_got, NULL), 0);
	loop_until(base, &got.n, 1);
	EXPECT_STR(credentials_source(c), source);
	credentials_free(c);
}

static void expect_request(size_t i, const char *line)
{
	EXPECT_HAS(buf_str(&server.requests[i].head), line);
}

static void instance(void)
{
	static const struct server_step steps[] = {
		{ .answer = OK("6", "hush-1") },
		{ .answer = OK("4", "web\n") },
		{ .answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" },
		{ .answer = OK("6", "hush-2") },
		{ .answer = "HTTP/1.1 200 OK\r\n\r\n" KEYS, .then = SERVER_CLOSE },
	};

	set_up(steps, ARRAY_SIZE(steps));
	get(&(struct credentials_options){ .imds_endpoint = url }, "instance role web");
	EXPECT_STR(got.why, "");
	EXPECT_STR(got.id, "ASIA1");
	EXPECT_STR(got.token, "hush-t");
	EXPECT_UINT(server.n_requests, 5);
	expect_request(0, "PUT /latest/api/token HTTP/1.1\r\n");
	EXPECT_STR(server_header(0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
	EXPECT_STR(server_header(0, "Content-Length"), "0");
	expect_request(1, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n");
	EXPECT_STR(server_header(1, "X-aws-ec2-metadata-token"), "hush-1");
	expect_request(4, "GET /latest/meta-data/iam/security-credentials/web HTTP/1.1\r\n");
	EXPECT_STR(server_header(4, "X-aws-ec2-metadata-token"), "hush-2");
	tear_down();
}

static void instance_hangs(void)
{
	static const struct server_step steps[] = { { .answer = "" } };

	set_up(steps, ARRAY_SIZE(steps));
	get(&(struct credentials_options){ .imds_endpoint = url }, "none");
	EXPECT_INT(got.err, -ENOENT);
	EXPECT_HAS(got.why, "--http-put-response-hop-limit 2");
	EXPECT_UINT(server.n_requests, 3);
	tear_down();
}

static void nobody_listens(void)
{
	static const struct server_step steps[] = { { .answer = "" } };

	set_up(steps, ARRAY_SIZE(steps));
	server_refuse();
	get(&(struct credentials_options){ .imds_endpoint = url }, "none");
	EXPECT_INT(got.err, -ENOENT);
	EXPECT_HAS(got.why, "could not be asked: cannot connect to 127.0.0.1 port");
	EXPECT(!strstr(got.why, "hop-limit"));
	tear_down();
}

static void container(void)
{
	static const struct server_step steps[] = {
		{ .answer = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" },
		{ .answer = "HTTP/1.1 200 OK\r\n\r\n" KEYS, .then = SERVER_CLOSE },
	};
	char full[100];

	set_up(steps, ARRAY_SIZE(steps));
	snprintf(full, sizeof(full), "%s/v1/keys?x=y", url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", full, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic hush", 1);
	get(&(struct credentials_options){ .imds_endpoint = url }, "container");
	EXPECT_STR(got.id, "ASIA1");
	expect_request(1, "GET /v1/keys?x=y HTTP/1.1\r\n");
	EXPECT_STR(server_header(1, "Authorization"), "Basic hush");
	tear_down();
}

static void identity(void)
{
	static const struct server_step steps[] = {
		{ .answer = "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n" },
		{ .answer = OK("6", "hush-1"), .delay_ms = 50 },
		{ .answer = "HTTP/1.1 200 OK\r\n\r\n" DOCUMENT, .then = SERVER_CLOSE },
	};
	const struct identity_options o = { .imds_endpoint = url };
	struct identity *i;

	set_up(steps, ARRAY_SIZE(steps));
	EXPECT_INT(identity_new(base, transport, &o, NULL, NULL, &i), 0);
	for (int n = 0; n < 1000 && !identity_settled(i); n++)
		loop_for(base, 5);
	EXPECT_STR(identity_why(i), "");
	EXPECT_STR(identity_region(i), "eu-west-1");
	EXPECT_STR(identity_instance_id(i), "i-0abc");
	expect_request(2, "GET /latest/dynamic/instance-identity/document HTTP/1.1\r\n");
	identity_free(i);
	tear_down();
}

static void freed_at_work(void)
{
	static const struct server_step steps[] = { { .answer = "" } };
	const struct credentials_options o = { .imds_endpoint = url };
	const struct identity_options io = { .imds_endpoint = url };
	struct credentials *c;
	struct identity *i;

	set_up(steps, ARRAY_SIZE(steps));
	EXPECT_INT(credentials_new(base, transport, &o, &c), 0);
	EXPECT_INT(identity_new(base, transport, &io, NULL, NULL, &i), 0);
	EXPECT_INT(credentials_get(c, on_got, NULL), 0);
	for (int n = 0; n < 1000 && server.n_requests < 2; n++)
		loop_for(base, 5);
	EXPECT_UINT(server.n_requests, 2);
	credentials_free(c);
	identity_free(i);
	loop_for(base, 50);
	EXPECT_UINT(got.n, 0);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the instance's role", instance },
		{ "an instance that takes the request and hangs", instance_hangs },
		{ "nobody listens", nobody_listens },
		{ "a container's endpoint", container },
		{ "the identity document", identity },
		{ "freed while the server is asked", freed_at_work },
	};

	clearenv();
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("HOME", "/nowhere", 1);
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
