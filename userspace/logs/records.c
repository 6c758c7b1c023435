/* SPDX-License-Identifier: MIT */
/*
 * Bytes become a clean line, from which record_text.c makes records.
 * Invariant: every byte that was taken is in the text, in the line, held back in clean, or was given.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logs/records_impl.h"

/* Buffers above it are not kept while nothing comes. */
#define REST_BYTES 1024

int records_new(const struct record_rules *rules, record_fn fn, void *ctx, struct records **ret)
{
	struct records *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->rules = rules;
	r->fn = fn;
	r->ctx = ctx;
	r->clean.latin1 = rules->latin1;
	r->before_ms = TIME_STAMP_NONE;
	buf_init(&r->line, RECORD_MAX);
	buf_init(&r->text, RECORD_MAX);
	buf_init(&r->masked[0], 2 * RECORD_MAX);
	buf_init(&r->masked[1], 2 * RECORD_MAX);
	*ret = r;
	return 0;
}

void records_free(struct records *r)
{
	if (!r)
		return;
	buf_done(&r->line);
	buf_done(&r->text);
	buf_done(&r->masked[0]);
	buf_done(&r->masked[1]);
	free(r);
}

/* --- bytes */

static void end_line(struct records *r, int64_t now_ms)
{
	struct buf *b = r->in_line ? &r->text : &r->line;

	r->counts.lines++;
	if (b->len && b->data[b->len - 1] == '\r')
		b->data[--b->len] = '\0';
	if (r->in_line)
		r->in_line = false;
	else
		records_decide(r, true, now_ms);
}

/* Takes bytes until the line ends, or as many as there is room for. */
static int take_bytes(struct records *r, const char *s, size_t n, int64_t now_ms, size_t *ret_taken)
{
	const char *newline = memchr(s, '\n', n);
	const size_t len = newline ? (size_t)(newline - s) : n;
	struct buf *b = r->in_line ? &r->text : &r->line;
	bool ended;
	int err;

	if (!r->in_line && !r->line_open) {
		r->line_open = true;
		r->line_from = r->end;
	}
	err = clean_add(&r->clean, s, len, newline != NULL,
			r->in_line ? RECORD_TEXT_MAX : RECORD_LOOK, b, ret_taken);
	ended = !err && newline && *ret_taken == len && !r->clean.n_held;
	*ret_taken += ended;
	r->end += *ret_taken;
	if (r->in_line) {
		r->to = r->end - r->clean.n_held;
		r->added_ms = now_ms;
	} else {
		r->line_to = r->end - r->clean.n_held;
	}
	if (ended)
		end_line(r, now_ms);
	else if (!r->in_line && b->len + CLEAN_CHAR_MAX > RECORD_LOOK)
		records_decide(r, false, now_ms);
	return err;
}

int records_feed(struct records *r, const char *bytes, size_t n, uint64_t offset, int64_t now_ms,
		 size_t *ret_taken)
{
	size_t at = 0, taken;
	int err = records_settle(r, now_ms);

	r->end = offset;
	while (!err && at < n) {
		err = take_bytes(r, bytes + at, n - at, now_ms, &taken);
		at += taken;
		if (!err)
			err = records_settle(r, now_ms);
	}
	*ret_taken = at;
	return err;
}

void records_join(struct records *r, uint64_t from, uint64_t to)
{
	r->join_from = from;
	r->join_to = to;
	r->joining = false;
}

/* The file is over: so is its last line. */
static int finish_line(struct records *r, int64_t now_ms)
{
	int err = 0;

	while (!err && (r->line_open || r->in_line) && !r->decided) {
		struct buf *b = r->in_line ? &r->text : &r->line;
		size_t taken;

		err = clean_add(&r->clean, "", 0, true, RECORD_TEXT_MAX, b, &taken);
		if (!err && !r->clean.n_held) {
			*(r->in_line ? &r->to : &r->line_to) = r->end;
			end_line(r, now_ms);
		}
		if (!err)
			err = records_settle(r, now_ms);
	}
	return err;
}

static bool has_waited(struct records *r, int64_t now_ms)
{
	/* the clock was set back */
	if (now_ms < r->added_ms)
		r->added_ms = now_ms;
	if (now_ms < r->begun_ms)
		r->begun_ms = now_ms;
	return now_ms - r->added_ms >= RECORD_WAIT_MS || now_ms - r->begun_ms >= RECORD_AGE_MS;
}

int records_flush(struct records *r, int64_t now_ms, bool at_end)
{
	int err = records_settle(r, now_ms);

	if (!err && at_end)
		err = finish_line(r, now_ms);
	if (err || !r->open || r->in_line || (!at_end && !has_waited(r, now_ms)))
		return err;
	err = records_close(r, !at_end && now_ms - r->added_ms < RECORD_WAIT_MS);
	return err ?: records_settle(r, now_ms);
}

int records_cut(struct records *r, int64_t now_ms)
{
	int err = records_settle(r, now_ms);

	if (err || !r->open || !r->text.len)
		return err;
	err = records_close(r, true);
	return err ?: records_settle(r, now_ms);
}

size_t records_rest(struct records *r)
{
	if (!r->line.len)
		records_shrink(&r->line, REST_BYTES);
	if (!r->ready && !r->text.len)
		records_shrink_given(r, REST_BYTES);
	return r->line.size + r->text.size + r->masked[0].size + r->masked[1].size;
}

int records_wait_ms(const struct records *r, int64_t now_ms)
{
	int64_t left, age_left;

	if (r->ready || r->decided)
		return 0;
	if (!r->open || r->in_line)
		return -1;
	left = r->added_ms + RECORD_WAIT_MS - now_ms;
	age_left = r->begun_ms + RECORD_AGE_MS - now_ms;
	if (age_left < left)
		left = age_left;
	return left < 0 ? 0 : left > RECORD_WAIT_MS ? RECORD_WAIT_MS : (int)left;
}

void records_reset(struct records *r)
{
	r->ready = r->open = r->in_line = r->goes_on = r->decided = r->line_open = false;
	r->traceback = (struct traceback){ .state = TRACEBACK_NONE };
	r->join_from = r->join_to = 0;
	r->clean.n_held = 0;
	records_shrink_given(r, RECORD_KEPT_BYTES);
	records_shrink(&r->line, RECORD_KEPT_BYTES);
}

const struct record_counts *records_counts(struct records *r)
{
	r->counts.invalid_utf8 = r->clean.invalid;
	r->counts.nul = r->clean.nul;
	return &r->counts;
}
