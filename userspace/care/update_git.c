/* SPDX-License-Identifier: MIT */
/* What the update needs of git. Invariant: nothing of the tree is changed but by update_git_switch(), update_git_back() and update_git_unlock(). */
#include "care/update_git.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/utf8.h"
#include "care/update_git_impl.h"
#include "care/update_way.h"

#define LINE_MAX_BYTES 4096
#define DIRTY_SHOWN 5
#define DIRTY_BYTES 1024
#define COMMITS_SHOWN "-20"
#define COMMITS_BYTES 8192

static bool is_commit(const char *s)
{
	size_t n = strlen(s);

	return (n == 40 || n == 64) && strspn(s, "0123456789abcdef") == n;
}

static int find_commit(const struct update_git *g, const char *prefix, const char *name,
		       char ret[UPDATE_COMMIT_MAX])
{
	char full[2 * UPDATE_REF_MAX + 32];
	int err;

	snprintf(full, sizeof(full), "%s%s^{commit}", prefix, name);
	err = git_line(g, GIT_ARGS("rev-parse", "--verify", "-q", full), ret, UPDATE_COMMIT_MAX);
	return err ? err : is_commit(ret) ? 0 : -EBADMSG;
}

/* Where the tree is root's, git and pip run as root: what it has must not be another's. */
static int check_roots(const char *directory, struct buf *why)
{
	int err = update_way_check(directory, 0, why);

	if (err == -EPERM)
		buf_printf(why,
			   "; and git would run as root in %s: give the tree to the service's user",
			   directory);
	return err;
}

int update_git_open(const char *directory, const struct update_run *run, struct buf *why,
		    struct update_git *ret)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(LINE_MAX_BYTES);
	struct stat st;
	int result;

	*ret = (struct update_git){ .directory = directory, .run = *run };
	result = stat(directory, &st) ? -errno : 0;
	if (result && result != -ENOENT && result != -ENOTDIR) {
		buf_printf(why, "%s: %s", directory, strerror(-result));
		return result;
	}
	if (result || !S_ISDIR(st.st_mode)) {
		buf_printf(why, "%s: no such directory; [app] directory says where the tree is",
			   directory);
		return -ENOENT;
	}
	result = update_user_of(&st, &ret->user);
	if (!result && ret->user.as.uid == 0)
		result = check_roots(directory, why);
	if (result)
		return result;
	result = git_ask(ret, NULL, GIT_ARGS("rev-parse", "--show-prefix"), &out);
	if (result == -ENOENT) {
		buf_add_str(why, "git is not installed");
		return -ENOENT;
	}
	if (result) {
		git_failed(ret, directory, result, &out, why);
		return result < 0 ? result : -EINVAL;
	}
	if (strcmp(buf_str(&out), "\n") != 0 && out.len) {
		buf_printf(why, "%s: is not the top of its git tree", directory);
		return -EINVAL;
	}
	buf_reset(&out);
	result = git_ask(ret, NULL, GIT_ARGS("config", "--get", "core.sshCommand"), &out);
	ret->own_ssh = result == 0;
	return result < 0 ? update_run_failed(directory, result, &out, why) : 0;
}

int update_git_head(const struct update_git *g, struct buf *why, struct update_head *ret)
{
	int err = find_commit(g, "", "HEAD", ret->commit);

	if (err) {
		buf_printf(why, "%s: git does not say which commit it is", g->directory);
		return err;
	}
	err = git_line(g, GIT_ARGS("symbolic-ref", "-q", "--short", "HEAD"), ret->branch,
		       sizeof(ret->branch));
	if (err == -ENOENT) {
		*ret->branch = '\0';
		return 0;
	}
	if (err)
		buf_printf(why, "%s: its branch: %s", g->directory, strerror(-err));
	return err;
}

int update_git_is_clean(const struct update_git *g, struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(GIT_OUT_MAX);
	const char *at;
	unsigned int n = 0;
	int err = git_run(g, "git status",
			  GIT_ARGS("status", "--porcelain", "--untracked-files=normal", "--", ".",
				   ":(exclude)*.isamon-[0-9]*"),
			  &out, why);

	if (err || !out.len)
		return err;
	buf_printf(
		why,
		"%s: has changes of its own, which an update could lose: commit them, take them back, or have git ignore them",
		g->directory);
	for (at = buf_str(&out); *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char line[DIRTY_BYTES];

		/* core.quotePath of the tree's own configuration lets names through as they are. */
		utf8_make_plain(at, strcspn(at, "\n"), line, sizeof(line));
		if (++n <= DIRTY_SHOWN)
			buf_printf(why, "\n  %s", line);
	}
	if (n > DIRTY_SHOWN)
		buf_printf(why, "\n  and %u more", n - DIRTY_SHOWN);
	return -EEXIST;
}

/* --- fetching */

/* What could be an option, or several things, is none. */
static bool is_name(const char *s)
{
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c <= ' ' || strchr("~^:?*[\\\177", *c))
			return false;
	return *s && *s != '-' && strlen(s) < UPDATE_REF_MAX && !strstr(s, "..") &&
	       !strstr(s, "@{");
}

static int default_ref(const struct update_git *g, const char *remote,
		       const struct update_head *head, char ret[UPDATE_REF_MAX], struct buf *why)
{
	char name[2 * UPDATE_REF_MAX];
	int err = -ENOENT;

	if (*head->branch) {
		snprintf(name, sizeof(name), "%s@{upstream}", head->branch);
		err = git_line(g, GIT_ARGS("rev-parse", "--abbrev-ref", name), ret, UPDATE_REF_MAX);
	}
	if (err == -ENOENT) {
		snprintf(name, sizeof(name), "refs/remotes/%s/HEAD", remote);
		err = git_line(g, GIT_ARGS("symbolic-ref", "-q", "--short", name), ret,
			       UPDATE_REF_MAX);
	}
	if (err)
		buf_printf(
			why,
			"%s: its branch follows none, and %s does not say which is its own; write ref = BRANCH into [update], or say --ref",
			g->directory, remote);
	return err;
}

static int find_ref(const struct update_git *g, const char *remote, const char *ref,
		    char ret_ref[UPDATE_REF_MAX], char ret_commit[UPDATE_COMMIT_MAX])
{
	char branch[UPDATE_REF_MAX + 64];
	int err;

	snprintf(branch, sizeof(branch), "refs/remotes/%s/", remote);
	err = find_commit(g, branch, ref, ret_commit);
	if (!err && strlen(remote) + strlen(ref) + 1 < UPDATE_REF_MAX) {
		snprintf(ret_ref, UPDATE_REF_MAX, "%.127s/%.127s", remote, ref);
		return 0;
	}
	if (err == -ENOENT)
		err = find_commit(g, "refs/remotes/", ref, ret_commit);
	if (err == -ENOENT)
		err = find_commit(g, "refs/tags/", ref, ret_commit);
	/* A branch of here is no news; a commit is. */
	if (err == -ENOENT && strspn(ref, "0123456789abcdef") == strlen(ref))
		err = find_commit(g, "", ref, ret_commit);
	if (!err)
		snprintf(ret_ref, UPDATE_REF_MAX, "%s", ref);
	return err;
}

int update_git_fetch(const struct update_git *g, const char *remote, const char *ref,
		     const struct update_head *head, struct buf *why, char ret_ref[UPDATE_REF_MAX],
		     char ret_commit[UPDATE_COMMIT_MAX])
{
	char wanted[UPDATE_REF_MAX];
	int err;

	if (!is_name(remote) || (*ref && !is_name(ref))) {
		buf_printf(why, "%s: not a name that git knows", is_name(remote) ? ref : remote);
		return -EINVAL;
	}
	err = git_quietly(g, "git fetch",
			  GIT_ARGS("fetch", "-q", "--no-recurse-submodules", remote), why);
	if (!err && !*ref)
		err = default_ref(g, remote, head, wanted, why);
	else if (!err)
		snprintf(wanted, sizeof(wanted), "%s", ref);
	if (err)
		return err;
	err = find_ref(g, remote, wanted, ret_ref, ret_commit);
	/* Tags that no branch leads to do not come by themselves. */
	if (err == -ENOENT &&
	    git_ask(g, NULL, GIT_ARGS("fetch", "-q", "--no-recurse-submodules", remote, wanted),
		    &(struct buf)BUF_INIT(0)) == 0 &&
	    find_commit(g, "", "FETCH_HEAD", ret_commit) == 0) {
		snprintf(ret_ref, UPDATE_REF_MAX, "%s", wanted);
		return 0;
	}
	if (err)
		buf_printf(why, "%s: %s has no branch, tag or commit of that name", wanted, remote);
	return err;
}

/* --- what an update would change */

static bool is_requirement(const char *path, const char *requirements)
{
	static const char *const others[] = { "pyproject.toml", "setup.py", "setup.cfg" };
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return strcmp(path, requirements) == 0 || strncmp(name, "requirements", 12) == 0 ||
	       strncmp(name, "constraints", 11) == 0;
}

static int in_the_way(const struct update_git *g, const char *path, struct buf *why)
{
	_cleanup_(buf_done) struct buf full = BUF_INIT(2 * PATH_MAX);
	char plain[PATH_MAX];
	struct stat st;

	if (buf_printf(&full, "%s/%s", g->directory, path))
		return full.err;
	if (lstat(buf_str(&full), &st))
		return 0;
	utf8_make_plain(buf_str(&full), full.len, plain, sizeof(plain));
	buf_printf(
		why,
		"%s: git ignores it now, and the new commit has a file of that name: move it away",
		plain);
	return -EEXIST;
}

/* "A\0path\0M\0path\0", of --no-renames -z. */
static int look_at_files(const struct update_git *g, const struct buf *out,
			 const char *requirements, struct buf *why, struct update_difference *ret)
{
	const char *at = buf_str(out), *end = at + out->len;

	while (at < end) {
		const char *path = at + strlen(at) + 1;
		int err;

		if (path >= end)
			return -EBADMSG;
		ret->n_files++;
		ret->requirements |= is_requirement(path, requirements);
		err = *at == 'A' ? in_the_way(g, path, why) : 0;
		if (err)
			return err;
		at = path + strlen(path) + 1;
	}
	return 0;
}

/* Those that were there before are no better: a checkout leaves them at their old commits. */
static int refuse_submodules(const struct update_git *g, const char *commit, struct buf *why)
{
	char name[UPDATE_COMMIT_MAX + 16], size[32];
	int err;

	snprintf(name, sizeof(name), "%s:.gitmodules", commit);
	err = git_line(g, GIT_ARGS("cat-file", "-s", name), size, sizeof(size));
	if (err == -ENOENT || (!err && strcmp(size, "0") == 0))
		return 0;
	if (err)
		buf_printf(why, "git cat-file: %s", strerror(-err));
	else
		buf_add_str(why,
			    "the new commit has submodules, which isamon does not bring along");
	return err ? err : -ENOTSUP;
}

static int count(const struct update_git *g, const char *range, unsigned int *ret, struct buf *why)
{
	char text[32];
	uint64_t n = 0;
	int err = git_line(g, GIT_ARGS("rev-list", "--count", range, "--"), text, sizeof(text));

	if (!err)
		err = number_parse_u64(text, 0, UINT_MAX, &n);
	if (err)
		buf_printf(why, "git rev-list: %s", strerror(-err));
	*ret = (unsigned int)n;
	return err;
}

int update_git_compare(const struct update_git *g, const char *from, const char *to,
		       const char *requirements, struct buf *why, struct update_difference *ret)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(GIT_OUT_MAX);
	char forth[2 * UPDATE_COMMIT_MAX + 4], back[2 * UPDATE_COMMIT_MAX + 4];
	int err;

	*ret = (struct update_difference){ .commits = BUF_INIT(COMMITS_BYTES) };
	snprintf(forth, sizeof(forth), "%s..%s", from, to);
	snprintf(back, sizeof(back), "%s..%s", to, from);
	err = strcmp(from, to) == 0 ? 0 : refuse_submodules(g, to, why);
	if (!err)
		err = count(g, forth, &ret->n_commits, why);
	if (!err)
		err = count(g, back, &ret->n_back, why);
	if (!err)
		err = git_run(g, "git diff",
			      GIT_ARGS("diff-tree", "-r", "-z", "--no-renames", "--name-status",
				       from, to),
			      &out, why);
	if (!err)
		err = look_at_files(g, &out, requirements, why, ret);
	/* As much of it as there is room for. */
	if (!err)
		git_ask(g, NULL,
			GIT_ARGS("log", COMMITS_SHOWN, "--no-color", "--format=%h %s", forth, "--"),
			&ret->commits);
	return err;
}

void update_difference_done(struct update_difference *d)
{
	buf_done(&d->commits);
}

/* --- trees */

int update_git_export(const struct update_git *g, const char *commit, const char *stage,
		      struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(GIT_OUT_MAX);
	_cleanup_(buf_done) struct buf index = BUF_INIT(2 * PATH_MAX),
				       tree = BUF_INIT(2 * PATH_MAX);
	int result;

	/* In the stage itself, for the user can write there; git takes a name behind which is nothing. */
	buf_printf(&index, "GIT_INDEX_FILE=%s/.isamon-index", stage);
	buf_printf(&tree, "--work-tree=%s", stage);
	if (index.err || tree.err)
		return -ENAMETOOLONG;
	result = git_ask(g, buf_str(&index),
			 GIT_ARGS(buf_str(&tree), "read-tree", "--reset", "-u", commit), &out);
	return result ? update_run_failed("git read-tree", result, &out, why) : 0;
}

int update_git_switch(const struct update_git *g, const char *commit, const char *branch,
		      struct buf *why)
{
	return *branch ? git_quietly(g, "git checkout",
				     GIT_ARGS("checkout", "-q", "--no-overwrite-ignore", "-B",
					      branch, commit, "--"),
				     why) :
			 git_quietly(g, "git checkout",
				     GIT_ARGS("checkout", "-q", "--no-overwrite-ignore", "--detach",
					      commit, "--"),
				     why);
}

int update_git_back(const struct update_git *g, const char *commit, const char *branch,
		    const char *other, struct buf *why)
{
	/* What only the other one has is removed as if it had been checked out whole. */
	int err = git_quietly(g, "git read-tree", GIT_ARGS("read-tree", other), why);

	if (err)
		return err;
	return *branch ?
		       git_quietly(g, "git checkout",
				   GIT_ARGS("checkout", "-q", "--force", "-B", branch, commit,
					    "--"),
				   why) :
		       git_quietly(g, "git checkout",
				   GIT_ARGS("checkout", "-q", "--force", "--detach", commit, "--"),
				   why);
}

int update_git_unlock(const struct update_git *g, const char *branch, struct buf *why)
{
	static const char *const locks[] = { "index.lock", "HEAD.lock" };
	_cleanup_(buf_done) struct buf out = BUF_INIT(GIT_OUT_MAX);
	char paths[3][LINE_MAX_BYTES], name[UPDATE_REF_MAX + 32];
	const char *argv[] = {
		"rm", "-f", "--", paths[0], paths[1], *branch ? paths[2] : NULL, NULL
	};
	struct update_run run = g->run;
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(locks); i++)
		err = git_line(g, GIT_ARGS("rev-parse", "--git-path", locks[i]), paths[i],
			       sizeof(paths[i]));
	snprintf(name, sizeof(name), "refs/heads/%s.lock", branch);
	if (!err && *branch)
		err = git_line(g, GIT_ARGS("rev-parse", "--git-path", name), paths[2],
			       sizeof(paths[2]));
	if (err) {
		buf_printf(why, "%s: git's locks: %s", g->directory, strerror(-err));
		return err;
	}
	run.user = &g->user;
	run.directory = g->directory;
	run.environment = NULL;
	err = update_run(&run, argv, &out);
	return err ? update_run_failed("git's locks", err, &out, why) : 0;
}
