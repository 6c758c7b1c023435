/* SPDX-License-Identifier: MIT */
/* What the audit reads of the host's files: accounts, sudoers, sshd, logins, sockets, units, nginx, secrets. */
#include "unit.h"

#include <netinet/in.h>
#include <time.h>
#include <utmp.h>

#include "base/buf.h"
#include "check/audit_accounts.h"
#include "check/audit_login.h"
#include "check/audit_secret.h"
#include "check/audit_sockets.h"
#include "check/audit_sshd.h"
#include "check/audit_units.h"
#include "check/nginx_names.h"

static void reads_accounts(void)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\n"
				   "short:x:1\n"
				   "bad:x:-1:0::/:/bin/sh\n"
				   ":x:7:7::/:/bin/sh\n"
				   "empty::1000:1000:A, B:/home/e:\n"
				   "des:abcdefghijklm:1001:1001::/:/usr/sbin/nologin";
	const char *at = text, *end = text + sizeof(text) - 1;
	struct audit_account a;

	REQUIRE(audit_accounts_next(&at, end, &a));
	EXPECT_STR(a.name, "root");
	EXPECT_INT((int)a.password, AUDIT_PASSWORD_SHADOW);
	REQUIRE(audit_accounts_next(&at, end, &a));
	EXPECT_STR(a.name, "empty");
	EXPECT_UINT(a.uid, 1000);
	EXPECT_STR(a.home, "/home/e");
	EXPECT_STR(a.shell, "");
	EXPECT(audit_is_shell(a.shell));
	EXPECT_INT((int)a.password, AUDIT_PASSWORD_NONE);
	REQUIRE(audit_accounts_next(&at, end, &a));
	EXPECT_INT((int)a.password, AUDIT_PASSWORD_WEAK);
	EXPECT(!audit_is_shell(a.shell));
	EXPECT(!audit_accounts_next(&at, end, &a));
}

static void reads_shadow(void)
{
	static const char text[] = "root:*:1:0:99999:7:::\nroo::1::::::\nu:$y$j9T$abc$def:1::::::\n"
				   "old:$1$abc$def:1\nlock:!$6$x$y:1\n";
	static const struct {
		const char *name;
		enum audit_password expected;
	} rows[] = {
		{ "root", AUDIT_PASSWORD_LOCKED }, { "roo", AUDIT_PASSWORD_NONE },
		{ "u", AUDIT_PASSWORD_SET },       { "old", AUDIT_PASSWORD_WEAK },
		{ "lock", AUDIT_PASSWORD_LOCKED }, { "nobody", AUDIT_PASSWORD_LOCKED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("shadow: %s", rows[i].name);
		EXPECT_INT((int)audit_shadow_find(text, sizeof(text) - 1, rows[i].name),
			   (int)rows[i].expected);
	}
}

static int ssh_include(const char *patterns, const char *match, void *ctx)
{
	return buf_printf(ctx, "%s|%s;", patterns, match ? match : "");
}

static void reads_sshd(void)
{
	static const char text[] = "# PermitRootLogin no\n"
				   "Include sshd_config.d/*.conf \"/x y\"\n"
				   "permitrootlogin=yes # why\n"
				   "PermitRootLogin no\n"
				   "  PasswordAuthentication \"no\"\r\n"
				   "Ciphers +aes128-cbc,aes256-gcm@openssh.com\n"
				   "Match User bob\n"
				   "\tPasswordAuthentication yes\n"
				   "\tX11Forwarding yes\n"
				   "Include inner\n"
				   "Match all\n"
				   "MaxAuthTries 10\n";
	_cleanup_(buf_done) struct buf included = BUF_INIT(200);
	struct audit_sshd s = { .n_matches = 0 };
	char old[200] = "";

	EXPECT_INT(audit_sshd_parse(text, sizeof(text) - 1, NULL, ssh_include, &included, &s), 0);
	EXPECT_STR(buf_str(&included), "sshd_config.d/*.conf \"/x y\"|;inner|User bob;");
	EXPECT_STR(s.value[AUDIT_SSHD_ROOT], "yes");
	EXPECT_STR(s.value[AUDIT_SSHD_PASSWORD], "no");
	EXPECT_STR(s.value[AUDIT_SSHD_X11], "");
	EXPECT_STR(s.value[AUDIT_SSHD_TRIES], "10");
	REQUIRE_UINT(s.n_matches, 1);
	EXPECT_INT((int)s.matches[0].key, AUDIT_SSHD_PASSWORD);
	EXPECT_STR(s.matches[0].who, "User bob");
	audit_sshd_old_names(AUDIT_SSHD_CIPHERS, s.value[AUDIT_SSHD_CIPHERS], old, sizeof(old));
	EXPECT_STR(old, "aes128-cbc");
	old[0] = '\0';
	audit_sshd_old_names(AUDIT_SSHD_MACS, "hmac-sha2-256,hmac-md5,hmac-sha1-96", old,
			     sizeof(old));
	EXPECT_STR(old, "hmac-md5, hmac-sha1-96");
	old[0] = '\0';
	audit_sshd_old_names(AUDIT_SSHD_KEX, "-diffie-hellman-group1-sha1", old, sizeof(old));
	EXPECT_STR(old, "");
}

static void reads_what_sshd_says(void)
{
	static const struct {
		const char *text, *expected; /* "kind user from port method times"; NULL: nothing */
	} rows[] = {
		{ "Failed password for root from 203.0.113.9 port 4711 ssh2",
		  "1 root 203.0.113.9 4711 password 1" },
		{ "Failed password for invalid user admin from 2001:db8::1 port 4 ssh2",
		  "1 admin 2001:db8::1 4 password 1" },
		{ "Failed password for invalid user root from 1.1.1.1 port 1 ssh2 from 203.0.113.9 port 2 ssh2",
		  "1 root from 1.1.1.1 port 1 ssh2 203.0.113.9 2 password 1" },
		{ "message repeated 3 times: [ Failed password for root from 203.0.113.9 port 5 ssh2]",
		  "1 root 203.0.113.9 5 password 3" },
		{ "Accepted publickey for ubuntu from 198.51.100.7 port 50222 ssh2: ED25519 SHA256:abc",
		  "0 ubuntu 198.51.100.7 50222 publickey 1" },
		{ "Accepted keyboard-interactive/pam for root from ::1 port 3 ssh2",
		  "0 root ::1 3 keyboard-interactive 1" },
		{ "Invalid user x y from 203.0.113.9 port 9", "2 x y 203.0.113.9 9  1" },
		{ "Invalid user  from 203.0.113.9 port 9", "2  203.0.113.9 9  1" },
		{ "Connection closed by authenticating user root 203.0.113.9 port 6 [preauth]",
		  "2 root 203.0.113.9 6  1" },
		{ "Connection reset by invalid user a\x1b[2Jb 203.0.113.9 port 6 [preauth]",
		  "2 a?[2Jb 203.0.113.9 6  1" },
		{ "Failed password for root from 203.0.113.9 port 70000 ssh2", NULL },
		{ "Failed password for root from nowhere port 7 ssh2", NULL },
		{ "Failed password for  port 7 ssh2", NULL },
		{ "Failed password", NULL },
		{ "Failed  for  from 1.1.1.1 port 1 ssh2", "1  1.1.1.1 1  1" },
		{ "Received disconnect from 203.0.113.9 port 6:11: Bye", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct audit_login l;
		char got[300];
		bool is = audit_login_message(rows[i].text, strlen(rows[i].text), &l);

		unit_begin("sshd: %s", rows[i].text);
		EXPECT_INT(is, rows[i].expected != NULL);
		snprintf(got, sizeof(got), "%d %s %s %u %s %u", (int)l.kind, l.user, l.from, l.port,
			 l.method, l.times);
		if (rows[i].expected)
			EXPECT_STR(got, rows[i].expected);
	}
}

static void reads_lines_of_syslog(void)
{
	static const struct {
		const char *line;
		int64_t expected; /* 0: nothing */
	} rows[] = {
		/* now is 2026-01-02 00:00:00 UTC */
		{ "Jan  1 10:00:00 host sshd[1]: Failed password for a from 1.1.1.1 port 1 ssh2",
		  1767261600 },
		{ "Dec 31 10:00:00 host sshd-session[1]: Failed password for a from 1.1.1.1 port 1 ssh2",
		  1767175200 },
		{ "2026-01-01T10:00:00.123456+00:00 host sshd[1]: Failed password for a from 1.1.1.1 port 1 ssh2",
		  1767261600 },
		{ "Jan  1 10:00:00 host su[1]: Failed password for a from 1.1.1.1 port 1 ssh2", 0 },
		{ "Jan  1 10:00:00 host x sshd[1]: Failed password for a from 1.1.1.1 port 1 ssh2",
		  0 },
		{ "Foo  1 10:00:00 host sshd[1]: Failed password for a from 1.1.1.1 port 1 ssh2",
		  0 },
		{ "Jan  1", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct audit_login l;
		bool is = audit_login_line(rows[i].line, strlen(rows[i].line), 1767312000, &l);

		unit_begin("syslog: %s", rows[i].line);
		EXPECT_INT(is, rows[i].expected != 0);
		if (rows[i].expected)
			EXPECT_INT(l.time_s, rows[i].expected);
	}
}

static void reads_records(void)
{
	struct utmp u = { .ut_type = USER_PROCESS, .ut_user = "ubuntu", .ut_host = "203.0.113.9" };
	struct audit_login l;

	u.ut_tv.tv_sec = 1767261600;
	REQUIRE_UINT(audit_login_record_size(), sizeof(u));
	REQUIRE(audit_login_record(&u, sizeof(u), false, &l));
	EXPECT_STR(l.user, "ubuntu");
	EXPECT_STR(l.from, "203.0.113.9");
	EXPECT_INT(l.time_s, 1767261600);
	EXPECT_INT((int)l.kind, AUDIT_LOGIN_ACCEPTED);
	memset(u.ut_user, 'a', sizeof(u.ut_user));
	memset(u.ut_host, 'b', sizeof(u.ut_host));
	REQUIRE(audit_login_record(&u, sizeof(u), true, &l));
	EXPECT_UINT(strlen(l.user), sizeof(u.ut_user));
	EXPECT_INT((int)l.kind, AUDIT_LOGIN_FAILED);
	u.ut_type = BOOT_TIME;
	EXPECT(!audit_login_record(&u, sizeof(u), false, &l));
	EXPECT(!audit_login_record(&u, sizeof(u) - 1, false, &l));
}

static void reads_sockets(void)
{
	static const char tcp[] =
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		"   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1\n"
		"   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1\n"
		"   2: 0A00000A:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1\n"
		"   3: 0A00000A:0016 0B00000A:1111 01 00000000:00000000 00:00000000 00000000     0        0 13 1\n"
		"   4: 00000000:zzzz\n";
	static const char tcp6[] =
		"  sl  local_address rem_address   st\n"
		"   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 "
		"00:00000000 00000000     0        0 15 1\n"
		"   1: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 "
		"00:00000000 00000000     0        0 16 1\n"
		"   2: 0000000000000000FFFF00000100007F:001A 00000000000000000000000000000000:0000 0A 00000000:00000000 "
		"00:00000000 00000000     0        0 17 1\n";
	static struct audit_sockets s;
	struct listening_list l = { .n = 0 };

	REQUIRE_INT(listening_parse(tcp, LISTENING_TCP, &l), 0);
	REQUIRE_INT(listening_parse(tcp6, LISTENING_TCP6, &l), 0);
	audit_sockets_add(&l, false, &s);
	REQUIRE_UINT(s.n, 2);
	EXPECT_UINT(s.list[0].port, 22);
	EXPECT_STR(s.list[0].addresses, "0.0.0.0, ::");
	EXPECT(s.list[0].wildcard);
	EXPECT_UINT(s.list[1].port, 23);
	EXPECT_STR(s.list[1].addresses, "10.0.0.10");
	EXPECT(!s.list[1].wildcard);
	s.n = 0;
	audit_sockets_add(&l, true, &s);
	EXPECT_UINT(s.n, 5);
	for (size_t i = 0; i < l.n; i++) {
		l.items[i].pid = (pid_t)i + 10;
		l.items[i].udp = l.items[i].inode == 15;
	}
	s.n = 0;
	audit_sockets_add(&l, false, &s);
	REQUIRE_UINT(s.n, 3);
	EXPECT_UINT(s.list[0].pid, 11);
	EXPECT(!s.list[0].udp && s.list[2].udp);
	EXPECT_UINT(s.list[2].port, 22);
	listening_done(&l);
}

static void looks_at_so_many_ports(void)
{
	static struct listening items[AUDIT_SOCKETS_MAX + 1];
	static struct audit_sockets s;
	const struct listening_list l = { items, ARRAY_SIZE(items), ARRAY_SIZE(items) };

	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i].port = (uint16_t)(i + 1);
	audit_sockets_add(&l, false, &s);
	EXPECT_UINT(s.n, AUDIT_SOCKETS_MAX);
	EXPECT(s.more);
}

static void reads_units(void)
{
	static const char text[] =
		"Id=a.service\nLoadState=loaded\nUser=\nDynamicUser=yes\nNoNewPrivileges=no\n"
		"nonsense\n\nId=b.service\nUser=x=y\nProtectSystem=strict\n";
	const char *at = text, *end = text + sizeof(text) - 1;
	struct audit_unit u;

	REQUIRE(audit_units_next(&at, end, &u));
	EXPECT_STR(u.id, "a.service");
	EXPECT_STR(u.no_new_privileges, "no");
	EXPECT(u.dynamic_user);
	REQUIRE(audit_units_next(&at, end, &u));
	EXPECT_STR(u.id, "b.service");
	EXPECT_STR(u.user, "x=y");
	EXPECT_STR(u.protect_system, "strict");
	EXPECT(!u.dynamic_user);
	EXPECT(!audit_units_next(&at, end, &u));
}

static int nginx_add(enum nginx_names_kind kind, const char *path, void *ctx)
{
	return buf_printf(ctx, "%d %s;", (int)kind, path);
}

static void reads_nginx(void)
{
	static const char text[] =
		"user x; # ssl_certificate /no;\nhttp { include conf.d/*.conf;\n"
		"server{ssl_certificate \"/a b.pem\" ;ssl_certificate_key '/k';\n"
		"add_header ssl_certificate /not; log_format x 'include \\'y;';\n"
		"ssl_certificate; } }\nssl_certificate /c\\ d";
	_cleanup_(buf_done) struct buf out = BUF_INIT(500);

	EXPECT_INT(nginx_names_parse(text, sizeof(text) - 1, nginx_add, &out), 0);
	EXPECT_STR(buf_str(&out), "2 conf.d/*.conf;0 /a b.pem;1 /k;0 /c d;");
}

static void knows_secrets(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "x = 1\nJWT_SECRET=abcdefgh12345\n", "JWT_SECRET" },
		{ "\"JWT_SECRET\": \"abcdefgh\"", "JWT_SECRET" },
		{ "{\"JWT_SECRET\": os.environ[\"JWT_SECRET\"]}", NULL },
		{ "environ[\"JWT_SECRET\"], \"abcdefgh\"", NULL },
		{ "\"JWT_SECRET\"", NULL },
		{ "JWT_SECRET: 'abcdefgh'", "JWT_SECRET" },
		{ "JWT_SECRET = os.environ[\"JWT_SECRET\"]", NULL },
		{ "JWT_SECRET=${JWT_SECRET}", NULL },
		{ "JWT_SECRET=short", NULL },
		{ "JWT_SECRET", NULL },
		{ "key AKIAIOSFODNN7EXAMPLE.", "an AWS access key" },
		{ "AKIAIOSFODNN7EXAMPL", NULL },
		{ "AKIAIOSFODNN7EXAMPLEX", NULL },
		{ "XAKIAIOSFODNN7EXAMPLE", NULL },
		{ "-----BEGIN RSA PRIVATE KEY-----\n", "a private key" },
		{ "-----BEGIN PRIVATE KEY-----", "a private key" },
		{ "-----BEGIN CERTIFICATE-----\n", NULL },
		{ "-----BEGIN ", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("secret in: %s", rows[i].text);
		EXPECT_STR(audit_secret_by_text(rows[i].text, strlen(rows[i].text)),
			   rows[i].expected);
	}
	unit_begin("secrets by name");
	EXPECT(audit_secret_by_name("agent-isa.env", "x") && audit_secret_by_name(".env", "x"));
	EXPECT(audit_secret_by_name(".env.production", "x") && audit_secret_by_name("id_rsa", "x"));
	EXPECT(audit_secret_by_name("credentials", ".aws") &&
	       !audit_secret_by_name("credentials", "x"));
	EXPECT(audit_secret_by_name("agent-isa-config-20261126-020000.tar.gz", "backups"));
	EXPECT(!audit_secret_by_name("id_rsa.pub", "x") &&
	       !audit_secret_by_name("environment", "x"));
	EXPECT(audit_secret_name_is_vague(".env.example") &&
	       audit_secret_name_is_vague("app.env.sample") &&
	       !audit_secret_name_is_vague(".env.production"));
	EXPECT(audit_secret_name_is_vague("x.pem") && !audit_secret_name_is_vague("x.key"));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "reads accounts", reads_accounts },
		{ NULL, reads_shadow },
		{ "reads settings of sshd", reads_sshd },
		{ NULL, reads_what_sshd_says },
		{ NULL, reads_lines_of_syslog },
		{ "reads records of wtmp and btmp", reads_records },
		{ "reads sockets", reads_sockets },
		{ "looks at so many ports", looks_at_so_many_ports },
		{ "reads units", reads_units },
		{ "reads nginx", reads_nginx },
		{ NULL, knows_secrets },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
