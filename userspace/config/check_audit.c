/* SPDX-License-Identifier: MIT */
/* Checks of [audit]: paths are absolute, and what is accepted names a finding. */
#include <string.h>

#include "config/problems.h"

static void check_absolute(struct config_check *check, const char *key, char *const *paths,
			   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (*paths[i] == '/' && (paths[i][1] || strcmp(key, "directory") != 0))
			continue;
		check_failed_nth(check, "audit", key, i);
		buf_printf(check->problems, "%.200s: %s\n", paths[i],
			   *paths[i] == '/' ? "would be the whole host; write directories of it" :
					      "not an absolute path; begin it with /");
	}
}

static void check_accepted(struct config_check *check)
{
	const struct config *c = check->c;

	for (size_t i = 0; i < c->n_audit_accepted; i++) {
		const char *id = c->audit_accepted[i];
		const size_t n = strcspn(id, " \t");

		if (n && id[n + strspn(id + n, " \t")] && memchr(id, '.', n))
			continue;
		check_failed_nth(check, "audit", "accept", i);
		buf_printf(
			check->problems,
			"%.200s: not an id and a subject; write both as `isamon audit` shows them, such as "
			"ports.open tcp/9100, or * for every subject\n",
			id);
	}
}

void check_audit(struct config_check *check)
{
	const struct config *c = check->c;

	check_absolute(check, "directory", c->audit_directories, c->n_audit_directories);
	check_absolute(check, "certificate", c->audit_certificates, c->n_audit_certificates);
	check_accepted(check);
}
