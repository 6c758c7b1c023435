/* SPDX-License-Identifier: MIT */
/*
 * Follows a profile from source_profile to source_profile. Both files are read once, so that all profiles of a chain
 * are of one moment; no name is visited twice.
 */
#include "aws/profile.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/shared_file.h"
#include "base/file.h"
#include "base/number.h"
#include "base/utf8.h"

#define PATH_BYTES 4096
#define FILE_MAX ((size_t)1024 * 1024)
#define NAME_SHOWN 128
#define SESSION_NAME "isamon"

enum key {
	KEY_ID,
	KEY_SECRET,
	KEY_TOKEN,
	KEY_REGION,
	KEY_ROLE,
	KEY_SOURCE_PROFILE,
	KEY_SOURCE,
	KEY_EXTERNAL_ID,
	KEY_SESSION_NAME,
	KEY_DURATION,
	KEY_MFA,
	KEY_WEB_IDENTITY,
	KEY_PROCESS,
	KEY_SSO, /* any that begins so; its value is the key's name */
	KEYS,
};

static const char *const key_names[KEYS] = {
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

/* What the files say of one profile. */
struct raw {
	char *v[KEYS];
	bool found;
};

/* A profile being read. */
struct reading {
	struct profile *to;
	struct buf paths[2]; /* by enum shared_file */
	struct buf texts[2];
	char *visited[PROFILE_ROLES_MAX + 1];
	size_t n_visited;
	struct buf *why;
};

static void raw_done(struct raw *r)
{
	for (size_t i = 0; i < KEYS; i++)
		secret_free(r->v[i]);
	*r = (struct raw){ 0 };
}

static void reading_done(struct reading *r)
{
	for (size_t i = 0; i < 2; i++) {
		buf_done(&r->paths[i]);
		secret_buf_done(&r->texts[i]);
	}
	for (size_t i = 0; i < r->n_visited; i++)
		free(r->visited[i]);
}

void profile_done(struct profile *p)
{
	for (size_t i = 0; i < p->n_roles; i++) {
		free(p->roles[i].arn);
		free(p->roles[i].session_name);
		secret_free(p->roles[i].external_id);
	}
	free(p->name);
	free(p->region);
	keys_done(&p->keys);
	*p = (struct profile){ 0 };
}

/* --- the files */

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

/* @must: it was asked for by the configuration. */
static int read_text(struct reading *r, enum shared_file kind, bool must)
{
	const char *path = buf_str(&r->paths[kind]);
	int err = *path ? file_read(path, &r->texts[kind]) : -ENOENT;

	if (!err || (!must && (err == -ENOENT || err == -ENOTDIR)))
		return 0;
	if (!must && err == -EACCES) {
		r->to->unread = true;
		return 0;
	}
	if (err != -ENOMEM)
		buf_printf(r->why, "%s cannot be read: %s", path, strerror(-err));
	return err;
}

static int read_files(struct reading *r, const struct profile_options *o)
{
	const char *const asked[] = {
		[SHARED_CREDENTIALS] = o->credentials_file, [SHARED_CONFIG] = o->config_file
	};
	int err = 0;

	for (int kind = 0; kind < 2 && !err; kind++) {
		err = secret_buf_reserve(&r->texts[kind]);
		if (!err)
			err = path_of(o, (enum shared_file)kind, &r->paths[kind]);
		if (!err)
			err = read_text(r, (enum shared_file)kind, asked[kind] && *asked[kind]);
	}
	return err;
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

/* --- one profile */

static int on_key(const char *key, const char *value, void *ctx)
{
	struct raw *r = ctx;

	for (size_t i = 0; i < KEYS; i++) {
		if (i == KEY_SSO ? strncmp(key, "sso_", 4) != 0 : strcmp(key, key_names[i]) != 0)
			continue;
		if (!*value)
			return 0;
		secret_free(r->v[i]);
		r->v[i] = strdup(i == KEY_SSO ? key : value);
		return r->v[i] ? 0 : -ENOMEM;
	}
	return 0;
}

static int read_one(const struct buf *text, enum shared_file kind, const char *name, struct raw *to)
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
static void merge(struct raw *to, struct raw *from)
{
	bool has_keys = to->v[KEY_ID] || to->v[KEY_SECRET];

	for (size_t i = 0; i < KEYS; i++)
		if (!to->v[i] && !(has_keys && i <= KEY_TOKEN))
			to->v[i] = take(from->v[i]);
	to->found = to->found || from->found;
}

static int raw_read(struct reading *r, const char *name, struct raw *ret)
{
	_cleanup_(raw_done) struct raw second = { 0 };
	int err = read_one(&r->texts[SHARED_CREDENTIALS], SHARED_CREDENTIALS, name, ret);

	if (!err)
		err = read_one(&r->texts[SHARED_CONFIG], SHARED_CONFIG, name, &second);
	if (!err)
		merge(ret, &second);
	return err;
}

/* --- the chain */

/* Explains what is wrong with the profile that is being looked at; the text goes on behind its name. */
static int _printf_(2, 3) refuse(struct reading *r, const char *fmt, ...)
{
	char name[NAME_SHOWN], text[700];
	const char *visited = r->visited[r->n_visited - 1];
	va_list args;

	utf8_make_plain(visited, strlen(visited), name, sizeof(name));
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_printf(r->why, "profile %s %s", name, text);
	return -EINVAL;
}

static int refuse_unsupported(struct reading *r, const struct raw *raw)
{
	static const char instead[] =
		"which isamon does not support: use keys, a role with source_profile or "
		"credential_source, or the instance's role";
	const char *key = NULL;

	for (size_t i = KEY_MFA; i < KEYS && !key; i++)
		if (raw->v[i] && (i != KEY_MFA || raw->v[KEY_ROLE]))
			key = i == KEY_SSO ? raw->v[i] : key_names[i];
	if (!key)
		return 0;
	if (key == key_names[KEY_MFA])
		return refuse(r,
			      "has %s, which wants a person to type a code: use a role without it",
			      key);
	return refuse(r, "has %.40s, %s", key, instead);
}

static int take_keys(struct reading *r, const struct raw *raw)
{
	int err;

	if (!raw->v[KEY_ID])
		return refuse(r, "has aws_secret_access_key without aws_access_key_id");
	if (!raw->v[KEY_SECRET])
		return refuse(r, "has aws_access_key_id without aws_secret_access_key");
	err = keys_set(&r->to->keys, raw->v[KEY_ID], raw->v[KEY_SECRET], raw->v[KEY_TOKEN], 0);
	if (err == -EINVAL)
		return refuse(r, "has an aws_access_key_id, aws_secret_access_key or "
				 "aws_session_token that cannot be one");
	r->to->base = PROFILE_KEYS;
	return err;
}

static bool is_session_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 2 && n <= 64 &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-") ==
		       n;
}

static int check_role(struct reading *r, const struct raw *raw)
{
	const char *name = raw->v[KEY_SESSION_NAME];

	if (raw->v[KEY_MFA] || raw->v[KEY_WEB_IDENTITY])
		return refuse_unsupported(r, raw);
	if (r->to->n_roles == PROFILE_ROLES_MAX)
		return refuse(r, "is the %dth role in a chain of source_profile; %d is the most",
			      PROFILE_ROLES_MAX + 1, PROFILE_ROLES_MAX);
	if (strncmp(raw->v[KEY_ROLE], "arn:", 4) != 0)
		return refuse(r, "has a role_arn that does not begin with arn:");
	if (name && !is_session_name(name))
		return refuse(r,
			      "has a role_session_name that is not 2 to 64 of A-Z a-z 0-9 _+=,.@-");
	return 0;
}

static int take_role(struct reading *r, struct raw *raw)
{
	struct profile_role *role = &r->to->roles[r->to->n_roles];
	uint64_t duration_s = 0;
	int err = check_role(r, raw);

	if (err)
		return err;
	if (raw->v[KEY_DURATION] && number_parse_u64(raw->v[KEY_DURATION], 900, 43200, &duration_s))
		return refuse(r, "has a duration_seconds that is not 900 to 43200");
	r->to->n_roles++;
	role->duration_s = (unsigned int)duration_s;
	role->arn = take(raw->v[KEY_ROLE]);
	role->external_id = take(raw->v[KEY_EXTERNAL_ID]);
	role->session_name = take(raw->v[KEY_SESSION_NAME]);
	if (!role->session_name)
		role->session_name = strdup(SESSION_NAME);
	return role->session_name ? 0 : -ENOMEM;
}

static int take_source(struct reading *r, const char *word)
{
	if (!strcmp(word, "Environment"))
		r->to->base = PROFILE_ENVIRONMENT;
	else if (!strcmp(word, "Ec2InstanceMetadata"))
		r->to->base = PROFILE_IMDS;
	else if (!strcmp(word, "EcsContainer"))
		r->to->base = PROFILE_CONTAINER;
	else
		return refuse(r, "has a credential_source that is none of Environment, "
				 "Ec2InstanceMetadata and EcsContainer");
	return 0;
}

/* The profile to go on with, taken out of @raw, in *ret_next; NULL: this was the end of the chain. */
static int follow_role(struct reading *r, struct raw *raw, char **ret_next)
{
	const char *name = r->visited[r->n_visited - 1], *source = raw->v[KEY_SOURCE_PROFILE];
	int err = take_role(r, raw);

	if (err)
		return err;
	if (source && raw->v[KEY_SOURCE])
		return refuse(r, "has both source_profile and credential_source: one must go");
	if (raw->v[KEY_SOURCE])
		return take_source(r, raw->v[KEY_SOURCE]);
	if (!source)
		return refuse(r, "has role_arn, but neither source_profile nor credential_source");
	if (!strcmp(source, name) && (raw->v[KEY_ID] || raw->v[KEY_SECRET]))
		return take_keys(r, raw);
	for (size_t i = 0; i < r->n_visited; i++) {
		char shown[NAME_SHOWN];

		utf8_make_plain(source, strlen(source), shown, sizeof(shown));
		if (!strcmp(source, r->visited[i]))
			return refuse(r, "has source_profile = %s, which makes a loop", shown);
	}
	*ret_next = take(raw->v[KEY_SOURCE_PROFILE]);
	return 0;
}

static int follow(struct reading *r, bool must, char **ret_next)
{
	_cleanup_(raw_done) struct raw raw = { 0 };
	int err = raw_read(r, r->visited[r->n_visited - 1], &raw);

	*ret_next = NULL;
	if (err)
		return err;
	if (r->n_visited == 1)
		r->to->region = take(raw.v[KEY_REGION]);
	if (!raw.found && must)
		return refuse(r, "is neither in %s nor in %s", buf_str(&r->paths[0]),
			      buf_str(&r->paths[1]));
	if (raw.v[KEY_ROLE])
		return follow_role(r, &raw, ret_next);
	if (raw.v[KEY_ID] || raw.v[KEY_SECRET])
		return take_keys(r, &raw);
	err = refuse_unsupported(r, &raw);
	if (!err && r->n_visited > 1)
		return refuse(r, "is a source_profile, but has neither keys nor a role");
	return err;
}

static int walk(struct reading *r, const struct profile_options *o)
{
	const char *name = given(o->profile, "AWS_PROFILE");
	bool must = name != NULL;
	char *next = strdup(name ? name : "default");
	int err = 0;

	if (!next || !(r->to->name = strdup(next)))
		err = -ENOMEM;
	/* (each role takes one visit, so the roles' limit is the visits') */
	while (next && !err && r->n_visited < PROFILE_ROLES_MAX + 1) {
		r->visited[r->n_visited++] = take(next);
		err = follow(r, must, &next);
		must = true;
	}
	free(next);
	return err;
}

#define READING(profile, text) \
	{ \
		.to = (profile), .why = (text), \
		.paths = { BUF_INIT(PATH_BYTES), BUF_INIT(PATH_BYTES) }, \
		.texts = { BUF_INIT(FILE_MAX), BUF_INIT(FILE_MAX) }, \
	}

int profile_read(const struct profile_options *o, struct profile *ret, struct buf *why)
{
	_cleanup_(reading_done) struct reading r = READING(ret, why);
	int err;

	*ret = (struct profile){ 0 };
	err = read_files(&r, o);
	if (!err)
		err = walk(&r, o);
	if (err)
		profile_done(ret);
	return err;
}

int profile_read_region(const struct profile_options *o, char **ret_region)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(PATH_BYTES + 200);
	_cleanup_(profile_done) struct profile none = { 0 };
	_cleanup_(reading_done) struct reading r = READING(&none, &why);
	_cleanup_(raw_done) struct raw raw = { 0 };
	const char *name = given(o->profile, "AWS_PROFILE");
	int err = read_files(&r, o);

	*ret_region = NULL;
	if (!err)
		err = raw_read(&r, name ? name : "default", &raw);
	if (!err)
		*ret_region = take(raw.v[KEY_REGION]);
	return err == -ENOMEM ? err : 0;
}
