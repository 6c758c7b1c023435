/* SPDX-License-Identifier: MIT */
/* Checks of [service], [app] and [database]. Invariant: no password is in a problem. */
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "config/problems.h"

#define UNIT_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"

static void check_health(struct config_check *check)
{
	const char *path = check->c->service_health;

	if (strcmp(path, CONFIG_HEALTH_NONE) == 0)
		return;
	if (*path == '/' && !strpbrk(path, " \t#"))
		return;
	check_failed(check, "service", "health");
	buf_printf(check->problems,
		   "%s: not a path; write one that begins with / and has no spaces, or none\n",
		   path);
}

bool check_is_unit(const char *name)
{
	return *name && !name[strspn(name, UNIT_CHARACTERS)];
}

static void check_unit(struct config_check *check)
{
	const char *unit = check->c->service_unit;

	if (!*unit || check_is_unit(unit))
		return;
	check_failed(check, "service", "unit");
	buf_printf(check->problems, "%s: " CHECK_NO_UNIT "\n", unit);
}

static void check_password(struct config_check *check)
{
	const struct config *c = check->c;
	bool user = *c->service_supervisor_user, password = *c->service_supervisor_password;

	if (user != password) {
		check_failed(check, "service", user ? "supervisor_user" : "supervisor_password");
		buf_printf(check->problems, "...: there is no %s; write both\n",
			   user ? "supervisor_password" : "supervisor_user");
	}
	if (password)
		check_secret_file(check, "service", "supervisor_password");
}

static void check_app(struct config_check *check)
{
	const struct config *c = check->c;
	const struct {
		const char *key, *value;
	} names[] = { { "user", c->app_user }, { "group", c->app_group } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!names[i].value[strcspn(names[i].value, " \t:/,")])
			continue;
		check_failed(check, "app", names[i].key);
		buf_printf(check->problems, "%s: not a name; write one as /etc/%s has it\n",
			   names[i].value, i ? "group" : "passwd");
	}
	if (*c->app_logs != '/' && strcmp(c->app_logs, CONFIG_APP_NONE) != 0) {
		check_failed(check, "app", "logs");
		buf_printf(check->problems,
			   "%.200s: not an absolute path; begin it with /, or write none\n",
			   c->app_logs);
	}
	if (strcmp(c->app_directory, "/") != 0)
		return;
	check_failed(check, "app", "directory");
	buf_printf(check->problems, "/: must be the application's own; write another\n");
}

void check_service(struct config_check *check)
{
	const struct config *c = check->c;

	check_unit(check);
	check_health(check);
	check_password(check);
	check_app(check);
	for (size_t i = 0; i < c->n_databases; i++) {
		if (c->databases[i][0] == '/')
			continue;
		check_failed_nth(check, "database", "path", i);
		buf_printf(check->problems, "%s: not an absolute path; begin it with /\n",
			   c->databases[i]);
	}
}
