/* SPDX-License-Identifier: MIT */
/* The table of the audit's checks, and the few things that they share. */
#include "check/audit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check/audit_impl.h"

#define AREA "audit"
#define SLOW_MS 20000 /* programs are asked, or directories walked */

static const struct check ports = { AREA, "ports", audit_ports, 10000 };
static const struct check users = { AREA, "users", audit_users, 5000 };
static const struct check sudo = { AREA, "sudo", audit_sudo, 5000 };
static const struct check logins = { AREA, "logins", audit_logins, SLOW_MS };
static const struct check ssh = { AREA, "ssh", audit_ssh, 10000 };
static const struct check files = { AREA, "files", audit_files, SLOW_MS };
static const struct check units = { AREA, "units", audit_units, SLOW_MS };
static const struct check updates = { AREA, "updates", audit_updates, 30000 };
static const struct check imds = { AREA, "imds", audit_imds, 5000 };
static const struct check certificates = { AREA, "certificates", audit_certificates, 5000 };

const struct check *const *audit_checks(size_t *ret_n)
{
	static const struct check *const list[] = {
		&ports, &users, &sudo,    &logins, &ssh,
		&files, &units, &updates, &imds,   &certificates,
	};

	*ret_n = ARRAY_SIZE(list);
	return list;
}

bool audit_next_line(const char **at, const char *end, char *line, size_t size)
{
	const char *newline;
	size_t n, kept;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	n = (size_t)((newline ? newline : end) - *at);
	kept = n < size ? n : size - 1;
	memcpy(line, *at, kept);
	line[kept] = '\0';
	*at += n + (newline ? 1 : 0);
	return true;
}

char *audit_next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	char *end = word + strcspn(word, " \t");

	*at = end;
	if (end == word)
		return NULL;
	if (*end) {
		*end = '\0';
		(*at)++;
	}
	return word;
}

bool audit_user_is_allowed(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_audit_users; i++)
		if (strcmp(c->audit_users[i], name) == 0)
			return true;
	return false;
}

void audit_format_time(int64_t s, char text[static AUDIT_TIME_MAX])
{
	const time_t at = s;
	struct tm tm;

	if (!localtime_r(&at, &tm) || !strftime(text, AUDIT_TIME_MAX, "%Y-%m-%d %H:%M", &tm))
		snprintf(text, AUDIT_TIME_MAX, "?");
}
