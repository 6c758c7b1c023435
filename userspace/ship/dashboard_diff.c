/* SPDX-License-Identifier: MIT */
/* Where two JSON texts differ, with the paths of the places. Depth is bounded by jansson's parser. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "ship/dashboard.h"

#define PATH_MAX_BYTES 4096
#define VALUE_MAX_BYTES 400

struct walk {
	dashboard_diff_fn fn;
	void *ctx;
	struct buf path;
	int n;
	int err;
};

static void walk_value(struct walk *w, const json_t *have, const json_t *want);

/* Fit for a terminal; what does not fit is cut, so that a line stays a line. */
static void add_short(const json_t *j, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4 << 20);
	char plain[VALUE_MAX_BYTES + 1];

	if (!j || json_add_text(j, JSON_COMPACT | JSON_REAL_PRECISION(15), &text))
		return;
	utf8_make_plain(buf_str(&text), text.len, plain, sizeof(plain));
	buf_add_str(out, plain);
	if (text.len > VALUE_MAX_BYTES)
		buf_add_str(out, "...");
}

static void tell(struct walk *w, const json_t *have, const json_t *want)
{
	_cleanup_(buf_done) struct buf before = BUF_INIT(VALUE_MAX_BYTES + 4);
	_cleanup_(buf_done) struct buf after = BUF_INIT(VALUE_MAX_BYTES + 4);

	w->n++;
	add_short(have, &before);
	add_short(want, &after);
	w->fn(w->path.len ? buf_str(&w->path) : "/", buf_str(&before), buf_str(&after), w->ctx);
}

static void path_cut(struct walk *w, size_t n)
{
	if (!w->path.data)
		return;
	w->path.len = n;
	w->path.data[n] = '\0';
}

/* With /@key or /@i behind the path meanwhile. */
static void walk_member(struct walk *w, const char *key, size_t i, const json_t *have,
			const json_t *want)
{
	size_t before = w->path.len;

	if (key)
		buf_printf(&w->path, "/%s", key);
	else
		buf_printf(&w->path, "/%zu", i);
	if (w->path.err == -ENOMEM)
		w->err = -ENOMEM;
	if (!w->path.err)
		walk_value(w, have, want);
	path_cut(w, before);
	if (w->path.err && !json_equal(have, want))
		tell(w, have, want); /* too long a path: at the place above */
	w->path.err = 0;
}

static void walk_objects(struct walk *w, const json_t *have, const json_t *want)
{
	/* (jansson's iterators take no const, and change nothing) */
	json_t *before = (json_t *)(uintptr_t)have, *after = (json_t *)(uintptr_t)want;
	void *at;

	for (at = json_object_iter(after); at; at = json_object_iter_next(after, at)) {
		const char *key = json_object_iter_key(at);

		walk_member(w, key, 0, json_object_get(have, key), json_object_iter_value(at));
	}
	for (at = json_object_iter(before); at; at = json_object_iter_next(before, at)) {
		const char *key = json_object_iter_key(at);

		if (!json_object_get(want, key))
			walk_member(w, key, 0, json_object_iter_value(at), NULL);
	}
}

static void walk_value(struct walk *w, const json_t *have, const json_t *want)
{
	size_t n = json_array_size(have), m = json_array_size(want);

	if (json_is_object(have) && json_is_object(want)) {
		walk_objects(w, have, want);
	} else if (json_is_array(have) && json_is_array(want)) {
		for (size_t i = 0; i < n || i < m; i++)
			walk_member(w, NULL, i, json_array_get(have, i), json_array_get(want, i));
	} else if (json_is_number(have) && json_is_number(want)) {
		if (json_number_value(have) != json_number_value(want))
			tell(w, have, want);
	} else if (!have || !want || !json_equal(have, want)) {
		tell(w, have, want);
	}
}

int dashboard_diff(const json_t *have, const json_t *want, dashboard_diff_fn fn, void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx, .path = BUF_INIT(PATH_MAX_BYTES) };

	walk_value(&w, have, want);
	buf_done(&w.path);
	return w.err ?: w.n;
}
