/* SPDX-License-Identifier: MIT */
/* Lines of apt and dnf. */
#include "check/audit_packages.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "check/audit_impl.h"

#define LINE_BYTES 1024

static void add(struct audit_packages *p, const char *name)
{
	const size_t len = strlen(p->names);
	char plain[120];

	utf8_make_plain(name, strlen(name), plain, sizeof(plain));
	p->n++;
	if (len + strlen(plain) + 3 < sizeof(p->names))
		snprintf(p->names + len, sizeof(p->names) - len, "%s%s", len ? ", " : "", plain);
}

void audit_packages_of_apt(const char *text, size_t len, struct audit_packages *ret)
{
	const char *const end = text + len;
	char line[LINE_BYTES];

	*ret = (struct audit_packages){ 0 };
	while (audit_next_line(&text, end, line, sizeof(line))) {
		char *name, *origin = strchr(line, '(');

		if (strncmp(line, "Inst ", 5) != 0 || !origin || !strcasestr(origin, "security"))
			continue;
		*origin = '\0';
		name = line + 5;
		name[strcspn(name, " ")] = '\0';
		if (*name)
			add(ret, name);
	}
}

void audit_packages_of_dnf(const char *text, size_t len, struct audit_packages *ret)
{
	const char *const end = text + len;
	char line[LINE_BYTES], last[200] = "";

	*ret = (struct audit_packages){ 0 };
	while (audit_next_line(&text, end, line, sizeof(line))) {
		char *at = line;
		const char *advisory = audit_next_word(&at), *kind = audit_next_word(&at);
		const char *package = audit_next_word(&at);

		if (!advisory || !package || !strstr(kind, "/Sec."))
			continue;
		if (strcmp(package, last) != 0)
			add(ret, package);
		snprintf(last, sizeof(last), "%s", package);
	}
}
