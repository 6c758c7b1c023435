/* SPDX-License-Identifier: MIT */
/*
 * From a request's path to its route: the label http_route.
 *
 * Configured patterns come first, in their order: "/api/files/{session_id}" (a {name} stands
 * for one whole segment, a final {name...} for all the rest, nothing included). What none of
 * them matches goes by a heuristic: segments that are numbers, dates, UUIDs, hexadecimal, long
 * or random-looking tokens, e-mail addresses, or longer than 64 bytes become {id}; in the name
 * of a file only the part that looks so does ("app.3f2a9c1b.js" is "app.{id}.js"). Bytes that
 * are not text become {invalid}; what is beyond 12 segments or 128 bytes becomes {rest}.
 *
 * Before either, a path is made regular: percent-decoded (once) segment by segment, empty and
 * "." segments dropped, ".." taken back, parameters (";jsessionid=...") dropped, the trailing
 * slash kept, the authority of an absolute-form target dropped. "*" stays; a CONNECT's
 * "host:port" is {authority}; anything else without a leading slash is {invalid}.
 *
 * The route is always valid UTF-8 without control or invisible characters, at most
 * ROUTE_LENGTH_MAX bytes, and a route's own route by the heuristic is itself. A byte of a name
 * that would mean something else in a path (/ % ? # ;) stands percent-encoded in it.
 */
#ifndef ISAMON_ROUTE_H
#define ISAMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What a path with nothing usable in it, or one above the cap, is called. */
#define ROUTE_OTHER "other"

#define ROUTE_LENGTH_MAX 128

struct route_patterns;

/* Compiles @n patterns, which are written decoded and begin with a slash. On -EINVAL, *ret_bad
 * is the index of the one that is wrong, and *ret_why says (static text) what is wrong with it.
 * Caller frees. */
int route_patterns_new(char *const *patterns, size_t n, struct route_patterns **ret_patterns,
		       size_t *ret_bad, const char **ret_why);
void route_patterns_free(struct route_patterns *p);

/*
 * Appends the route of @path (@len raw bytes of a request target without its query) to @out.
 * @cut says that the path went on behind @len: its last segment is then taken for an
 * identifier. @p may be NULL: only the heuristic. Does not allocate but for @out. Returns 0 or
 * the buffer's error.
 */
int route_of(const struct route_patterns *p, const char *path, size_t len, bool cut,
	     struct buf *out);

/* The configured pattern that matches @path (then it is a route, whatever the status), or NULL.
 * Owned by @p. */
const char *route_configured(const struct route_patterns *p, const char *path, size_t len,
			     bool cut);

#endif
