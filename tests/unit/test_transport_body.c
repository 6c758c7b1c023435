/* SPDX-License-Identifier: MIT */
/* Bodies that are not in memory: sent from a file, and given to whoever writes them. */
#include "unit/transport_fixture.h"

#include <sys/mman.h>
#include <unistd.h>

static struct {
	size_t n;
	int err; /* that told and got answer with */
	int status;
	char bytes[64];
} seen;

static int told(size_t n, void *ctx)
{
	(void)ctx;
	seen.n += n;
	return seen.err;
}

static int keep(int status, const void *bytes, size_t n, void *ctx)
{
	(void)ctx;
	seen.status = status;
	if (n < sizeof(seen.bytes) - seen.n)
		memcpy(seen.bytes + seen.n, bytes, n);
	seen.n += n;
	return seen.err;
}

static int file_of(const char *text)
{
	const int fd = memfd_create("body", MFD_CLOEXEC);

	EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* PUT of @len bytes from @offset on of a file with 0123456789. */
static void put(off_t offset, size_t len, int err)
{
	const struct transport_source source = { .fd = file_of("0123456789"),
						 .offset = offset,
						 .told = told };
	struct transport_request r = request("PUT", "");

	memset(&seen, 0, sizeof(seen));
	seen.err = err;
	r.source = &source;
	r.body_len = len;
	ask(&r);
	close(source.fd);
}

static void range_is_sent(void)
{
	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	put(3, 5, 0);
	EXPECT_INT(got.err, 0);
	EXPECT_INT(got.status, 200);
	EXPECT(!strncmp(buf_str(&server.requests[0].head), "PUT ", 4));
	EXPECT_STR(server_header(0, "content-length"), "5");
	EXPECT_STR(server_header(0, "transfer-encoding"), "");
	EXPECT_STR(server_header(0, "expect"), "");
	EXPECT_STR(buf_str(&server.requests[0].body), "34567");
	EXPECT_UINT(seen.n, 5);
	put(0, 0, 0);
	EXPECT_INT(got.err, 0);
	EXPECT_STR(server_header(1, "content-length"), "0");
	tear_down();
}

static void bad_sources(void)
{
	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	put(3, 8, 0);
	expect_failure(-ENODATA, true, "cannot go on sending to 127.0.0.1: No data available");
	put(0, 10, -ECANCELED);
	expect_failure(-ECANCELED, true, "cannot go on sending to 127.0.0.1");
	tear_down();
}

static void only_put(void)
{
	const struct transport_source source = { .fd = 0 };
	struct transport_request r;

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	r = request("POST", "");
	r.source = &source;
	EXPECT_INT(transport_start(transport, &r, on_done, NULL, NULL), -EINVAL);
	tear_down();
}

#define TAGGED(status) "HTTP/1.1 " status "\r\nContent-Length: 4\r\nETag: \"tag\"\r\n\r\nbody"

static void get(const char *etag, int err)
{
	const struct transport_sink sink = { .etag = etag, .got = keep };
	struct transport_request r = request("GET", "");

	memset(&seen, 0, sizeof(seen));
	seen.err = err;
	r.sink = &sink;
	ask(&r);
}

static void sinks(void)
{
	SET_UP({ TAGGED("200 OK"), SERVER_KEEP, 0 }, { TAGGED("206 Part"), SERVER_KEEP, 0 },
	       { TAGGED("404 No"), SERVER_KEEP, 0 }, { TAGGED("200 OK"), SERVER_KEEP, 0 },
	       { TAGGED("200 OK"), SERVER_KEEP, 0 });
	get("\"tag\"", 0);
	EXPECT_INT(seen.status, 200);
	EXPECT_STR(seen.bytes, "body");
	EXPECT_STR(got.body, "");
	get(NULL, 0);
	EXPECT_INT(seen.status, 206);
	EXPECT_STR(seen.bytes, "body");
	get(NULL, 0);
	EXPECT_UINT(seen.n, 0);
	EXPECT_STR(got.body, "body");
	/* Another object's. */
	get("\"other\"", 0);
	EXPECT_UINT(seen.n, 0);
	EXPECT_STR(got.body, "body");
	get(NULL, -ENOSPC);
	EXPECT_INT(got.err, -ENOSPC);
	EXPECT_HAS(got.why, "cannot take the answer of 127.0.0.1: No space left on device");
	tear_down();
}

static void stalls(void)
{
	struct transport_request r;

	SET_UP({ NULL, SERVER_KEEP, 0 });
	r = request("GET", "");
	r.timeout_ms = 0;
	r.stall_s = 1;
	ask(&r);
	expect_failure(-ETIMEDOUT, false, "nothing moved to or from 127.0.0.1 for 1 s");
	tear_down();
}

static void paths(void)
{
	struct transport_request r;
	char odd[300];

	SET_UP({ OK_ANSWER, SERVER_KEEP, 0 });
	snprintf(odd, sizeof(odd), "http://127.0.0.1:%u/a/../b//./c%%2F", server.port);
	r = request("GET", "");
	r.url = odd;
	ask(&r);
	EXPECT_HAS(buf_str(&server.requests[0].head), "GET /a/../b//./c%2F HTTP/1.1\r\n");
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a range of a file is sent", range_is_sent },
		{ "a file that is too short, and one who says no", bad_sources },
		{ "only PUT has a body from a file", only_put },
		{ "the right answer's body is given away", sinks },
		{ "nothing moves for too long", stalls },
		{ "a path is sent as it is", paths },
	};

	forget_environment();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
