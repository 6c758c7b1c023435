/* SPDX-License-Identifier: MIT */
/*
 * The entries of a journal become records: each entry is a line, so that the rules of files (tracebacks, filters, masks) hold here,
 * too. An entry of several lines is one record. The time of arrival is the entry's own.
 */
#ifndef ISAMON_JOURNAL_RECORDS_H
#define ISAMON_JOURNAL_RECORDS_H

#include "logs/journal.h"
#include "logs/records.h"

struct journal_records;

/* @level: what the text says; if it says nothing, the priority of the record's first entry. @cursor: of the last entry that is done with
 * the record, valid during the call; NULL: none is. Returns as record_fn. */
typedef int (*journal_record_fn)(const struct record *r, enum record_level level,
				 const char *cursor, void *ctx);

/* Returns 0 or -ENOMEM. @rules must outlive it. */
int journal_records_new(const struct record_rules *rules, journal_record_fn fn, void *ctx,
			struct journal_records **ret);
void journal_records_free(struct journal_records *j);

/* Takes a copy of the entry, where journal_records_has_line() is false. Returns 0, or -ENOMEM: it is left out. */
int journal_records_add(struct journal_records *j, const struct journal_entry *e);
/* Whether there is something left for journal_records_feed(). */
bool journal_records_has_line(const struct journal_records *j);
/* Gives the entry that was added. Returns as records_feed(); what is left is for the next call. */
int journal_records_feed(struct journal_records *j);
/* For records_flush(), records_wait_ms() and records_counts(). */
struct records *journal_records_of(struct journal_records *j);

#endif
