/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a log to records: lines are cut, joined where one record has several (tracebacks), brought into UTF-8, filtered,
 * masked; their time, level and exception are read. The same for shipping and for `isamon logs tail`.
 *
 * A record is over with the first line of the next; or, because the next one may not come for hours, when nothing was added to it
 * for RECORD_WAIT_MS; or at RECORD_MAX bytes or RECORD_LINES_MAX lines, behind which another record goes on (told, counted).
 * What is not UTF-8 becomes U+FFFD, NUL too; both counted. An empty record is none (CloudWatch refuses it): counted.
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
	bool shipped; /* false: a filter keeps it back; its bytes count as done all the same */
	enum record_level level;
	const char *exception; /* the type that a traceback ends with, "ValueError"; NULL: none */
	size_t exception_len;
	uint64_t from, to; /* its bytes in the file, as was told to records_feed() */
};

struct record_counts {
	uint64_t lines, records, filtered, empty, cut, invalid_utf8, nul, without_time;
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
 * stopped it. At most RECORD_MAX bytes and a little are kept. Returns 0, what @fn returned, or -ENOMEM.
 */
int records_feed(struct records *r, const char *bytes, size_t n, uint64_t offset, int64_t now_ms,
		 size_t *ret_taken);
/* Gives what waits if it has waited long enough, or, @at_end, whatever there is (a line without newline, too). */
int records_flush(struct records *r, int64_t now_ms, bool at_end);
/* How many ms until records_flush() would give something; -1: nothing waits. */
int records_wait_ms(const struct records *r, int64_t now_ms);
/* Forgets what it has: the next bytes are fed from another offset. */
void records_reset(struct records *r);
const struct record_counts *records_counts(const struct records *r);

const char *record_level_name(enum record_level l); /* "error"; "none" */

#endif
