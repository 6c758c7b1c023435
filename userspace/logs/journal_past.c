/* SPDX-License-Identifier: MIT */
/* Reads journalctl's lines from a pipe, with memory for one of them. */
#include "logs/journal_past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "logs/journal.h"

#define ARGUMENTS 12
#define END_BYTES (64u << 10) /* of one entry without its fields */

struct journal_past {
	struct child child;
	FILE *in;
	char *line;
	size_t room;
	struct buf message;
	char cursor[POSITION_CURSOR_MAX];
};

enum record_level journal_level(int priority)
{
	static const enum record_level levels[] = {
		RECORD_CRITICAL, RECORD_CRITICAL, RECORD_CRITICAL, RECORD_ERROR,
		RECORD_WARNING,  RECORD_INFO,     RECORD_INFO,     RECORD_DEBUG,
	};

	return priority >= 0 && priority < (int)ARRAY_SIZE(levels) ? levels[priority] :
								     RECORD_NO_LEVEL;
}

static const char *priority_of(enum record_level least)
{
	switch (least) {
	case RECORD_CRITICAL: return "--priority=crit";
	case RECORD_ERROR: return "--priority=err";
	case RECORD_WARNING: return "--priority=warning";
	case RECORD_INFO: return "--priority=info";
	default: return "--priority=debug";
	}
}

static int start(const char *unit, int64_t since_ms, uint64_t last, enum record_level least,
		 struct child *ret)
{
	char unit_option[512], since[48], lines[40];
	const char *argv[ARGUMENTS] = { "journalctl", "--output=json", "--no-pager", "--quiet" };
	size_t n = 4;

	if ((size_t)snprintf(unit_option, sizeof(unit_option), "--unit=%s", unit) >=
	    sizeof(unit_option))
		return -ENAMETOOLONG;
	argv[n++] = unit_option;
	argv[n++] = priority_of(least);
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

int journal_past_open(const char *unit, int64_t since_ms, uint64_t last, enum record_level least,
		      struct journal_past **ret)
{
	struct journal_past *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	j->child = (struct child)CHILD_NONE;
	buf_init(&j->message, JOURNAL_LINE_MAX);
	err = start(unit, since_ms, last, least, &j->child);
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

void journal_past_close(struct journal_past *j)
{
	if (!j)
		return;
	if (j->in)
		fclose(j->in);
	child_end(&j->child);
	buf_done(&j->message);
	free(j->line);
	free(j);
}

int journal_past_next(struct journal_past *j, struct log_record **ret)
{
	struct journal_entry e = { .priority = -1 };
	ssize_t n;
	int err;

	*ret = NULL;
	for (;;) {
		errno = 0;
		n = getline(&j->line, &j->room, j->in);
		if (n < 0) {
			err = -errno;
			child_end(&j->child);
			return err;
		}
		err = journal_parse(j->line, (size_t)n, &j->message, &e);
		if (err == -ENOMEM)
			return err;
		if (err != -EPROTO)
			snprintf(j->cursor, sizeof(j->cursor), "%s", e.cursor);
		if (!err)
			break;
	}
	*ret = log_record_new(e.time_ms, journal_level(e.priority), e.message, e.len, NULL, 0);
	return *ret ? 0 : -ENOMEM;
}

const char *journal_past_cursor(const struct journal_past *j)
{
	return j->cursor;
}
