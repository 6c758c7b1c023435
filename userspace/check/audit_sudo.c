/* SPDX-License-Identifier: MIT */
/* /etc/sudoers and all that it includes: who becomes root without a password, and who could change that. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"
#include "check/audit_impl.h"
#include "check/audit_sudoers.h"

#define SUDOERS "/etc/sudoers"
#define FILE_MAX (256u << 10)
#define FILES_MAX 256
#define DEPTH_MAX 8

struct sudo {
	const struct config *config;
	struct findings *out;
	const char *path; /* of the file that is read */
	size_t n_files, n_wrong;
	unsigned int depth;
};

static int file_look(struct sudo *s, const char *path);

/* What who may write there is root tomorrow. */
static int check_owner(struct sudo *s, const char *path, const struct stat *st)
{
	char remedy[512];

	if (st->st_uid == 0 && !(st->st_mode & (st->st_gid ? 022 : 002)))
		return 0;
	s->n_wrong++;
	snprintf(remedy, sizeof(remedy), "chown root:root %s; chmod %s %s; read it first", path,
		 S_ISDIR(st->st_mode) ? "750" : "440", path);
	return findings_add(
		s->out,
		AUDIT_TEXT(.id = "sudo.writable", .subject = path, .result = FINDING_PROBLEM,
			   .meaning = "Others than root decide who is root.", .remedy = remedy),
		"owner %u, group %u, mode %03o", (unsigned int)st->st_uid, (unsigned int)st->st_gid,
		(unsigned int)st->st_mode & 0777);
}

static int report(struct sudo *s, const char *id, const char *who, enum finding_result result,
		  unsigned int line, const char *meaning)
{
	char name[256], remedy[700];

	utf8_make_plain(who, strlen(who), name, sizeof(name));
	snprintf(remedy, sizeof(remedy), "change it with: visudo -f %s", s->path);
	s->n_wrong++;
	return findings_add(s->out,
			    AUDIT_TEXT(.id = id, .subject = name, .result = result,
				       .meaning = meaning, .remedy = remedy),
			    "%s line %u", s->path, line);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* sudoers(5): not those that end with ~ or have a dot. */
static int names_read(const char *path, char *names[FILES_MAX], size_t *n)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int err = 0;

	if (!d)
		return -errno;
	while (!err && (e = readdir(d))) {
		if (strchr(e->d_name, '.') || e->d_name[strlen(e->d_name) - 1] == '~')
			continue;
		if (*n == FILES_MAX)
			break;
		names[*n] = strdup(e->d_name);
		err = names[*n] ? 0 : -ENOMEM;
		*n += !err;
	}
	closedir(d);
	qsort(names, *n, sizeof(char *), compare_names);
	return err;
}

static int directory_look(struct sudo *s, const char *path)
{
	char *names[FILES_MAX], file[512];
	size_t n = 0;
	struct stat st;
	int err = names_read(path, names, &n);

	if (!err && stat(path, &st) == 0)
		err = check_owner(s, path, &st);
	for (size_t i = 0; i < n; i++) {
		if (!err &&
		    snprintf(file, sizeof(file), "%s/%s", path, names[i]) < (int)sizeof(file))
			err = file_look(s, file);
		free(names[i]);
	}
	return err == -ENOENT ? 0 : err;
}

/* A name without / is beside the file that has it. */
static int include(struct sudo *s, const char *who, bool directory)
{
	const char *slash = strrchr(s->path, '/');
	char path[512];
	int n = *who == '/' ? snprintf(path, sizeof(path), "%s", who) :
			      snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - s->path),
				       s->path, who);
	int err;

	if (n >= (int)sizeof(path) || s->depth == DEPTH_MAX)
		return 0;
	s->depth++;
	err = directory ? directory_look(s, path) : file_look(s, path);
	s->depth--;
	return err;
}

static int seen(enum audit_sudo_kind kind, const char *who, unsigned int line, void *ctx)
{
	struct sudo *s = ctx;

	switch (kind) {
	case AUDIT_SUDO_INCLUDE: return include(s, who, false);
	case AUDIT_SUDO_INCLUDE_DIRECTORY: return include(s, who, true);
	case AUDIT_SUDO_NO_AUTHENTICATE:
		return report(s, "sudo.no-authenticate", *who ? who + 1 : "ALL", FINDING_WARNING,
			      line, "Defaults !authenticate: sudo asks for no password.");
	case AUDIT_SUDO_EVERYBODY:
		return report(s, "sudo.everybody", who, FINDING_PROBLEM, line,
			      "Every user can become root with his own password.");
	case AUDIT_SUDO_NOPASSWD: break;
	}
	if (audit_user_is_allowed(s->config, who))
		return report(s, "sudo.nopasswd", who, FINDING_NOTE, line,
			      "NOPASSWD: ALL for an administrator on the list: his key is root's.");
	return report(s, "sudo.nopasswd", who, FINDING_PROBLEM, line,
		      "NOPASSWD: ALL: whoever takes this account is root.");
}

static int file_look(struct sudo *s, const char *path)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	const char *before = s->path;
	struct stat st;
	int err;

	if (s->n_files++ >= FILES_MAX)
		return 0;
	err = file_read_stat(path, &text, &st);
	if (err == -ENOENT)
		return 0;
	if (err)
		return findings_add(s->out,
				    AUDIT_TEXT(.id = "sudo.nopasswd", .subject = path,
					       .result = FINDING_UNKNOWN,
					       .remedy = err == -EACCES ? "run it as root" : NULL),
				    "cannot be read: %s", strerror(-err));
	s->path = path;
	err = check_owner(s, path, &st);
	if (!err)
		err = audit_sudoers_parse(buf_str(&text), text.len, seen, s);
	s->path = before;
	return err;
}

int audit_sudo(const struct check_input *in, struct findings *out)
{
	struct sudo s = { .config = in->config, .out = out, .path = SUDOERS };
	const size_t before = out->n;
	int err;

	if (access(SUDOERS, F_OK) && errno == ENOENT)
		return findings_add(out, AUDIT_TEXT(.id = "sudo.nopasswd", .result = FINDING_FINE),
				    "there is no " SUDOERS);
	err = file_look(&s, SUDOERS);
	if (err || out->n > before)
		return err;
	return findings_add(out, AUDIT_TEXT(.id = "sudo.nopasswd", .result = FINDING_FINE),
			    "nobody becomes root without a password (%zu files)", s.n_files);
}
