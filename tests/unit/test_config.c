/* SPDX-License-Identifier: MIT */
/* The configuration: what a file means, and what is said of one that means nothing. */
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

#define LONG40 "0123456789012345678901234567890123456789"

static void problems(void)
{
	static const struct {
		const char *text;
		const char *expected; /* all problems */
	} rows[] = {
		{ "[service]\nname = x\nnmae = y\n",
		  "t.conf:3: [service] nmae = y: there is no such key here; name was probably "
		  "meant\n" },
		{ "[daemon]\nlevel = info\n",
		  "t.conf:2: [daemon] level = info: there is no such key here; log_level was "
		  "probably meant\n" },
		{ "[daemon]\ntimeout = 5\n",
		  "t.conf:2: [daemon] timeout = 5: there is no such key here; it belongs in "
		  "[listen]\n" },
		{ "[service]\nunit = foo bar.service\n",
		  "t.conf:2: [service] unit = foo bar.service: not the name of a unit; write one, of letters, digits and "
		  ": - _ . \\ @, such as agent-isa.service\n" },
		{ "[service]\nhealth = health\n",
		  "t.conf:2: [service] health = health: not a path; write one that begins with / and "
		  "has no spaces, or none\n" },
		{ "[app]\nuser = a:b\n",
		  "t.conf:2: [app] user = a:b: not a name; write one as /etc/passwd has it\n" },
		{ "[app]\nlogs = log\n",
		  "t.conf:2: [app] logs = log: not an absolute path; begin it with /, or write none\n" },
		{ "[app]\ndirectory = /\n",
		  "t.conf:2: [app] directory = /: must be the application's own; write another\n" },
		{ "[service]\nsupervisor_user = me\n",
		  "t.conf:2: [service] supervisor_user = ...: there is no supervisor_password; write "
		  "both\n" },
		{ "[database]\npath = /a.db\npath = b.db\n",
		  "t.conf:3: [database] path = b.db: not an absolute path; begin it with /\n" },
		{ "[daemon]\nxyzzy = 5\n",
		  "t.conf:2: [daemon] xyzzy = 5: there is no such key here; [daemon] has "
		  "runtime_directory, state_directory, log_level\n" },
		{ "[Htpt]\nx = 1\ny = 2\n[listen]\nport = 1\n",
		  "t.conf:1: [Htpt]: there is no such section; [http] was probably meant\n" },
		{ "[plugh]\n",
		  "t.conf:1: [plugh]: there is no such section; there are [service], [app], [database], [http], [processes], "
		  "[listen], [aws], [cloudwatch], [logs], [log], [alarm], [job], [backup], [update], [doctor], [audit], [daemon]\n" },
		{ "port = 1\n",
		  "t.conf:1: port = 1: stands before the first section; put it behind a line "
		  "like [listen]\n" },
		{ "[listen]\nport = x\n",
		  "t.conf:2: [listen] port = x: \"x\" is not a port; write a number from 1 to "
		  "65535\n" },
		{ "[listen]\nport = 65536\n",
		  "t.conf:2: [listen] port = 65536: \"65536\" is not a port; write a number from "
		  "1 to 65535\n" },
		{ "[listen]\nport =\n",
		  "t.conf:2: [listen] port = : there is no value; write one, or remove the line "
		  "to have the default\n" },
		{ "[listen]\nport = 1\n\nport = 1\n",
		  "t.conf:4: [listen] port = 1: stands in line 2 already; keep one of them\n" },
		{ "[listen]\ninsecure = maybe\n",
		  "t.conf:2: [listen] insecure = maybe: neither yes nor no; write one of them\n" },
		{ "[listen]\naddress = localhost\n",
		  "t.conf:2: [listen] address = localhost: not an IP address; write one such as "
		  "127.0.0.1 or ::1 (names are not looked up)\n" },
		{ "[listen]\ntimeout = 10s\n",
		  "t.conf:2: [listen] timeout = 10s: not a number; write a whole number from 1 "
		  "to 300, in seconds\n" },
		{ "[listen]\ntimeout = 301\n",
		  "t.conf:2: [listen] timeout = 301: out of range; write a whole number from 1 "
		  "to 300, in seconds\n" },
		{ "[listen]\ntimeout = 99999999999999999999999\n",
		  "t.conf:2: [listen] timeout = 99999999999999999999999: out of range; write a "
		  "whole number from 1 to 300, in seconds\n" },
		{ "[http]\nring_size = 1000\n",
		  "t.conf:2: [http] ring_size = 1000: not a power of two; write a power of two "
		  "from 64 to 65536, in KiB\n" },
		{ "[http]\nstream_threshold = 9\n",
		  "t.conf:2: [http] stream_threshold = 9: out of range; write a whole number from "
		  "10 to 600000, in milliseconds\n" },
		{ "[http]\nring_size = 131072\n",
		  "t.conf:2: [http] ring_size = 131072: out of range; write a power of two from "
		  "64 to 65536, in KiB\n" },
		{ "[http]\nroute = /a\nroute = /a\n",
		  "t.conf:3: [http] route = /a: stands here twice; remove one of them\n" },
		{ "[http]\nroute =\n",
		  "t.conf:2: [http] route = : there is no value; write one, or remove the line "
		  "to have the default\n" },
		{ "[service]\nports = 80, http\n",
		  "t.conf:2: [service] ports = 80, http: \"http\" is not a port; write a number "
		  "from 1 to 65535\n" },
		{ "[service]\nports = 80 80\n",
		  "t.conf:2: [service] ports = 80 80: port 80 stands here twice; write it once\n" },
		{ "[service]\nports = ,\n",
		  "t.conf:2: [service] ports = ,: no port; write one or more, such as 8000, 8001\n" },
		{ "[service]\nports = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		  "t.conf:2: [service] ports = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17: too "
		  "many ports; write at most 16\n" },
		{ "[service]\nname = " LONG40 LONG40 "\n",
		  "t.conf:2: [service] name = " LONG40 LONG40
		  ": 80 bytes long; write at most 64\n" },
		{ "[daemon]\nlog_level = loud\n",
		  "t.conf:2: [daemon] log_level = loud: not known; write one of error, warning, "
		  "info, debug\n" },
		{ "[daemon]\nruntime_directory = run\n",
		  "t.conf:2: [daemon] runtime_directory = run: not an absolute path; begin it "
		  "with /\n" },
		{ "[service]\nname = x # the app\n",
		  "t.conf:2: [service] name = x # the app: a comment cannot follow a value; give "
		  "it a line of its own\n" },
		{ "[service]\nports = 80 ; the app\n",
		  "t.conf:2: [service] ports = 80 ; the app: a comment cannot follow a value; give "
		  "it a line of its own\n" },
		{ "[service]\nname = a\xff\n", "t.conf:2: column 9 is not UTF-8; write it anew\n" },
		{ "[service]\nname\nports = 80\n",
		  "t.conf:2: neither a [section], nor key = value, nor a comment (# or ;)\n" },
		{ "[service]\nname",
		  "t.conf:2: neither a [section], nor key = value, nor a comment (# or ;)\n" },
		{ "[service\nname = x\n", "t.conf:1: [service: the section's ] is missing\n" },
		{ "[service] name = x\n",
		  "t.conf:1: [service]: there is more behind the ]; write it on a line of its "
		  "own\n" },
		{ "[service \"x\"]\nname = x\n",
		  "t.conf:1: [service \"x\"]: [service] takes no label; write [service]\n" },
		{ "[service]\nname = a\x01\n",
		  "t.conf:2: a control byte (0x01) in column 9; remove it\n" },
		{ "[listen]\naddress = 0.0.0.0\n",
		  "t.conf:2: [listen] address = 0.0.0.0: whoever reaches this address could "
		  "read the metrics, for there is neither TLS nor a password; listen on "
		  "127.0.0.1 behind a proxy, or, where the network itself keeps others out, "
		  "write insecure = yes in [listen]\n" },
		{ "[listen]\nport = 8000\n",
		  "t.conf:2: [listen] port = 8000: is also among the service's ports, so "
		  "isamon would measure itself; choose another port for one of them\n" },
		{ "[listen]\nport = x\n[service]\nports = 0\nname =\n",
		  "t.conf:2: [listen] port = x: \"x\" is not a port; write a number from 1 to "
		  "65535\n"
		  "t.conf:4: [service] ports = 0: \"0\" is not a port; write a number from 1 to "
		  "65535\n"
		  "t.conf:5: [service] name = : there is no value; write one, or remove the "
		  "line to have the default\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf problems = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("the problem in %.*s", (int)strcspn(rows[i].expected, "\n"),
			   rows[i].expected);
		EXPECT_INT(parse(rows[i].text, strlen(rows[i].text), &c, &problems), -EINVAL);
		EXPECT_STR(buf_str(&problems), rows[i].expected);
	}
}

static void counts_what_it_does_not_tell(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000), found = BUF_INIT(100000);
	_cleanup_(config_freep) struct config *c = NULL;

	buf_add_str(&text, "[http]\n");
	for (int i = 0; i < 60; i++)
		buf_add_str(&text, "max_series = x\n");
	EXPECT_INT(parse(text.data, text.len, &c, &found), -EINVAL);
	EXPECT_HAS(buf_str(&found), "\nt.conf:51: ");
	EXPECT_HAS(buf_str(&found), "\nt.conf: and 10 more\n");
}

static void takes_no_nul(void)
{
	static const char text[] = "[service]\nname = a\0b\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), -EINVAL);
	EXPECT_STR(buf_str(&found), "t.conf:2: a control byte (0x00) in column 9; remove it\n");
}

static void loopback_needs_no_permission(void)
{
	static const struct {
		const char *address;
		int err;
	} rows[] = {
		{ "127.0.0.1", 0 },
		{ "127.255.0.9", 0 },
		{ "::1", 0 },
		{ "::ffff:127.0.0.1", 0 },
		{ "0.0.0.0", -EINVAL },
		{ "::", -EINVAL },
		{ "::ffff:10.0.0.1", -EINVAL },
		{ "128.0.0.1", -EINVAL },
		{ "fe80::1", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT(1000), found = BUF_INIT(1000);
		_cleanup_(config_freep) struct config *c = NULL, *insecure = NULL;

		unit_begin("whether %s is loopback", rows[i].address);
		buf_printf(&text, "[listen]\naddress = %s\n", rows[i].address);
		EXPECT_INT(parse(text.data, text.len, &c, &found), rows[i].err);
		buf_add_str(&text, "insecure = yes\n");
		EXPECT_INT(parse(text.data, text.len, &insecure, &found), 0);
	}
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

/* A schema with a section that has labels, and a size: for what later keys will need. */
struct item {
	char *label;
	uint64_t bytes;
	char *words[2];
	size_t n_words;
};

struct whole {
	struct item items[2];
	bool plain;
};

static const struct schema *item_schema(void);

static int item_of(void *whole, const char *label, struct buf *why, void **ret_item)
{
	struct whole *w = whole;

	for (size_t i = 0; i < ARRAY_SIZE(w->items); i++) {
		struct item *item = &w->items[i];

		if (item->label)
			continue;
		item->label = strdup(label);
		if (!item->label || value_set_initial(item_schema(), "alarm", item))
			return -ENOMEM;
		*ret_item = item;
		return 0;
	}
	buf_add_str(why, "too many");
	return -ERANGE;
}

static const struct schema *item_schema(void)
{
	static const struct schema_section sections[] = { { "plain", NULL }, { "alarm", item_of } };
	static const struct schema_key keys[] = {
		{ "plain", "plain", SCHEMA_BOOL, .offset = offsetof(struct whole, plain) },
		{ "alarm", "size", SCHEMA_SIZE, .offset = offsetof(struct item, bytes), .min = 10,
		  .max = 1ull << 50, .initial = "1K" },
		{ "alarm", "word", SCHEMA_STRINGS, .offset = offsetof(struct item, words),
		  .n_offset = offsetof(struct item, n_words), .max = 2 },
	};
	static const struct schema s = { sections, ARRAY_SIZE(sections), keys, ARRAY_SIZE(keys) };

	return &s;
}

static int parse_items(const char *text, struct whole *w, struct buf *found)
{
	struct parse_source source = { .name = "i", .text = text, .len = strlen(text) };
	struct table *lines = table_new();
	int err = parse_text(item_schema(), &source, w, lines, found);

	table_free(lines, NULL);
	return err;
}

static void items_done(struct whole *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->items); i++) {
		free(w->items[i].label);
		value_clear_all(item_schema(), "alarm", &w->items[i]);
	}
}

static void sections_may_have_labels(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	struct whole w = { 0 };

	EXPECT_INT(parse_items("[alarm \"A b\"]\nsize = 2 MiB\nword = x\nword = y\n"
			       "[plain]\nplain = on\n[alarm \"c\"]\nword = z\n",
			       &w, &found),
		   0);
	EXPECT_STR(buf_str(&found), "");
	EXPECT_STR(w.items[0].label, "A b");
	EXPECT_UINT(w.items[0].bytes, 2 << 20);
	EXPECT_UINT(w.items[0].n_words, 2);
	EXPECT_STR(w.items[1].label, "c");
	EXPECT_UINT(w.items[1].bytes, 1024);
	EXPECT_UINT(w.items[1].n_words, 1);
	EXPECT(w.plain);
	items_done(&w);
}

static void labels_are_checked(void)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(1000);
	struct whole w = { 0 };

	EXPECT_INT(parse_items("[alarm]\nsize = 1\n[alarm x]\n[alarm \"\"]\n[alarm \"a\" \"b\"]\n"
			       "[alarm \"x\"]\nsize = 20\n[alarm \"x\"]\nsize = 30\n"
			       "[alarm \"y]z\"]\nword = 1\nword = 2\nword = 3\n[alarm \"z\"]\n",
			       &w, &found),
		   -EINVAL);
	EXPECT_STR(
		buf_str(&found),
		"i:1: [alarm]: a label is missing; write [alarm \"a name\"]\n"
		"i:3: [alarm x]: a label is missing; write [alarm \"a name\"]\n"
		"i:4: [alarm \"\"]: a label is missing; write [alarm \"a name\"]\n"
		"i:5: [alarm \"a\" \"b\"]: a label is missing; write [alarm \"a name\"]\n"
		"i:8: [alarm \"x\"]: stands in line 6 already; give it another name, or make one of them\n"
		"i:13: [alarm \"y]z\"] word = 3: one too many; there may be 2\n"
		"i:14: [alarm \"z\"]: too many\n");
	EXPECT_UINT(w.items[0].bytes, 20);
	items_done(&w);
}

static void sizes(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		int err;
	} rows[] = {
		{ "10", 10, 0 },
		{ "64M", 64 << 20, 0 },
		{ "1 KiB", 1024, 0 },
		{ "20B", 20, 0 },
		{ "1G", 1 << 30, 0 },
		{ "1024T", 1ull << 50, 0 },
		{ "1025T", 0, -ERANGE },
		{ "99999999999T", 0, -ERANGE },
		{ "9", 0, -ERANGE },
		{ "1.5G", 0, -EINVAL },
		{ "M", 0, -EINVAL },
		{ "10 MB", 0, -EINVAL },
		{ "10 m", 0, -EINVAL },
		{ "-1", 0, -EINVAL },
		{ "123456789012345678901234567890", 0, -EINVAL },
	};
	const struct schema_key *k = schema_find_key(item_schema(), "alarm", "size");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct item item = { .bytes = 4711 };

		unit_begin("the size \"%s\"", rows[i].text);
		EXPECT_INT(value_set(k, &item, rows[i].text, &why), rows[i].err);
		EXPECT_UINT(item.bytes, rows[i].err ? 4711 : rows[i].bytes);
		EXPECT((why.len > 0) == (rows[i].err != 0));
	}
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
		{ NULL, problems },
		{ "of many problems the rest is counted", counts_what_it_does_not_tell },
		{ "a NUL byte is a problem", takes_no_nul },
		{ NULL, loopback_needs_no_permission },
		{ "options replace keys, or change nothing", options_replace_keys },
		{ "sections may have labels", sections_may_have_labels },
		{ "labels are checked", labels_are_checked },
		{ NULL, sizes },
		{ "a file that cannot be read is explained", reports_what_cannot_be_read },
		{ "dist/isamon.conf is the defaults, commented or not", example_is_the_defaults },
		{ NULL, example_has_every_key },
		{ "the nth allocation failing is an error, and nothing leaks",
		  survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
