/* SPDX-License-Identifier: MIT */
/* Entries become lines of a text that has no end. Invariant: entries holds, in order, the cursors of all lines that were given to the
 * records and not yet by them. */
#include "logs/journal_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* An entry whose line the records have. */
struct entry {
	STAILQ_ENTRY(entry) entry;
	uint64_t end; /* of its line */
	int priority;
	char cursor[POSITION_CURSOR_MAX];
};

STAILQ_HEAD(entries, entry);

struct journal_records {
	struct records *records;
	journal_record_fn fn;
	void *ctx;
	struct entries entries;
	uint64_t offset; /* of what the records have not taken */
	struct buf line; /* the present one */
	size_t done;     /* of it, that the records took */
	int64_t line_ms;
};

/* The level of a priority of syslog(3), which may be -1. */
static enum record_level level_of_priority(int priority)
{
	static const enum record_level levels[] = {
		RECORD_CRITICAL, RECORD_CRITICAL, RECORD_CRITICAL, RECORD_ERROR,
		RECORD_WARNING,  RECORD_INFO,     RECORD_INFO,     RECORD_DEBUG,
	};

	return priority >= 0 && priority < (int)ARRAY_SIZE(levels) ? levels[priority] :
								     RECORD_NO_LEVEL;
}

static void forget_first(struct journal_records *j)
{
	struct entry *e = STAILQ_FIRST(&j->entries);

	STAILQ_REMOVE_HEAD(&j->entries, entry);
	free(e);
}

static int on_record(const struct record *r, void *ctx)
{
	struct journal_records *j = ctx;
	const struct entry *e = STAILQ_FIRST(&j->entries);
	enum record_level level = r->level;
	const char *cursor = NULL;
	int err;

	if (level == RECORD_NO_LEVEL && e)
		level = level_of_priority(e->priority);
	for (; e && e->end <= r->to; e = STAILQ_NEXT(e, entry))
		cursor = e->cursor;
	err = j->fn(r, level, cursor, j->ctx);
	if (err)
		return err;
	while ((e = STAILQ_FIRST(&j->entries)) && e->end <= r->to)
		forget_first(j);
	return 0;
}

int journal_records_new(const struct record_rules *rules, journal_record_fn fn, void *ctx,
			struct journal_records **ret)
{
	struct journal_records *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->fn = fn;
	j->ctx = ctx;
	buf_init(&j->line, JOURNAL_LINE_MAX + 1);
	STAILQ_INIT(&j->entries);
	if (records_new(rules, on_record, j, &j->records)) {
		free(j);
		return -ENOMEM;
	}
	*ret = j;
	return 0;
}

void journal_records_free(struct journal_records *j)
{
	if (!j)
		return;
	records_free(j->records);
	buf_done(&j->line);
	while (!STAILQ_EMPTY(&j->entries))
		forget_first(j);
	free(j);
}

int journal_records_add(struct journal_records *j, const struct journal_entry *e)
{
	struct entry *kept = calloc(1, sizeof(*kept));

	buf_reset(&j->line);
	j->done = 0;
	buf_add(&j->line, e->message, e->len);
	if (!kept || buf_add_char(&j->line, '\n')) {
		free(kept);
		buf_reset(&j->line);
		return -ENOMEM;
	}
	kept->end = j->offset + j->line.len;
	kept->priority = e->priority;
	memcpy(kept->cursor, e->cursor, sizeof(kept->cursor));
	STAILQ_INSERT_TAIL(&j->entries, kept, entry);
	if (memchr(e->message, '\n', e->len))
		records_join(j->records, j->offset, kept->end);
	j->line_ms = e->time_ms;
	return 0;
}

bool journal_records_has_line(const struct journal_records *j)
{
	return j->done < j->line.len;
}

int journal_records_feed(struct journal_records *j)
{
	size_t taken = 0;
	int err = records_feed(j->records, j->line.data + j->done, j->line.len - j->done, j->offset,
			       j->line_ms, &taken);

	j->done += taken;
	j->offset += taken;
	return err;
}

struct records *journal_records_of(struct journal_records *j)
{
	return j->records;
}
