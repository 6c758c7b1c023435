/* SPDX-License-Identifier: MIT */
/*
 * The journal of a systemd unit, through journalctl as a child: its entries, one after the other, each with the cursor behind which
 * one goes on.
 *
 * An entry is read only when it is asked for, so that one that cannot be used now stays in the pipe, and journalctl waits. A
 * journalctl that ends is begun again behind the last entry that was given, slower and slower up to a minute; told once.
 * Facts: journalctl(1); systemd's JOURNAL_EXPORT_FORMATS, "Journal JSON Format": a field is a text, an array of bytes where it is no
 * UTF-8, null where it is too long, or an array of these where it is there several times.
 */
#ifndef ISAMON_JOURNAL_H
#define ISAMON_JOURNAL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/positions.h"

#define JOURNAL_LINE_MAX (8u << 20) /* of JSON; a longer entry is left out, and counted */

struct journal;

struct journal_entry {
	const char *message; /* without the newlines at its end */
	size_t len;
	int64_t time_ms; /* since the epoch */
	int priority;    /* of syslog(3); -1: it has none */
	char cursor[POSITION_CURSOR_MAX];
};

struct journal_options {
	const char *unit;
	const char *log;    /* for messages */
	const char *cursor; /* goes on behind it; "": at the end, or */
	bool from_beginning;
};

/* @ready: there may be an entry. Returns 0 or -ENOMEM; a journalctl that cannot be started is told and tried again. */
int journal_new(struct event_base *base, const struct journal_options *o, void (*ready)(void *ctx),
		void *ctx, struct journal **ret);
/* Ends the child, and waits for it. NULL is fine. */
void journal_free(struct journal *j);
/* The next entry, valid until the next call; NULL: none now, and @ready is called when there may be one. */
const struct journal_entry *journal_next(struct journal *j);
/* Entries that were left out. */
uint64_t journal_lost(const struct journal *j);

/* Reads one line of `journalctl -o json`. @message is where its text goes. Returns 0; -EPROTO: it is none; -ENODATA: it has
 * no message, or an empty one; the cursor is there all the same. */
int journal_parse(const char *line, size_t n, struct buf *message, struct journal_entry *ret);

#endif
