/* SPDX-License-Identifier: MIT */
/* Every parser of the audit: the first byte says which. What they give is plain text within its bounds. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "care/process_unit.h"
#include "check/audit_accounts.h"
#include "check/audit_login.h"
#include "check/audit_secret.h"
#include "check/audit_sockets.h"
#include "check/audit_sshd.h"
#include "check/audit_sudoers.h"
#include "check/audit_units.h"
#include "check/nginx_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_plain(const char *text)
{
	require(utf8_is_plain(text, strlen(text)));
}

static int sudo_seen(const struct audit_sudo_right *r, void *ctx)
{
	require(r->kind <= AUDIT_SUDO_NO_AUTHENTICATE && r->line > 0 && !strchr(r->who, '\n'));
	require(strcmp(r->who, "root") != 0 && !strchr(r->command, '\n'));
	require(r->how != NULL);
	return ++*(unsigned int *)ctx > 1000 ? -1 : 0;
}

static int sudo_include(const char *path, bool directory, void *ctx)
{
	(void)directory;
	require(*path && !strchr(path, '\n'));
	return ++*(unsigned int *)ctx > 1000 ? -1 : 0;
}

static const char *sudo_program(const char *path, void *ctx)
{
	(void)ctx;
	return *path == '/' && path[1] == 'w' ? "can be written" : NULL;
}

static void sudoers(const char *text, size_t n)
{
	struct audit_sudoers *s;
	unsigned int seen = 0;

	require(audit_sudoers_new(&s) == 0);
	if (audit_sudoers_add(s, "/etc/sudoers", text, n, sudo_include, &seen) == 0)
		(void)audit_sudoers_judge(s, sudo_program, sudo_seen, &seen);
	audit_sudoers_free(s);
}

static int ssh_seen(const char *patterns, const char *match, void *ctx)
{
	(void)ctx;
	require(!strchr(patterns, '\n') && (!match || !strchr(match, '\n')));
	return 0;
}

static int nginx_seen(enum nginx_names_kind kind, const char *path, void *ctx)
{
	(void)ctx;
	require(kind <= NGINX_NAMES_INCLUDE && *path && strlen(path) < 1024);
	return 0;
}

static void accounts(const char *text, size_t n)
{
	const char *at = text;
	struct audit_account a;

	while (audit_accounts_next(&at, text + n, &a)) {
		require_plain(a.name);
		require_plain(a.shell);
		(void)audit_is_shell(a.shell);
	}
	require(audit_shadow_find(text, n, "root") <= AUDIT_PASSWORD_SHADOW);
}

static void sshd(const char *text, size_t n)
{
	static struct audit_sshd s;
	char old[100] = "";

	memset(&s, 0, sizeof(s));
	require(audit_sshd_parse(text, n, NULL, ssh_seen, NULL, &s) == 0);
	for (int i = 0; i < AUDIT_SSHD_KEYS; i++)
		require_plain(s.value[i]);
	for (size_t i = 0; i < s.n_matches; i++)
		require_plain(s.matches[i].who);
	audit_sshd_old_names(AUDIT_SSHD_CIPHERS, s.value[AUDIT_SSHD_CIPHERS], old, sizeof(old));
	require(strlen(old) < sizeof(old));
}

static void login(const char *text, size_t n)
{
	struct audit_login l;

	if (audit_login_message(text, n, &l)) {
		require_plain(l.user);
		require_plain(l.from);
		require(l.port && !strchr(l.from, ' '));
	}
	if (audit_login_line(text, n, 1795000000, &l))
		require(l.time_s > 0);
	for (size_t at = 0, size = audit_login_record_size(); at + size <= n; at += size)
		if (audit_login_record(text + at, size, true, &l)) {
			require_plain(l.user);
			require_plain(l.from);
		}
}

static void sockets(const char *text, size_t n)
{
	static struct audit_sockets s;
	struct listening_list l = { .n = 0 };
	char *copy = strndup(text, n), unit[128];

	s.n = 0;
	require(copy != NULL);
	for (int i = 0; i < LISTENING_TABLES; i++) {
		int err = listening_parse(copy, (enum listening_table)i, &l);

		require(err == 0 || err == -E2BIG);
	}
	audit_sockets_add(&l, true, &s);
	for (size_t i = 0; i < s.n; i++)
		require(s.list[i].port && *s.list[i].addresses);
	listening_done(&l);
	process_unit_parse(copy, unit, sizeof(unit));
	require_plain(unit);
	free(copy);
}

static void others(const char *text, size_t n)
{
	struct audit_unit u;
	const char *at = text;

	while (audit_units_next(&at, text + n, &u))
		require_plain(u.id);
	require(nginx_names_parse(text, n, nginx_seen, NULL) == 0);
	(void)audit_secret_by_text(text, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	/* Of its own, so that reading behind its end is seen. */
	text = malloc(size - 1 ?: 1);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	switch (data[0] % 6) {
	case 0: accounts(text, size - 1); break;
	case 1: sudoers(text, size - 1); break;
	case 2: sshd(text, size - 1); break;
	case 3: login(text, size - 1); break;
	case 4: sockets(text, size - 1); break;
	default: others(text, size - 1); break;
	}
	free(text);
	return 0;
}
