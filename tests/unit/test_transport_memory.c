/* SPDX-License-Identifier: MIT */
/* The transport with the nth allocation failing. */
#include "unit/http_server.h"

#include "unit/nomem.h"

#include "../../userspace/aws/transport.c"
#include "../../userspace/aws/transport_call.c"
#include "../../userspace/aws/transport_failure.c"
#include "../../userspace/base/buf.c"

static struct event_base *base;
static unsigned int n_done;
static int done_err;

static void on_done(const struct transport_answer *a, void *ctx)
{
	(void)ctx;
	n_done++;
	done_err = a->err;
}

/* Returns what came of it: of the start, or else of the call. */
static int try_once(const char *url)
{
	static const struct sigv4_header headers[] = { { "A", "b" }, { "Authorization", "c" } };
	const struct transport_options o = { .proxy = "http://127.0.0.1:1", .ca_bundle = "/x" };
	const struct transport_request r = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.n_headers = ARRAY_SIZE(headers),
		.body = "body",
		.body_len = 4,
		.timeout_ms = 5000,
		.answer_max = 100,
		.direct = true,
	};
	struct buf why = BUF_INIT(500);
	struct transport *t = NULL;
	int err = transport_new(base, &o, &why, &t);

	if (!err)
		err = transport_start(t, &r, on_done, NULL, NULL);
	if (!err) {
		loop_until(base, &n_done, n_done + 1);
		err = done_err;
	}
	transport_free(t);
	buf_done(&why);
	return err;
}

static void no_memory(void)
{
	static const struct server_step steps[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\n{}", SERVER_CLOSE, 0 }
	};
	unsigned int n, hits = 0;
	char url[64];

	base = event_base_new();
	server_start(base, steps, 1);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server.port);
	for (n = 1; nomem_again(n); n++) {
		const int err = try_once(url);
		/* The server's own buffers may have been hit: then the call succeeds, or is reset. */
		const bool hit = nomem_hit();

		hits += err == -ENOMEM;
		if (!EXPECT(!err ||
			    (hit && (err == -ENOMEM || err == -ECONNRESET || err == -ETIMEDOUT))))
			FAIL_CASE("allocation %u: %d", n, err);
	}
	EXPECT(hits >= 8);
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
