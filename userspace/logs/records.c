/* SPDX-License-Identifier: MIT */
/*
 * Bytes become a clean line, and lines the text of a record; then it is closed, and given until it is taken. settle() does
 * what can be done without more bytes; it is called after each step, so that whatever stopped it goes on there.
 * Invariants: a record that is ready is given before anything is added to the text; every byte that was taken is in the text, in
 * the line, held back in clean, or was given.
 */
#include "logs/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logs/clean.h"
#include "logs/level.h"
#include "logs/record_rules.h"
#include "logs/traceback.h"

/* Of a text; masking may make it a little longer. */
#define TEXT_MAX (RECORD_MAX - 4096)
/* Buffers above it are not kept; nor are those above the other while nothing comes. */
#define KEPT_BYTES (64 * 1024)
#define REST_BYTES 1024

struct records {
	const struct record_rules *rules;
	record_fn fn;
	void *ctx;
	struct record_counts counts;
	struct clean clean;
	struct traceback traceback;
	uint64_t end; /* behind the bytes that were taken */

	struct buf line; /* that was not added to the text yet */
	bool line_open;  /* it has begun, even if it is empty so far */
	bool decided;    /* it is whole, or long enough: what follows is known */
	bool whole;
	bool begins;
	bool stamped;
	struct time_stamp stamp;
	uint64_t line_from, line_to;

	struct buf text;
	bool open;    /* the text is of a record that may go on */
	bool in_line; /* ... in the middle of its last line */
	bool goes_on; /* the text, or the next one, goes on with a record that was cut */
	size_t n_lines;
	size_t stamp_end;
	uint64_t from, to;
	int64_t time_ms, begun_ms, added_ms;
	bool has_time;
	enum record_level level;

	bool ready; /* to be given: */
	struct record out;
	struct buf masked[2];

	uint64_t join_from, join_to; /* these lines are one record */
	bool joining;                /* one of them had text */

	int64_t before_ms; /* the stamp before */
	bool stamps_seen, stamps_begin;
};

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

/* --- what a line is */

/* Whether each line is a record, but for tracebacks. */
static bool is_single(const struct records *r)
{
	if (r->rules->each_line)
		return true;
	if (r->rules->first_line)
		return false;
	return !r->rules->time || !r->stamps_seen;
}

static bool has_stamp_for_beginning(const struct records *r)
{
	const char c = *buf_str(&r->line);

	if (!r->stamped || r->stamp.from == 0)
		return r->stamped;
	return !r->stamps_begin && r->traceback.state != TRACEBACK_INSIDE && c != ' ' && c != '\t';
}

static void learn_stamp(struct records *r)
{
	if (!r->stamped)
		return;
	r->before_ms = r->stamp.ms;
	r->stamps_seen = true;
	r->stamps_begin |= r->stamp.from == 0;
}

/* A line of those that records_join() named: the first one with text begins, the others go on. */
static void decide_joined(struct records *r)
{
	r->begins = !r->joining;
	r->joining |= r->line.len != 0;
	if (r->begins) {
		learn_stamp(r);
		r->traceback.state = TRACEBACK_NONE;
	}
	(void)traceback_step(&r->traceback, buf_str(&r->line), r->line.len);
}

static bool is_joined(const struct records *r, uint64_t from)
{
	return from >= r->join_from && from < r->join_to;
}

static void decide(struct records *r, bool whole, int64_t now_ms)
{
	const struct record_rules *rules = r->rules;
	const char *line = buf_str(&r->line);
	const size_t n = r->line.len;

	r->decided = true;
	r->whole = whole;
	r->stamped = rules->time &&
		     time_format_read(rules->time, line, n, now_ms, r->before_ms, &r->stamp) == 0;
	if (is_joined(r, r->line_from)) {
		decide_joined(r);
		return;
	}
	if (rules->each_line)
		r->begins = true;
	else if (rules->first_line)
		r->begins = pattern_matches(rules->first_line, line, n);
	else
		r->begins = has_stamp_for_beginning(r);
	if (r->begins)
		learn_stamp(r);
	if (rules->each_line)
		return;
	if (r->begins)
		r->traceback.state = TRACEBACK_NONE;
	if (!traceback_step(&r->traceback, line, n) && is_single(r))
		r->begins = true;
}

/* --- giving */

static bool is_out_of_room(const struct records *r)
{
	return r->text.len + CLEAN_CHAR_MAX > TEXT_MAX;
}

static void drop_last_newlines(struct records *r)
{
	while (r->text.len && r->text.data[r->text.len - 1] == '\n') {
		r->text.data[--r->text.len] = '\0';
		r->counts.empty++;
	}
}

static enum record_level level_of(const struct records *r)
{
	const enum record_level level =
		r->goes_on ? r->level : level_of_line(buf_str(&r->text), r->text.len, r->stamp_end);

	if (level == RECORD_NO_LEVEL && r->traceback.type_len)
		return RECORD_ERROR;
	return level;
}

/* The record is over, or cut: makes it ready. Returns 0 or -ENOMEM (nothing changed). */
static int close_record(struct records *r, bool cut)
{
	struct buf *shown = &r->text;
	bool let;
	int err = 0;

	drop_last_newlines(r);
	if (r->text.len)
		err = record_rules_mask(r->rules, &r->text, r->masked, &shown);
	if (err == -ENOMEM)
		return err;
	let = r->text.len && record_rules_let(r->rules, r->text.data, r->text.len);
	r->counts.cut += err == -EFBIG || cut;
	r->level = level_of(r);
	r->out = (struct record){
		.text = buf_str(shown),
		.len = shown->len,
		.time_ms = r->time_ms,
		.has_time = r->has_time,
		.shipped = let,
		.level = r->level,
		.exception = r->traceback.type_len ? r->traceback.type : NULL,
		.exception_len = r->traceback.type_len,
		.from = r->from,
		.to = r->to,
	};
	if (is_joined(r, r->from) && !cut)
		r->traceback.state = TRACEBACK_NONE;
	r->open = false;
	r->ready = true;
	r->goes_on = cut || (r->goes_on && !r->text.len);
	return 0;
}

static void shrink(struct buf *b, size_t kept)
{
	buf_reset(b);
	if (b->size > kept)
		buf_done(b);
}

static void shrink_given(struct records *r, size_t kept)
{
	shrink(&r->text, kept);
	shrink(&r->masked[0], kept);
	shrink(&r->masked[1], kept);
}

static void count_given(struct records *r)
{
	struct record_counts *c = &r->counts;

	if (!r->out.len) {
		c->empty += r->n_lines != 0;
		return;
	}
	c->records++;
	c->filtered += !r->out.shipped;
	c->without_time += r->rules->time && !r->out.has_time;
}

static int give(struct records *r)
{
	int err = r->fn(&r->out, r->ctx);

	if (err)
		return err;
	count_given(r);
	r->ready = false;
	r->traceback.type_len = 0;
	shrink_given(r, KEPT_BYTES);
	return 0;
}

/* --- from line to text */

static void begin_text(struct records *r, int64_t now_ms)
{
	r->open = true;
	r->begun_ms = now_ms;
	if (r->begins)
		r->goes_on = false;
	if (r->goes_on)
		return; /* it has the time of what it goes on with */
	r->has_time = r->begins && r->stamped;
	r->time_ms = r->has_time ? r->stamp.ms : now_ms;
	r->stamp_end = r->has_time ? r->stamp.to : 0;
}

static int append_line(struct records *r)
{
	const size_t before = r->text.len;
	int err = buf_add_char(&r->text, '\n');

	if (!err)
		err = buf_add(&r->text, r->line.data, r->line.len);
	if (!err)
		return 0;
	r->text.len = before;
	r->text.err = 0;
	return err;
}

/* Adds the line to the text, of which it is the first one or a further one. */
static int adopt(struct records *r, int64_t now_ms)
{
	if (r->open) {
		int err = append_line(r);

		if (err)
			return err;
		r->n_lines++;
	} else {
		const struct buf text = r->text;

		r->text = r->line;
		r->line = text;
		r->from = r->line_from;
		r->n_lines = 1;
		begin_text(r, now_ms);
	}
	r->to = r->line_to;
	r->added_ms = now_ms;
	r->in_line = !r->whole;
	r->decided = r->line_open = false;
	buf_reset(&r->line);
	return 0;
}

static bool has_room_for_line(const struct records *r)
{
	return r->n_lines < RECORD_LINES_MAX &&
	       r->text.len + 1 + r->line.len + CLEAN_CHAR_MAX <= TEXT_MAX;
}

/* The rest of a line that was cut begins a text of its own. */
static void go_on_in_line(struct records *r, int64_t now_ms)
{
	r->open = true;
	r->from = r->to;
	r->n_lines = 0;
	r->begun_ms = r->added_ms = now_ms;
}

/* Whether nothing that comes can belong to the record. */
static bool nothing_more_belongs(const struct records *r)
{
	if (r->in_line)
		return false;
	if (r->text.len && is_joined(r, r->from))
		return r->to >= r->join_to;
	return !r->text.len || (is_single(r) && r->traceback.state == TRACEBACK_NONE);
}

static int settle(struct records *r, int64_t now_ms)
{
	int err = 0;

	while (!err) {
		if (r->ready)
			err = give(r);
		else if (r->in_line && !r->open)
			go_on_in_line(r, now_ms);
		else if (r->decided && r->open && (r->begins || !has_room_for_line(r)))
			err = close_record(r, !r->begins);
		else if (r->decided)
			err = adopt(r, now_ms);
		else if (r->in_line && is_out_of_room(r))
			err = close_record(r, true);
		else if (r->open && nothing_more_belongs(r))
			err = close_record(r, false);
		else
			break;
	}
	return err;
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
		decide(r, true, now_ms);
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
	err = clean_add(&r->clean, s, len, newline != NULL, r->in_line ? TEXT_MAX : RECORD_LOOK, b,
			ret_taken);
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
		decide(r, false, now_ms);
	return err;
}

int records_feed(struct records *r, const char *bytes, size_t n, uint64_t offset, int64_t now_ms,
		 size_t *ret_taken)
{
	size_t at = 0, taken;
	int err = settle(r, now_ms);

	r->end = offset;
	while (!err && at < n) {
		err = take_bytes(r, bytes + at, n - at, now_ms, &taken);
		at += taken;
		if (!err)
			err = settle(r, now_ms);
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

		err = clean_add(&r->clean, "", 0, true, TEXT_MAX, b, &taken);
		if (!err && !r->clean.n_held) {
			*(r->in_line ? &r->to : &r->line_to) = r->end;
			end_line(r, now_ms);
		}
		if (!err)
			err = settle(r, now_ms);
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
	int err = settle(r, now_ms);

	if (!err && at_end)
		err = finish_line(r, now_ms);
	if (err || !r->open || r->in_line || (!at_end && !has_waited(r, now_ms)))
		return err;
	err = close_record(r, !at_end && now_ms - r->added_ms < RECORD_WAIT_MS);
	return err ?: settle(r, now_ms);
}

int records_cut(struct records *r, int64_t now_ms)
{
	int err = settle(r, now_ms);

	if (err || !r->open || !r->text.len)
		return err;
	err = close_record(r, true);
	return err ?: settle(r, now_ms);
}

size_t records_rest(struct records *r)
{
	if (!r->line.len)
		shrink(&r->line, REST_BYTES);
	if (!r->ready && !r->text.len)
		shrink_given(r, REST_BYTES);
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
	shrink_given(r, KEPT_BYTES);
	shrink(&r->line, KEPT_BYTES);
}

const struct record_counts *records_counts(struct records *r)
{
	r->counts.invalid_utf8 = r->clean.invalid;
	r->counts.nul = r->clean.nul;
	return &r->counts;
}
