/* SPDX-License-Identifier: MIT */
/* A call with the nth allocation failing: it ends, once, and says so. */
#include "unit/http_server.h"

#include "unit/nomem.h"

#include "../../userspace/aws/client.c"
#include "../../userspace/aws/client_message.c"
#include "../../userspace/aws/client_request.c"
#include "../../userspace/aws/keys.c"
#include "../../userspace/base/gzip.c"
#include "unit/client_stubs.h"

static struct event_base *base;
static struct transport *transport;
static unsigned int n_done;
static enum aws_failure failure;

static void on_done(const struct aws_answer *a, void *ctx)
{
	(void)ctx;
	n_done++;
	failure = a->failure;
	EXPECT((a->failure == AWS_OK) == !*a->message);
}

/* Returns whether it succeeded. */
static bool try_once(const struct aws_client_options *o)
{
	static char body[3000];
	const struct aws_request r = { .service = AWS_CLOUDWATCH,
				       .operation = "PutMetricData",
				       .body = body,
				       .body_len = sizeof(body),
				       .gzip = true };
	struct aws_client *c = NULL;
	int err = aws_client_new(base, transport, &credentials, &identity, o, &c);

	failure = AWS_TRANSIENT;
	if (!err)
		err = aws_client_call(c, &r, on_done, NULL, NULL);
	if (!err)
		loop_until(base, &n_done, n_done + 1);
	EXPECT(!err || err == -ENOMEM);
	aws_client_free(c);
	return !err && failure == AWS_OK;
}

static void no_memory(void)
{
	static const struct server_step steps[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-amzn-RequestId: a\r\n\r\n{}",
		  SERVER_KEEP, 0 }
	};
	const struct transport_options none = { 0 };
	struct aws_client_options o = { 0 };
	unsigned int n, failed = 0;
	char url[64];

	base = event_base_new();
	server_start(base, steps, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
	o.endpoint_url = url;
	credentials.key = (struct sigv4_key){ "AKID", "secret", "token" };
	identity = (struct identity){ "eu-west-1", "" };
	EXPECT_INT(transport_new(base, &none, NULL, &transport), 0);
	for (n = 1; nomem_again(n); n++)
		failed += !try_once(&o);
	/* The last round had its memory; packing alone may fail without harm. */
	EXPECT_INT(failure, AWS_OK);
	EXPECT(failed >= 5);
	transport_free(transport);
	server_stop();
	event_base_free(base);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "each allocation fails once", no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
