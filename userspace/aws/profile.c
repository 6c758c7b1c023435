/* SPDX-License-Identifier: MIT */
/* Follows a profile from source_profile to source_profile. Invariant: no name is visited twice; the roles are in the order of visits. */
#include "aws/profile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/profile_files.h"
#include "base/number.h"
#include "base/utf8.h"

#define NAME_SHOWN 128
#define WHY_MAX 5000
#define SESSION_NAME "isamon"

/* A profile being read. */
struct reading {
	struct profile *to;
	struct profile_files files;
	char *visited[PROFILE_ROLES_MAX + 1];
	size_t n_visited;
	struct buf *why;
};

static void reading_done(struct reading *r)
{
	profile_files_done(&r->files);
	for (size_t i = 0; i < r->n_visited; i++)
		free(r->visited[i]);
}

void profile_done(struct profile *p)
{
	for (size_t i = 0; i < p->n_roles; i++)
		profile_role_done(&p->roles[i]);
	free(p->name);
	free(p->region);
	keys_done(&p->keys);
	*p = (struct profile){ 0 };
}

void profile_role_done(struct profile_role *r)
{
	free(r->arn);
	free(r->session_name);
	secret_free(r->external_id);
	*r = (struct profile_role){ 0 };
}

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

static int refuse_unsupported(struct reading *r, const struct profile_text *raw)
{
	static const char instead[] =
		"which isamon does not support: use keys, a role with source_profile or "
		"credential_source, or the instance's role";
	const char *key = NULL;

	for (size_t i = KEY_MFA; i < PROFILE_KEYS_MAX && !key; i++)
		if (raw->v[i] && (i != KEY_MFA || raw->v[KEY_ROLE]))
			key = i == KEY_SSO ? raw->v[i] : profile_key_names[i];
	if (!key)
		return 0;
	if (key == profile_key_names[KEY_MFA])
		return refuse(r,
			      "has %s, which wants a person to type a code: use a role without it",
			      key);
	return refuse(r, "has %.40s, %s", key, instead);
}

static int take_keys(struct reading *r, const struct profile_text *raw)
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

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"

/* Whether AWS would take it (STS's API, AssumeRole). */
static bool is_made_of(const char *s, const char *chars, size_t max)
{
	size_t n = strlen(s);

	return n >= 2 && n <= max && strspn(s, chars) == n;
}

static int check_role(struct reading *r, const struct profile_text *raw)
{
	const char *name = raw->v[KEY_SESSION_NAME], *id = raw->v[KEY_EXTERNAL_ID];

	if (raw->v[KEY_MFA] || raw->v[KEY_WEB_IDENTITY])
		return refuse_unsupported(r, raw);
	if (r->to->n_roles == PROFILE_ROLES_MAX)
		return refuse(r, "is the %dth role in a chain of source_profile; %d is the most",
			      PROFILE_ROLES_MAX + 1, PROFILE_ROLES_MAX);
	if (strncmp(raw->v[KEY_ROLE], "arn:", 4) != 0)
		return refuse(r, "has a role_arn that does not begin with arn:");
	if (name && !is_made_of(name, NAME_CHARS, 64))
		return refuse(r,
			      "has a role_session_name that is not 2 to 64 of A-Z a-z 0-9 _+=,.@-");
	if (id && !is_made_of(id, NAME_CHARS ":/", 1224))
		return refuse(r,
			      "has an external_id that is not 2 to 1224 of A-Z a-z 0-9 _+=,.@-:/");
	return 0;
}

static int take_role(struct reading *r, struct profile_text *raw)
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
static int follow_role(struct reading *r, struct profile_text *raw, char **ret_next)
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
	_cleanup_(profile_text_done) struct profile_text raw = { 0 };
	int err = profile_files_find(&r->files, r->visited[r->n_visited - 1], &raw);

	*ret_next = NULL;
	if (err)
		return err;
	if (r->n_visited == 1)
		r->to->region = take(raw.v[KEY_REGION]);
	if (!raw.found && must)
		return refuse(r, "is neither in %s nor in %s", buf_str(&r->files.paths[0]),
			      buf_str(&r->files.paths[1]));
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
	bool must;
	char *next = strdup(profile_name(o, &must));
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

int profile_read(const struct profile_options *o, struct profile *ret, struct buf *why)
{
	_cleanup_(reading_done) struct reading r = { .to = ret, .why = why };
	int err;

	*ret = (struct profile){ 0 };
	err = profile_files_read(o, &r.files, why);
	if (err)
		return err;
	ret->unread = r.files.unread;
	err = walk(&r, o);
	if (err)
		profile_done(ret);
	return err;
}

int profile_read_region(const struct profile_options *o, char **ret_region)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	_cleanup_(profile_files_done) struct profile_files files = { 0 };
	_cleanup_(profile_text_done) struct profile_text text = { 0 };
	bool given;
	int err = profile_files_read(o, &files, &why);

	*ret_region = NULL;
	if (!err)
		err = profile_files_find(&files, profile_name(o, &given), &text);
	if (!err)
		*ret_region = take(text.v[KEY_REGION]);
	return err == -ENOMEM ? err : 0;
}
