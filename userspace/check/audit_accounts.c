/* SPDX-License-Identifier: MIT */
/* Lines of fields between colons. Invariant: no hash leaves its line. */
#include "check/audit_accounts.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "check/audit_impl.h"

#define LINE_BYTES 1024
#define FIELDS 7

/* Cuts @line at its colons: how many fields it has, at most FIELDS (the last has the rest). */
static size_t split(char *line, char *fields[static FIELDS])
{
	size_t n = 0;

	while (n < FIELDS) {
		char *colon = strchr(line, ':');

		fields[n++] = line;
		if (!colon || n == FIELDS)
			break;
		*colon = '\0';
		line = colon + 1;
	}
	return n;
}

/* crypt(5): "$1$" is MD5; what does not begin with $ or _ and has 13 characters is DES. */
static enum audit_password password_of(const char *field)
{
	if (!*field)
		return AUDIT_PASSWORD_NONE;
	if (*field == '!' || *field == '*')
		return AUDIT_PASSWORD_LOCKED;
	if (strcmp(field, "x") == 0)
		return AUDIT_PASSWORD_SHADOW;
	if (strncmp(field, "$1$", 3) == 0 || *field == '_')
		return AUDIT_PASSWORD_WEAK;
	if (*field == '$')
		return AUDIT_PASSWORD_SET;
	return strlen(field) == 13 ? AUDIT_PASSWORD_WEAK : AUDIT_PASSWORD_LOCKED;
}

bool audit_accounts_next(const char **at, const char *end, struct audit_account *ret)
{
	char line[LINE_BYTES], *f[FIELDS];

	while (audit_next_line(at, end, line, sizeof(line))) {
		uint64_t uid;

		if (split(line, f) < FIELDS || !*f[0] ||
		    number_parse_u64(f[2], 0, UINT32_MAX, &uid))
			continue;
		utf8_make_plain(f[0], strlen(f[0]), ret->name, sizeof(ret->name));
		ret->uid = (uid_t)uid;
		snprintf(ret->home, sizeof(ret->home), "%s", f[5]);
		utf8_make_plain(f[6], strlen(f[6]), ret->shell, sizeof(ret->shell));
		ret->password = password_of(f[1]);
		explicit_bzero(line, sizeof(line));
		return true;
	}
	return false;
}

enum audit_password audit_shadow_find(const char *text, size_t len, const char *name)
{
	const char *const end = text + len;
	enum audit_password found = AUDIT_PASSWORD_LOCKED;
	char line[LINE_BYTES], *f[FIELDS];

	while (audit_next_line(&text, end, line, sizeof(line)))
		if (split(line, f) > 1 && strcmp(f[0], name) == 0) {
			found = password_of(f[1]);
			break;
		}
	explicit_bzero(line, sizeof(line));
	return found;
}

bool audit_is_shell(const char *shell)
{
	static const char *const none[] = {
		"nologin", "false", "true", "sync", "shutdown", "halt"
	};
	const char *slash = strrchr(shell, '/');
	const char *name = slash ? slash + 1 : shell;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (strcmp(name, none[i]) == 0)
			return false;
	return true;
}
