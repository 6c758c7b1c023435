/* SPDX-License-Identifier: MIT */
/*
 * Routes by name and by path. What a path is, is looked up in the cache; it is named only if it is new.
 *
 * Invariant: a remembered path that is no route is asked again when there are more routes than when
 * it was remembered.
 */
#include "metrics/http_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define ROOM_FIRST 32

/* What a remembered path is: one of these, or FIRST_ROUTE + the index of its route. */
enum remembered {
	NOT_ASKED = 0,
	NO_ROUTE,
	NO_ROUTE_CONFIGURED, /* but a pattern matches: the cap kept it from being one */
	FIRST_ROUTE,
};

static void route_free(struct http_route *r)
{
	if (!r)
		return;
	sparse_histogram_done(&r->duration);
	sparse_histogram_done(&r->queue_fine);
	free(r->stream);
	free(r->websocket);
	free(r);
}

/* The name, and behind it the labels. */
static struct http_route *route_new(const char *name)
{
	_cleanup_(buf_done) struct buf labels = BUF_INIT(HTTP_LABELS_BYTES_MAX);
	size_t size = strlen(name) + 1;
	struct http_route *r;

	if (expo_label(&labels, "http_route", name))
		return NULL;
	r = calloc(1, sizeof(*r) + size + labels.len + 1);
	if (!r)
		return NULL;
	memcpy(r->name, name, size);
	memcpy(r->name + size, labels.data, labels.len);
	r->labels = r->name + size;
	return r;
}

static int grow(struct http_routes *s)
{
	size_t room = s->room ? s->room * 2 : ROOM_FIRST;
	struct http_route **all = realloc(s->all, room * sizeof(struct http_route *));

	if (!all)
		return -ENOMEM;
	s->all = all;
	s->room = room;
	return 0;
}

/* Returns NULL if there is no memory. */
static struct http_route *add(struct http_routes *s, const char *name)
{
	struct http_route *r;

	if (s->n == s->room && grow(s))
		return NULL;
	r = route_new(name);
	if (!r || table_put(s->by_name, name, strlen(name), r)) {
		route_free(r);
		return NULL;
	}
	r->index = (uint32_t)s->n;
	s->all[s->n++] = r;
	return r;
}

int http_routes_init(struct http_routes *s, struct route_patterns *patterns)
{
	route_cache_init(&s->cache);
	buf_init(&s->name, ROUTE_LENGTH_MAX + 1);
	s->patterns = patterns;
	s->by_name = table_new();
	return s->by_name && add(s, ROUTE_OTHER) ? 0 : -ENOMEM;
}

void http_routes_done(struct http_routes *s)
{
	for (size_t i = 0; i < s->n; i++)
		route_free(s->all[i]);
	free(s->all);
	table_free(s->by_name, NULL);
	route_patterns_free(s->patterns);
	buf_done(&s->name);
}

void http_routes_set_patterns(struct http_routes *s, struct route_patterns *patterns)
{
	route_patterns_free(s->patterns);
	s->patterns = patterns;
	route_cache_clear(&s->cache);
}

/* The name of a record's path, or NULL without memory; *ret_configured: a pattern matches it. */
static const char *name_path(struct http_routes *s, const struct http_record *r, bool cut,
			     bool *ret_configured)
{
	const char *pattern = route_configured(s->patterns, r->path, r->path_len, cut);

	*ret_configured = pattern != NULL;
	if (pattern)
		return pattern;
	buf_reset(&s->name);
	return route_of(NULL, r->path, r->path_len, cut, &s->name) ? NULL : buf_str(&s->name);
}

static struct route_cache_entry *cached(struct http_routes *s, const struct http_record *r)
{
	return route_cache_get(&s->cache, r->path, r->path_len, r->flags & HTTP_FLAG_PATH_CUT);
}

/* Brings what is remembered of a record's path up to date. */
static struct route_cache_entry *remember(struct http_routes *s, const struct http_record *r)
{
	struct route_cache_entry *e = cached(s, r);
	bool configured = false;
	struct http_route *route;
	const char *name;

	if (e->value >= FIRST_ROUTE || (e->value != NOT_ASKED && e->age == s->n))
		return e;
	name = name_path(s, r, r->flags & HTTP_FLAG_PATH_CUT, &configured);
	route = name ? table_get(s->by_name, name, strlen(name)) : NULL;
	e->age = (uint32_t)s->n;
	e->value = route ? FIRST_ROUTE + route->index : configured ? NO_ROUTE_CONFIGURED : NO_ROUTE;
	return e;
}

struct http_route *http_routes_find(struct http_routes *s, const struct http_record *r,
				    bool *ret_configured)
{
	const struct route_cache_entry *e = remember(s, r);

	*ret_configured = e->value == NO_ROUTE_CONFIGURED;
	return e->value >= FIRST_ROUTE ? s->all[e->value - FIRST_ROUTE] : NULL;
}

struct http_route *http_routes_make(struct http_routes *s, const struct http_record *r)
{
	bool configured;
	const char *name = name_path(s, r, r->flags & HTTP_FLAG_PATH_CUT, &configured);
	struct http_route *route = name ? add(s, name) : NULL;

	if (!route)
		return NULL;
	s->n_bare++;
	cached(s, r)->value = FIRST_ROUTE + route->index;
	return route;
}
