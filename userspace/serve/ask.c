/* SPDX-License-Identifier: MIT */
/*
 * A small blocking HTTP/1.0 client for the control socket. Everything waits with poll() against one
 * deadline; the answer is as long as the caller's buffer allows, and no byte of it is trusted.
 */
#include "serve/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "serve/socket.h"

#define ASK_HEAD_MAX 8192

struct asking {
	int fd;
	uint64_t deadline_ns;
};

static int wait_for(const struct asking *a, short events)
{
	struct pollfd p = { .fd = a->fd, .events = events };
	uint64_t now_ns = clock_monotonic_ns();
	int n;

	if (now_ns >= a->deadline_ns)
		return -ETIMEDOUT;
	n = poll(&p, 1, (int)((a->deadline_ns - now_ns) / NS_PER_MS) + 1);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int send_all(const struct asking *a, const char *bytes, size_t n)
{
	ssize_t sent;
	int err;

	while (n) {
		err = wait_for(a, POLLOUT);
		if (err)
			return err;
		sent = send(a->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

/* Appends what is there. Returns 1, 0 at the end, or -errno. */
static int receive(const struct asking *a, struct buf *to)
{
	char bytes[16384];
	ssize_t n;
	int err;

	err = wait_for(a, POLLIN);
	if (err)
		return err;
	n = recv(a->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	if (n == 0)
		return 0;
	err = buf_add(to, bytes, (size_t)n);
	return err ? err : 1;
}

/* The value of a header line in a head that ends with an empty line; its length in *ret_len. */
static const char *find_header(const char *head, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);
	const char *p = head;

	while ((p = strstr(p, "\r\n"))) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " \t");
		*ret_len = strcspn(p, "\r\n");
		return p;
	}
	return NULL;
}

/* Checks the status and says how long the body is; *ret_known is false for one that ends with the
 * connection. */
static int parse_head(const char *head, uint64_t *ret_length, bool *ret_known)
{
	const char *value;
	char digits[24];
	size_t n;

	if (strncmp(head, "HTTP/1.", 7) != 0 || strlen(head) < 12)
		return -EPROTO;
	if (strncmp(head + 8, " 503", 4) == 0)
		return -EBUSY;
	if (strncmp(head + 8, " 200", 4) != 0 || find_header(head, "transfer-encoding", &n))
		return -EPROTO;
	value = find_header(head, "content-length", &n);
	*ret_known = value != NULL;
	if (!value)
		return 0;
	if (n >= sizeof(digits))
		return -EPROTO;
	memcpy(digits, value, n);
	digits[n] = '\0';
	return number_parse_u64(digits, 0, UINT32_MAX, ret_length) ? -EPROTO : 0;
}

/* Reads up to the empty line; what came behind it already goes to @body. */
static int read_head(const struct asking *a, struct buf *body, uint64_t *ret_length,
		     bool *ret_known)
{
	_cleanup_(buf_done) struct buf head = BUF_INIT(ASK_HEAD_MAX + 16384);
	char *end = NULL;
	int err;

	while (!end) {
		err = head.len > ASK_HEAD_MAX ? -EPROTO : receive(a, &head);
		if (err < 0)
			return err;
		if (err == 0)
			return head.len ? -EPROTO : -ECONNRESET;
		end = head.data ? strstr(head.data, "\r\n\r\n") : NULL;
	}
	end += 4;
	err = buf_add(body, end, head.len - (size_t)(end - head.data));
	end[-2] = '\0';
	return err ? err : parse_head(head.data, ret_length, ret_known);
}

static int read_answer(const struct asking *a, struct buf *body)
{
	uint64_t length = 0;
	bool known = false;
	int n;

	n = read_head(a, body, &length, &known);
	if (n)
		return n;
	while (!known || body->len < length) {
		n = receive(a, body);
		if (n < 0)
			return n;
		if (n == 0)
			return known ? -EPROTO : 0;
	}
	return body->len == length ? 0 : -EPROTO;
}

/* A full queue is tried again: the daemon accepts within milliseconds. */
static int connect_to(const char *path, uint64_t deadline_ns)
{
	int fd;

	while ((fd = socket_connect_unix(path)) == -EAGAIN) {
		if (clock_monotonic_ns() >= deadline_ns)
			return -ETIMEDOUT;
		poll(NULL, 0, 5);
	}
	return fd;
}

int ask_daemon(const char *socket_path, const char *target, int timeout_ms, struct buf *body)
{
	_cleanup_(buf_done) struct buf request = BUF_INIT(4096);
	_cleanup_(file_closep) int fd = -1;
	struct asking a = { .deadline_ns =
				    clock_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS };
	int err, read_err;

	fd = connect_to(socket_path, a.deadline_ns);
	if (fd < 0)
		return fd == -ENOTSOCK || fd == -ENOTDIR ? -ENOENT : fd;
	a.fd = fd;
	buf_reset(body);
	err = buf_printf(&request, "GET %s HTTP/1.0\r\n\r\n", target);
	if (!err)
		err = send_all(&a, request.data, request.len);
	/* Who is refused may find the answer behind a connection that takes nothing any more. */
	if (err && err != -EPIPE && err != -ECONNRESET)
		return err;
	read_err = read_answer(&a, body);
	return err && read_err == -ECONNRESET ? err : read_err;
}
