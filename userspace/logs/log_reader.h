/* SPDX-License-Identifier: MIT */
/*
 * The records that a log has now, the oldest first: of the file that is written, and of those that were rotated away from it. For
 * whoever looks, not for shipping: nothing is remembered, and only what is asked for is read.
 *
 * The files are opened at once, so that a rotation meanwhile takes nothing away. A record without a time has that of the record before
 * it; where none came before, that of the first behind it; where there is none, that of the last write to the file.
 */
#ifndef ISAMON_LOG_READER_H
#define ISAMON_LOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logs/follow_names.h"
#include "logs/records.h"

struct log_reader;

struct log_record {
	struct log_record *next;
	int64_t time_ms; /* since the epoch */
	enum record_level level;
	size_t len;
	size_t exception_len; /* 0: none */
	const char *text;     /* behind it, as the exception */
	const char *exception;
};

/* Copies the texts. NULL: no memory. */
struct log_record *log_record_new(int64_t time_ms, enum record_level level, const char *text,
				  size_t len, const char *exception, size_t exception_len);

/*
 * @names: those of one live name, which it goes through; whatever is older than @since_ms as a whole is left out (INT64_MIN:
 * all are in). Returns 0; -ENOENT: none is there; -ENOMEM; another -errno: of the live one, or of all. @refused is called for each file that
 * cannot be read.
 */
int log_reader_new(const struct record_rules *rules, const struct follow_name *const *names,
		   size_t n, int64_t since_ms, int64_t now_ms,
		   void (*refused)(const char *path, int err, void *ctx), void *ctx,
		   struct log_reader **ret);
void log_reader_free(struct log_reader *r);

/* Goes to where @since_ms may be. Records that are older may come first. Returns 0 or -errno. */
int log_reader_find(struct log_reader *r, int64_t since_ms);
/* Goes to @bytes before the end, or a little more, not counting what is compressed; *ret_all: there is nothing before. Returns 0 or -errno. */
int log_reader_back(struct log_reader *r, uint64_t bytes, bool *ret_all);

/*
 * @open_end: what may go on, the last record of a file that was written to within the last RECORD_WAIT_MS, is not given;
 * log_reader_end() says where it begins. Otherwise it is, also if its line has no end yet.
 */
void log_reader_set_open_end(struct log_reader *r, bool open_end);

/* The next record, which the caller frees; NULL at the end. Returns 0 or -errno; then it goes on with the next file. */
int log_reader_next(struct log_reader *r, struct log_record **ret);

struct log_end {
	int fd; /* of the file that is written, the reader's */
	const char *path;
	uint64_t device, inode;
	uint64_t offset; /* what is before was given */
};
/* Where it stands, at the end. Returns 0, or -ENOENT: the live file is not there. */
int log_reader_end(const struct log_reader *r, struct log_end *ret);

#endif
