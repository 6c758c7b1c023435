/* SPDX-License-Identifier: MIT */
/* [audit]: what is taken, and what is refused and why. */
#include "unit.h"

#include "config_sources.h"

static void sets_every_key(void)
{
	static const char text[] =
		"[audit]\nallow_port = 22 8443\nallow_udp_port = 123\nallow_user = alice\n"
		"login_days = 30\nfailed_logins = 5\ndirectory = /srv/app\ncertificate = /c.pem\n"
		"certificate = /d.pem\ncertificate_days = 30\npackage_list_days = 2\n"
		"accept = ports.open tcp/9100\naccept = files.*\t/srv/app/a b*\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), 0);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE(c);
	REQUIRE_UINT(c->n_audit_ports, 2);
	EXPECT_UINT(c->audit_ports[1], 8443);
	REQUIRE_UINT(c->n_audit_udp_ports, 1);
	EXPECT_UINT(c->audit_udp_ports[0], 123);
	REQUIRE_UINT(c->n_audit_users, 1);
	EXPECT_STR(c->audit_users[0], "alice");
	EXPECT_UINT(c->audit_login_days, 30);
	EXPECT_UINT(c->audit_failed_logins, 5);
	REQUIRE_UINT(c->n_audit_directories, 1);
	EXPECT_STR(c->audit_directories[0], "/srv/app");
	REQUIRE_UINT(c->n_audit_certificates, 2);
	EXPECT_STR(c->audit_certificates[1], "/d.pem");
	EXPECT_UINT(c->audit_certificate_days, 30);
	EXPECT_UINT(c->audit_list_days, 2);
	REQUIRE_UINT(c->n_audit_accepted, 2);
	EXPECT_STR(c->audit_accepted[1], "files.*\t/srv/app/a b*");
}

static void has_defaults(void)
{
	_cleanup_(config_freep) struct config *c = NULL;

	REQUIRE_INT(config_new(&c), 0);
	REQUIRE_UINT(c->n_audit_ports, 4);
	EXPECT_UINT(c->audit_ports[3], 8000);
	REQUIRE_UINT(c->n_audit_users, 4);
	EXPECT_STR(c->audit_users[1], "ec2-user");
	REQUIRE_UINT(c->n_audit_directories, 3);
	EXPECT_STR(c->audit_directories[2], "/var/log/agent-isa");
	EXPECT_UINT(c->n_audit_accepted, 0);
}

static void refuses(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "directory = opt\n",
		  "t.conf:2: [audit] directory = opt: not an absolute path; begin it with /\n" },
		{ "directory = /opt\ndirectory = /\n",
		  "t.conf:3: [audit] directory = /: would be the whole host; write directories of it\n" },
		{ "certificate = x.pem\n",
		  "t.conf:2: [audit] certificate = x.pem: not an absolute path; begin it with /\n" },
		{ "accept = ports.open\n",
		  "t.conf:2: [audit] accept = ports.open: not an id and a subject; write both as `isamon "
		  "audit` shows them, such as ports.open tcp/9100, or * for every subject\n" },
		{ "accept = * *\n",
		  "t.conf:2: [audit] accept = * *: not an id and a subject; write both as "
		  "`isamon audit` shows them, such as ports.open tcp/9100, or * for every "
		  "subject\n" },
		{ "login_days = 0\n", "t.conf:2: [audit] login_days = 0: " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000), text = BUF_INIT(1000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("refuses %s", rows[i].text);
		buf_printf(&text, "[audit]\n%s", rows[i].text);
		EXPECT_INT(parse(buf_str(&text), text.len, &c, &found), -EINVAL);
		EXPECT_HAS(buf_str(&found), rows[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "sets every key of [audit]", sets_every_key },
		{ "the defaults", has_defaults },
		{ NULL, refuses },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
