/* SPDX-License-Identifier: MIT */
/* Inside records: what records.c and record_text.c know of each other. */
#ifndef ISAMON_RECORDS_IMPL_H
#define ISAMON_RECORDS_IMPL_H

#include "logs/clean.h"
#include "logs/record_rules.h"
#include "logs/records.h"
#include "logs/traceback.h"

/* Of a text; masking may make it a little longer. */
#define RECORD_TEXT_MAX (RECORD_MAX - 4096)
/* Buffers above it are not kept. */
#define RECORD_KEPT_BYTES (64 * 1024)

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

/* --- record_text.c: from a line to the text of a record, and to the record */

/* The line is @whole, or long enough: sees what it is. */
void records_decide(struct records *r, bool whole, int64_t now_ms);
/* Does what can be done without more bytes; is called after each step, so that whatever stopped it goes on there. Returns as
 * records_flush(). */
int records_settle(struct records *r, int64_t now_ms);
/* The record is over, or cut: makes it ready. Returns 0 or -ENOMEM (nothing changed). */
int records_close(struct records *r, bool cut);
/* Empties the buffer, and gives it back if it is larger than @kept. */
void records_shrink(struct buf *b, size_t kept);
/* The same for those of a record that was given. */
void records_shrink_given(struct records *r, size_t kept);

#endif
