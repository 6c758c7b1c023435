/* SPDX-License-Identifier: MIT */
/* Names a path: by the first configured pattern that matches, else by the heuristic, within
 * ROUTE_LENGTH_MAX. */
#include "metrics/route.h"

#include <string.h>

#include "base/util.h"
#include "metrics/route_name.h"
#include "metrics/route_path.h"
#include "metrics/route_patterns.h"

#define REST "/{rest}"
#define SEGMENTS_MAX 12

/* "/name" of a segment. */
static size_t name_of(const struct route_segment *s, char *to)
{
	const char *fixed = s->unknown ? "{id}" : s->invalid ? "{invalid}" : NULL;

	to[0] = '/';
	if (!fixed)
		return 1 + route_name_segment(s->text, s->len, to + 1);
	memcpy(to + 1, fixed, strlen(fixed));
	return 1 + strlen(fixed);
}

/* A segment may stand where {rest} still fits behind it, or if it is the last. So a route that
 * ends in {rest} is its own route. */
static bool fits(const struct route_path *path, size_t i, size_t used, size_t len)
{
	bool last = i + 1 == path->n && !path->more;
	size_t behind = last ? path->slash : strlen(REST);

	return (last || i < SEGMENTS_MAX) && used + len + behind <= ROUTE_LENGTH_MAX;
}

static int write_segments(const struct route_path *path, struct buf *out)
{
	char name[1 + ROUTE_NAME_BYTES_MAX];
	size_t used = 0;

	for (size_t i = 0; i < path->n; i++) {
		size_t len = name_of(&path->segments[i], name);

		if (!fits(path, i, used, len))
			return buf_add_str(out, REST);
		buf_add(out, name, len);
		used += len;
	}
	return path->slash ? buf_add_char(out, '/') : out->err;
}

static int write_route(const struct route_path *path, struct buf *out)
{
	switch (path->form) {
	case ROUTE_PATH_SEGMENTS: return write_segments(path, out);
	case ROUTE_PATH_ASTERISK: return buf_add_char(out, '*');
	case ROUTE_PATH_AUTHORITY: return buf_add_str(out, "{authority}");
	case ROUTE_PATH_INVALID: break;
	}
	return buf_add_str(out, "{invalid}");
}

int route_of(const struct route_patterns *p, const char *path, size_t len, bool cut,
	     struct buf *out)
{
	struct route_path parsed;
	const char *pattern;

	route_path_parse(path, len, cut, &parsed);
	pattern = p ? route_patterns_match(p, &parsed) : NULL;
	return pattern ? buf_add_str(out, pattern) : write_route(&parsed, out);
}

const char *route_configured(const struct route_patterns *p, const char *path, size_t len, bool cut)
{
	struct route_path parsed;

	if (!p || route_patterns_empty(p))
		return NULL;
	route_path_parse(path, len, cut, &parsed);
	return route_patterns_match(p, &parsed);
}
