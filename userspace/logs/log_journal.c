/* SPDX-License-Identifier: MIT */
/*
 * A lane that reads a journal. A log that starts at the journal's end remembers at once where that is: what comes before its first
 * entry has arrived must not be lost to a restart.
 * Invariant: the batch's cursor is that of the last entry of which the batch has all.
 */
#include <errno.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "logs/journal_past.h"
#include "logs/log_push_impl.h"

/* Instead of a cursor: the unit had no entry, so its journal is read from the beginning. No cursor of systemd's is like it. */
#define BEGINNING "-"

static int on_record(const struct record *r, enum record_level level, const char *cursor, void *ctx)
{
	struct log_lane *l = ctx;
	int err = log_lane_take(l, r, level, l->journal_maybe > 0);

	if (err)
		return err;
	l->journal_maybe -= l->journal_maybe > 0;
	if (cursor)
		memcpy(log_lane_filling(l)->cursor, cursor, strlen(cursor) + 1);
	return 0;
}

static void on_ready(void *ctx)
{
	struct log_lane *l = ctx;

	l->journal_ready = true;
	log_push_soon(l->push);
}

/* --- where it stands */

void log_journal_position(const struct log_lane *l, struct position *ret)
{
	*ret = (struct position){ .seen_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC) };
	memcpy(ret->log, l->key, sizeof(ret->log));
	memcpy(ret->cursor, l->cursor, sizeof(ret->cursor));
}

static void on_registered(int err, void *ctx)
{
	struct log_lane *l = ctx;

	if (err) /* told by the store */
		l->journal_known = false;
}

void log_journal_register(struct log_lane *l)
{
	struct position at;

	if (!l->journal || !*l->cursor || l->journal_known || l->state != LANE_IDLE ||
	    l->journal_maybe)
		return;
	log_journal_position(l, &at);
	l->journal_known = positions_put(l->push->positions, &at, 1, on_registered, l) == 0;
}

static void find_end(struct log_lane *l)
{
	int err = journal_past_end(l->config->unit, l->cursor);

	if (err)
		log_warning(
			"log \"%s\": the end of its journal is not known (%s); what is written to it"
			" between an end of isamon and its next start is left out until an entry has"
			" arrived",
			l->config->name, strerror(-err));
	else if (!*l->cursor)
		memcpy(l->cursor, BEGINNING, sizeof(BEGINNING));
}

int log_journal_open(struct log_lane *l, const struct position *known, size_t n, struct buf *why)
{
	struct journal_options o = {
		.unit = l->config->unit,
		.log = l->config->name,
		.cursor = l->cursor,
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
	l->journal_known = *l->cursor;
	if (!*l->cursor && l->config->start == CONFIG_LOG_END)
		find_end(l);
	if (strcmp(l->cursor, BEGINNING) == 0)
		o.cursor = "";
	o.from_beginning = !*o.cursor && (*l->cursor || l->config->start == CONFIG_LOG_BEGINNING);
	err = journal_records_new(l->rules, on_record, l, &l->journal_records);
	return err ? err : journal_new(l->push->base, &o, on_ready, l, &l->journal);
}

void log_journal_close(struct log_lane *l)
{
	journal_free(l->journal);
	journal_records_free(l->journal_records);
}

bool log_journal_fill(struct log_lane *l)
{
	const struct journal_entry *e;
	size_t bytes = 0;
	int err = 0;

	while (!err && bytes < LANE_TURN_BYTES) {
		if (journal_records_has_line(l->journal_records)) {
			err = journal_records_feed(l->journal_records);
			continue;
		}
		e = l->journal_ready ? journal_next(l->journal) : NULL;
		if (!e) {
			l->journal_ready = false;
			(void)records_flush(journal_records_of(l->journal_records),
					    log_push_now_ms(l->push), false);
			return false;
		}
		bytes += e->len;
		err = journal_records_add(l->journal_records, e);
		if (err) /* left out, for lack of memory */
			l->push->n[LOGS_LOST_BYTES] += l->count == COUNT_ONLY ? 0 : e->len;
	}
	return !err;
}

bool log_journal_waits(struct log_lane *l)
{
	return l->journal_records && records_wait_ms(journal_records_of(l->journal_records),
						     log_push_now_ms(l->push)) >= 0;
}
