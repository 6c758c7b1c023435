/* SPDX-License-Identifier: MIT */
/* What is said of a configuration that means nothing: where, what is wrong, and what to write. */
#include "unit.h"

#include "config_sources.h"

#define LONG40 "0123456789012345678901234567890123456789"

static void problems(void)
{
	static const struct refused rows[] = {
		{ "[service]\nname = x\nnmae = y\n",
		  "t.conf:3: [service] nmae = y: there is no such key here; name was probably "
		  "meant\n" },
		{ "[daemon]\nlevel = info\n",
		  "t.conf:2: [daemon] level = info: there is no such key here; log_level was "
		  "probably meant\n" },
		{ "[daemon]\ntimeout = 5\n",
		  "t.conf:2: [daemon] timeout = 5: there is no such key here; it belongs in "
		  "[listen]\n" },
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

	expect_refused(rows, ARRAY_SIZE(rows));
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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, problems },
		{ "of many problems the rest is counted", counts_what_it_does_not_tell },
		{ "a NUL byte is a problem", takes_no_nul },
		{ NULL, loopback_needs_no_permission },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
