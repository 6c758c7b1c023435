/* SPDX-License-Identifier: MIT */
/* Reads journalctl's lines from a pipe, with memory for one of them. Invariant: queued are records that are over, and cursor is that of the last
 * entry before them and in them. */
#include "logs/journal_past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "logs/journal_records.h"

#define ARGUMENTS 12
#define END_BYTES (64u << 10) /* of one entry without its fields */

struct journal_past {
	struct child child;
	FILE *in;
	char *line;
	size_t room;
	struct buf message;
	struct journal_records *records;
	struct log_record *queued, **last;
	bool open_end, ended;
	char cursor[POSITION_CURSOR_MAX];
};

static int start(const char *unit, int64_t since_ms, uint64_t last, struct child *ret)
{
	char unit_option[512], since[48], lines[40];
	const char *argv[ARGUMENTS] = { "journalctl", "--output=json", "--no-pager", "--quiet" };
	size_t n = 4;

	if ((size_t)snprintf(unit_option, sizeof(unit_option), "--unit=%s", unit) >=
	    sizeof(unit_option))
		return -ENAMETOOLONG;
	argv[n++] = unit_option;
	if (since_ms != INT64_MIN) {
		snprintf(since, sizeof(since), "--since=@%lld", (long long)(since_ms / 1000));
		argv[n++] = since;
	}
	if (last) {
		snprintf(lines, sizeof(lines), "--lines=%llu", (unsigned long long)last);
		argv[n++] = lines;
	}
	argv[n] = NULL;
	return child_start(argv, false, ret);
}

static int last_cursor(struct buf *out, char ret_cursor[POSITION_CURSOR_MAX])
{
	_cleanup_(buf_done) struct buf message = BUF_INIT(JOURNAL_LINE_MAX);
	struct journal_entry e;
	const char *line = buf_str(out), *end = line + out->len, *newline;
	int err;

	for (; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
		err = journal_parse(line, (size_t)(newline - line), &message, &e);
		if (err == -ENOMEM)
			return err;
		if (err != -EPROTO)
			memcpy(ret_cursor, e.cursor, sizeof(e.cursor));
	}
	return 0;
}

int journal_past_end(const char *unit, char ret_cursor[POSITION_CURSOR_MAX])
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(END_BYTES);
	char unit_option[512];
	const char *argv[] = { "journalctl",
			       "--output=json",
			       "--output-fields=PRIORITY",
			       "--no-pager",
			       "--quiet",
			       "--lines=1",
			       unit_option,
			       NULL };
	int status;

	if ((size_t)snprintf(unit_option, sizeof(unit_option), "--unit=%s", unit) >=
	    sizeof(unit_option))
		return -ENAMETOOLONG;
	ret_cursor[0] = '\0';
	status = child_run(argv, JOURNAL_PAST_END_MS, &out);
	if (status)
		return status < 0 ? status : -EIO;
	return last_cursor(&out, ret_cursor);
}

static int on_record(const struct record *r, enum record_level level, const char *cursor, void *ctx)
{
	struct journal_past *j = ctx;
	struct log_record *l;

	if (r->shipped) {
		l = log_record_new(r->time_ms, level, r->text, r->len, r->exception,
				   r->exception ? r->exception_len : 0);
		if (!l)
			return -ENOMEM;
		*j->last = l;
		j->last = &l->next;
	}
	if (cursor)
		snprintf(j->cursor, sizeof(j->cursor), "%s", cursor);
	return 0;
}

int journal_past_open(const char *unit, const struct record_rules *rules, int64_t since_ms,
		      uint64_t last, bool open_end, struct journal_past **ret)
{
	struct journal_past *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	j->child = (struct child)CHILD_NONE;
	buf_init(&j->message, JOURNAL_LINE_MAX);
	j->last = &j->queued;
	j->open_end = open_end;
	err = journal_records_new(rules, on_record, j, &j->records);
	if (!err)
		err = start(unit, since_ms, last, &j->child);
	if (!err) {
		j->in = fdopen(j->child.fd, "re");
		if (j->in)
			j->child.fd = -1; /* the stream's */
		else
			err = -errno;
	}
	if (err) {
		journal_past_close(j);
		return err;
	}
	*ret = j;
	return 0;
}

static struct log_record *take_queued(struct journal_past *j)
{
	struct log_record *l = j->queued;

	if (l)
		j->queued = l->next;
	if (!j->queued)
		j->last = &j->queued;
	return l;
}

void journal_past_close(struct journal_past *j)
{
	if (!j)
		return;
	while (j->queued)
		free(take_queued(j));
	journal_records_free(j->records);
	if (j->in)
		fclose(j->in);
	child_end(&j->child);
	buf_done(&j->message);
	free(j->line);
	free(j);
}

/* Returns 0; 1: at the end; or -errno. */
static int add_entry(struct journal_past *j)
{
	struct journal_entry e;
	ssize_t n;
	int err;

	errno = 0;
	n = getline(&j->line, &j->room, j->in);
	if (n < 0)
		return errno ? -errno : 1;
	err = journal_parse(j->line, (size_t)n, &j->message, &e);
	if (err)
		return err == -ENOMEM ? err : 0;
	return journal_records_add(j->records, &e);
}

/* The last record may go on: with what was given before, whoever reads on finds it again. */
static int end_records(struct journal_past *j)
{
	const int64_t now_ms = (int64_t)(clock_realtime_ns() / 1000000);

	return records_flush(journal_records_of(j->records), now_ms, !j->open_end || !*j->cursor);
}

int journal_past_next(struct journal_past *j, struct log_record **ret)
{
	int err = 0;

	while (!j->queued && !j->ended && !err) {
		err = journal_records_has_line(j->records) ? journal_records_feed(j->records) :
							     add_entry(j);
		if (!err || err == -ENOMEM)
			continue;
		j->ended = true;
		child_end(&j->child);
		if (err == 1)
			err = end_records(j);
	}
	*ret = take_queued(j);
	return *ret ? 0 : err;
}

const char *journal_past_cursor(const struct journal_past *j)
{
	return j->cursor;
}
