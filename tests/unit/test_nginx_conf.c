/* SPDX-License-Identifier: MIT */
/* nginx's configuration as nginx -T prints it, and its log of errors. */
#include "unit.h"

#include "nomem.h"

#include <time.h>
#include <unistd.h>

#include "base/buf.c"
#include "check/nginx_address.c"
#include "check/nginx_conf.c"
#include "check/nginx_log.c"

#define MAIN "# configuration file /etc/nginx/nginx.conf:\n"
#define SITE "\n# configuration file /etc/nginx/sites-enabled/site:\n"

static const char whole[] = "nginx: [warn] something that is passed over { ;\n" MAIN
			    "user www-data; # a comment { with ; marks\n"
			    "error_log /var/log/nginx/error.log warn;\n"
			    "http {\n"
			    "\tupstream app {\n"
			    "\t\tserver 127.0.0.1:8000 weight=2; server [::1]:8001 down;\n"
			    "\t\tkeepalive 16;\n"
			    "\t}\n"
			    "\tlog_format main '$remote_addr - \"$request\" {;}';\n"
			    "\tinclude /etc/nginx/sites-enabled/*;\n"
			    "}\n" SITE "server {\n"
			    "\tlisten 80 default_server;\n"
			    "\tlisten [::]:443 ssl http2;\n"
			    "\tserver_name example.com www.example.com;\n"
			    "\tlocation ~ ^/api/(.*)$ {\n"
			    "\t\tif ($request_method = POST) { return 405; }\n"
			    "\t\tproxy_pass \"http://app/$1\";\n"
			    "\t}\n"
			    "\tlocation / { proxy_pass http://${backend}:9000/x; }\n"
			    "\tcontent_by_lua_block { if x then ngx.say('a}') } \n"
			    "}\n"
			    "server { location /y { proxy_pass http://unix:/run/y.sock:/z; } }\n";

static void reads_all(void)
{
	struct nginx_conf c;

	REQUIRE_INT(nginx_conf_parse(whole, strlen(whole), &c),
		    -EPROTO); /* the brace within Lua's string */
	EXPECT_UINT(c.n_files, 2);
	EXPECT_UINT(c.n_servers, 1);
	EXPECT_STR(c.error_logs[0].path, "/var/log/nginx/error.log");
	REQUIRE_UINT(c.n_peers, 2);
	EXPECT_STR(c.peers[0].upstream, "app");
	EXPECT_STR(c.peers[0].text, "127.0.0.1:8000");
	EXPECT_UINT(c.peers[0].place.line, 5);
	EXPECT(!c.peers[0].down);
	EXPECT(c.peers[1].down);
	EXPECT_STR(c.servers[0].name, "example.com");
	REQUIRE_UINT(c.n_listens, 2);
	EXPECT_STR(c.listens[0].text, "80");
	EXPECT(!c.listens[0].tls);
	EXPECT(c.listens[1].tls);
	REQUIRE_UINT(c.n_passes, 2);
	EXPECT_STR(c.passes[0].text, "http://app/$1");
	EXPECT_STR(c.passes[0].location, "^/api/(.*)$");
	EXPECT_STR(nginx_conf_file(&c, &c.passes[0].place), "/etc/nginx/sites-enabled/site");
	EXPECT_UINT(c.passes[0].place.line, 7);
	EXPECT_UINT(c.passes[0].server, 0);
	EXPECT_STR(c.passes[1].text, "http://${backend}:9000/x");
	REQUIRE_UINT(c.n_settings, 1);
	EXPECT_STR(c.settings[0].name, "keepalive");
	EXPECT_STR(c.settings[0].value, "16");
	EXPECT_STR(c.settings[0].upstream, "app");
	EXPECT_STR(c.settings[0].location, "");
	EXPECT(c.settings[0].server == SIZE_MAX);
	EXPECT_UINT(c.settings[0].place.file, 0);
	EXPECT_UINT(c.settings[0].place.line, 6);
	nginx_conf_done(&c);
}

static void reads_pieces(void)
{
	static const struct {
		const char *name, *text;
		int err;
		size_t servers, passes;
	} rows[] = {
		{ "nothing", "", 0, 0, 0 },
		{ "nothing but what nginx says", "nginx: [emerg] x {\n", 0, 0, 0 },
		{ "a brace too many", MAIN "}\n", -EPROTO, 0, 0 },
		{ "a brace too few", MAIN "http { server {\n", -EPROTO, 1, 0 },
		{ "an included piece of a server", MAIN "proxy_pass http://a;\n", 0, 0, 1 },
		{ "a quote without end", MAIN "x \"abc;\nserver {}\n", 0, 0, 0 },
		{ "a last word without end", MAIN "proxy_pass http://a", 0, 0, 0 },
		{ "escapes", MAIN "server { proxy_pass http://a\\;b; }", 0, 1, 1 },
		{ "a server of an upstream is no block", MAIN "upstream u { server a; server b; }",
		  0, 0, 0 },
		{ "Lua's braces",
		  MAIN "server { access_by_lua_block { if { } { } } proxy_pass http://a; }", 0, 1,
		  1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nginx_conf c;

		unit_begin("a configuration: %s", rows[i].name);
		EXPECT_INT(nginx_conf_parse(rows[i].text, strlen(rows[i].text), &c), rows[i].err);
		EXPECT_UINT(c.n_servers, rows[i].servers);
		EXPECT_UINT(c.n_passes, rows[i].passes);
		nginx_conf_done(&c);
	}
}

static void is_bounded(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1 << 20);
	struct nginx_conf c;

	buf_add_str(&text, MAIN);
	for (int i = 0; i < 1500; i++)
		buf_printf(&text, "server { listen %d; proxy_pass http://a; }\n", i + 1);
	REQUIRE_INT(nginx_conf_parse(buf_str(&text), text.len, &c), 0);
	EXPECT_UINT(c.n_servers, NGINX_ITEMS_MAX);
	EXPECT_UINT(c.n_listens, NGINX_ITEMS_MAX);
	EXPECT_UINT(c.n_passes, NGINX_ITEMS_MAX);
	nginx_conf_done(&c);
	buf_reset(&text);
	buf_add_str(&text, MAIN);
	for (int i = 0; i < 100; i++)
		buf_add_str(&text, "a {");
	EXPECT_INT(nginx_conf_parse(buf_str(&text), text.len, &c), -EPROTO);
	nginx_conf_done(&c);
}

static void survives_lack_of_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct nginx_conf c;
		int err = nginx_conf_parse(whole, strlen(whole), &c);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : -EPROTO);
		nginx_conf_done(&c);
	}
}

static void reads_addresses(void)
{
	static const struct {
		const char *text;
		bool listen, good;
		const char *host;
		unsigned int port;
		bool tls, unix_socket, variable;
	} rows[] = {
		{ "http://127.0.0.1:8000/api/", false, true, "127.0.0.1", 8000, false, false,
		  false },
		{ "http://app", false, true, "app", 80, false, false, false },
		{ "https://[::1]", false, true, "::1", 443, true, false, false },
		{ "https://[::1]:8443/x", false, true, "::1", 8443, true, false, false },
		{ "localhost:8000", false, true, "localhost", 8000, false, false, false },
		{ "http://unix:/run/x.sock:/uri", false, true, "/run/x.sock", 80, false, true,
		  false },
		{ "http://$backend", false, true, "", 80, false, false, true },
		{ "80", true, true, "*", 80, false, false, false },
		{ "*:8080", true, true, "*", 8080, false, false, false },
		{ "[::]:80", true, true, "::", 80, false, false, false },
		{ "70000", true, false, "*", 80, false, false, false },
		{ "a:b", false, false, "", 80, false, false, false },
		{ "1:2:3", false, false, "", 80, false, false, false },
		{ "[::1", false, false, "", 80, false, false, false },
		{ "http://", false, false, "", 80, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nginx_address a;

		unit_begin("the address %s", rows[i].text);
		EXPECT_INT(nginx_address_parse(rows[i].text, rows[i].listen, &a), rows[i].good);
		EXPECT_STR(a.host, rows[i].host);
		EXPECT_UINT(a.port, rows[i].port);
		EXPECT_INT(a.tls, rows[i].tls);
		EXPECT_INT(a.unix_socket, rows[i].unix_socket);
		EXPECT_INT(a.variable, rows[i].variable);
	}
}

#define WHERE \
	" while connecting to upstream, client: 1.2.3.4, server: x, request: \"GET / HTTP/1.1\", " \
	"upstream: \"http://127.0.0.1:8000/\", host: \"x\"\n"

static const char errors[] =
	"6/11/26 10:00:00 [error] 1#1: *1 connect() failed (111: Connection refused)" WHERE
	"2026/11/26 08:59:59 [error] 1#1: *1 connect() failed (111: Connection refused)" WHERE
	"2026/11/26 10:00:00 [error] 1#1: *1 connect() failed (111: Connection refused)" WHERE
	"2026/11/26 10:00:05 [error] 1#1: *2 connect() failed (111: Connection refused)" WHERE
	"2026/11/26 10:00:06 [error] 1#1: *3 upstream timed out (110: Connection timed out)" WHERE
	"2026/11/26 10:00:07 [error] 1#1: *4 recv() failed (104: Connection reset by peer) while reading "
	"response header from upstream, upstream: \"http://\033[2J:1/\"\n"
	"2026/11/26 10:00:08 [info] 1#1: *5 client 1.2.3.4 (104: Connection reset by peer)\n"
	"2026/11/26 10:00:09 [crit] 1#1: *6 connect() to 127.0.0.1:8000 failed (13: Permission denied)" WHERE
	"2026/11/26 10:00:10 [alert] 1#1: 256 worker_connections are not enough\n"
	"2026/11/26 10:00:11 [error] 1#1: *7 no live upstreams while connecting to upstream";

static void counts_errors(void)
{
	struct nginx_errors e = { .upstream = "" };
	const int64_t ten_s = 1795687200; /* 2026-11-26T10:00:00Z */

	setenv("TZ", "UTC0", 1);
	tzset();
	nginx_errors_count(errors, strlen(errors), ten_s - 3600, &e);
	EXPECT_UINT(e.of[NGINX_REFUSED].n, 2);
	EXPECT_INT(e.of[NGINX_REFUSED].last_s, ten_s + 5);
	EXPECT_UINT(e.of[NGINX_TIMED_OUT].n, 1);
	EXPECT_UINT(e.of[NGINX_RESET].n, 1);
	EXPECT_UINT(e.of[NGINX_DENIED].n, 1);
	EXPECT_UINT(e.of[NGINX_CONNECTIONS].n, 1);
	EXPECT_UINT(e.of[NGINX_NONE_LIVE].n, 1);
	EXPECT_UINT(e.of[NGINX_CLOSED].n, 0);
	EXPECT_STR(e.upstream, "http://127.0.0.1:8000/");
}

static void reads_the_end_of_a_file(void)
{
	char path[] = "/tmp/test-nginx-log.XXXXXX";
	struct nginx_errors e = { .upstream = "" };
	int fd = mkstemp(path);

	REQUIRE(fd >= 0);
	REQUIRE_INT(write(fd, errors, strlen(errors)), (ssize_t)strlen(errors));
	close(fd);
	EXPECT_INT(nginx_errors_read(path, 200, 0, &e), 0);
	EXPECT_UINT(e.of[NGINX_REFUSED].n, 0);
	EXPECT_UINT(e.of[NGINX_NONE_LIVE].n, 1);
	unlink(path);
	EXPECT_INT(nginx_errors_read(path, 200, 0, &e), -ENOENT);
	EXPECT_INT(nginx_errors_read("/dev/null", 200, 0, &e), -EINVAL);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a whole configuration", reads_all },
		{ NULL, reads_pieces },
		{ "no more is kept than a maximum", is_bounded },
		{ "memory that runs out is told", survives_lack_of_memory },
		{ NULL, reads_addresses },
		{ "lines of the log of errors are counted by kind, from a time on", counts_errors },
		{ "of a log only the end is read", reads_the_end_of_a_file },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
