/* SPDX-License-Identifier: MIT */
/*
 * A lane that reads a journal: each entry is a line, so that the rules of files (tracebacks, filters, masks) hold here, too. The
 * time of arrival is the entry's own. An entry of several lines is several lines.
 * Invariant: entries holds, in order, the cursors of all lines that were given to the records and not yet by them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "logs/log_push_impl.h"

static enum record_level level_of_priority(int priority)
{
	static const enum record_level levels[] = {
		RECORD_CRITICAL, RECORD_CRITICAL, RECORD_CRITICAL, RECORD_ERROR,
		RECORD_WARNING,  RECORD_INFO,     RECORD_INFO,     RECORD_DEBUG,
	};

	return priority >= 0 && priority < 8 ? levels[priority] : RECORD_NO_LEVEL;
}

static int on_record(const struct record *r, void *ctx)
{
	struct log_lane *l = ctx;
	struct lane_entry *e = STAILQ_FIRST(&l->entries);
	enum record_level level = r->level;
	int err;

	if (level == RECORD_NO_LEVEL && e)
		level = level_of_priority(e->priority);
	err = log_lane_take(l, r, level, l->journal_maybe > 0);
	if (err)
		return err;
	l->journal_maybe -= l->journal_maybe > 0;
	while ((e = STAILQ_FIRST(&l->entries)) && e->end <= r->to) {
		memcpy(log_lane_filling(l)->cursor, e->cursor, sizeof(e->cursor));
		STAILQ_REMOVE_HEAD(&l->entries, entry);
		free(e);
	}
	return 0;
}

static void on_ready(void *ctx)
{
	struct log_lane *l = ctx;

	l->journal_ready = true;
	log_push_soon(l->push);
}

int log_journal_open(struct log_lane *l, const struct position *known, size_t n, struct buf *why)
{
	struct journal_options o = {
		.unit = l->config->unit,
		.log = l->config->name,
		.cursor = l->cursor,
		.from_beginning = l->config->start == CONFIG_LOG_BEGINNING,
	};
	int err;

	for (size_t i = 0; i < n; i++) {
		if (known[i].id)
			continue;
		memcpy(l->cursor, known[i].cursor, sizeof(l->cursor));
		l->journal_maybe = known[i].under_way ? known[i].under_way_to : 0;
	}
	if (!child_find("journalctl", NULL)) {
		buf_add_str(why, "there is no journalctl on this system");
		return -ENOENT;
	}
	buf_init(&l->line, JOURNAL_LINE_MAX);
	err = records_new(l->rules, on_record, l, &l->journal_records);
	return err ? err : journal_new(l->push->base, &o, on_ready, l, &l->journal);
}

void log_journal_close(struct log_lane *l)
{
	struct lane_entry *e;

	journal_free(l->journal);
	records_free(l->journal_records);
	buf_done(&l->line);
	while ((e = STAILQ_FIRST(&l->entries))) {
		STAILQ_REMOVE_HEAD(&l->entries, entry);
		free(e);
	}
}

/* The entry becomes the present line. */
static int take_entry(struct log_lane *l, const struct journal_entry *e)
{
	struct lane_entry *kept = calloc(1, sizeof(*kept));

	buf_reset(&l->line);
	buf_add(&l->line, e->message, e->len);
	if (!kept || buf_add_char(&l->line, '\n')) {
		free(kept);
		buf_reset(&l->line);
		return -ENOMEM;
	}
	kept->end = l->journal_offset + l->line.len;
	kept->priority = e->priority;
	memcpy(kept->cursor, e->cursor, sizeof(kept->cursor));
	STAILQ_INSERT_TAIL(&l->entries, kept, entry);
	l->line_ms = e->time_ms;
	l->line_done = 0;
	return 0;
}

static int feed(struct log_lane *l)
{
	size_t taken = 0;
	int err = records_feed(l->journal_records, l->line.data + l->line_done,
			       l->line.len - l->line_done, l->journal_offset, l->line_ms, &taken);

	l->line_done += taken;
	l->journal_offset += taken;
	return err;
}

bool log_journal_fill(struct log_lane *l)
{
	const struct journal_entry *e;
	size_t bytes = 0;
	int err = 0;

	while (!err && bytes < LANE_TURN_BYTES) {
		if (l->line_done < l->line.len) {
			err = feed(l);
			continue;
		}
		e = l->journal_ready ? journal_next(l->journal) : NULL;
		if (!e) {
			l->journal_ready = false;
			(void)records_flush(l->journal_records, log_push_now_ms(l->push), false);
			return false;
		}
		bytes += e->len;
		err = take_entry(l, e);
		if (err) /* left out, for lack of memory */
			l->push->n[LOGS_LOST_BYTES] += l->count == COUNT_ONLY ? 0 : e->len;
	}
	return !err;
}

bool log_journal_waits(struct log_lane *l)
{
	return l->journal_records &&
	       records_wait_ms(l->journal_records, log_push_now_ms(l->push)) >= 0;
}
