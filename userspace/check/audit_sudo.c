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
	struct audit_sudoers *sudoers;
	const char *path; /* of the file that is read */
	size_t n_files;
	unsigned int depth;
};

static int file_look(struct sudo *s, const char *path);

/* What who may write there is root tomorrow. */
static int check_owner(struct sudo *s, const char *path, const struct stat *st)
{
	char remedy[512];

	if (st->st_uid == 0 && !(st->st_mode & (st->st_gid ? 022 : 002)))
		return 0;
	snprintf(remedy, sizeof(remedy), "chown root:root %s; chmod %s %s; read it first", path,
		 S_ISDIR(st->st_mode) ? "750" : "440", path);
	return findings_add(
		s->out,
		AUDIT_TEXT(.id = "sudo.writable", .subject = path, .result = FINDING_PROBLEM,
			   .meaning = "Others than root decide who is root.", .remedy = remedy),
		"owner %u, group %u, mode %03o", (unsigned int)st->st_uid, (unsigned int)st->st_gid,
		(unsigned int)st->st_mode & 0777);
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

/* "%h" in a path is the host's name. */
static bool add_host(const char *who, char *to, size_t size)
{
	const char *at = strstr(who, "%h");
	char host[256] = "";

	if (!at)
		return snprintf(to, size, "%s", who) < (int)size;
	if (gethostname(host, sizeof(host) - 1))
		return false;
	host[strcspn(host, ".")] = '\0';
	return snprintf(to, size, "%.*s%s%s", (int)(at - who), who, host, at + 2) < (int)size;
}

/* A name without / is beside the file that has it. */
static int include(const char *who, bool directory, void *ctx)
{
	struct sudo *s = ctx;
	const char *slash = strrchr(s->path, '/');
	char name[512], path[1024];
	int err;

	if (!add_host(who, name, sizeof(name)) || s->depth == DEPTH_MAX)
		return 0;
	if (*name == '/')
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - s->path), s->path, name);
	s->depth++;
	err = directory ? directory_look(s, path) : file_look(s, path);
	s->depth--;
	return err;
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
		err = audit_sudoers_add(s->sudoers, path, buf_str(&text), text.len, include, s);
	s->path = before;
	return err;
}

/* --- rights */

/* What others than root can replace does what they want, as root. */
static const char *program_look(const char *path, void *ctx)
{
	char directory[512];
	const char *slash = strrchr(path, '/');
	struct stat st;

	(void)ctx;
	snprintf(directory, sizeof(directory), "%.*s",
		 (int)(slash && slash > path ? slash - path : 1), path);
	if (stat(path, &st) == 0 &&
	    (st.st_uid != 0 || st.st_mode & (st.st_gid ? S_IWGRP | S_IWOTH : S_IWOTH)))
		return "others than root can write it";
	if (stat(directory, &st) == 0 &&
	    (st.st_uid != 0 || (st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))))
		return "others than root can put another in its place";
	return NULL;
}

static int report(const struct sudo *s, const char *id, const struct audit_sudo_right *r,
		  const char *meaning, enum finding_result result)
{
	const char *who = *r->who ? r->who : "ALL";
	char name[256], command[300], remedy[1100];

	utf8_make_plain(who, strlen(who), name, sizeof(name));
	for (size_t i = 0; i < s->out->n; i++)
		if (strcmp(s->out->list[i].id, id) == 0 &&
		    strcmp(s->out->list[i].subject, name) == 0)
			return 0; /* once is enough */
	utf8_make_plain(r->command, strlen(r->command), command, sizeof(command));
	snprintf(remedy, sizeof(remedy), "change it with: visudo -f %s", r->path);
	return findings_add(s->out,
			    AUDIT_TEXT(.id = id, .subject = name, .result = result,
				       .meaning = meaning, .remedy = remedy),
			    "%s line %u%s%s%s%s%s", r->path, r->line, *command ? ": " : "", command,
			    *r->how ? " (" : "", r->how, *r->how ? ")" : "");
}

static int seen(const struct audit_sudo_right *r, void *ctx)
{
	const struct sudo *s = ctx;

	if (r->kind == AUDIT_SUDO_NO_AUTHENTICATE)
		return report(s, "sudo.no-authenticate", r,
			      "By a Defaults of sudoers, sudo asks for no password.",
			      FINDING_WARNING);
	if (r->kind == AUDIT_SUDO_EVERYBODY)
		return report(s, "sudo.everybody", r,
			      "Every user can become root with his own password.", FINDING_PROBLEM);
	if (audit_user_is_allowed(s->config, r->who))
		return report(s, "sudo.nopasswd", r,
			      "NOPASSWD for an administrator on the list: his key is root's.",
			      FINDING_NOTE);
	return report(s, "sudo.nopasswd", r,
		      *r->how ? "NOPASSWD, and by this whoever takes this account is root." :
				"NOPASSWD: ALL: whoever takes this account is root.",
		      FINDING_PROBLEM);
}

static int judge(struct sudo *s)
{
	int err = file_look(s, SUDOERS);

	err = err ?: audit_sudoers_judge(s->sudoers, program_look, seen, s);
	if (err != -E2BIG)
		return err;
	return findings_add(s->out,
			    AUDIT_TEXT(.id = "sudo.nopasswd", .result = FINDING_UNKNOWN,
				       .remedy = "look at it yourself: visudo -c; sudo -l -U USER"),
			    "%s and what it includes is too much to be judged", SUDOERS);
}

int audit_sudo(const struct check_input *in, struct findings *out)
{
	_cleanup_(audit_sudoers_freep) struct audit_sudoers *sudoers = NULL;
	struct sudo s = { .config = in->config, .out = out, .path = SUDOERS };
	const size_t before = out->n;
	int err;

	if (access(SUDOERS, F_OK) && errno == ENOENT)
		return findings_add(out, AUDIT_TEXT(.id = "sudo.nopasswd", .result = FINDING_FINE),
				    "there is no " SUDOERS);
	err = audit_sudoers_new(&sudoers);
	s.sudoers = sudoers;
	err = err ?: judge(&s);
	if (err || out->n > before)
		return err;
	return findings_add(out, AUDIT_TEXT(.id = "sudo.nopasswd", .result = FINDING_FINE),
			    "nobody becomes root without a password (%zu files)", s.n_files);
}
