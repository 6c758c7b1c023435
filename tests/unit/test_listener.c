/* SPDX-License-Identifier: MIT */
/* The listener on real sockets: its pages, and its limits. */
#include <sys/resource.h>
#include <zlib.h>

#include "listener_fixture.h"

/* --- pages */

static void small_page(void)
{
	const char *body;
	struct buf b;
	size_t len;

	set_up(3);
	open_tcp();
	b = ask(GET("/metrics") "\r\n");
	body = body_of(&b, &len);
	EXPECT_HAS(b.data, "HTTP/1.1 200 OK\r\n");
	EXPECT_HAS(b.data, "Content-Type: text/plain; version=0.0.4");
	EXPECT_HAS(b.data, "Content-Length: ");
	EXPECT_HAS(b.data, "Vary: Accept, Accept-Encoding\r\n");
	EXPECT_HAS(b.data, " GMT\r\n");
	expect_page(body, len);
	EXPECT_UINT(t.before, 1);
	EXPECT_UINT(t.after, 1);
	buf_done(&b);
	tear_down();
}

static void big_page(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(HEAR_MAX);
	const char *body;
	struct buf b;
	size_t len;

	set_up(BIG_LINES);
	open_tcp();
	b = ask(GET("/metrics") "\r\n");
	EXPECT_HAS(b.data, "Transfer-Encoding: chunked\r\n");
	EXPECT(!strstr(b.data, "Content-Length"));
	body = body_of(&b, &len);
	EXPECT(dechunk(body, len, &text));
	expect_page(text.data, text.len);
	EXPECT_UINT(t.after, 1);
	buf_done(&b);
	tear_down();
}

static void big_page_1_0(void)
{
	const char *body;
	struct buf b;
	size_t len;

	set_up(BIG_LINES);
	open_tcp();
	b = ask("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	EXPECT(!strstr(b.data, "chunked"));
	EXPECT_HAS(b.data, "Connection: close\r\n");
	body = body_of(&b, &len);
	expect_page(body, len);
	buf_done(&b);
	tear_down();
}

static void gzip_of(size_t n_lines)
{
	_cleanup_(buf_done) struct buf packed = BUF_INIT(HEAR_MAX), text = BUF_INIT(HEAR_MAX);
	const char *body;
	struct buf b;
	size_t len;

	set_up(n_lines);
	open_tcp();
	b = ask(GET("/metrics") "Accept-Encoding: gzip;q=0.9, identity;q=0.1\r\n\r\n");
	EXPECT_HAS(b.data, "Content-Encoding: gzip\r\n");
	EXPECT_HAS(b.data, "Vary: ");
	body = body_of(&b, &len);
	if (strstr(b.data, "chunked"))
		EXPECT(dechunk(body, len, &packed));
	else
		buf_add(&packed, body, len);
	inflate_all(&packed, &text);
	expect_page(text.data, text.len);
	EXPECT(packed.len < text.len);
	buf_done(&b);
	tear_down();
}

static void gzip_small(void)
{
	gzip_of(10);
}

static void gzip_big(void)
{
	gzip_of(BIG_LINES);
}

static void openmetrics(void)
{
	struct buf b;

	set_up(1);
	open_tcp();
	b = ask(GET("/metrics") "Accept: application/openmetrics-text;version=1.0.0\r\n\r\n");
	EXPECT_HAS(b.data, "Content-Type: application/openmetrics-text; version=1.0.0");
	EXPECT_HAS(b.data, "# EOF\n");
	buf_done(&b);
	tear_down();
}

static void head(void)
{
	static const char *const paths[] = { "/metrics", "/", "/-/ready", "/nothing" };
	_cleanup_(buf_done) struct buf request = BUF_INIT(1000);
	struct buf b;
	size_t i, len;

	set_up(BIG_LINES);
	open_tcp();
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		buf_reset(&request);
		buf_printf(&request, "HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			   paths[i]);
		b = ask(request.data);
		body_of(&b, &len);
		EXPECT_UINT(len, 0);
		EXPECT_HAS(b.data, "Content-Type: text/");
		buf_done(&b);
	}
	EXPECT_UINT(t.produced_bytes, 0);
	tear_down();
}

static void statuses(void)
{
	static const struct {
		const char *request;
		const char *answer;
	} rows[] = {
		{ GET("/-/healthy") "\r\n", "HTTP/1.1 200 OK\r\n" },
		{ GET("/-/ready") "\r\n", "HTTP/1.1 200 OK\r\n" },
		{ GET("/") "\r\n", "<a href=\"/metrics\">" },
		{ GET("/nothing") "\r\n", "HTTP/1.1 404 Not Found\r\n" },
		{ GET("/metrics/") "\r\n", "HTTP/1.1 404 " },
		{ GET("/top") "\r\n", "HTTP/1.1 404 " },
		{ GET("/status") "\r\n", "HTTP/1.1 404 " },
		{ GET("/metrics") "Accept-Encoding: identity;q=0\r\n\r\n", "HTTP/1.1 406 " },
		{ "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 " },
		{ "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "Allow: GET, HEAD\r\n" },
		{ "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		  "HTTP/1.1 405 " },
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		  "HTTP/1.1 413 " },
		{ "GET /metrics HTTP/3.1\r\nHost: x\r\n\r\n", "HTTP/1.1 505 " },
		{ "\x16\x03\x01\x02\n\n", "HTTP/1.1 400 " },
	};
	struct buf b;
	size_t i;

	set_up(1);
	open_tcp();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		b = ask(rows[i].request);
		EXPECT_HAS(b.data, rows[i].answer);
		buf_done(&b);
	}
	t.ready = false;
	b = ask(GET("/-/ready") "\r\n");
	EXPECT_HAS(b.data, "HTTP/1.1 503 Service Unavailable\r\n");
	EXPECT_HAS(b.data, "not ready: the probe is not attached\n");
	buf_done(&b);
	tear_down();
}

/* --- connections */

static void byte_by_byte(void)
{
	static const char request[] = GET("/-/healthy") "\r\n";
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	char one[2] = "";
	size_t i;
	int fd;

	set_up(1);
	open_tcp();
	fd = dial();
	for (i = 0; request[i]; i++) {
		one[0] = request[i];
		say(fd, one);
		turn();
		turn();
	}
	EXPECT_INT(hear(fd, &b, HEAR_MAX), 0);
	EXPECT_HAS(buf_str(&b), "healthy\n");
	close(fd);
	tear_down();
}

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

static void pipelined(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	int fd;

	set_up(BIG_LINES);
	open_tcp();
	fd = dial();
	say(fd, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
		"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" GET("/-/ready") "\r\n");
	EXPECT_INT(hear(fd, &b, HEAR_MAX), 0);
	EXPECT_UINT(occurrences(buf_str(&b), "HTTP/1.1 200 OK\r\n"), 4);
	EXPECT_UINT(occurrences(buf_str(&b), "HTTP/1.1 404 "), 1);
	EXPECT_HAS(buf_str(&b), "\r\n\r\nready\n");
	close(fd);
	tear_down();
}

static void kept_alive(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	int fd, i;

	set_up(1);
	open_tcp();
	fd = dial();
	for (i = 0; i < 3; i++) {
		buf_reset(&b);
		say(fd, "GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
		EXPECT_INT(hear_text(fd, &b, "healthy\n"), 0);
		EXPECT_HAS(buf_str(&b), "Connection: keep-alive\r\n");
	}
	EXPECT_UINT(listener_stats(t.l).accepted, 1);
	EXPECT_UINT(listener_stats(t.l).open, 1);
	close(fd);
	turn_for(5);
	EXPECT_UINT(listener_stats(t.l).open, 0);
	tear_down();
}

static void large_head(void)
{
	_cleanup_(buf_done) struct buf request = BUF_INIT(100000);
	struct buf b;
	int i;

	set_up(1);
	open_tcp();
	buf_add_str(&request, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (i = 0; i < 1000; i++)
		buf_printf(&request, "X-%d: some value that nobody needs\r\n", i);
	buf_add_str(&request, "\r\n");
	b = ask(request.data);
	EXPECT_HAS(b.data, "HTTP/1.1 431 ");
	buf_done(&b);
	tear_down();
}

static void slow_request(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	uint64_t start = clock_monotonic_ns();
	int fd, silent, i;

	set_up(1);
	t.limits.timeout_s = 1;
	open_tcp();
	silent = dial();
	fd = dial();
	say(fd, "GET / HTTP/1.1\r\n");
	for (i = 0; i < 40 && send(fd, "a", 1, MSG_NOSIGNAL) == 1; i++)
		turn_for(50);
	EXPECT(i < 40);
	EXPECT_NEAR((double)(clock_monotonic_ns() - start) / 1e9, 1.1, 0.4);
	EXPECT_INT(hear(silent, &b, 1), 0);
	EXPECT_UINT(b.len, 0);
	EXPECT_UINT(listener_stats(t.l).open, 0);
	EXPECT_UINT(listener_stats(t.l).timeouts, 2);
	close(fd);
	close(silent);
	tear_down();
}

static void slow_reader(void)
{
	const char *request[] = { "GET /metrics HTTP/1.0\r\n\r\n",
				  "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" };
	char byte;
	size_t i;
	int fd, n;

	set_up(HUGE_LINES);
	t.limits.timeout_s = 1;
	open_tcp();
	for (i = 0; i < ARRAY_SIZE(request); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);

		t.produced_bytes = 0;
		fd = dial();
		say(fd, request[i]);
		for (n = 0; n < 24; n++) {
			turn_for(50);
			(void)!recv(fd, &byte, 1, 0);
		}
		/* What the two sockets hold, and one piece: no more was ever written. */
		EXPECT(t.produced_bytes < 16u << 20);
		EXPECT_UINT(listener_stats(t.l).open, 0);
		EXPECT_UINT(listener_stats(t.l).timeouts, i + 1);
		EXPECT_INT(hear(fd, &b, HEAR_MAX), -ECONNRESET); /* not a whole page to anybody */
		close(fd);
	}
	EXPECT_UINT(t.after, 0);
	tear_down();
}

static void gone_in_the_middle(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	int fd, i;

	set_up(HUGE_LINES);
	open_tcp();
	for (i = 0; i < 20; i++) {
		fd = dial();
		say(fd, i % 2 ? GET("/metrics") "\r\n" :
				GET("/metrics") "Accept-Encoding: gzip\r\n\r\n");
		buf_reset(&b);
		EXPECT_INT(hear(fd, &b, (size_t)i * 10000 + 1), 0);
		close(fd);
	}
	turn_for(20);
	EXPECT_UINT(listener_stats(t.l).open, 0);
	EXPECT_UINT(t.before, 20);
	EXPECT_UINT(t.after, 0);
	tear_down();
}

static void closed_in_the_middle(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	int fd;

	set_up(HUGE_LINES);
	open_tcp();
	fd = dial();
	say(fd, GET("/metrics") "\r\n");
	EXPECT_INT(hear(fd, &b, 1), 0);
	listener_close(take(t.l));
	EXPECT_INT(hear(fd, &b, HEAR_MAX), -ECONNRESET);
	close(fd);
	tear_down();
}

static void too_many(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);
	int fds[1000], last;
	size_t i;

	set_up(1);
	t.limits.timeout_s = 1;
	open_tcp();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial();
		turn();
	}
	turn_for(5);
	EXPECT_UINT(listener_stats(t.l).accepted, 1000);
	EXPECT_UINT(listener_stats(t.l).refused, 1000 - 32);
	EXPECT_UINT(listener_stats(t.l).open, 32);
	EXPECT_INT(hear(fds[999], &b, HEAR_MAX), 0);
	EXPECT_HAS(buf_str(&b), "HTTP/1.1 503 ");
	turn_for(1100);
	EXPECT_UINT(listener_stats(t.l).open, 0);
	last = dial();
	say(last, GET("/-/healthy") "\r\n");
	buf_reset(&b);
	EXPECT_INT(hear(last, &b, HEAR_MAX), 0);
	EXPECT_HAS(buf_str(&b), "healthy\n");
	close(last);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	tear_down();
}

static void idle_makes_room(void)
{
	int fds[33];
	size_t i;

	set_up(1);
	open_tcp();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT(HEAR_MAX);

		fds[i] = dial();
		say(fds[i], "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
		EXPECT_INT(hear_text(fds[i], &b, "healthy\n"), 0);
	}
	EXPECT_UINT(listener_stats(t.l).refused, 0);
	EXPECT_UINT(listener_stats(t.l).open, 32);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	tear_down();
}

/* The lowest limit at which nothing more can be opened. */
static void no_descriptors(void)
{
	struct rlimit was, now;
	unsigned int turns = 0;
	uint64_t end;
	struct buf b = BUF_INIT(HEAR_MAX);
	int fd, spare;

	set_up(1);
	open_tcp();
	fd = dial();
	say(fd, GET("/-/healthy") "\r\n");
	spare = dup(fd);
	close(spare);
	getrlimit(RLIMIT_NOFILE, &was);
	now = was;
	now.rlim_cur = (rlim_t)spare;
	setrlimit(RLIMIT_NOFILE, &now);
	end = clock_monotonic_ns() + NS_PER_SEC / 2;
	while (clock_monotonic_ns() < end && turns < 1000) {
		event_base_loop(t.base, EVLOOP_ONCE);
		turns++;
	}
	EXPECT(turns < 20);
	setrlimit(RLIMIT_NOFILE, &was);
	EXPECT_INT(hear(fd, &b, HEAR_MAX), 0);
	EXPECT_HAS(buf_str(&b), "healthy\n");
	buf_done(&b);
	close(fd);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a small page goes with its length", small_page },
		{ "a big page goes in chunks", big_page },
		{ "a big page goes to an HTTP/1.0 client until the close", big_page_1_0 },
		{ "a small page unpacks to the same bytes", gzip_small },
		{ "a big page unpacks to the same bytes", gzip_big },
		{ "OpenMetrics is given when asked for", openmetrics },
		{ "HEAD gets headers only, and nothing is collected", head },
		{ "each path and fault has its status", statuses },
		{ "a request may come byte by byte", byte_by_byte },
		{ "pipelined requests are answered in order", pipelined },
		{ "a connection is kept for HTTP/1.0 clients that ask", kept_alive },
		{ "a head that is too large is refused", large_head },
		{ "a slow or silent client is cut off in time", slow_request },
		{ "a slow reader is cut off in time, visibly", slow_reader },
		{ "clients that go in the middle of a page leave nothing", gone_in_the_middle },
		{ "the listener may close in the middle of a page", closed_in_the_middle },
		{ "1000 connections against a limit of 32", too_many },
		{ "an idle connection makes room for a new one", idle_makes_room },
		{ "running out of descriptors does not spin", no_descriptors },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
