/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a log to records: lines are cut, joined where one record has several (tracebacks), brought into UTF-8, filtered,
 * masked; their time, level and exception are read. The same for shipping and for `isamon logs tail`.
 *
 * Which line begins a record:
 * - with first_line, one that it matches; with first_line = ^, each;
 * - with timestamp only, one with a time stamp at its beginning; or, in a log where none ever stood there, within its first 64 bytes,
 *   unless the line is indented or in the middle of a traceback. Before the first stamp was seen each line is a record;
 * - with neither, each that is not a further line of a Python traceback (traceback.h).
 * The lines that records_join() names are one record, whatever they look like.
 * A record is over with the first line of the next; or, because the next one may not come for hours, when nothing was added to it
 * for RECORD_WAIT_MS, or RECORD_AGE_MS after its beginning; or at RECORD_MAX bytes or RECORD_LINES_MAX lines. Behind the last three another
 * record goes on, with the time and the level of the first; counted as cut. A line is over with its newline only (a CR before it is
 * none of it; others are text), or at RECORD_MAX bytes, between two characters. Of a line longer than RECORD_LOOK
 * only so much is looked at to see what it is; a secret that a cut falls into may not be seen.
 * What is not UTF-8 becomes U+FFFD, NUL too; both counted. An empty line inside a record belongs to it; others are dropped (CloudWatch refuses
 * empty events) and counted, those at the end of a record, too. A traceback that says no level is an error.
 */
#ifndef ISAMON_RECORDS_H
#define ISAMON_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/log.h"

#define RECORD_MAX \
	(1048576 - 26) /* bytes of an event of PutLogEvents, without what it costs besides */
#define RECORD_LINES_MAX 10000
#define RECORD_WAIT_MS 1000
#define RECORD_AGE_MS 10000
#define RECORD_LOOK 4096

enum record_level {
	RECORD_NO_LEVEL,
	RECORD_DEBUG,
	RECORD_INFO,
	RECORD_WARNING,
	RECORD_ERROR,
	RECORD_CRITICAL,
	RECORD_LEVELS,
};

struct record {
	const char *text; /* UTF-8, without the last newline; valid during the call only */
	size_t len;
	int64_t time_ms; /* since the epoch; of arrival if it has none of its own */
	bool has_time;
	/* false: a filter keeps it back, or it is empty; its bytes count as done all the same */
	bool shipped;
	enum record_level level;
	const char *exception; /* the type that a traceback ends with, "ValueError"; NULL: none */
	size_t exception_len;
	/* Its bytes in the file, as was told to records_feed(). Each begins where the one before ended. */
	uint64_t from, to;
};

struct record_counts {
	uint64_t lines;
	uint64_t records; /* with text; of these: */
	uint64_t filtered, without_time /* though the log has time stamps */;
	uint64_t empty; /* lines that were dropped */
	uint64_t
		cut; /* records that go on in another, or lost their end because masking made them too long */
	uint64_t invalid_utf8, nul; /* U+FFFD that were written for these */
};

/* Everything that a [log] section says of records, compiled; shared by its files. */
struct record_rules;
/* Returns 0; -EINVAL, explained in @why with the key; -ENOMEM. @c must outlive it. */
int record_rules_new(const struct config_log *c, struct buf *why, struct record_rules **ret);
void record_rules_free(struct record_rules *r);

struct records;
/* Returns 0 to go on; anything else stops the feeding and is returned: the record was not taken and comes again. */
typedef int (*record_fn)(const struct record *r, void *ctx);

int records_new(const struct record_rules *rules, record_fn fn, void *ctx, struct records **ret);
void records_free(struct records *r);
/*
 * Takes @n bytes that stand at @offset of the file (right behind those before). *ret_taken: how many were taken, all unless @fn
 * stopped it or there was no memory; go on with the others. A record that @fn did not take is kept, and given again first. At most 6 MiB are
 * kept, and 64 KiB when all was given. Returns 0, what @fn returned, or -ENOMEM.
 */
int records_feed(struct records *r, const char *bytes, size_t n, uint64_t offset, int64_t now_ms,
		 size_t *ret_taken);
/*
 * The lines of [@from, @to), whole ones, which are fed next, are one record: nothing before them belongs to it, and nothing behind
 * them. They are cut as others are, at RECORD_MAX or RECORD_LINES_MAX.
 */
void records_join(struct records *r, uint64_t from, uint64_t to);
/* As records_feed() without bytes. Gives what waits if it has waited long enough, or, @at_end, whatever there is (a line without newline, too). */
int records_flush(struct records *r, int64_t now_ms, bool at_end);
/* The record that waits for more is given as if it were too long, and goes on in another: for want of memory. Returns as records_flush(). */
int records_cut(struct records *r, int64_t now_ms);
/* Gives back buffers that have nothing in them. Returns how many bytes of memory the others have. */
size_t records_rest(struct records *r);
/* How many ms until records_flush() would give something; -1: nothing waits. */
int records_wait_ms(const struct records *r, int64_t now_ms);
/* Forgets what it has: the next bytes are fed from another offset. */
void records_reset(struct records *r);
const struct record_counts *records_counts(struct records *r);

const char *record_level_name(enum record_level l); /* "error"; "none" */

#endif
