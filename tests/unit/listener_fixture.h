/* SPDX-License-Identifier: MIT */
/*
 * A listener, what it serves, and clients, for tests. Clients and event loop live in one thread:
 * whenever a client waits, it turns the loop, so every case has a deadline and nothing sleeps.
 */
#ifndef ISAMON_TEST_LISTENER_H
#define ISAMON_TEST_LISTENER_H

#include "serve/listener.h"

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
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

UNIT_USED_ static void add_line(struct buf *out, size_t i)
{
	buf_printf(out, "lines_total{line=\"%zu\",text=\"some text to compress\"} %zu\n", i, i * 7);
}

UNIT_USED_ static bool collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	size_t before = e->out->len;

	(void)ctx;
	while (at->item < t.n_lines && e->out->len < enough)
		add_line(e->out, at->item++);
	t.produced_bytes += e->out->len - before;
	return at->item == t.n_lines;
}

UNIT_USED_ static void before_page(void *ctx)
{
	(void)ctx;
	t.before++;
}

UNIT_USED_ static void after_page(double seconds, void *ctx)
{
	(void)ctx;
	EXPECT(seconds >= 0 && seconds < 10);
	t.after++;
}

UNIT_USED_ static bool is_ready(struct buf *why, void *ctx)
{
	(void)ctx;
	if (!t.ready)
		buf_add_str(why, "the probe is not attached");
	return t.ready;
}

UNIT_USED_ static int top(struct buf *out, void *ctx)
{
	(void)ctx;
	return buf_add_str(out, "{\"service\": \"test\"}");
}

UNIT_USED_ static int status(struct buf *out, void *ctx)
{
	(void)ctx;
	return buf_add_str(out, "{\"status\": \"test\"}\n");
}

UNIT_USED_ static void set_up(size_t n_lines)
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
					     .status = status,
					     .ready = is_ready };
	t.limits = (struct listener_limits){ .max_connections = 32, .timeout_s = 10 };
}

UNIT_USED_ static void open_tcp(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	if (listener_open_tcp(t.base, "127.0.0.1", 0, &t.limits, &t.source, &why, &t.l))
		FAIL_CASE("no listener: %s", buf_str(&why));
}

UNIT_USED_ static void open_unix(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	if (listener_open_unix(t.base, t.path, &t.limits, &t.source, &why, &t.l))
		FAIL_CASE("no listener: %s", buf_str(&why));
}

UNIT_USED_ static void tear_down(void)
{
	listener_close(t.l);
	event_base_free(t.base);
	unlink(t.path);
	rmdir(t.dir);
}

/* --- clients */

UNIT_USED_ static void turn(void)
{
	event_base_loop(t.base, EVLOOP_NONBLOCK);
}

UNIT_USED_ static void turn_for(unsigned int ms)
{
	uint64_t end = clock_monotonic_ns() + ms * 1000000ull;

	while (clock_monotonic_ns() < end) {
		turn();
		poll(NULL, 0, 1);
	}
}

UNIT_USED_ static int dial_port(uint16_t port)
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

UNIT_USED_ static int dial_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, t.path, sizeof(t.path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

UNIT_USED_ static int dial(void)
{
	return listener_port(t.l) ? dial_port(listener_port(t.l)) : dial_unix();
}

UNIT_USED_ static void say(int fd, const char *text)
{
	size_t n = strlen(text);
	ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

	EXPECT_INT(sent, (ssize_t)n);
}

/* Reads up to the end, or until @enough bytes are there. 0, or -errno. */
UNIT_USED_ static int hear(int fd, struct buf *b, size_t enough)
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

UNIT_USED_ static int hear_text(int fd, struct buf *b, const char *text)
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
UNIT_USED_ static struct buf ask(const char *request)
{
	struct buf b = BUF_INIT(HEAR_MAX);
	int fd = dial();

	say(fd, request);
	EXPECT_INT(hear(fd, &b, HEAR_MAX), 0);
	close(fd);
	return b;
}

UNIT_USED_ static const char *body_of(const struct buf *b, size_t *ret_len)
{
	const char *end = strstr(buf_str(b), "\r\n\r\n");

	*ret_len = end ? b->len - (size_t)(end + 4 - b->data) : 0;
	return end ? end + 4 : "";
}

/* Takes the chunked coding off; false if it is broken or does not end. */
UNIT_USED_ static bool dechunk(const char *p, size_t len, struct buf *out)
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

UNIT_USED_ static void inflate_all(const struct buf *in, struct buf *out)
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

UNIT_USED_ static void expected_page(struct buf *b)
{
	size_t i;

	for (i = 0; i < t.n_lines; i++)
		add_line(b, i);
}

UNIT_USED_ static void expect_page(const char *body, size_t len)
{
	_cleanup_(buf_done) struct buf expected = BUF_INIT(HEAR_MAX);

	expected_page(&expected);
	EXPECT_BYTES(body, len, expected.data, expected.len);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

#endif
