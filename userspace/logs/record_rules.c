/* SPDX-License-Identifier: MIT */
/* Invariant: what a mask matches is in no result; a text that would become too long loses its end. */
#include "logs/record_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logs/secrets.h"

static int explained(int err, const char *key, const char *value, const struct buf *text,
		     struct buf *why)
{
	if (err == -EINVAL)
		buf_printf(why, "%s = %s: %s", key, value, buf_str(text));
	return err;
}

static int pattern_add(const char *key, const char *expression, struct buf *why,
		       struct pattern **ret)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(512);

	return explained(pattern_new(expression, &text, ret), key, expression, &text, why);
}

static int patterns_add(const char *key, char *const *expressions, size_t n, struct buf *why,
			struct record_patterns *ret)
{
	int err = 0;

	for (; !err && ret->n < n; ret->n += !err)
		err = pattern_add(key, expressions[ret->n], why, &ret->list[ret->n]);
	return err;
}

static void patterns_done(struct record_patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		pattern_free(p->list[i]);
}

static int time_add(const struct config_log *c, struct buf *why, struct record_rules *r)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(512);
	int err;

	if (!*c->timestamp)
		return 0;
	err = time_format_new(c->timestamp, c->zone == CONFIG_LOG_UTC, &text, &r->time);
	return explained(err, "timestamp", c->timestamp, &text, why);
}

static void rules_freep(struct record_rules **r)
{
	record_rules_free(*r);
}

int record_rules_new(const struct config_log *c, struct buf *why, struct record_rules **ret)
{
	_cleanup_(rules_freep) struct record_rules *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->each_line = strcmp(c->first_line, "^") == 0;
	r->latin1 = c->encoding == CONFIG_LOG_LATIN1;
	r->mask_secrets = c->mask_secrets;
	err = time_add(c, why, r);
	if (!err && *c->first_line && !r->each_line)
		err = pattern_add("first_line", c->first_line, why, &r->first_line);
	if (!err)
		err = patterns_add("include", c->include, c->n_include, why, &r->include);
	if (!err)
		err = patterns_add("exclude", c->exclude, c->n_exclude, why, &r->exclude);
	if (!err)
		err = patterns_add("mask", c->mask, c->n_mask, why, &r->mask);
	if (err)
		return err;
	*ret = take(r);
	return 0;
}

void record_rules_free(struct record_rules *r)
{
	if (!r)
		return;
	time_format_free(r->time);
	pattern_free(r->first_line);
	patterns_done(&r->include);
	patterns_done(&r->exclude);
	patterns_done(&r->mask);
	free(r);
}

static bool one_matches(const struct record_patterns *p, const char *text, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (pattern_matches(p->list[i], text, n))
			return true;
	return false;
}

bool record_rules_let(const struct record_rules *r, const char *text, size_t n)
{
	if (r->include.n && !one_matches(&r->include, text, n))
		return false;
	return !one_matches(&r->exclude, text, n);
}

/* Which buffer the next result goes to. */
static struct buf *other(struct buf spare[2], const struct buf *now)
{
	struct buf *b = now == &spare[0] ? &spare[1] : &spare[0];

	buf_reset(b);
	return b;
}

/* At RECORD_MAX bytes, between two characters. */
static int cut_end(struct buf *text)
{
	size_t n = RECORD_MAX;

	if (text->len <= n)
		return 0;
	while (n && ((unsigned char)text->data[n] & 0xc0) == 0x80)
		n--;
	text->data[n] = '\0';
	text->len = n;
	return -EFBIG;
}

int record_rules_mask(const struct record_rules *r, struct buf *text, struct buf spare[2],
		      struct buf **ret)
{
	struct buf *now = text, *to;
	bool found = false;
	int err = 0, cut = 0;

	if (r->mask_secrets) {
		to = other(spare, now);
		err = secrets_mask(buf_str(now), now->len, to, &found);
		now = found ? to : now;
	}
	for (size_t i = 0; err != -ENOMEM && i < r->mask.n; i++) {
		cut = cut ?: err;
		to = other(spare, now);
		err = pattern_mask(r->mask.list[i], buf_str(now), now->len, to);
		now = to;
	}
	*ret = now;
	if (err == -ENOMEM)
		return err;
	return cut_end(now) ?: cut ?: err;
}
