/* SPDX-License-Identifier: MIT */
/* Request heads: what is taken, what is refused, and where one ends. */
#include "serve/request.h"

#include "unit.h"

#define HOST "Host: x\r\n"

static const struct {
	const char *name;
	const char *head;
	unsigned int status;
	const char *path;
	bool keep_alive;
} rows[] = {
	{ "1.1 stays open", "GET / HTTP/1.1\r\n" HOST "\r\n", 0, "/", true },
	{ "1.1 close", "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 0, "/", false },
	{ "1.1 close in a list", "GET / HTTP/1.1\r\n" HOST "connection: foo, Close\r\n\r\n", 0, "/",
	  false },
	{ "1.0 closes", "GET / HTTP/1.0\r\n\r\n", 0, "/", false },
	{ "1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "/", true },
	{ "bare line feeds", "GET /metrics HTTP/1.1\nHost: x\n\n", 0, "/metrics", true },
	{ "empty lines ahead", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0, "/", true },
	{ "query is cut", "GET /metrics?x=1 HTTP/1.1\r\n" HOST "\r\n", 0, "/metrics", true },
	{ "absolute form", "GET http://h:1/metrics?y HTTP/1.1\r\n" HOST "\r\n", 0, "/metrics",
	  true },
	{ "absolute form without path", "GET http://h HTTP/1.1\r\n" HOST "\r\n", 0, "/", true },
	{ "content length 0", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0, "/", true },
	{ "POST", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", 405, NULL, false },
	{ "get", "get / HTTP/1.1\r\n" HOST "\r\n", 405, NULL, false },
	{ "OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405, NULL, false },
	{ "a body", "GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", 413, NULL, false },
	{ "length twice", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", 413, NULL,
	  false },
	{ "chunked", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 413, NULL,
	  false },
	{ "no host", "GET / HTTP/1.1\r\n\r\n", 400, NULL, false },
	{ "two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, NULL, false },
	{ "2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505, NULL, false },
	{ "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", 505, NULL, false },
	{ "0.9", "GET /\r\n\r\n", 400, NULL, false },
	{ "not HTTP", "GET / HTCPCP/1.0\r\n\r\n", 400, NULL, false },
	{ "two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400, NULL, false },
	{ "asterisk", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, NULL, false },
	{ "no path", "GET metrics HTTP/1.1\r\n" HOST "\r\n", 400, NULL, false },
	{ "method with a bracket", "G(T / HTTP/1.1\r\n" HOST "\r\n", 400, NULL, false },
	{ "control byte in the target", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400, NULL, false },
	{ "control byte in a header", "GET / HTTP/1.1\r\n" HOST "A: \x1b[2J\r\n\r\n", 400, NULL,
	  false },
	{ "lone carriage return", "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n\r\n", 400, NULL,
	  false },
	{ "folded line", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400, NULL, false },
	{ "space ahead of the colon", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400, NULL, false },
	{ "no colon", "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400, NULL, false },
	{ "no name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400, NULL, false },
	{ "TLS", "\x16\x03\x01\x02\r\n\r\n", 400, NULL, false },
};

static void follows_the_table(void)
{
	struct request r;
	char head[1024];
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("%s", rows[i].name);
		n = strlen(rows[i].head);
		memcpy(head, rows[i].head, n);
		EXPECT_UINT(request_head_length(head, n), n);
		EXPECT_UINT(request_parse(head, n, &r), rows[i].status);
		if (!rows[i].status) {
			EXPECT_STR(r.path, rows[i].path);
			EXPECT_INT(r.keep_alive, rows[i].keep_alive);
		}
		request_done(&r);
	}
}

static void joins_lines(void)
{
	char head[] = "HEAD /x HTTP/1.1\r\nHost:y\r\nACCEPT: a\r\nAccept-Encoding:\tgzip \r\n"
		      "accept:b;q=0.1\r\naccept-encoding: *;q=0\r\n\r\nGET";
	struct request r;
	size_t n = request_head_length(head, sizeof(head) - 1);

	EXPECT_UINT(n, sizeof(head) - 1 - 3);
	EXPECT_UINT(request_parse(head, n, &r), 0);
	EXPECT(r.head_only);
	EXPECT_STR(buf_str(&r.accept), "a, b;q=0.1");
	EXPECT_STR(buf_str(&r.accept_encoding), "gzip, *;q=0");
	EXPECT(r.has_accept_encoding);
	request_done(&r);
}

static void nul_byte(void)
{
	char head[] = "GET /\0x HTTP/1.1\r\nHost: x\r\n\r\n";
	struct request r;

	EXPECT_UINT(request_parse(head, sizeof(head) - 1, &r), 400);
	request_done(&r);
}

static void no_early_end(void)
{
	static const char head[] = "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
	size_t n;

	for (n = 0; n < sizeof(head) - 1; n++)
		EXPECT_UINT(request_head_length(head, n), 0);
	EXPECT_UINT(request_head_length(head, n), n);
}

static void long_target(void)
{
	struct request r;
	char head[4096];
	size_t n;

	n = (size_t)snprintf(head, sizeof(head), "GET /%0*d HTTP/1.1\r\nHost: x\r\n\r\n",
			     REQUEST_TARGET_MAX, 0);
	EXPECT_UINT(request_parse(head, n, &r), 414);
	request_done(&r);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, follows_the_table },
		{ "header lines of the same name are joined", joins_lines },
		{ "a NUL byte is refused", nul_byte },
		{ "no end is seen before the empty line", no_early_end },
		{ "a long target is refused", long_target },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
