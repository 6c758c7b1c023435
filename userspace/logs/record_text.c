/* SPDX-License-Identifier: MIT */
/*
 * Lines become the text of a record; then it is closed, and given until it is taken.
 * Invariant: a record that is ready is given before anything is added to the text.
 */
#include <errno.h>

#include "logs/level.h"
#include "logs/records_impl.h"

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

void records_decide(struct records *r, bool whole, int64_t now_ms)
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
	return r->text.len + CLEAN_CHAR_MAX > RECORD_TEXT_MAX;
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

int records_close(struct records *r, bool cut)
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

void records_shrink(struct buf *b, size_t kept)
{
	buf_reset(b);
	if (b->size > kept)
		buf_done(b);
}

void records_shrink_given(struct records *r, size_t kept)
{
	records_shrink(&r->text, kept);
	records_shrink(&r->masked[0], kept);
	records_shrink(&r->masked[1], kept);
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
	records_shrink_given(r, RECORD_KEPT_BYTES);
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
	       r->text.len + 1 + r->line.len + CLEAN_CHAR_MAX <= RECORD_TEXT_MAX;
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

int records_settle(struct records *r, int64_t now_ms)
{
	int err = 0;

	while (!err) {
		if (r->ready)
			err = give(r);
		else if (r->in_line && !r->open)
			go_on_in_line(r, now_ms);
		else if (r->decided && r->open && (r->begins || !has_room_for_line(r)))
			err = records_close(r, !r->begins);
		else if (r->decided)
			err = adopt(r, now_ms);
		else if (r->in_line && is_out_of_room(r))
			err = records_close(r, true);
		else if (r->open && nothing_more_belongs(r))
			err = records_close(r, false);
		else
			break;
	}
	return err;
}
