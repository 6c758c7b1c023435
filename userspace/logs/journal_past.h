/* SPDX-License-Identifier: MIT */
/* What the journal has of a systemd unit, the oldest first, as records by the rules of its log: journalctl(1) as a child, read to its
 * end. Blocks. */
#ifndef ISAMON_JOURNAL_PAST_H
#define ISAMON_JOURNAL_PAST_H

#include "logs/log_reader.h"
#include "store/positions.h"

#define JOURNAL_PAST_END_MS 5000

struct journal_past;

/* @rules must outlive it. @since_ms: INT64_MIN: not bounded. @last: at most the last so many entries; 0: all. @open_end: the last record,
 * if it may go on, is not given. Returns 0; -ENOENT: there is no journalctl here; another -errno. */
int journal_past_open(const char *unit, const struct record_rules *rules, int64_t since_ms,
		      uint64_t last, bool open_end, struct journal_past **ret);
/* Ends the child. NULL is fine. */
void journal_past_close(struct journal_past *j);

/* The next record, which the caller frees; NULL at the end. Returns 0 or -errno. */
int journal_past_next(struct journal_past *j, struct log_record **ret);
/* Behind what was given; "" if nothing was. */
const char *journal_past_cursor(const struct journal_past *j);

/* Where it ends now: the cursor of its last entry, "" if it has none. Takes up to JOURNAL_PAST_END_MS. Returns 0; -ENOENT: there is no
 * journalctl here; -EIO: it failed (the journal may not be read); another -errno. */
int journal_past_end(const char *unit, char ret_cursor[POSITION_CURSOR_MAX]);

#endif
