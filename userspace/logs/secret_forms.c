/* SPDX-License-Identifier: MIT */
/* Each form: where it begins, which characters it has, how long it must be so as not to be a plain
 * word. Invariant: nothing outside the text is looked at. */
#include "logs/secret_forms.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define NAME_LOOK 64
#define URL_LOOK 256
#define SPACES_MAX 4
#define KEY_MIN 16 /* characters of a key behind its prefix */
#define BEARER_MIN 8
#define SCHEME_MAX 20
#define BACKSLASHES_MAX 7 /* before a quote: JSON in JSON in JSON */

struct scan {
	const char *text;
	size_t n;
};

static bool is_token(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* What stands before @at does not belong to the same word. */
static bool is_beginning(const struct scan *s, size_t at)
{
	return at == 0 || !is_token(s->text[at - 1]);
}

static size_t token_end(const struct scan *s, size_t at)
{
	while (at < s->n && is_token(s->text[at]))
		at++;
	return at;
}

/* Whether the @back bytes that end with @at are @prefix, at the beginning of a word. */
static bool has_prefix(const struct scan *s, size_t at, const char *prefix, size_t *ret_from)
{
	const size_t len = strlen(prefix);

	if (at + 1 < len)
		return false;
	*ret_from = at + 1 - len;
	return memcmp(s->text + *ret_from, prefix, len) == 0 && is_beginning(s, *ret_from);
}

static bool read_jwt(const struct scan *s, size_t at, size_t *ret_from, size_t *ret_to)
{
	unsigned int parts = 0;

	if (!has_prefix(s, at, "eyJ", ret_from))
		return false;
	for (*ret_to = *ret_from; parts < 3; parts++) {
		const size_t end = token_end(s, *ret_to);

		if (end == *ret_to && parts < 2)
			break;
		*ret_to = end;
		if (parts == 2 || end == s->n || s->text[end] != '.')
			return parts >= 1;
		++*ret_to;
	}
	return false;
}

static bool read_aws_key(const struct scan *s, size_t at, size_t *ret_from, size_t *ret_to)
{
	if (!has_prefix(s, at, "AKIA", ret_from) && !has_prefix(s, at, "ASIA", ret_from))
		return false;
	*ret_to = at + 1 + KEY_MIN;
	if (*ret_to > s->n || token_end(s, *ret_to) != *ret_to)
		return false;
	for (size_t i = at + 1; i < *ret_to; i++)
		if (!isupper((unsigned char)s->text[i]) && !isdigit((unsigned char)s->text[i]))
			return false;
	return true;
}

static bool read_key(const struct scan *s, size_t at, size_t *ret_from, size_t *ret_to)
{
	static const char *const prefixes[] = { "sk-",  "xoxb-", "xoxp-",      "ghp_",
						"gho_", "ghs_",  "github_pat_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!has_prefix(s, at, prefixes[i], ret_from))
			continue;
		*ret_to = token_end(s, at + 1);
		return *ret_to - (at + 1) >= KEY_MIN;
	}
	return false;
}

static size_t skip_backslashes(const struct scan *s, size_t at)
{
	while (at < s->n && s->text[at] == '\\')
		at++;
	return at;
}

/* Whether what backslashes stand before ends a value: a quote, white space, or what is written for that. */
static bool ends_escaped(const struct scan *s, size_t at)
{
	return at == s->n || (unsigned char)s->text[at] <= ' ' || strchr("\"'nrt", s->text[at]);
}

/* Where a value without quotes ends; \u0061, \/ and \\ are a part of it. */
static size_t bare_end(const struct scan *s, size_t at)
{
	while (at < s->n && (unsigned char)s->text[at] > ' ' &&
	       !strchr(",;&)}]\"'<>|", s->text[at])) {
		const size_t behind = skip_backslashes(s, at);

		if (behind > at && ends_escaped(s, behind))
			break;
		at = behind > at ? behind : at + 1;
	}
	return at;
}

/* Where the cookies of a header end: with it. */
static size_t cookies_end(const struct scan *s, size_t at)
{
	while (at < s->n && s->text[at] != '\n' && s->text[at] != '"') {
		const size_t behind = skip_backslashes(s, at);

		if (behind > at && behind < s->n && strchr("\"nr", s->text[behind]))
			break;
		at = behind > at ? behind : at + 1;
	}
	return at;
}

static bool read_bearer(const struct scan *s, size_t at, size_t *ret_from, size_t *ret_to)
{
	const size_t word = at - 2;

	if (word + 7 > s->n || strncasecmp(s->text + word, "bearer ", 7) != 0 ||
	    !is_beginning(s, word))
		return false;
	*ret_from = word + 7;
	*ret_to = bare_end(s, *ret_from);
	return *ret_to - *ret_from >= BEARER_MIN;
}

/* "://user:password@"; @at is the first colon. */
static bool read_url(const struct scan *s, size_t at, size_t *ret_from, size_t *ret_to)
{
	const size_t end = s->n - at > URL_LOOK ? at + URL_LOOK : s->n;

	*ret_from = 0;
	for (size_t i = at + 3; i < end; i++) {
		const char c = s->text[i];

		if (c == ':' && !*ret_from)
			*ret_from = i + 1;
		*ret_to = i;
		if (c == '@')
			return *ret_from && *ret_to > *ret_from;
		if ((unsigned char)c <= ' ' || strchr("/\"'<>?#", c))
			return false;
	}
	return false;
}

static bool ends_with(const char *name, size_t n, const char *end)
{
	const size_t len = strlen(end);

	if (n < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char c = name[n - len + i];

		if ((c == '-' ? '_' : tolower((unsigned char)c)) != end[i])
			return false;
	}
	return true;
}

enum name_kind { NAME_OTHER, NAME_SECRET, NAME_AUTHORIZATION, NAME_PWD, NAME_COOKIE };

/* Whether it ends as one of those below does: nearly no name does. */
static bool may_be_secret(const char *name, size_t n)
{
	static const char ends[][3] = { "rd", "wd", "se", "et", "en", "ey", "ls", "on", "ie" };

	for (size_t i = 0; n > 1 && i < ARRAY_SIZE(ends); i++)
		if ((name[n - 1] | 0x20) == ends[i][1] && (name[n - 2] | 0x20) == ends[i][0])
			return true;
	return false;
}

static enum name_kind name_kind(const char *name, size_t n)
{
	static const char *const secret[] = { "password",   "passwd",      "_pwd",
					      "passphrase", "secret",      "token",
					      "api_key",    "apikey",      "access_key",
					      "secret_key", "private_key", "credentials" };

	if (!may_be_secret(name, n))
		return NAME_OTHER;
	if (ends_with(name, n, "authorization"))
		return NAME_AUTHORIZATION;
	if (ends_with(name, n, "cookie"))
		return NAME_COOKIE;
	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		if (ends_with(name, n, secret[i]))
			return NAME_SECRET;
	return ends_with(name, n, "pwd") ? NAME_PWD : NAME_OTHER;
}

static size_t back_over(const struct scan *s, size_t at, char c, size_t most)
{
	while (most-- && at && s->text[at - 1] == c)
		at--;
	return at;
}

/* The name that stands before the separator @at, perhaps in quotes. */
static enum name_kind name_before(const struct scan *s, size_t at)
{
	size_t end = back_over(s, at, ' ', SPACES_MAX), from;

	if (end && (s->text[end - 1] == '"' || s->text[end - 1] == '\''))
		end--;
	end = back_over(s, end, '\\', BACKSLASHES_MAX);
	for (from = end; from && end - from < NAME_LOOK && is_token(s->text[from - 1]);)
		from--;
	return name_kind(s->text + from, end - from);
}

static bool is_no_secret(const char *value, size_t n)
{
	static const char *const no_secret[] = { "***", "none", "null", "nil", "true", "false" };

	for (size_t i = 0; i < ARRAY_SIZE(no_secret); i++)
		if (n == strlen(no_secret[i]) && strncasecmp(value, no_secret[i], n) == 0)
			return true;
	return n == 0;
}

/*
 * Where the value in quotes ends that begins at @at. Before its first quote stood @level backslashes: 0, 1 within a text of JSON, 3 within
 * a text of that. Each level doubles those of its value and adds its own.
 */
static size_t quoted_end(const struct scan *s, size_t at, char quote, size_t level)
{
	while (at < s->n && s->text[at] != '\n') {
		const size_t behind = skip_backslashes(s, at), n = behind - at;

		if (behind < s->n && s->text[behind] == quote && n % (2 * (level + 1)) <= level)
			return n > level ? behind - level : at;
		at = behind < s->n && s->text[behind] == quote ? behind + 1 : n ? behind : at + 1;
	}
	return at;
}

/* Behind "Bearer ", "Basic " and the like; *ret_end moves to the end of the line where the rest is of
 * several words. */
static size_t skip_scheme(const struct scan *s, size_t at, bool quoted, size_t *ret_end)
{
	const size_t end = token_end(s, at);
	const char *newline;

	if (end == at || end - at > SCHEME_MAX || end >= s->n || s->text[end] != ' ')
		return at;
	if (quoted)
		return end + 1 <= *ret_end ? end + 1 : at;
	newline = memchr(s->text + end, '\n', s->n - end);
	*ret_end = bare_end(s, end + 1);
	if (strncasecmp(s->text + at, "b", 1) != 0 && strncasecmp(s->text + at, "token", 5) != 0)
		*ret_end = newline ? (size_t)(newline - s->text) : s->n;
	return end + 1;
}

static bool read_value(const struct scan *s, size_t at, enum name_kind kind, size_t *ret_from,
		       size_t *ret_to)
{
	size_t level;
	bool quoted;

	for (unsigned int i = 0; i < SPACES_MAX && at < s->n && s->text[at] == ' '; i++)
		at++;
	if (at + 1 < s->n && s->text[at] == 'b' &&
	    (s->text[at + 1] == '"' || s->text[at + 1] == '\''))
		at++; /* Python's bytes */
	level = skip_backslashes(s, at) - at;
	quoted = at + level < s->n && level <= BACKSLASHES_MAX &&
		 (s->text[at + level] == '"' || s->text[at + level] == '\'');
	at += quoted ? level : 0;
	*ret_from = at + quoted;
	*ret_to = quoted ? quoted_end(s, at + 1, s->text[at], level) : bare_end(s, at);
	if (kind == NAME_COOKIE && !quoted) {
		const size_t name_end = token_end(s, at);

		/* A header's, not a word in a sentence. */
		if (name_end == at || name_end == s->n || s->text[name_end] != '=')
			return false;
		*ret_to = cookies_end(s, at);
	}
	if (kind == NAME_AUTHORIZATION)
		*ret_from = skip_scheme(s, *ret_from, quoted, ret_to);
	/* PWD is also the shell's present directory. */
	if (kind == NAME_PWD && *ret_from < s->n && s->text[*ret_from] == '/')
		return false;
	if (*ret_from < s->n && !quoted && strchr("{[(=", s->text[*ret_from]))
		return false;
	return *ret_to > *ret_from && !is_no_secret(s->text + *ret_from, *ret_to - *ret_from);
}

static bool read_named(const struct scan *s, size_t at, size_t *ret_from, size_t *ret_to)
{
	enum name_kind kind;

	if (s->n - at >= 3 && memcmp(s->text + at, "://", 3) == 0)
		return read_url(s, at, ret_from, ret_to);
	kind = name_before(s, at);
	return kind != NAME_OTHER && read_value(s, at + 1, kind, ret_from, ret_to);
}

bool secret_forms_read(const char *text, size_t n, size_t at, size_t *ret_from, size_t *ret_to)
{
	const struct scan s = { text, n };

	switch (text[at]) {
	case '=':
	case ':': return read_named(&s, at, ret_from, ret_to);
	case 'J': return read_jwt(&s, at, ret_from, ret_to);
	case 'A':
		return read_aws_key(&s, at, ret_from, ret_to) ||
		       read_bearer(&s, at, ret_from, ret_to);
	case 'a': return read_bearer(&s, at, ret_from, ret_to);
	default: return read_key(&s, at, ret_from, ret_to);
	}
}
