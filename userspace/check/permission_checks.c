/* SPDX-License-Identifier: MIT */
/* Two looks at the same trees: what their owners and modes are, as check/tree.h has it; and, as the service's own user, whether it gets in, which
 * ACLs and what is above the trees have their say in. */
#include "check/permission_checks.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "check/app_python.h"
#include "check/tree.h"

#define WALK_MAX 200000
#define WALK_NS (2500 * 1000000ull)
#define EXAMPLES_MAX 3
#define TEXT_MAX 1000
#define FIX_COMMAND "isamon doctor permissions --fix"

/* --- the user */

static int tell_no_user(const struct config *c, int err, struct findings *out)
{
	const bool there = access(c->app_directory, F_OK) == 0;
	const struct finding_text t = {
		.id = "permissions.user",
		.result = there ? FINDING_PROBLEM : FINDING_NOTE,
		.meaning = there ? "nobody is there whose the service could be" : NULL,
		.remedy = "say in [app] who runs it",
	};

	if (err != -ENOENT)
		return err;
	return findings_add(out, &t, "there is no user %s%s%s", c->app_user,
			    *c->app_group ? " or group " : "", c->app_group);
}

/* "agent-isa:agent-isa", by numbers where there are no names. */
static void add_owner(uid_t uid, gid_t gid, struct buf *out)
{
	const struct passwd *p = getpwuid(uid);
	const struct group *g = getgrgid(gid);

	if (p)
		buf_printf(out, "%s:", p->pw_name);
	else
		buf_printf(out, "%u:", uid);
	if (g)
		buf_add_str(out, g->gr_name);
	else
		buf_printf(out, "%u", gid);
}

/* --- owners and modes */

struct tally {
	const char *top;
	unsigned int n_owner, n_mode;
	struct buf owner, mode; /* the first ones of each */
};

static void add_example(const struct tally *t, const char *path, unsigned int n, struct buf *out)
{
	const bool top = strcmp(path, ".") == 0;

	buf_printf(out, "%s%s ", n ? ", " : "", top ? t->top : path);
}

static int count(const char *path, const struct stat *st, const struct tree_item *item, void *ctx)
{
	struct tally *t = ctx;

	if (item->wrong & TREE_OWNER) {
		if (t->n_owner < EXAMPLES_MAX) {
			add_example(t, path, t->n_owner, &t->owner);
			buf_add_str(&t->owner, "is ");
			add_owner(st->st_uid, st->st_gid, &t->owner);
		}
		t->n_owner++;
	}
	if (item->wrong & ~(unsigned int)TREE_OWNER) {
		if (t->n_mode < EXAMPLES_MAX) {
			add_example(t, path, t->n_mode, &t->mode);
			buf_printf(&t->mode, "%04o instead of %04o", st->st_mode & 07777,
				   item->mode);
		}
		t->n_mode++;
	}
	return 0;
}

static int tell_wrong(const struct tree *tree, const char *id, unsigned int n,
		      const struct buf *examples, const char *meaning, struct findings *out)
{
	const struct finding_text t = {
		.id = id,
		.subject = tree->path,
		.result = FINDING_PROBLEM,
		.meaning = meaning,
		.remedy = FIX_COMMAND " shows what it would change, and changes it",
		.fix = "permissions",
	};

	return findings_add(out, &t, "%u wrong: %s%s", n, buf_str(examples),
			    n > EXAMPLES_MAX ? ", ..." : "");
}

static const char *owner_meaning(enum tree_kind kind)
{
	if (kind == TREE_DATA || kind == TREE_LOGS)
		return "the service's user may not be able to write there";
	return "it belongs to somebody who is neither the service's user nor root";
}

static const char *mode_meaning(enum tree_kind kind)
{
	if (kind == TREE_CONFIG || kind == TREE_BACKUPS)
		return "every user of this host can read secrets there, or change it";
	return "every user of this host can write there, or its owner cannot";
}

static int tell_tree(const struct tree *tree, const struct tally *t,
		     const struct tree_limits *limits, uint64_t before, struct findings *out)
{
	int err = 0;

	if (t->n_owner)
		err = tell_wrong(tree, "permissions.owner", t->n_owner, &t->owner,
				 owner_meaning(tree->kind), out);
	if (!err && t->n_mode)
		err = tell_wrong(tree, "permissions.mode", t->n_mode, &t->mode,
				 mode_meaning(tree->kind), out);
	if (err || t->n_owner || t->n_mode)
		return err;
	return findings_add(
		out,
		&(struct finding_text){ .id = "permissions.owner",
					.subject = tree->path,
					.result = limits->reached ? FINDING_NOTE : FINDING_FINE },
		"%llu looked at%s", (unsigned long long)(limits->seen - before),
		limits->reached ? "; there are more than can be looked at in short" : "");
}

static int tell_unseen(const struct tree *tree, int err, struct findings *out)
{
	const struct finding_text t = {
		.id = "permissions.owner",
		.subject = tree->path,
		.result = err == -ENOENT || err == -ELOOP ? FINDING_NOTE : FINDING_UNKNOWN,
		.remedy = err == -ELOOP ? "write its real path into the configuration" : NULL,
	};

	return findings_add(out, &t, "%s",
			    err == -ELOOP ? "a part of the path is a symbolic link: not looked at" :
					    strerror(-err));
}

static int tell_of_system(const struct tree *tree, struct findings *out)
{
	const struct finding_text t = {
		.id = "permissions.owner",
		.subject = tree->path,
		.result = FINDING_NOTE,
		.meaning = "others than the service use it, so it is not judged as the service's",
		.remedy =
			"give the service a directory of its own, and say so in the configuration",
	};

	return findings_add(out, &t, "is a directory of the system");
}

static int look_at_tree(const struct tree *tree, const struct child_user *user,
			struct tree_limits *limits, struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(TEXT_MAX);
	_cleanup_(file_closep) int fd = tree_open(tree->path);
	struct tally t = {
		.top = tree->path,
		.owner = BUF_INIT(TEXT_MAX),
		.mode = BUF_INIT(TEXT_MAX),
	};
	const uint64_t before = limits->seen;
	int err;

	if (tree_is_of_system(tree->path))
		return tell_of_system(tree, out);
	if (fd < 0)
		return tell_unseen(tree, fd, out);
	err = tree_walk(fd, tree->kind, user, limits, count, &t, &why);
	if (err)
		err = findings_add(out,
				   &(struct finding_text){ .id = "permissions.owner",
							   .subject = tree->path,
							   .result = FINDING_UNKNOWN },
				   "%s", why.len ? buf_str(&why) : strerror(-err));
	else
		err = tell_tree(tree, &t, limits, before, out);
	buf_done(&t.owner);
	buf_done(&t.mode);
	return err;
}

static int look_at_owners(const struct config *c, const struct child_user *user,
			  struct findings *out)
{
	struct tree_limits limits = { .max = WALK_MAX, .end_ns = clock_monotonic_ns() + WALK_NS };
	struct tree trees[TREES_MAX];
	const size_t n = trees_list(c, trees);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = look_at_tree(&trees[i], user, &limits, out);
	return err;
}

/* --- what the user itself can do */

struct need {
	const char *path;
	int access; /* as for access(2) */
	const char *what;
};

/* The first part of @path that the user cannot go through; @path itself, if it is that. */
static void find_obstacle(const char *path, char *to, size_t size)
{
	snprintf(to, size, "%s", path);
	for (char *slash = strchr(to + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (access(to, X_OK))
			return;
		*slash = '/';
	}
}

static int try_need(const struct config *c, const struct need *need, unsigned int *n_fine,
		    struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	const struct finding_text t = {
		.id = "permissions.access",
		.subject = need->path,
		.result = FINDING_PROBLEM,
		.meaning = "the service cannot use what it needs",
		.remedy = "chown or chmod what stands here",
	};
	char obstacle[APP_PATH_MAX];
	struct stat st;

	if (access(need->path, need->access) == 0) {
		++*n_fine;
		return 0;
	}
	/* What is not there is no question of permissions. */
	if (errno != EACCES && errno != EROFS)
		return 0;
	if (errno == EROFS)
		return findings_add(out, &t, "its file system is mounted read-only");
	find_obstacle(need->path, obstacle, sizeof(obstacle));
	buf_printf(&text, "%s cannot %s it", c->app_user, need->what);
	if (stat(obstacle, &st) == 0) {
		buf_printf(&text, ": %s is ", obstacle);
		add_owner(st.st_uid, st.st_gid, &text);
		buf_printf(&text, " %04o", st.st_mode & 07777);
	}
	return findings_add(out, &t, "%s", buf_str(&text));
}

/* For ever: this is a process of its own. */
static int become(const struct child_user *user)
{
	if (geteuid() != 0)
		return geteuid() == user->uid ? 0 : -EPERM;
	if (setgroups(user->n_groups, user->groups) || setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	return 0;
}

static int try_all(const struct config *c, unsigned int *n_fine, struct findings *out)
{
	char python[APP_PATH_MAX];
	const struct need needs[] = {
		{ c->backup_data, R_OK | W_OK | X_OK, "write to" },
		{ c->app_logs, W_OK | X_OK, "write to" },
		{ c->backup_config, R_OK | X_OK, "read" },
		{ c->app_directory, R_OK | X_OK, "read" },
		{ python, X_OK, "run" },
	};
	int err = 0;

	snprintf(python, sizeof(python), "%s/bin/python", c->app_venv);
	for (size_t i = 0; i < ARRAY_SIZE(needs) && !err; i++)
		if (*needs[i].path == '/')
			err = try_need(c, &needs[i], n_fine, out);
	for (size_t i = 0; i < c->n_databases && !err; i++)
		err = try_need(c, &(struct need){ c->databases[i], R_OK | W_OK, "write to" },
			       n_fine, out);
	return err;
}

static int look_at_access(const struct config *c, const struct child_user *user,
			  struct findings *out)
{
	const size_t had = out->n;
	unsigned int n_fine = 0;
	int err = become(user);

	if (err)
		return findings_add(
			out,
			&(struct finding_text){ .id = "permissions.access",
						.result = FINDING_UNKNOWN },
			geteuid() == 0 ?
				"this process may not become %s: run it from a root shell" :
				"only root can try what %s may do",
			c->app_user);
	err = try_all(c, &n_fine, out);
	if (err || out->n > had)
		return err;
	return findings_add(out, &(struct finding_text){ .id = "permissions.access" },
			    n_fine ? "%s gets at all %u that it needs and that are there" :
				     "%s needs nothing that is there",
			    c->app_user, n_fine);
}

static int look(const struct check_input *in, struct findings *out)
{
	const struct config *c = in->config;
	struct child_user user;
	int err = child_user_find(c->app_user, c->app_group, &user);

	if (err)
		return tell_no_user(c, err, out);
	err = look_at_owners(c, &user, out);
	return err ? err : look_at_access(c, &user, out);
}

const struct check permission_checks[] = {
	{ "permissions", "permissions.owner", look, 6000 },
};
const size_t n_permission_checks = ARRAY_SIZE(permission_checks);
