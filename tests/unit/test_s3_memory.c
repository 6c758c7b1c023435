/* SPDX-License-Identifier: MIT */
/* The S3 client with the nth allocation failing: -ENOMEM, or it did what it was asked. */
#include "unit/http_server.h"

#include <sys/mman.h>
#include <unistd.h>

#include "unit/nomem.h"

#include "../../userspace/aws/keys.c"
#include "../../userspace/aws/s3.c"
#include "../../userspace/base/buf.c"
#include "unit/client_stubs.h"

bool identity_settled(const struct identity *i)
{
	(void)i;
	return true;
}

#define SHA "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define ID "x-amz-request-id: R1\r\n"

static struct event_base *base;
static struct transport *transport;
static struct s3_options options;

/* Every request is answered so, which is right for PUT and HEAD. */
static const struct server_step steps[] = {
	{ "HTTP/1.1 200 OK\r\n" ID "x-amz-meta-sha256: " SHA "\r\nContent-Length: 0\r\n\r\n",
	  SERVER_KEEP, 0 },
	{ "HTTP/1.1 200 OK\r\n" ID "x-amz-meta-sha256: " SHA "\r\nContent-Length: 5\r\n\r\n",
	  SERVER_CLOSE, 0 },
};

static int put_once(int fd)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	const struct s3_put put = { .key = "k", .fd = fd, .overwrite = true };
	struct s3_sent sent = { .verified = false };
	struct s3 *s = NULL;
	int err = s3_new(base, transport, &credentials, &identity, &options, &why, &s);

	server.n_requests = 0;
	if (!err)
		err = s3_put_file(s, &put, &sent);
	EXPECT(err || sent.verified);
	s3_free(s);
	return err;
}

static void no_memory(void)
{
	const struct transport_options none = { 0 };
	const int fd = memfd_create("file", MFD_CLOEXEC);
	unsigned int failed = 0;
	char url[64];
	int err = -1;

	EXPECT(write(fd, "hello", 5) == 5);
	base = event_base_new();
	server_start(base, steps, ARRAY_SIZE(steps));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
	options = (struct s3_options){ .bucket = "the-bucket", .endpoint_url = url };
	credentials.key = (struct sigv4_key){ "AKID", "secret", "token" };
	identity = (struct identity){ "eu-west-1", "" };
	REQUIRE_INT(transport_new(base, &none, NULL, &transport), 0);
	for (unsigned int n = 1; nomem_again(n); n++) {
		err = put_once(fd);
		failed += err != 0;
		if (!EXPECT(nomem_hit() || !err))
			break;
	}
	EXPECT_INT(err, 0);
	EXPECT(failed >= 5);
	transport_free(transport);
	server_stop();
	event_base_free(base);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "each allocation fails once", no_memory },
	};

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
