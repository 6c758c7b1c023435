/* SPDX-License-Identifier: MIT */
/* The configuration: what a file means, and the example, which is the defaults. */
#include "unit.h"

#include <unistd.h>

#include "config_sources.h"

static void sets_every_key(void)
{
	static const char text[] =
		"\xef\xbb\xbf# comment\n"
		"; another\n"
		"\r\n"
		"[service]\r\n"
		"  name = other app \r\n"
		"ports=80,8000 , 8001\t8002\n"
		"[http]\n"
		"\troute = /a/{b}\n"
		"route: /c=d\n"
		"max_series = 20\n"
		"[listen]\n"
		"address = ::1\n"
		"port = 65535\n"
		"insecure = YES\n"
		"[http]\n"
		"ring_size = 64\n"
		"stream_threshold = 600000\nstreams_in_duration = no\n"
		"route = /e\n"
		"[processes]\n"
		"pss_interval = 0\ncrash_loop_exits = 100\ncrash_loop_window = 1\n"
		"[listen]\n"
		"max_connections = 1\n"
		"timeout = 300\n"
		"[daemon]\n"
		"runtime_directory = /tmp/x\n"
		"log_level = debug";
	_cleanup_(buf_done) struct buf problems = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &problems), 0);
	REQUIRE_STR(buf_str(&problems), "");
	EXPECT_STR(c->service_name, "other app");
	REQUIRE_UINT(c->n_ports, 4);
	EXPECT(c->ports[0] == 80 && c->ports[1] == 8000 && c->ports[3] == 8002);
	REQUIRE_UINT(c->n_routes, 3);
	EXPECT_STR(c->routes[0], "/a/{b}");
	EXPECT_STR(c->routes[1], "/c=d");
	EXPECT_STR(c->routes[2], "/e");
	EXPECT(c->route_lines[0] == 8 && c->route_lines[1] == 9 && c->route_lines[2] == 19);
	EXPECT_UINT(c->max_series, 20);
	EXPECT_UINT(c->ring_kib, 64);
	EXPECT_UINT(c->stream_threshold_ms, 600000);
	EXPECT(!c->streams_in_duration);
	EXPECT_UINT(c->pss_interval_s, 0);
	EXPECT_UINT(c->crash_loop_exits, 100);
	EXPECT_UINT(c->crash_loop_window_s, 1);
	EXPECT_STR(c->listen_address, "::1");
	EXPECT_UINT(c->listen_port, 65535);
	EXPECT(c->listen_insecure);
	EXPECT_UINT(c->listen_max_connections, 1);
	EXPECT_UINT(c->listen_timeout_s, 300);
	EXPECT_STR(c->runtime_directory, "/tmp/x");
	EXPECT_INT((int)c->log_level, LOG_LEVEL_DEBUG);
}

static void expect_defaults(const struct config *c)
{
	EXPECT_STR(c->service_name, "agent-isa");
	EXPECT_UINT(c->n_ports, 1);
	EXPECT_UINT(c->ports[0], 8000);
	EXPECT_INT((int)c->service_manager, CONFIG_MANAGER_AUTO);
	EXPECT_STR(c->service_program, "");
	EXPECT_STR(c->service_unit, "");
	EXPECT_STR(c->service_supervisor_socket, "");
	EXPECT_STR(c->service_supervisor_user, "");
	EXPECT_STR(c->app_directory, "/opt/agent-isa/app");
	EXPECT_STR(c->app_venv, "/opt/agent-isa/venv");
	EXPECT_STR(c->app_requirements, "requirements.txt");
	EXPECT_STR(c->app_user, "agent-isa");
	EXPECT_STR(c->app_group, "");
	EXPECT_STR(c->service_supervisor_password, "");
	EXPECT_STR(c->update_remote, "origin");
	EXPECT_STR(c->update_ref, "");
	EXPECT_UINT(c->n_update_pip_options, 0);
	EXPECT_UINT(c->update_keep, 2);
	EXPECT_UINT(c->update_git_timeout_s, 300);
	EXPECT_UINT(c->update_install_timeout_s, 1800);
	EXPECT_UINT(c->update_packages_timeout_s, 3600);
	EXPECT_STR(c->service_health, "/health");
	EXPECT_UINT(c->service_start_timeout_s, 60);
	EXPECT_UINT(c->service_stop_timeout_s, 60);
	REQUIRE_UINT(c->n_databases, 1);
	EXPECT_STR(c->databases[0], "/opt/agent-isa/data/production.db");
	REQUIRE_UINT(c->n_routes, 2);
	EXPECT_STR(c->routes[0], "/api/files/{session_id}");
	EXPECT_STR(c->routes[1], "/ws/{session_id}");
	EXPECT_UINT(c->max_series, 1000);
	EXPECT_UINT(c->ring_kib, 512);
	EXPECT_UINT(c->stream_threshold_ms, 1000);
	EXPECT(c->streams_in_duration);
	EXPECT_UINT(c->pss_interval_s, 60);
	EXPECT_UINT(c->crash_loop_exits, 3);
	EXPECT_UINT(c->crash_loop_window_s, 300);
	EXPECT_STR(c->listen_address, "127.0.0.1");
	EXPECT_UINT(c->listen_port, 9912);
	EXPECT(!c->listen_insecure);
	EXPECT_UINT(c->listen_max_connections, 32);
	EXPECT_UINT(c->listen_timeout_s, 10);
	EXPECT_STR(c->runtime_directory, "/run/isamon");
	EXPECT_INT((int)c->log_level, LOG_LEVEL_INFO);
}

static void has_defaults(void)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL, *empty = NULL;

	REQUIRE_INT(config_new(&c), 0);
	expect_defaults(c);
	EXPECT_INT(config_check(c, "here", &problems), 0);
	REQUIRE_INT(parse("", 0, &empty, &problems), 0);
	expect_defaults(empty);
	EXPECT_UINT(empty->route_lines[0], 0);
}

static void options_replace_keys(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	_cleanup_(config_freep) struct config *c = NULL;

	REQUIRE_INT(config_new(&c), 0);
	EXPECT_INT(config_set_ports(c, "8001, 8002"), 0);
	EXPECT_INT(config_set_ports(c, "0"), -ERANGE);
	EXPECT_INT(config_set_ports(c, "80 x"), -EINVAL);
	EXPECT_INT(config_set_ports(c, ""), -EINVAL);
	EXPECT(c->n_ports == 2 && c->ports[0] == 8001 && c->ports[1] == 8002);
	EXPECT_INT(config_set_listen(c, "[::1]:99"), 0);
	EXPECT_STR(c->listen_address, "::1");
	EXPECT_INT(config_set_listen(c, "::1:99"), -EINVAL);
	EXPECT_INT(config_set_listen(c, "localhost:100"), -EINVAL);
	EXPECT_INT(config_set_listen(c, "127.0.0.1"), -EINVAL);
	EXPECT_INT(config_set_listen(c, ":9"), -EINVAL);
	EXPECT_INT(config_set_listen(c, "127.0.0.1:0"), -ERANGE);
	EXPECT_UINT(c->listen_port, 99);
	EXPECT_INT(config_set_listen(c, "0.0.0.0:100"), 0);
	EXPECT_INT(config_check(c, "--listen", &found), -EINVAL);
	EXPECT_HAS(buf_str(&found), "--listen: [listen] address = 0.0.0.0: whoever");
}

static void reports_what_cannot_be_read(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	struct config *c = NULL;

	EXPECT_INT(config_load("/nowhere/isamon.conf", &found, &c), -ENOENT);
	EXPECT_STR(buf_str(&found),
		   "/nowhere/isamon.conf: cannot be read: No such file or directory\n");
	EXPECT_INT(config_load("/proc/self", &found, &c), -EISDIR);
	EXPECT_INT(config_load("/dev/zero", &found, &c), -EFBIG);
	EXPECT(!c);
}

/* dist/isamon.conf: with (@uncomment) every default uncommented, or as it is. */
static void example_load(bool uncomment, struct buf *ret_text, struct config **ret,
			 struct buf *found)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000);
	const char *at;

	REQUIRE_INT(file_read("dist/isamon.conf", &text), 0);
	for (at = buf_str(&text); *at; at += strcspn(at, "\n") + 1) {
		size_t n = strcspn(at, "\n") + 1;
		bool is_key = at[0] == '#' && at[1] >= 'a' && at[1] <= 'z';

		if (strncmp(at, "#[alarm ", 8) == 0 || strncmp(at, "#[log ", 6) == 0 ||
		    strncmp(at, "#[job ", 6) == 0)
			uncomment = false; /* examples, no defaults */
		if (is_key && uncomment)
			buf_add(ret_text, at + 1, n - 1);
		else
			buf_add(ret_text, at, n);
	}
	parse(ret_text->data, ret_text->len, ret, found);
}

static void example_is_the_defaults(void)
{
	for (int uncomment = 0; uncomment < 2; uncomment++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT(100000), found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		example_load(uncomment, &text, &c, &found);
		EXPECT_STR(buf_str(&found), "");
		REQUIRE(c);
		expect_defaults(c);
		EXPECT((c->route_lines[1] != 0) == uncomment);
	}
}

static void example_has_every_key(void)
{
	const struct schema *s = schema_config();

	for (size_t i = 0; i < s->n_keys; i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT(100000), found = BUF_INIT(10000);
		_cleanup_(buf_done) struct buf line = BUF_INIT(1000);
		_cleanup_(config_freep) struct config *c = NULL;
		const char *section, *end;

		unit_begin("dist/isamon.conf documents [%s] %s", s->keys[i].section,
			   s->keys[i].name);
		example_load(false, &text, &c, &found);
		if (schema_find_section(s, s->keys[i].section)->item) {
			buf_printf(&line, "\n#   %s =%s%s\n", s->keys[i].name,
				   *s->keys[i].initial ? " " : "", s->keys[i].initial);
			EXPECT_HAS(buf_str(&text), buf_str(&line));
			continue;
		}
		buf_printf(&line, "\n[%s]\n", s->keys[i].section);
		section = strstr(buf_str(&text), buf_str(&line));
		REQUIRE(section);
		end = strstr(section + 2, "\n[");
		buf_reset(&line);
		buf_printf(&line, "\n#%s =%s%.*s\n", s->keys[i].name,
			   *s->keys[i].initial ? " " : "", (int)strcspn(s->keys[i].initial, "\n"),
			   s->keys[i].initial);
		EXPECT_HAS(section, buf_str(&line));
		section = strstr(section, buf_str(&line));
		EXPECT(section && (!end || section < end));
	}
}

static void survives_lack_of_memory(void)
{
	static const char text[] = "[service]\nname = x\n[http]\nroute = /a\nroute = /b\nbad = 1\n"
				   "[listen]\naddress = 127.0.0.2\n[nothing]\n";

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		struct config *c = NULL;
		int err = parse(text, sizeof(text) - 1, &c, &found);

		/* The text of a message may be what could not be had. */
		EXPECT(err == -ENOMEM || err == -EINVAL);
		EXPECT(!c);
	}
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;
		int err = parse(text, 19, &c, &found);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "every key can be set, in any order, with any white space", sets_every_key },
		{ "without a file there are defaults", has_defaults },
		{ "options replace keys, or change nothing", options_replace_keys },
		{ "a file that cannot be read is explained", reports_what_cannot_be_read },
		{ "dist/isamon.conf is the defaults, commented or not", example_is_the_defaults },
		{ NULL, example_has_every_key },
		{ "the nth allocation failing is an error, and nothing leaks",
		  survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
