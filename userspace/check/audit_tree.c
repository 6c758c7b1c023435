/* SPDX-License-Identifier: MIT */
/* The walk. Invariant: a path is only a name for people: each entry is opened and asked in the directory that was opened before it. */
#include "check/audit_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "check/audit_impl.h"
#include "check/audit_secret.h"

#define DEPTH_MAX 30
#define TEXT_BYTES (256u << 10)

enum kind { WRITABLE, OWNER, SETUID, SECRET, KINDS };

static const char *const ids[KINDS] = {
	[WRITABLE] = "files.world-writable",
	[OWNER] = "files.owner",
	[SETUID] = "files.setuid",
	[SECRET] = "files.secret",
};

struct walk {
	struct audit_tree *tree;
	struct findings *out;
	const char *root;
	char path[PATH_MAX];
	char *text; /* TEXT_BYTES, for one file; holds secrets */
	dev_t dev;
	unsigned int n[KINDS],
		n_unread; /* unread: of files that may hold a secret, for want of AUDIT_TREE_TEXT_MAX */
	bool cut;
};

static int found(struct walk *w, enum kind kind, enum finding_result result, const char *meaning,
		 const char *remedy, const char *evidence)
{
	w->tree->n_wrong++;
	if (w->n[kind]++ >= AUDIT_TREE_EACH_MAX)
		return 0;
	return findings_add(w->out,
			    AUDIT_TEXT(.id = ids[kind], .subject = w->path, .result = result,
				       .meaning = meaning, .remedy = remedy),
			    "%s", evidence);
}

/* For people who copy it into a shell of root's: strangers give names. */
static const char *quoted(const char *path, char to[static 4 * PATH_MAX + 3])
{
	char *at = to;

	if (!path[strspn(
		    path,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+,:@%=-")])
		return path;
	*at++ = '\'';
	for (; *path; path++) {
		if (*path == '\'')
			at = stpcpy(at, "'\\'");
		*at++ = *path;
	}
	*at++ = '\'';
	*at = '\0';
	return to;
}

static int check_mode(struct walk *w, const struct stat *st)
{
	char remedy[4 * PATH_MAX + 64], evidence[128], path[4 * PATH_MAX + 3];
	int err = 0;

	snprintf(evidence, sizeof(evidence), "%s, owner %u, mode %04o",
		 S_ISDIR(st->st_mode) ? "directory" : "file", (unsigned int)st->st_uid,
		 (unsigned int)st->st_mode & 07777);
	if (st->st_mode & S_IWOTH && !(S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX)) {
		snprintf(remedy, sizeof(remedy), "chmod o-w %s", quoted(w->path, path));
		err = found(w, WRITABLE, FINDING_PROBLEM,
			    S_ISDIR(st->st_mode) ? "Every user can replace what is in it." :
						   "Every user can change it.",
			    remedy, evidence);
	}
	if (!err && S_ISREG(st->st_mode) &&
	    (st->st_mode & S_ISUID || (st->st_mode & S_ISGID && st->st_mode & S_IXGRP))) {
		snprintf(remedy, sizeof(remedy), "chmod ug-s %s", quoted(w->path, path));
		err = found(w, SETUID, FINDING_PROBLEM,
			    "Who runs it has its owner's rights; nothing of a service needs that.",
			    remedy, evidence);
	}
	return err;
}

static int check_owner(struct walk *w, const struct stat *st)
{
	char remedy[4 * PATH_MAX + 128], evidence[128], path[4 * PATH_MAX + 3];

	if (!w->tree->has_user || st->st_uid == 0 || st->st_uid == w->tree->uid)
		return 0;
	snprintf(evidence, sizeof(evidence), "owner %u, mode %04o; expected %s or root",
		 (unsigned int)st->st_uid, (unsigned int)st->st_mode & 07777, w->tree->user);
	snprintf(remedy, sizeof(remedy), "chown --no-dereference %s %s", w->tree->user,
		 quoted(w->path, path));
	return found(w, OWNER, FINDING_WARNING, "Another user can change it.", remedy, evidence);
}

/* What is in the file that all can read; NULL. */
static const char *look_into(struct walk *w, int dir, const char *name)
{
	_cleanup_(file_closep) int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 1;
	const char *what;

	while (fd >= 0 && n < TEXT_BYTES && got > 0) {
		got = read(fd, w->text + n, TEXT_BYTES - n);
		n += got > 0 ? (size_t)got : 0;
	}
	w->tree->text_bytes += n;
	what = audit_secret_by_text(w->text, n);
	explicit_bzero(w->text, n);
	return what;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* @open: all can come to the directory that it is in. */
static int check_secret(struct walk *w, int dir, const char *name, const char *parent,
			const struct stat *st, bool open)
{
	const char *what = audit_secret_by_name(name, parent), *inside = NULL;
	char remedy[4 * PATH_MAX + 64], evidence[160], path[4 * PATH_MAX + 3];
	const bool vague = what && audit_secret_name_is_vague(name);

	if (!open || !S_ISREG(st->st_mode) || !(st->st_mode & S_IROTH) || !st->st_size)
		return 0;
	if ((!what || vague) && (vague || audit_secret_may_hold(name)) &&
	    st->st_size <= (off_t)TEXT_BYTES) {
		if (w->tree->text_bytes < AUDIT_TREE_TEXT_MAX)
			inside = look_into(w, dir, name);
		else
			w->n_unread++;
	}
	if (vague)
		what = NULL;
	if (!what && !inside)
		return 0;
	snprintf(evidence, sizeof(evidence), "%s%s, owner %u, mode %04o: all users can read it",
		 inside ? "holds " : "", inside ? inside : what, (unsigned int)st->st_uid,
		 (unsigned int)st->st_mode & 07777);
	snprintf(remedy, sizeof(remedy), "chmod o-rwx %s, and change the secret",
		 quoted(w->path, path));
	return found(w, SECRET, FINDING_PROBLEM,
		     "Who takes any account of this host has the secret, too.", remedy, evidence);
}

static int directory_look(struct walk *w, int dir, const char *name, bool open, unsigned int depth);

static int entry_look(struct walk *w, int dir, const char *name, bool open, unsigned int depth)
{
	const size_t len = strlen(w->path);
	const char *parent = name_of(w->path);
	char parent_name[NAME_MAX + 1];
	struct stat st;
	int err = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0; /* it has gone */
	if (w->tree->entries++ >= AUDIT_TREE_ENTRIES_MAX ||
	    len + strlen(name) + 2 > sizeof(w->path)) {
		w->cut = true;
		return 0;
	}
	snprintf(parent_name, sizeof(parent_name), "%.*s", NAME_MAX, parent);
	snprintf(w->path + len, sizeof(w->path) - len, "/%s", name);
	if (!S_ISLNK(st.st_mode) && w->tree->owners)
		err = check_mode(w, &st);
	if (!err && w->tree->owners)
		err = check_owner(w, &st);
	if (!err)
		err = check_secret(w, dir, name, parent_name, &st, open);
	if (!err && S_ISDIR(st.st_mode) && st.st_dev == w->dev)
		err = directory_look(w, dir, name, open && st.st_mode & S_IXOTH, depth + 1);
	w->path[len] = '\0';
	return err;
}

static int directory_look(struct walk *w, int dir, const char *name, bool open, unsigned int depth)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int err = 0;

	if (!d || depth > DEPTH_MAX) {
		w->cut = w->cut || (errno != ENOENT && !d) || depth > DEPTH_MAX;
		if (d)
			closedir(d);
		else if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!err && !w->cut && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			err = entry_look(w, fd, e->d_name, open, depth);
	closedir(d);
	return err;
}

bool audit_way_is_open(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		size_t n = at == path ? 1 : (size_t)(at - path);

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		if (stat(part, &st) || !(st.st_mode & S_IXOTH))
			return false;
	}
	return stat(path, &st) == 0 && (!S_ISDIR(st.st_mode) || st.st_mode & S_IXOTH);
}

static int say_rest(struct walk *w)
{
	char subject[PATH_MAX];
	int err = 0;

	snprintf(subject, sizeof(subject), "%.3000s and below", w->root);
	for (int i = 0; i < KINDS && !err; i++)
		if (w->n[i] > AUDIT_TREE_EACH_MAX)
			err = findings_add(w->out,
					   AUDIT_TEXT(.id = ids[i], .subject = subject,
						      .result = FINDING_WARNING),
					   "and %u more below %s", w->n[i] - AUDIT_TREE_EACH_MAX,
					   w->root);
	if (!err && w->n_unread)
		err = findings_add(
			w->out,
			AUDIT_TEXT(.id = "files.not-all", .subject = subject,
				   .result = FINDING_UNKNOWN),
			"%u files were not looked into for secrets: there is more text than %u MiB",
			w->n_unread, AUDIT_TREE_TEXT_MAX >> 20);
	if (!err && w->cut)
		err = findings_add(
			w->out,
			AUDIT_TEXT(.id = "files.not-all", .subject = w->root,
				   .result = FINDING_UNKNOWN),
			"not everything below %s could be looked at: too much, too deep, or refused",
			w->root);
	return err;
}

int audit_tree_look(struct audit_tree *t, const char *path, struct findings *out)
{
	struct walk *w;
	struct stat st;
	int err = 0;

	if (stat(path, &st))
		return errno == ENOENT ?
			       0 :
			       findings_add(out,
					    AUDIT_TEXT(.id = "files.not-all", .subject = path,
						       .result = FINDING_UNKNOWN),
					    "cannot be looked at: %s", strerror(errno));
	w = calloc(1, sizeof(*w));
	if (w)
		w->text = malloc(TEXT_BYTES);
	if (!w || !w->text) {
		free(w);
		return -ENOMEM;
	}
	w->tree = t;
	w->out = out;
	w->root = path;
	w->dev = st.st_dev;
	snprintf(w->path, sizeof(w->path), "%s", path);
	if (t->owners)
		err = check_mode(w, &st) ?: check_owner(w, &st);
	if (!err)
		err = directory_look(w, AT_FDCWD, path, audit_way_is_open(path), 0);
	if (!err)
		err = say_rest(w);
	free(w->text);
	free(w);
	return err;
}
