/* SPDX-License-Identifier: MIT */
/* The transport against a server that behaves well, badly, or not at all. */
#include "unit/transport_fixture.h"

/* --- what is sent, what comes */

static void whole(void)
{
	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	post();
	EXPECT_INT(got.err, 0);
	EXPECT_INT(got.status, 200);
	EXPECT_STR(got.body, "{}");
	EXPECT_STR(got.headers, "Content-Length: 2\r\nX-One: 1\r\n");
	EXPECT_STR(got.why, "");
	EXPECT_STR(buf_str(&server.requests[0].body), "body");
	tear_down();
}

static void as_given(void)
{
	const char *head;
	char host[64];

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	post();
	head = buf_str(&server.requests[0].head);
	EXPECT(!strncmp(head, "POST /path?a=1 HTTP/1.1\r\n", 25));
	EXPECT_STR(server_header(0, "content-type"), "text/x");
	EXPECT_HAS(head, "\r\nX-Empty:\r\n");
	EXPECT_HAS(head, "\r\nUser-Agent: isamon/");
	snprintf(host, sizeof(host), "127.0.0.1:%u", server.port);
	EXPECT_STR(server_header(0, "host"), host);
	EXPECT(!strcasestr(head, "\r\naccept:"));
	EXPECT(!strcasestr(head, "\r\nexpect:"));
	tear_down();
}

static void methods(void)
{
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	r = request("GET", "");
	ask(&r);
	EXPECT(!strncmp(buf_str(&server.requests[0].head), "GET ", 4));
	EXPECT_STR(server_header(0, "content-length"), "");
	r = request("PUT", "");
	r.n_headers = 0;
	ask(&r);
	EXPECT(!strncmp(buf_str(&server.requests[1].head), "PUT ", 4));
	EXPECT_STR(server_header(1, "content-length"), "0");
	EXPECT_STR(server_header(1, "content-type"), "");
	r = request("DELETE", "x");
	ask(&r);
	EXPECT(!strncmp(buf_str(&server.requests[2].head), "DELETE ", 7));
	EXPECT_INT(got.status, 200);
	tear_down();
}

static void reuse(void)
{
	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	post();
	post();
	post();
	EXPECT_UINT(server.n_requests, 3);
	EXPECT_INT(server.accepted, 1);
	tear_down();
}

static void forms(void)
{
	SET_UP({ "HTTP/1.1 100 Continue\r\nX-No: 1\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "2\r\n{}\r\n0\r\n\r\n",
		 SERVER_KEEP, 0 },
	       { "HTTP/1.1 200 OK\r\n\r\nuntil the end", SERVER_CLOSE, 0 },
	       { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		 SERVER_KEEP, 0 });
	post();
	EXPECT_STR(got.body, "{}");
	EXPECT_STR(got.headers, "Transfer-Encoding: chunked\r\n");
	post();
	EXPECT_STR(got.body, "until the end");
	post();
	EXPECT_INT(got.err, 0);
	EXPECT_INT(got.status, 302);
	tear_down();
}

/* --- failures */

static void endings(void)
{
	SET_UP({ "", SERVER_CLOSE, 0 }, { "", SERVER_RESET, 0 },
	       { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", SERVER_CLOSE, 0 },
	       { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf", SERVER_CLOSE,
		 0 },
	       { "HTTP/1.1 200 OK\r\nContent-Len", SERVER_CLOSE, 0 },
	       { "SSH-2.0-OpenSSH_9.2\r\n", SERVER_CLOSE, 0 });
	post();
	expect_failure(-ECONNRESET, false, "127.0.0.1 closed the connection without an answer");
	post();
	expect_failure(-ECONNRESET, false, "the connection to 127.0.0.1 broke");
	post();
	expect_failure(-ECONNRESET, false, "in the middle of its answer");
	post();
	expect_failure(-ECONNRESET, false, "in the middle of its answer");
	post();
	EXPECT(got.err < 0 && !got.unsent);
	post();
	expect_failure(-EBADMSG, false, "does not answer in HTTP");
	tear_down();
}

static void hang(void)
{
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 5000 });
	r = request("POST", "body");
	r.timeout_ms = 200;
	ask(&r);
	expect_failure(-ETIMEDOUT, false, "no whole answer from 127.0.0.1 within 200 ms");
	EXPECT_UINT(server.n_requests, 1);
	tear_down();
}

static void slow(void)
{
	SET_UP({ OK_ANSWER, SERVER_KEEP, 300 });
	post();
	EXPECT_INT(got.status, 200);
	tear_down();
}

/* More than all buffers between us hold. */
static void deaf(void)
{
	const size_t n = (size_t)32 << 20;
	struct transport_request r;
	char *body = calloc(1, n);

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	server.deaf = true;
	r = request("POST", "");
	r.body = body;
	r.body_len = n;
	r.timeout_ms = 1000;
	ask(&r);
	expect_failure(-ETIMEDOUT, true, "no whole answer");
	free(body);
	tear_down();
}

static void refused(void)
{
	char text[100];

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	server_refuse();
	post();
	snprintf(text, sizeof(text), "cannot connect to 127.0.0.1 port %u: Connection refused",
		 server.port);
	expect_failure(-ECONNREFUSED, true, text);
	tear_down();
}

static void too_long(void)
{
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	r = request("POST", "body");
	r.answer_max = 1;
	ask(&r);
	expect_failure(-EFBIG, false, "the answer of 127.0.0.1 has more than 1 bytes");
	r.answer_max = 2;
	ask(&r);
	EXPECT_INT(got.err, 0);
	tear_down();
}

/* libcurl would send it again by itself on a new connection, though the server may have done what it was asked. */
static void never_twice(void)
{
	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 }, { "", SERVER_CLOSE, 0 },
	       { OK_ANSWER, SERVER_KEEP, 0 });
	post();
	EXPECT_INT(got.err, 0);
	post();
	expect_failure(-ECONNRESET, false, "closed the connection");
	EXPECT_UINT(server.n_requests, 2);
	post();
	EXPECT_INT(got.err, 0);
	EXPECT_UINT(server.n_requests, 3);
	tear_down();
}

/* --- several */

static void many(void)
{
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 10000 });
	r = request("POST", "body");
	r.timeout_ms = 500;
	for (int i = 0; i < 40; i++)
		start(&r, NULL);
	loop_until(base, &got.n, 40);
	EXPECT(server.accepted <= 40);
	expect_failure(-ETIMEDOUT, got.unsent, "127.0.0.1");
	tear_down();
}

static void cancel(void)
{
	struct transport_request r;
	struct transport_call *call;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 200 });
	r = request("POST", "body");
	start(&r, &call);
	transport_cancel(call);
	start(&r, &call);
	loop_for(base, 50);
	transport_cancel(call);
	transport_cancel(NULL);
	start(&r, NULL);
	start(&r, &got.victim);
	loop_for(base, 500);
	EXPECT_UINT(got.n, 1);
	start(&r, NULL);
	loop_for(base, 50);
	tear_down();
	EXPECT_UINT(got.n, 1);
}

static void unfit(void)
{
	static const char *const urls[] = {
		"",        "ftp://127.0.0.1/", "file:///etc/passwd",
		"http://", "http://a b/",      "http://u:p@127.0.0.1/"
	};
	static const struct sigv4_header bad[] = { { "A", "b\r\nC: d" },
						   { "A\r\nB", "c" },
						   { "", "a" } };
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		r = request("POST", "body");
		r.url = urls[i];
		EXPECT_INT(transport_start(transport, &r, on_done, NULL, NULL), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		r = request("POST", "body");
		r.headers = &bad[i];
		r.n_headers = 1;
		EXPECT_INT(transport_start(transport, &r, on_done, NULL, NULL), -EINVAL);
	}
	r = request("GET / HTTP/1.1\r\nX:", "");
	EXPECT_INT(transport_start(transport, &r, on_done, NULL, NULL), -EINVAL);
	tear_down();
}

static void header_values(void)
{
	static const struct transport_answer a = {
		.headers =
			"Content-Length: 2\r\nDATE:  Thu \t\r\nX-Empty:\r\nX-Two: 1\r\nX-Two: 2\r\nNoColon\r\n",
	};
	static const struct {
		const char *name, *value; /* NULL: it is not there */
	} rows[] = {
		{ "date", "Thu" }, { "x-two", "1" },    { "X-EMPTY", "" },  { "content", NULL },
		{ "two", NULL },   { "NoColon", NULL }, { "length", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT(100);

		EXPECT_INT(transport_header(&a, rows[i].name, &b), rows[i].value != NULL);
		EXPECT_STR(buf_str(&b), rows[i].value ? rows[i].value : "");
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a whole answer", whole },
		{ "a request is sent as it was given", as_given },
		{ "GET, and methods with a body", methods },
		{ "a connection is used again", reuse },
		{ "answers in pieces, to the end, elsewhere", forms },
		{ "answers that end too early", endings },
		{ "no answer: the request may have had its effect", hang },
		{ "a slow answer", slow },
		{ "a server that reads nothing has no whole request", deaf },
		{ "nobody listens", refused },
		{ "an answer that is too long", too_long },
		{ "a request is sent once", never_twice },
		{ "many at once all end in time", many },
		{ "cancelled ones are not told", cancel },
		{ "what cannot be sent", unfit },
		{ "headers of an answer", header_values },
	};

	forget_environment();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
