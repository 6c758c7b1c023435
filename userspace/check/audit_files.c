/* SPDX-License-Identifier: MIT */
/* The service's directories, and where people keep keys: ~/.aws and ~/.ssh. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "check/audit_accounts.h"
#include "check/audit_impl.h"
#include "check/audit_tree.h"

#define PASSWD_MAX (4u << 20)
#define HOMES_MAX 500

/* None is below another. */
struct trees {
	const char *paths[CONFIG_AUDIT_DIRECTORIES_MAX + 2];
	size_t n;
};

static bool is_below(const char *path, const char *directory)
{
	const size_t n = strlen(directory);

	return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Whether one of the trees has it. */
static bool is_in(const struct trees *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_below(path, t->paths[i]))
			return true;
	return false;
}

static void add(struct trees *t, const char *path)
{
	size_t kept = 0;

	if (*path != '/' || is_in(t, path))
		return;
	for (size_t i = 0; i < t->n; i++)
		if (!is_below(t->paths[i], path))
			t->paths[kept++] = t->paths[i];
	t->paths[kept++] = path;
	t->n = kept;
}

/* Whether systemd hides them from us: ProtectHome=yes puts a directory without any rights in their place. */
static bool homes_are_hidden(void)
{
	static const char *const places[] = { "/home", "/root" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (stat(places[i], &st) == 0 && !(st.st_mode & 07777))
			return true;
	return false;
}

static int look_at_homes(struct audit_tree *t, const struct trees *done, struct findings *out)
{
	static const char *const names[] = { ".aws", ".ssh" };
	_cleanup_(buf_done) struct buf passwd = BUF_INIT(PASSWD_MAX);
	struct audit_account a;
	size_t n = 0;
	const char *at;
	int err = file_read("/etc/passwd", &passwd);

	at = buf_str(&passwd);
	while (!err && n++ < HOMES_MAX &&
	       audit_accounts_next(&at, buf_str(&passwd) + passwd.len, &a)) {
		if (a.home[0] != '/' || !a.home[1])
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++) {
			char path[300];
			struct stat st;

			snprintf(path, sizeof(path), "%s/%s", a.home, names[i]);
			if (!is_in(done, path) && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
				err = audit_tree_look(t, path, out);
		}
	}
	return err;
}

int audit_files(const struct check_input *in, struct findings *out)
{
	const struct config *c = in->config;
	const struct passwd *user = getpwnam(c->app_user);
	struct audit_tree t = { .user = c->app_user,
				.uid = user ? user->pw_uid : 0,
				.has_user = user != NULL,
				.owners = true };
	struct trees trees = { .n = 0 };
	int err = 0;

	for (size_t i = 0; i < c->n_audit_directories; i++)
		add(&trees, c->audit_directories[i]);
	add(&trees, c->app_directory);
	add(&trees, c->app_venv);
	for (size_t i = 0; i < trees.n && !err; i++)
		err = audit_tree_look(&t, trees.paths[i], out);
	t.owners = false;
	if (!err)
		err = look_at_homes(&t, &trees, out);
	if (!err && homes_are_hidden())
		err = findings_add(out,
				   AUDIT_TEXT(.id = "files.homes", .result = FINDING_UNKNOWN,
					      .remedy = "run it from a shell"),
				   "homes are hidden from this process (ProtectHome= of its unit)");
	if (err || t.n_wrong)
		return err;
	return findings_add(out, AUDIT_TEXT(.id = "files.owner", .result = FINDING_FINE),
			    "%llu files and directories%s", (unsigned long long)t.entries,
			    user ? "" : "; owners not judged: the user of [app] does not exist");
}
