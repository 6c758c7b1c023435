/* SPDX-License-Identifier: MIT */
/*
 * The listener on real sockets. Clients and event loop live in one thread: whenever a client waits, it
 * turns the loop, so every case has a deadline and nothing sleeps.
 */
#include "serve/listener.h"

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "serve/ask.h"
#include "unit.h"

#define BIG_LINES 60000 /* some 3 MB */
#define HUGE_LINES 1500000
#define DEADLINE_NS (10 * NS_PER_SEC)
#define HEAR_MAX (64u << 20)

static struct {
	struct event_base *base;
	struct listener *l;
	struct page page;
	struct listener_source source;
	struct listener_limits limits;
	size_t n_lines;
	size_t produced_bytes;
	unsigned int before, after;
	bool ready;
	char dir[64];
	char path[100];
} t;

/* --- what is served */

static void add_line(struct buf *out, size_t i)
{
	buf_printf(out, "lines_total{line=\"%zu\",text=\"some text to compress\"} %zu\n", i, i * 7);
}

static bool collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	size_t before = e->out->len;

	(void)ctx;
	while (at->item < t.n_lines && e->out->len < enough)
		add_line(e->out, at->item++);
	t.produced_bytes += e->out->len - before;
	return at->item == t.n_lines;
}

static void before_page(void *ctx)
{
	(void)ctx;
	t.before++;
}

static void after_page(double seconds, void *ctx)
{
	(void)ctx;
	EXPECT(seconds >= 0 && seconds < 10);
	t.after++;
}

static bool is_ready(struct buf *why, void *ctx)
{
	(void)ctx;
	if (!t.ready)
		buf_add_str(why, "the probe is not attached");
	return t.ready;
}

static int top(struct buf *out, void *ctx)
{
	(void)ctx;
	return buf_add_str(out, "{\"service\": \"test\"}");
}

static void set_up(size_t n_lines)
{
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/isamon-test-XXXXXX");
	if (!mkdtemp(t.dir))
		abort();
	snprintf(t.path, sizeof(t.path), "%s/isamon.sock", t.dir);
	t.base = event_base_new();
	t.n_lines = n_lines;
	t.ready = true;
	page_add(&t.page, collect, NULL);
	t.source = (struct listener_source){ .page = &t.page,
					     .before_page = before_page,
					     .after_page = after_page,
					     .top = top,
					     .ready = is_ready };
	t.limits = (struct listener_limits){ .max_connections = 32, .timeout_s = 10 };
}

static void open_tcp(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	if (listener_open_tcp(t.base, "127.0.0.1", 0, &t.limits, &t.source, &why, &t.l))
		FAIL_CASE("no listener: %s", buf_str(&why));
}

static void open_unix(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	if (listener_open_unix(t.base, t.path, &t.limits, &t.source, &why, &t.l))
		FAIL_CASE("no listener: %s", buf_str(&why));
}

static void tear_down(void)
{
	listener_close(t.l);
	event_base_free(t.base);
	unlink(t.path);
	rmdir(t.dir);
}

/* --- clients */

static void turn(void)
{
	event_base_loop(t.base, EVLOOP_NONBLOCK);
}

static void turn_for(unsigned int ms)
{
	uint64_t end = clock_monotonic_ns() + ms * 1000000ull;

	while (clock_monotonic_ns() < end) {
		turn();
		poll(NULL, 0, 1);
	}
}

static int dial_port(uint16_t port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int dial_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, t.path, sizeof(t.path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int dial(void)
{
	return listener_port(t.l) ? dial_port(listener_port(t.l)) : dial_unix();
}

static void say(int fd, const char *text)
{
	size_t n = strlen(text);
	ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

	EXPECT_INT(sent, (ssize_t)n);
}

/* Reads up to the end, or until @enough bytes are there. 0, or -errno. */
static int hear(int fd, struct buf *b, size_t enough)
{
	uint64_t deadline = clock_monotonic_ns() + DEADLINE_NS;
	char bytes[65536];
	ssize_t n;

	while (b->len < enough) {
		turn();
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n > 0) {
			buf_add(b, bytes, (size_t)n);
			continue;
		}
		if (n == 0)
			return 0;
		if (errno != EAGAIN)
			return -errno;
		if (clock_monotonic_ns() > deadline)
			return -ETIMEDOUT;
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1);
	}
	return 0;
}

static int hear_text(int fd, struct buf *b, const char *text)
{
	int err = 0;

	while (!err && !strstr(buf_str(b), text)) {
		size_t len = b->len;

		err = hear(fd, b, b->len + 1);
		if (!err && b->len == len)
			return -EPIPE;
	}
	return err;
}

/* One request on a connection of its own; everything that is answered. */
static struct buf ask(const char *request)
{
	struct buf b = BUF_INIT(HEAR_MAX);
	int fd = dial();

	say(fd, request);
	EXPECT_INT(hear(fd, &b, HEAR_MAX), 0);
	close(fd);
	return b;
}

static const char *body_of(const struct buf *b, size_t *ret_len)
{
	const char *end = strstr(buf_str(b), "\r\n\r\n");

	*ret_len = end ? b->len - (size_t)(end + 4 - b->data) : 0;
	return end ? end + 4 : "";
}

/* Takes the chunked coding off; false if it is broken or does not end. */
static bool dechunk(const char *p, size_t len, struct buf *out)
{
	const char *end = p + len;
	unsigned long n;
	char *after;

	while (p < end) {
		n = strtoul(p, &after, 16);
		if (after == p || after[0] != '\r' || after[1] != '\n')
			return false;
		p = after + 2;
		if (n > (size_t)(end - p))
			return false;
		buf_add(out, p, n);
		p += n;
		if (p[0] != '\r' || p[1] != '\n')
			return false;
		p += 2;
		if (!n)
			return p == end;
	}
	return false;
}

static void inflate_all(const struct buf *in, struct buf *out)
{
	unsigned char step[16384];
	z_stream z = { 0 };
	int result;

	inflateInit2(&z, 15 + 16);
	z.next_in = (unsigned char *)in->data;
	z.avail_in = (uInt)in->len;
	do {
		z.next_out = step;
		z.avail_out = sizeof(step);
		result = inflate(&z, Z_NO_FLUSH);
		buf_add(out, step, sizeof(step) - z.avail_out);
	} while (result == Z_OK);
	EXPECT_INT(result, Z_STREAM_END);
	inflateEnd(&z);
}

static void expected_page(struct buf *b)
{
	size_t i;

	for (i = 0; i < t.n_lines; i++)
		add_line(b, i);
}

static void expect_page(const char *body, size_t len)
{
	_cleanup_(buf_done) struct buf expected = BUF_INIT(HEAR_MAX);

	expected_page(&expected);
	EXPECT_BYTES(body, len, expected.data, expected.len);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

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
		EXPECT_INT(hear(fd, &b, (size_t)i * 30000 + 1), 0);
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

/* --- addresses */

static void address_in_use(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), expected = BUF_INIT(1000);
	struct listener *other = NULL;

	set_up(1);
	open_tcp();
	EXPECT_INT(listener_open_tcp(t.base, "127.0.0.1", listener_port(t.l), &t.limits, &t.source,
				     &why, &other),
		   -EADDRINUSE);
	buf_printf(&expected,
		   "127.0.0.1:%u is in use by another program; choose another with "
		   "--listen or [listen] port",
		   listener_port(t.l));
	EXPECT_STR(buf_str(&why), expected.data);
	EXPECT(!other);
	tear_down();
}

static void addresses(void)
{
	static const struct {
		const char *address;
		int err;
		const char *why;
	} rows[] = {
		{ "127.0.0.1", 0, "" },
		{ "::1", 0, "" },
		{ "::", 0, "" },
		{ "localhost", -EINVAL, "\"localhost\" is not an IPv4 or IPv6 address" },
		{ "", -EINVAL, "\"\" is not" },
		{ "192.0.2.1", -EADDRNOTAVAIL, "this host has no such address" },
		{ "2001:db8::1", -EADDRNOTAVAIL, "[2001:db8::1]:0 cannot be listened on" },
	};
	size_t i;

	set_up(1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct listener *l = NULL;

		EXPECT_INT(listener_open_tcp(t.base, rows[i].address, 0, &t.limits, &t.source, &why,
					     &l),
			   rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		listener_close(l);
	}
	tear_down();
}

static void unix_socket(void)
{
	struct stat st;
	struct buf b;

	set_up(1);
	open_unix();
	EXPECT_INT(lstat(t.path, &st), 0);
	EXPECT_UINT(st.st_mode, S_IFSOCK | 0600);
	b = ask(GET("/top") "\r\n");
	EXPECT_HAS(b.data, "Content-Type: application/json\r\n");
	EXPECT_HAS(b.data, "\r\n\r\n{\"service\": \"test\"}");
	buf_done(&b);
	b = ask(GET("/metrics") "\r\n");
	EXPECT_HAS(b.data, "lines_total");
	buf_done(&b);
	listener_close(take(t.l));
	EXPECT_INT(lstat(t.path, &st), -1);
	tear_down();
}

static int bind_only(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, path, strlen(path));
	EXPECT_INT(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void stale_socket(void)
{
	struct buf b;

	set_up(1);
	close(bind_only(t.path));
	open_unix();
	b = ask(GET("/-/healthy") "\r\n");
	EXPECT_HAS(b.data, "healthy\n");
	buf_done(&b);
	tear_down();
}

static void live_socket(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct listener *other = NULL;
	struct stat st;

	set_up(1);
	open_unix();
	EXPECT_INT(listener_open_unix(t.base, t.path, &t.limits, &t.source, &why, &other),
		   -EADDRINUSE);
	EXPECT_HAS(buf_str(&why), "another isamon answers there");
	EXPECT_INT(lstat(t.path, &st), 0);
	tear_down();
}

static void other_file(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct stat st;

	set_up(1);
	close(open(t.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	EXPECT_INT(listener_open_unix(t.base, t.path, &t.limits, &t.source, &why, &t.l), -ENOTSOCK);
	EXPECT_HAS(buf_str(&why), "a file that is no socket stands there");
	EXPECT_INT(lstat(t.path, &st), 0);
	tear_down();
}

static void foreign_socket_stays(void)
{
	struct stat st;
	int fd;

	set_up(1);
	open_unix();
	unlink(t.path);
	fd = bind_only(t.path);
	listener_close(take(t.l));
	EXPECT_INT(lstat(t.path, &st), 0);
	close(fd);
	tear_down();
}

static void long_path(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	char path[200];

	set_up(1);
	snprintf(path, sizeof(path), "/tmp/%0150d", 0);
	EXPECT_INT(listener_open_unix(t.base, path, &t.limits, &t.source, &why, &t.l),
		   -ENAMETOOLONG);
	EXPECT_HAS(buf_str(&why), "107 characters at most");
	tear_down();
}

/* --- asking */

struct asking {
	const char *target;
	int timeout_ms;
	struct buf body;
	int result;
	bool done;
};

static void *ask_thread(void *ctx)
{
	struct asking *a = ctx;

	a->result = ask_daemon(t.path, a->target, a->timeout_ms, &a->body);
	__atomic_store_n(&a->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Asks from another thread while this one turns the loop. */
static void ask_while_turning(struct asking *a)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, ask_thread, a))
		abort();
	while (!__atomic_load_n(&a->done, __ATOMIC_ACQUIRE)) {
		turn();
		poll(NULL, 0, 1);
	}
	pthread_join(thread, NULL);
}

static void asks(void)
{
	struct asking good = { "/top", 5000, BUF_INIT(1000), 1, false };
	struct asking wrong = { "/nothing", 5000, BUF_INIT(1000), 1, false };
	struct asking small = { "/metrics", 5000, BUF_INIT(1000), 1, false };
	struct asking large = { "/metrics", 5000, BUF_INIT(HEAR_MAX), 1, false };

	set_up(BIG_LINES);
	open_unix();
	ask_while_turning(&good);
	EXPECT_INT(good.result, 0);
	EXPECT_STR(buf_str(&good.body), "{\"service\": \"test\"}");
	ask_while_turning(&wrong);
	EXPECT_INT(wrong.result, -EPROTO);
	ask_while_turning(&small);
	EXPECT_INT(small.result, -EFBIG);
	ask_while_turning(&large);
	EXPECT_INT(large.result, 0);
	expect_page(large.body.data, large.body.len);
	buf_done(&good.body);
	buf_done(&wrong.body);
	buf_done(&small.body);
	buf_done(&large.body);
	tear_down();
}

static void nobody_answers(void)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(1000);
	uint64_t start;
	int fd;

	set_up(1);
	EXPECT_INT(ask_daemon(t.path, "/top", 100, &body), -ENOENT);
	fd = bind_only(t.path);
	EXPECT_INT(ask_daemon(t.path, "/top", 100, &body), -ECONNREFUSED);
	EXPECT_INT(listen(fd, 1), 0);
	start = clock_monotonic_ns();
	EXPECT_INT(ask_daemon(t.path, "/top", 100, &body), -ETIMEDOUT);
	EXPECT_NEAR((double)(clock_monotonic_ns() - start) / 1e9, 0.15, 0.12);
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
		{ "an address in use is explained", address_in_use },
		{ "addresses are literals", addresses },
		{ "the control socket is root's alone, and goes", unix_socket },
		{ "a stale socket is replaced", stale_socket },
		{ "a socket that answers is left alone", live_socket },
		{ "another file is left alone", other_file },
		{ "another's socket is not removed", foreign_socket_stays },
		{ "a path that is too long is explained", long_path },
		{ "asking the daemon", asks },
		{ "asking nobody", nobody_answers },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
