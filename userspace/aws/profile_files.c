/* SPDX-License-Identifier: MIT */
/*
 * Reads both files once, so that all profiles of a chain are of one moment. They hold secrets: their texts are allocated at
 * once, and wiped. A file below the home that may not be read is as good as none (ProtectHome= of systemd), and is remembered.
 */
#include "aws/profile_files.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/keys.h"
#include "aws/profile.h"
#include "base/file.h"

#define PATH_BYTES 4096
#define FILE_MAX ((size_t)1024 * 1024)
#define SPARE 4096

const char *const profile_key_names[PROFILE_KEYS_MAX] = {
	[KEY_ID] = "aws_access_key_id",
	[KEY_SECRET] = "aws_secret_access_key",
	[KEY_TOKEN] = "aws_session_token",
	[KEY_REGION] = "region",
	[KEY_ROLE] = "role_arn",
	[KEY_SOURCE_PROFILE] = "source_profile",
	[KEY_SOURCE] = "credential_source",
	[KEY_EXTERNAL_ID] = "external_id",
	[KEY_SESSION_NAME] = "role_session_name",
	[KEY_DURATION] = "duration_seconds",
	[KEY_MFA] = "mfa_serial",
	[KEY_WEB_IDENTITY] = "web_identity_token_file",
	[KEY_PROCESS] = "credential_process",
	[KEY_SSO] = "sso_",
};

static const char *given(const char *option, const char *variable)
{
	const char *s = option && *option ? option : getenv(variable);

	return s && *s ? s : NULL;
}

/* Our home, then @below; nothing if there is none. */
static void add_home(struct buf *path, const char *below)
{
	const char *home = getenv("HOME");
	const struct passwd *me = home && *home ? NULL : getpwuid(getuid());

	if (me)
		home = me->pw_dir;
	if (home && *home)
		buf_printf(path, "%s/%s", home, below);
}

static int path_of(const struct profile_options *o, enum shared_file kind, struct buf *path)
{
	bool config = kind == SHARED_CONFIG;
	const char *s = given(config ? o->config_file : o->credentials_file,
			      config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");

	if (!s)
		add_home(path, config ? ".aws/config" : ".aws/credentials");
	else if (!strncmp(s, "~/", 2))
		add_home(path, s + 2);
	else
		buf_add_str(path, s);
	return path->err;
}

/* Room for the file as it is, and a little more: what is reserved is wiped later, whether it was used or not. */
static int make_room(const char *path, struct buf *text)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	buf_init(text, st.st_size < (off_t)FILE_MAX ? (size_t)st.st_size + SPARE : FILE_MAX);
	return secret_buf_reserve(text);
}

/* @must: it was asked for by the configuration. */
static int read_text(struct profile_files *f, enum shared_file kind, bool must, struct buf *why)
{
	const char *path = buf_str(&f->paths[kind]);
	int err = *path ? make_room(path, &f->texts[kind]) : -ENOENT;

	if (!err)
		err = file_read(path, &f->texts[kind]);
	if (!err || (!must && (err == -ENOENT || err == -ENOTDIR)))
		return 0;
	if (!must && err == -EACCES) {
		f->unread = true;
		return 0;
	}
	if (err != -ENOMEM)
		buf_printf(why, "%s cannot be read: %s", path, strerror(-err));
	return err;
}

const char *profile_name(const struct profile_options *o, bool *ret_given)
{
	const char *name = given(o->profile, "AWS_PROFILE");

	*ret_given = name != NULL;
	return name ? name : "default";
}

int profile_files_read(const struct profile_options *o, struct profile_files *ret, struct buf *why)
{
	const char *const asked[] = {
		[SHARED_CREDENTIALS] = o->credentials_file, [SHARED_CONFIG] = o->config_file
	};
	int err = 0;

	ret->unread = false;
	for (int kind = 0; kind < 2; kind++) {
		buf_init(&ret->paths[kind], PATH_BYTES);
		buf_init(&ret->texts[kind], FILE_MAX);
	}
	for (int kind = 0; kind < 2 && !err; kind++) {
		err = path_of(o, (enum shared_file)kind, &ret->paths[kind]);
		if (!err)
			err = read_text(ret, (enum shared_file)kind, asked[kind] && *asked[kind],
					why);
	}
	if (err)
		profile_files_done(ret);
	return err;
}

void profile_files_done(struct profile_files *f)
{
	for (size_t i = 0; i < 2; i++) {
		buf_done(&f->paths[i]);
		secret_buf_done(&f->texts[i]);
	}
}

uint64_t profile_stamp(const struct profile_options *o)
{
	uint64_t stamp = 14695981039346656037u;

	for (int kind = 0; kind < 2; kind++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_BYTES);
		struct stat st = { 0 };
		uint64_t parts[4];

		if (path_of(o, (enum shared_file)kind, &path) || stat(buf_str(&path), &st))
			st = (struct stat){ 0 };
		parts[0] = (uint64_t)st.st_mtim.tv_sec;
		parts[1] = (uint64_t)st.st_mtim.tv_nsec;
		parts[2] = (uint64_t)st.st_size;
		parts[3] = (uint64_t)st.st_ino;
		for (size_t i = 0; i < 4; i++)
			stamp = (stamp ^ parts[i]) * 1099511628211u + (stamp >> 32);
	}
	return stamp;
}

static int on_key(const char *key, const char *value, void *ctx)
{
	struct profile_text *r = ctx;

	for (size_t i = 0; i < PROFILE_KEYS_MAX; i++) {
		if (i == KEY_SSO ? strncmp(key, "sso_", 4) != 0 :
				   strcmp(key, profile_key_names[i]) != 0)
			continue;
		if (!*value)
			return 0;
		secret_free(r->v[i]);
		r->v[i] = strdup(i == KEY_SSO ? key : value);
		return r->v[i] ? 0 : -ENOMEM;
	}
	return 0;
}

static int read_one(const struct buf *text, enum shared_file kind, const char *name,
		    struct profile_text *to)
{
	/* (the reader writes in its text) */
	char *copy = malloc(text->len + 1);
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, buf_str(text), text->len + 1);
	err = shared_file_read(copy, kind, name, on_key, to, &to->found);
	explicit_bzero(copy, text->len + 1);
	free(copy);
	return err;
}

/* The three that are keys are taken from one file together. */
static void merge(struct profile_text *to, struct profile_text *from)
{
	bool has_keys = to->v[KEY_ID] || to->v[KEY_SECRET];

	for (size_t i = 0; i < PROFILE_KEYS_MAX; i++)
		if (!to->v[i] && !(has_keys && i <= KEY_TOKEN))
			to->v[i] = take(from->v[i]);
	to->found = to->found || from->found;
}

int profile_files_find(const struct profile_files *f, const char *name, struct profile_text *ret)
{
	_cleanup_(profile_text_done) struct profile_text second = { 0 };
	int err;

	*ret = (struct profile_text){ 0 };
	err = read_one(&f->texts[SHARED_CREDENTIALS], SHARED_CREDENTIALS, name, ret);
	if (!err)
		err = read_one(&f->texts[SHARED_CONFIG], SHARED_CONFIG, name, &second);
	if (!err)
		merge(ret, &second);
	return err;
}

void profile_text_done(struct profile_text *t)
{
	for (size_t i = 0; i < PROFILE_KEYS_MAX; i++)
		secret_free(t->v[i]);
	*t = (struct profile_text){ 0 };
}
