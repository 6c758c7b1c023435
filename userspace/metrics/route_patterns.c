/* SPDX-License-Identifier: MIT */
/*
 * Compiles and matches configured patterns.
 *
 * Invariant: a compiled pattern's parts point into its own text; PART_REST is only ever the
 * last. A list is tried in its order: there are few, and the outcome for a path is remembered
 * by who asks.
 */
#include "metrics/route_patterns.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"

#define PARTS_MAX 32

enum part_kind { PART_TEXT, PART_ANY, PART_REST };

struct part {
	enum part_kind kind;
	const char *text;
	size_t len;
};

struct pattern {
	char *text;
	struct part *parts;
	size_t n;
	bool slash;
};

struct route_patterns {
	size_t n;
	struct pattern patterns[];
};

static bool is_name_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

/* "{name}" or "{name...}". Returns NULL, or what is wrong. */
static const char *compile_placeholder(struct part *part, bool last)
{
	const char *name = part->text + 1;
	size_t len = part->len - 1;

	if (part->text[part->len - 1] != '}')
		return "a { without its } in the same segment";
	len--;
	part->kind = PART_ANY;
	if (len > 3 && memcmp(name + len - 3, "...", 3) == 0) {
		part->kind = PART_REST;
		len -= 3;
		if (!last)
			return "{name...} may only be the last segment";
	}
	for (size_t i = 0; i < len; i++)
		if (!is_name_byte(name[i], i == 0))
			return "the name in {} may have letters, digits and _ only";
	return len ? NULL : "an empty {}";
}

static const char *compile_part(struct part *part, bool last)
{
	if (part->text[0] == '{')
		return compile_placeholder(part, last);
	if (memchr(part->text, '{', part->len) || memchr(part->text, '}', part->len))
		return "a {name} must be a whole segment";
	if ((part->len == 1 && part->text[0] == '.') ||
	    (part->len == 2 && memcmp(part->text, "..", 2) == 0))
		return "a \".\" or \"..\" segment is never in a path";
	part->kind = PART_TEXT;
	return NULL;
}

static const char *check_text(const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '/')
		return "it must begin with a slash";
	if (len > ROUTE_LENGTH_MAX)
		return "it is longer than 128 bytes";
	if (!utf8_is_plain(text, len))
		return "it is not plain UTF-8 text";
	if (strpbrk(text, "?#;"))
		return "a path ends before ?, # and ;";
	if (strchr(text, '%'))
		return "write it decoded, without %";
	if (strstr(text, "//"))
		return "an empty segment (//) is never in a path";
	return NULL;
}

/* Returns 0; -ENOMEM; or -EINVAL with *ret_why set. On failure the caller frees what is there. */
static int compile(struct pattern *p, const char *text, const char **ret_why)
{
	struct part parts[PARTS_MAX];

	*ret_why = check_text(text);
	if (*ret_why)
		return -EINVAL;
	p->text = strdup(text);
	if (!p->text)
		return -ENOMEM;
	for (const char *at = p->text; *at && at[1]; at += 1 + parts[p->n++].len) {
		if (p->n == PARTS_MAX) {
			*ret_why = "it has more than 32 segments";
			return -EINVAL;
		}
		parts[p->n] = (struct part){ .text = at + 1, .len = strcspn(at + 1, "/") };
		*ret_why = compile_part(&parts[p->n], at[1 + parts[p->n].len] == '\0');
		if (*ret_why)
			return -EINVAL;
	}
	p->slash = text[strlen(text) - 1] == '/';
	p->parts = malloc(p->n ? p->n * sizeof(*p->parts) : 1);
	if (!p->parts)
		return -ENOMEM;
	memcpy(p->parts, parts, p->n * sizeof(*p->parts));
	return 0;
}

static void patterns_freep(struct route_patterns **p)
{
	route_patterns_free(*p);
}

int route_patterns_new(char *const *patterns, size_t n, struct route_patterns **ret_patterns,
		       size_t *ret_bad, const char **ret_why)
{
	_cleanup_(patterns_freep) struct route_patterns *p = NULL;

	if (n > (SIZE_MAX - sizeof(*p)) / sizeof(p->patterns[0]))
		return -ENOMEM;
	p = calloc(1, sizeof(*p) + n * sizeof(p->patterns[0]));
	if (!p)
		return -ENOMEM;
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		const char *why = NULL;
		int err = compile(&p->patterns[i], patterns[i], &why);

		if (err == -EINVAL) {
			*ret_bad = i;
			*ret_why = why;
		}
		if (err)
			return err;
	}
	*ret_patterns = take(p);
	return 0;
}

void route_patterns_free(struct route_patterns *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->patterns[i].text);
		free(p->patterns[i].parts);
	}
	free(p);
}

bool route_patterns_empty(const struct route_patterns *p)
{
	return p->n == 0;
}

static bool matches(const struct pattern *p, const struct route_path *path)
{
	bool rest = p->n && p->parts[p->n - 1].kind == PART_REST;
	size_t n = rest ? p->n - 1 : p->n;

	/* "/a/{x...}" is for "/a/" and all below it, not for "/a". */
	if (rest ? path->n < n || (path->n == n && !path->slash) :
		   path->n != n || path->slash != p->slash || path->more)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct route_segment *s = &path->segments[i];
		const struct part *part = &p->parts[i];

		if (part->kind == PART_TEXT &&
		    (s->unknown || s->len != part->len || memcmp(s->text, part->text, s->len) != 0))
			return false;
	}
	return true;
}

const char *route_patterns_match(const struct route_patterns *p, const struct route_path *path)
{
	if (path->form != ROUTE_PATH_SEGMENTS)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		if (matches(&p->patterns[i], path))
			return p->patterns[i].text;
	return NULL;
}
