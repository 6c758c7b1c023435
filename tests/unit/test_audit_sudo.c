/* SPDX-License-Identifier: MIT */
/* Who becomes root by sudoers: rights, aliases, comments and continuations, and the programs by which one does. */
#include "unit.h"

#include "nomem.h"

#include "check/audit_sudoers.c"

#include "base/buf.c"
#include "check/audit_sudo_programs.h"

static int include(const char *path, bool directory, void *ctx)
{
	return buf_printf(ctx, "%s %s;", directory ? "dir" : "include", path);
}

static int seen(const struct audit_sudo_right *r, void *ctx)
{
	static const char *const names[] = { "nopasswd", "everybody", "noauth" };

	return buf_printf(ctx, "%s %s %u%s%s;", names[r->kind], r->who, r->line, *r->how ? " " : "",
			  *r->how ? r->command : "");
}

static const char *program(const char *path, void *ctx)
{
	(void)ctx;
	return strncmp(path, "/opt/", 5) == 0 ? "others than root can write it" : NULL;
}

static int judge(const char *text, struct buf *out)
{
	_cleanup_(audit_sudoers_freep) struct audit_sudoers *s = NULL;
	int err = audit_sudoers_new(&s);

	err = err ?: audit_sudoers_add(s, "/etc/sudoers", text, strlen(text), include, out);
	return err ?: audit_sudoers_judge(s, program, seen, out);
}

static const struct {
	const char *text, *expected;
} rows[] = {
	/* ALL */
	{ "root ALL=(ALL:ALL) NOPASSWD: ALL\n", "" },
	{ "%sudo ALL=(ALL:ALL) ALL\n", "" },
	{ "bob ALL=(ALL) NOPASSWD:ALL", "nopasswd bob 1;" },
	{ "bob ALL=NOPASSWD: ALL", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD: /bin/ls, ALL", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD: /bin/sh, ALL", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD: /bin/ls, PASSWD: ALL", "" },
	{ "bob ALL=(ALL) NOPASSWD: ALL, PASSWD: ALL", "" },
	{ "bob ALL=(ALL) NOPASSWD: ALL, PASSWD: /bin/bash", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD: ALL, !/bin/bash", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD: ALL, !ALL", "" },
	{ "bob ALL=(ALL) NOPASSWD: SETENV: ALL", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD : ALL", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) CWD=/tmp TIMEOUT = 5m NOPASSWD: ALL", "nopasswd bob 1;" },
	{ "bob ALL=(ALL) NOPASSWD: /bin/ALL", "" },
	{ "bob ALL=(ALL) NOPASSWD: ALLOWED", "" },
	{ "ALL ALL=(ALL) ALL", "everybody ALL 1;" },
	{ "ALL, !bob ALL=(ALL) ALL", "everybody ALL 1;" },
	{ "ALL ALL=(ALL) /bin/bash", "everybody ALL 1 /bin/bash;" },
	{ "ALL ALL=(ALL) /bin/ls", "" },
	{ "ALL ALL=(ALL) NOPASSWD: ALL", "nopasswd ALL 1;" },
	/* as whom */
	{ "bob ALL=(www) NOPASSWD: ALL", "" },
	{ "bob ALL=(www, root) NOPASSWD: ALL", "nopasswd bob 1;" },
	{ "bob ALL=(:www) NOPASSWD: ALL", "" },
	{ "bob ALL=(ALL, !root) NOPASSWD: ALL", "" },
	{ "bob ALL=(#0) NOPASSWD: ALL", "nopasswd bob 1;" },
	{ "bob ALL=(www) NOPASSWD: ALL, (root) /bin/sh", "nopasswd bob 1 /bin/sh;" },
	{ "Runas_Alias OPS = www, root\nbob ALL=(OPS) NOPASSWD: ALL", "nopasswd bob 2;" },
	{ "Runas_Alias OPS = www, db\nbob ALL=(OPS) NOPASSWD: ALL", "" },
	{ "Runas_Alias OPS = root\nbob ALL=(ALL, !OPS) NOPASSWD: ALL", "" },
	/* groups of hosts */
	{ "bob H1=(ALL) NOPASSWD: ALL : H2=(ALL) ALL", "nopasswd bob 1;" },
	{ "bob H1=(ALL) ALL : H2, H3 = (ALL) NOPASSWD: ALL", "nopasswd bob 1;" },
	{ "Cmnd_Alias S = /bin/sh\nbob H1= S : H2=(ALL) NOPASSWD: S", "nopasswd bob 2 /bin/sh;" },
	{ "bob H1=(www) NOPASSWD: ALL : H2= ALL", "" },
	/* who */
	{ "bob, carol , dave ALL=(ALL) NOPASSWD: ALL",
	  "nopasswd bob 1;nopasswd carol 1;nopasswd dave 1;" },
	{ "#1001 ALL=(ALL) NOPASSWD: ALL", "nopasswd #1001 1;" },
	{ "#0, root ALL=(ALL) NOPASSWD: ALL", "" },
	{ "\"a b\" ALL=(ALL) NOPASSWD: ALL", "nopasswd a b 1;" },
	{ "a\\ b ALL=(ALL) NOPASSWD: ALL", "nopasswd a b 1;" },
	{ "User_Alias ADMINS = bob\nADMINS ALL=NOPASSWD: ALL", "nopasswd bob 2;" },
	{ "ADMINS ALL=NOPASSWD: ALL\nUser_Alias ADMINS = bob, %ops : OTHERS = eve",
	  "nopasswd bob 1;nopasswd %ops 1;" },
	{ "User_Alias A = bob, !carol, B : B = dave, root\nA ALL=NOPASSWD: ALL",
	  "nopasswd bob 2;nopasswd dave 2;" },
	{ "User_Alias A = A, bob\nA ALL=NOPASSWD: ALL",
	  "nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;"
	  "nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;"
	  "nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;nopasswd bob 2;" },
	{ "User_Alias\tX=ALL\nX ALL=(ALL) ALL", "everybody ALL 2;" },
	/* commands */
	{ "bob ALL=(ALL) NOPASSWD: /bin/bash", "nopasswd bob 1 /bin/bash;" },
	{ "bob ALL=(ALL) NOPASSWD: /bin/bash, PASSWD: ALL", "" },
	{ "bob ALL=(ALL) NOPASSWD: /bin/bash, !/bin/bash", "" },
	{ "bob ALL=(ALL) PASSWD: /bin/bash, NOPASSWD: /usr/bin/vim",
	  "nopasswd bob 1 /usr/bin/vim;" },
	{ "bob ALL=(ALL) NOPASSWD: sha256:abc= /bin/bash", "nopasswd bob 1 /bin/bash;" },
	{ "bob ALL=(ALL) NOPASSWD: sha224:ab, sha256:cd /bin/bash", "nopasswd bob 1 /bin/bash;" },
	{ "Cmnd_Alias SHELLS = /bin/ls, /bin/bash\nbob ALL=(ALL) NOPASSWD: SHELLS",
	  "nopasswd bob 2 /bin/bash;" },
	{ "Cmd_Alias SHELLS = /bin/bash\nbob ALL=(ALL) NOPASSWD: SHELLS",
	  "nopasswd bob 2 /bin/bash;" },
	{ "Cmnd_Alias A = /bin/ls, B\nCmnd_Alias B = ALL\nbob ALL=NOPASSWD: A", "nopasswd bob 3;" },
	{ "Cmnd_Alias A = /bin/sh\nbob ALL=NOPASSWD: /bin/ls, !A", "" },
	{ "Host_Alias A = h1, h2\nbob A=NOPASSWD: /bin/sh", "nopasswd bob 2 /bin/sh;" },
	/* lines */
	{ "\n# c\nbob ALL=(root) \\\n\tNOPASSWD: ALL # all\n", "nopasswd bob 3;" },
	{ "bob ALL=(root) \\  \n\tNOPASSWD: \\\r\n ALL\n", "nopasswd bob 1;" },
	{ "User_Alias A = bob, \\\n carol\nA ALL=NOPASSWD: ALL",
	  "nopasswd bob 3;nopasswd carol 3;" },
	{ "# a comment \\\nbob ALL=NOPASSWD: ALL", "nopasswd bob 2;" },
	{ "carol ALL=/bin/ls # \\\nbob ALL=NOPASSWD: ALL", "nopasswd bob 2;" },
	{ "#include_bob ALL=NOPASSWD: ALL", "" },
	{ "# bob ALL=NOPASSWD: ALL", "" },
	{ "@includedir /etc/sudoers.d\n#include x\n@include \"/a b\"\n#includes\n",
	  "dir /etc/sudoers.d;include x;include /a b;" },
	{ "  @include /a\\ b # why\n#includedir /x # y\n", "include /a b;dir /x;" },
	{ "@include", "" },
	/* Defaults */
	{ "Defaults env_reset\nDefaults:bob !authenticate, x\n", "noauth bob 2;" },
	{ "Defaults !lecture, !authenticate", "noauth  1;" },
	{ "Defaults exempt_group = wheel", "noauth %wheel 1;" },
	{ "Defaults!ALL !authenticate\nDefaults>root x", "" },
	{ "Defaults:bob , carol !authenticate", "noauth bob , carol 1;" },
	/* what is none */
	{ "bob ALL", "" },
	{ "bob\\", "" },
	{ "bob ALL=(ALL", "" },
	{ "bob ALL=", "" },
	{ "bob ALL=NOPASSWD:", "" },
	{ "bob ALL=NOPASSWD: ,,!", "" },
};

static void judges(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

		unit_begin("sudoers: %s", rows[i].text);
		EXPECT_INT(judge(rows[i].text, &out), 0);
		EXPECT_STR(buf_str(&out), rows[i].expected);
	}
}

static void knows_programs(void)
{
	static const struct {
		const char *command;
		bool expected;
	} programs[] = {
		{ "/bin/bash", true },
		{ "/usr/bin/dash", true },
		{ "/bin/bash \"\"", true },
		{ "/bin/bash -l", true },
		{ "/bin/bash -c *", true },
		{ "/bin/bash -c id", false },
		{ "/bin/bash /usr/local/bin/restart", false },
		{ "/bin/bash /opt/app/restart", true },
		{ "/bin/su -", true },
		{ "/bin/su - postgres", false },
		{ "/usr/bin/python3.11", true },
		{ "/usr/bin/python3", true },
		{ "/usr/bin/python3-config", false },
		{ "/usr/bin/python3 /usr/lib/x.py", false },
		{ "/usr/bin/python3 /opt/x.py", true },
		{ "/usr/bin/perl", true },
		{ "/usr/bin/vim /etc/hosts", true },
		{ "/usr/bin/vim.basic", true },
		{ "/usr/bin/less /var/log/syslog", true },
		{ "/usr/bin/env", true },
		{ "/usr/bin/find", true },
		{ "/usr/bin/find /var -delete", false },
		{ "/usr/bin/tar *", true },
		{ "/usr/bin/systemctl restart nginx", false },
		{ "/usr/bin/systemctl restart *", true },
		{ "/usr/bin/systemctl", true },
		{ "/usr/bin/systemctl \"\"", false },
		{ "/usr/bin/ls", false },
		{ "/usr/sbin/reboot", false },
		{ "/usr/bin/", true },
		{ "/usr/lib/app/", false },
		{ "/opt/app/", true },
		{ "/opt/app/bin/restart", true },
		{ "/usr/bin/*", true },
		{ "/bin/?ash", true },
		{ "/usr/bin/[v]im", true },
		{ "/usr/bin/apt-ge*", true },
		{ "/usr/lib/app/*", false },
		{ "/usr/bin/l[a]*", false },
		{ "sudoedit", true },
		{ "sudoedit /etc/nginx/*", true },
		{ "sudoedit /etc/hosts", false },
		{ "bash", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		unit_begin("program: %s", programs[i].command);
		EXPECT_INT(audit_sudo_program(programs[i].command, program, NULL) != NULL,
			   programs[i].expected);
	}
}

/* Aliases that grow without end, and more statements than there is room for. */
static void is_bounded(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(4 << 20);

	for (int i = 0; i < 15; i++) {
		buf_printf(&text, "User_Alias A%d = ", i);
		for (int k = 0; k < 10; k++)
			buf_printf(&text, "%sA%d", k ? "," : "", i + 1);
		buf_add_char(&text, '\n');
	}
	buf_add_str(&text, "A0 ALL=NOPASSWD: ALL\n");
	EXPECT_INT(judge(buf_str(&text), &out), -E2BIG);
	buf_reset(&text);
	for (int i = 0; i <= SUDOERS_STATEMENTS_MAX; i++)
		buf_add_str(&text, "x\n");
	EXPECT_INT(judge(buf_str(&text), &out), -E2BIG);
	buf_reset(&out);
	/* A line that is too long is cut. */
	buf_reset(&text);
	for (size_t i = 0; i < LINE_BYTES + 10; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "\nbob ALL=NOPASSWD: ALL");
	EXPECT_INT(judge(buf_str(&text), &out), 0);
	EXPECT_STR(buf_str(&out), "nopasswd bob 2;");
}

static void without_memory(void)
{
	static const char text[] =
		"User_Alias A = bob\nCmnd_Alias C = /bin/sh\nA ALL=NOPASSWD: C\n";
	bool whole = false;

	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
		int err = judge(text, &out);

		EXPECT(err == 0 || err == -ENOMEM);
		whole = whole ||
			(err == 0 && strcmp(buf_str(&out), "nopasswd bob 3 /bin/sh;") == 0);
	}
	EXPECT(whole);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, judges },
		{ NULL, knows_programs },
		{ "it is bounded", is_bounded },
		{ "without memory nothing is half judged", without_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
