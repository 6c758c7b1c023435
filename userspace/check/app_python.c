/* SPDX-License-Identifier: MIT */
/* Invariant: as root nothing of the application is run but as its own user. */
#include "check/app_python.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"

#define ARGUMENTS_MAX 8

void app_path(const struct config *c, const char *path, char ret[static APP_PATH_MAX])
{
	if (*path == '/')
		snprintf(ret, APP_PATH_MAX, "%s", path);
	else
		snprintf(ret, APP_PATH_MAX, "%s/%s", c->app_directory, path);
}

/* Whether no Python was there to say anything: we may not become the user, or it does not come into the directory, or cannot run it. */
static bool was_kept_out(const struct child_how *how, int status, const struct buf *out,
			 size_t before)
{
	const char *said = buf_str(out) + before;
	const size_t n = strlen(how->directory);

	if (status == CHILD_NOT_ALLOWED)
		return how->user != NULL;
	if (status == CHILD_NOT_BEGUN)
		return out->len == before ||
		       (strncmp(said, how->directory, n) == 0 && strncmp(said + n, ": ", 2) == 0);
	return status == 127 && out->len == before;
}

int app_python(const struct config *c, const char *const arguments[], int timeout_ms,
	       struct buf *out)
{
	static char path_variable[] = "PATH=" CHILD_PATH, locale[] = "LC_ALL=C.UTF-8",
		    no_bytecode[] = "PYTHONDONTWRITEBYTECODE=1";
	char python[APP_PATH_MAX], home[300];
	char *environment[] = { path_variable, locale, no_bytecode, home, NULL };
	const char *argv[ARGUMENTS_MAX + 2] = { python };
	const size_t before = out->len;
	struct child_user user;
	struct child_how how = {
		.path = python,
		.environment = environment,
		.errors = true,
		.pass_fd = -1,
	};
	int err, status;

	snprintf(python, sizeof(python), "%s/bin/python", c->app_venv);
	if (access(python, F_OK))
		return -ENOENT;
	err = child_user_find(c->app_user, c->app_group, &user);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	snprintf(home, sizeof(home), "HOME=%s", user.home);
	how.user = geteuid() == 0 ? &user : NULL;
	how.directory = access(c->app_directory, X_OK) == 0 ? c->app_directory : "/";
	for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
		argv[i + 1] = arguments[i];
	status = child_run_as(&how, argv, timeout_ms, out);
	if (!was_kept_out(&how, status, out, before))
		return status;
	if (out->len > before) {
		out->len = before;
		out->data[before] = '\0';
	}
	return status == CHILD_NOT_ALLOWED ? -EPERM : -EACCES;
}
