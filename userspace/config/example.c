/* SPDX-License-Identifier: MIT */
/*
 * Line by line. What the example promises, and a test holds it to: a key is "#KEY = ..." at the beginning of a line of its section, and a section with a label is
 * `#[SECTION "LABEL"]` and its keys, each with a #, up to an empty line.
 */
#include "config/example.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

extern const char example_bytes[] __attribute__((visibility("hidden")));

/* clang-format off */
__asm__(".pushsection .rodata\n"
	".globl example_bytes\n"
	".hidden example_bytes\n"
	"example_bytes:\n"
	".incbin \"dist/isamon.conf\"\n"
	".byte 0\n"
	".popsection\n");
/* clang-format on */

struct line {
	const char *text;
	size_t n; /* without its end */
};

struct writing {
	const struct example_value *values;
	size_t n;
	bool *done;
	struct line section; /* the present one's name */
	struct line label;   /* text NULL: none */
	bool on;             /* a section with a label that is wanted */
	struct buf *out;
};

const char *example_text(void)
{
	return example_bytes;
}

static bool is_name(const char *name, const struct line *l)
{
	return strlen(name) == l->n && memcmp(name, l->text, l->n) == 0;
}

static bool is_here(const struct writing *w, const struct example_value *v)
{
	if (!w->section.text || !is_name(v->section, &w->section) || !v->label != !w->label.text)
		return false;
	return !v->label || is_name(v->label, &w->label);
}

static void add_line(struct writing *w, const char *text, size_t n)
{
	buf_add(w->out, text, n);
	buf_add_char(w->out, '\n');
}

static void add_value(struct writing *w, const struct example_value *v)
{
	if (v->comment)
		buf_printf(w->out, "# %s\n", v->comment);
	buf_printf(w->out, "%s = %s\n", v->key, v->value);
}

/* Writes what is given of the key @name. Returns whether there is any. */
static bool add_values(struct writing *w, const struct line *name)
{
	bool any = false;

	for (size_t i = 0; i < w->n; i++) {
		const struct example_value *v = &w->values[i];

		if (!v->key || !is_here(w, v) || !is_name(v->key, name))
			continue;
		if (!w->done[i])
			add_value(w, v);
		w->done[i] = any = true;
	}
	return any;
}

/* A key of [job "backup"] or the like that is not among those of its example. */
static void add_rest(struct writing *w)
{
	for (size_t i = 0; w->on && i < w->n; i++)
		if (w->values[i].key && !w->done[i] && is_here(w, &w->values[i])) {
			add_value(w, &w->values[i]);
			w->done[i] = true;
		}
	w->on = false;
}

/* [NAME], or [NAME "LABEL"]. */
static bool take_section(struct writing *w, const struct line *l)
{
	const char *end = l->text + l->n - 1, *quote;

	if (l->n < 3 || *l->text != '[' || *end != ']')
		return false;
	quote = memchr(l->text, '"', l->n);
	w->section.text = l->text + 1;
	w->section.n = (size_t)((quote ? quote - 1 : end) - w->section.text);
	w->label.text = quote ? quote + 1 : NULL;
	w->label.n = quote ? (size_t)(end - 1 - w->label.text) : 0;
	return true;
}

static void begin_section(struct writing *w, const struct line *l)
{
	const char *comment = NULL;

	for (size_t i = 0; i < w->n; i++)
		if (w->label.text && is_here(w, &w->values[i])) {
			w->on = true;
			if (!w->values[i].key) {
				w->done[i] = true;
				comment = w->values[i].comment;
			}
		}
	if (w->on && comment)
		buf_printf(w->out, "# %s\n", comment);
	add_line(w, l->text - (w->label.text && !w->on), l->n + (w->label.text && !w->on));
}

/* "KEY =" or "KEY = VALUE", which is what follows a # when it is one. */
static bool is_key(const struct line *l, struct line *ret_name)
{
	size_t n = 0;

	while (n < l->n && ((l->text[n] >= 'a' && l->text[n] <= 'z') || l->text[n] == '_' ||
			    (n && l->text[n] >= '0' && l->text[n] <= '9')))
		n++;
	*ret_name = (struct line){ l->text, n };
	return n && l->n >= n + 2 && memcmp(l->text + n, " =", 2) == 0;
}

static void take_line(struct writing *w, const struct line *l)
{
	const bool commented = l->n && *l->text == '#';
	struct line inner = { l->text + commented, l->n - commented }, name;

	if (!l->n)
		add_rest(w);
	if (take_section(w, &inner)) {
		begin_section(w, &inner);
		return;
	}
	if (!commented || !is_key(&inner, &name)) {
		add_line(w, l->text, l->n);
		return;
	}
	if (w->label.text && !w->on) {
		add_line(w, l->text, l->n);
		return;
	}
	if (w->on) {
		if (!add_values(w, &name))
			add_line(w, inner.text, inner.n);
		return;
	}
	/* Of those that may be repeated the example has several lines: the values come below the first. */
	add_line(w, l->text, l->n);
	add_values(w, &name);
}

static int check(const struct example_value *v)
{
	if ((v->value && strpbrk(v->value, "\r\n")) || (v->comment && strpbrk(v->comment, "\r\n")))
		return -EINVAL;
	return 0;
}

int example_with(const struct example_value *values, size_t n, struct buf *out)
{
	struct writing w = { .values = values, .n = n, .out = out };
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = check(&values[i]);
	if (err)
		return err;
	w.done = calloc(n ?: 1, sizeof(*w.done));
	if (!w.done)
		return -ENOMEM;
	for (const char *at = example_text(); *at;) {
		const struct line l = { at, strcspn(at, "\n") };

		take_line(&w, &l);
		at += l.n + (at[l.n] == '\n');
	}
	add_rest(&w);
	for (size_t i = 0; i < n && !err; i++)
		if (!w.done[i])
			err = -ENOENT;
	free(w.done);
	return err ?: out->err;
}
