/* SPDX-License-Identifier: MIT */
/*
 * The few elements of STS's answers that we want, found by their names without a tree: no attributes, no nesting of the same
 * name, no comments, CDATA or DOCTYPE, as AWS writes them. What is copied out is bounded by who keeps it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sts.h"
#include "aws/timestamp.h"

#define NAME_MAX_BYTES 32

struct span {
	const char *at;
	size_t len;
};

/* What stands between <name> and </name>, the first of them in @in. Returns whether it is there. */
static bool find(struct span in, const char *name, struct span *ret)
{
	char tag[NAME_MAX_BYTES + 4];
	size_t n = (size_t)snprintf(tag, sizeof(tag), "<%s>", name);
	const char *from = memmem(in.at, in.len, tag, n), *until;

	if (!from)
		return false;
	from += n;
	n = (size_t)snprintf(tag, sizeof(tag), "</%s>", name);
	until = memmem(from, in.len - (size_t)(from - in.at), tag, n);
	if (!until)
		return false;
	*ret = (struct span){ from, (size_t)(until - from) };
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The character that the entity at @s is; 0: none that we know. */
static char entity(struct span s, size_t *ret_len)
{
	static const struct {
		const char *text;
		char c;
	} entities[] = { { "&amp;", '&' },
			 { "&lt;", '<' },
			 { "&gt;", '>' },
			 { "&quot;", '"' },
			 { "&apos;", '\'' } };

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		*ret_len = strlen(entities[i].text);
		if (s.len >= *ret_len && !memcmp(s.at, entities[i].text, *ret_len))
			return entities[i].c;
	}
	return 0;
}

/* The text of an element without the white space around it; cut at @size. Returns whether it is text only, and fits. */
static bool copy_text(struct span s, char *to, size_t size)
{
	size_t n = 0;

	while (s.len && is_space(*s.at)) {
		s.at++;
		s.len--;
	}
	while (s.len && is_space(s.at[s.len - 1]))
		s.len--;
	while (s.len && n + 1 < size) {
		size_t len = 1;
		char c = *s.at;

		if (c == '&')
			c = entity(s, &len);
		if (!c || *s.at == '<')
			break;
		to[n++] = c;
		s.at += len;
		s.len -= len;
	}
	to[n] = '\0';
	return s.len == 0;
}

static bool is_simple(struct span all)
{
	return !memmem(all.at, all.len, "<!", 2);
}

/* Allocated; NULL with *ret_err = -EPROTO: it is not there, or is more than text. */
static char *text_of(struct span in, const char *name, int *ret_err)
{
	struct span s;
	char *text;

	*ret_err = -EPROTO;
	if (!find(in, name, &s))
		return NULL;
	text = malloc(s.len + 1);
	if (!text)
		*ret_err = -ENOMEM;
	else if (copy_text(s, text, s.len + 1))
		return text;
	secret_free(text);
	return NULL;
}

int sts_parse_keys(const char *text, size_t len, struct keys *ret)
{
	static const char *const names[] = { "AccessKeyId", "SecretAccessKey", "SessionToken",
					     "Expiration" };
	struct span all = { text, len }, within;
	char *v[4] = { NULL };
	time_t expires;
	int err = 0;

	if (!is_simple(all) || !find(all, "AssumeRoleResult", &within) ||
	    !find(within, "Credentials", &within))
		return -EPROTO;
	for (size_t i = 0; i < 4 && !err; i++) {
		v[i] = text_of(within, names[i], &err);
		if (v[i])
			err = 0;
	}
	if (!err && !*v[2])
		err = -EPROTO;
	if (!err)
		err = timestamp_parse(v[3], &expires);
	if (!err)
		err = keys_set(ret, v[0], v[1], v[2], expires);
	for (size_t i = 0; i < 4; i++)
		secret_free(v[i]);
	return err == -EINVAL ? -EPROTO : err;
}
