/* SPDX-License-Identifier: MIT */
/* The step that failed is the one that is named; nginx's certificates are found in what it prints; hosts on loopback are reached, or not. */
#include "unit.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/network_impl.h"

static void tells(void)
{
	static const struct {
		const char *name;
		struct reach r;
		const char *id, *subject;
		enum finding_result result;
		const char *evidence;
	} rows[] = {
		{ "no name",
		  { .to = { "x.test", 443 }, .step = REACH_NAME, .why = "no answer in time" },
		  "network.dns",
		  "x.test:443",
		  FINDING_PROBLEM,
		  "no answer in time" },
		{ "refused",
		  { .to = { "x.test", 443 },
		    .step = REACH_CONNECT,
		    .why = "10.0.0.1: Connection refused" },
		  "network.connect",
		  "x.test:443",
		  FINDING_PROBLEM,
		  "no connection: 10.0.0.1: Connection refused" },
		{ "no TLS",
		  { .to = { "x.test", 443 },
		    .tls = true,
		    .step = REACH_TLS,
		    .why = "wrong version number",
		    .address = "10.0.0.1" },
		  "network.tls",
		  "x.test:443",
		  FINDING_PROBLEM,
		  "connected to 10.0.0.1, then: wrong version number" },
		{ "not trusted",
		  { .to = { "x.test", 443 },
		    .tls = true,
		    .step = REACH_DONE,
		    .fits = true,
		    .untrusted = "self-signed certificate" },
		  "network.tls",
		  "x.test:443",
		  FINDING_PROBLEM,
		  "is not trusted: self-signed certificate" },
		{ "another's certificate",
		  { .to = { "x.test", 443 },
		    .tls = true,
		    .step = REACH_DONE,
		    .certificate = { .subject = "y.test" } },
		  "network.tls",
		  "x.test:443",
		  FINDING_PROBLEM,
		  "its certificate is for y.test" },
		{ "fine",
		  { .to = { "::1", 8443 },
		    .step = REACH_DONE,
		    .address = "::1",
		    .took_us = { 1000, 2000, 0 } },
		  "network.endpoint",
		  "[::1]:8443",
		  FINDING_FINE,
		  "name 1 ms, connected to ::1 in 2 ms" },
		{ "slow",
		  { .to = { "x.test", 443 },
		    .tls = true,
		    .fits = true,
		    .step = REACH_DONE,
		    .version = "TLSv1.3",
		    .took_us = { 900000, 2000, 99000 } },
		  "network.endpoint",
		  "x.test:443",
		  FINDING_WARNING,
		  ", TLSv1.3 in 99 ms" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings found = { .n = 0 };

		unit_begin("tells: %s", rows[i].name);
		EXPECT_INT(network_tell_endpoint(&rows[i].r, &found), 0);
		if (!EXPECT_UINT(found.n, 1))
			continue;
		EXPECT_STR(found.list[0].id, rows[i].id);
		EXPECT_STR(found.list[0].subject, rows[i].subject);
		EXPECT_INT((int)found.list[0].result, (int)rows[i].result);
		EXPECT_HAS(found.list[0].evidence, rows[i].evidence);
	}
}

static int collect(const char *path, void *ctx)
{
	struct buf *all = ctx;

	return buf_printf(all, "%s|", path);
}

static int stop(const char *path, void *ctx)
{
	(void)path;
	(void)ctx;
	return 7;
}

static void nginx_certificates(void)
{
	static const char text[] = "# configuration file /etc/nginx/nginx.conf:\n"
				   "server {\n"
				   "    listen 443 ssl;\n"
				   "    ssl_certificate /etc/ssl/a.pem;\n"
				   "\tssl_certificate\t/etc/ssl/b.pem ;\n"
				   "\tssl_certificate /etc/ssl/c.pem;\n"
				   "    ssl_certificate_key /etc/ssl/a.key;\n"
				   "    #ssl_certificate /etc/ssl/d.pem;\n"
				   "    ssl_certificate /etc/ssl/$ssl_server_name.pem;\n"
				   "    ssl_certificate data:x;\n"
				   "    ssl_certificate /etc/ssl/last.pem;";
	_cleanup_(buf_done) struct buf all = BUF_INIT(1000);

	EXPECT_INT(network_each_nginx_certificate(text, collect, &all), 0);
	EXPECT_STR(buf_str(&all),
		   "/etc/ssl/a.pem|/etc/ssl/b.pem|/etc/ssl/c.pem|/etc/ssl/last.pem|");
	EXPECT_INT(network_each_nginx_certificate(text, stop, NULL), 7);
	EXPECT_INT(network_each_nginx_certificate("", stop, NULL), 0);
}

static void reaches(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), closed;
	struct reach list[3] = { 0 };
	socklen_t n = sizeof(at);

	/* A port that was just given up is nobody's. */
	closed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(bind(closed, (struct sockaddr *)&at, n) == 0);
	getsockname(closed, (struct sockaddr *)&at, &n);
	list[1].to = (struct host_port){ "127.0.0.1", ntohs(at.sin_port) };
	at.sin_port = 0;
	REQUIRE(bind(fd, (struct sockaddr *)&at, n) == 0 && listen(fd, 8) == 0);
	getsockname(fd, (struct sockaddr *)&at, &n);
	list[0].to = (struct host_port){ "127.0.0.1", ntohs(at.sin_port) };
	list[2] = (struct reach){ .to = list[0].to, .tls = true };
	EXPECT_INT(reach_all(list, 3, 700), 0);
	EXPECT_INT((int)list[0].step, REACH_DONE);
	EXPECT_STR(list[0].address, "127.0.0.1");
	EXPECT_INT((int)list[1].step, REACH_CONNECT);
	EXPECT_STR(list[1].why, "127.0.0.1: Connection refused");
	/* Nobody answers there. */
	EXPECT_INT((int)list[2].step, REACH_TLS);
	EXPECT(*list[2].why);
	close(fd);
	close(closed);
	EXPECT_INT(reach_all(list, 0, 100), 0);
	EXPECT_INT(reach_all(list, REACH_MAX + 1, 100), -E2BIG);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, tells },
		{ "certificates in what nginx -T prints", nginx_certificates },
		{ "who listens is reached, who does not is not, who is silent is late", reaches },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
