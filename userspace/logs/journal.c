/* SPDX-License-Identifier: MIT */
/*
 * journalctl as a child. Invariant: at most one line of it and a piece of the next are in memory; what comes behind is in the pipe,
 * and there journalctl waits.
 */
#include "logs/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/json.h"
#include "base/log.h"
#include "base/number.h"

#define PIECE_BYTES (16u << 10)
#define AGAIN_MAX_MS 60000u

struct journal {
	struct event_base *base;
	const char *unit, *log;
	bool from_beginning;
	char cursor[POSITION_CURSOR_MAX]; /* of the last entry that was given */
	void (*ready)(void *ctx);
	void *ctx;
	struct event *readable, *timer;
	struct child child;
	bool ended;     /* at the end of the pipe */
	bool caught_up; /* what there was without --follow was read */
	bool following;
	struct buf text;
	size_t at;    /* of the text, the next line */
	bool passing; /* over the rest of a line that is too long */
	struct buf message;
	struct journal_entry entry;
	unsigned int again_ms;
	uint64_t lost;
	bool said;
};

/* --- an entry */

static int add_bytes(const json_t *list, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		const json_int_t byte = json_integer_value(value);

		if (!json_is_integer(value) || byte < 0 || byte > 255)
			return -EPROTO;
		buf_add_char(out, (char)byte);
	}
	return out->err;
}

static int add_message(const json_t *value, struct buf *out)
{
	if (json_is_array(value) && !json_is_integer(json_array_get(value, 0)))
		value = json_array_get(value, 0); /* of several, the first */
	if (json_is_array(value))
		return add_bytes(value, out);
	if (json_is_string(value))
		return buf_add(out, json_string_value(value), json_string_length(value));
	return 0;
}

int journal_parse(const char *line, size_t n, struct buf *message, struct journal_entry *ret)
{
	_cleanup_(json_freep) json_t *root = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
	const char *cursor = json_member_text(root, "__CURSOR", "");
	uint64_t us, priority;
	int err;

	buf_reset(message);
	if (!json_is_object(root) || !*cursor || strlen(cursor) >= sizeof(ret->cursor) ||
	    number_parse_u64(json_member_text(root, "__REALTIME_TIMESTAMP", ""), 0, INT64_MAX, &us))
		return -EPROTO;
	*ret = (struct journal_entry){ .time_ms = (int64_t)(us / 1000), .priority = -1 };
	snprintf(ret->cursor, sizeof(ret->cursor), "%s", cursor);
	if (!number_parse_u64(json_member_text(root, "PRIORITY", ""), 0, 7, &priority))
		ret->priority = (int)priority;
	err = add_message(json_object_get(root, "MESSAGE"), message);
	if (err)
		return err == -ENOMEM ? err : -EPROTO;
	while (message->len && message->data[message->len - 1] == '\n')
		message->data[--message->len] = '\0';
	ret->message = buf_str(message);
	ret->len = message->len;
	return ret->len ? 0 : -ENODATA;
}

/* --- the child */

static void plan_again(struct journal *j)
{
	const struct timeval in = { j->again_ms / 1000, j->again_ms % 1000 * 1000 };

	event_add(j->timer, &in);
	j->again_ms = j->again_ms * 2 < AGAIN_MAX_MS ? j->again_ms * 2 : AGAIN_MAX_MS;
}

/* --follow shows the present boot's entries only: what comes before is read without it. */
static int spawn(struct journal *j)
{
	char unit[512], from[POSITION_CURSOR_MAX + 32];
	const char *argv[10] = { "journalctl", "--output=json", "--all", "--no-pager", "--quiet" };
	size_t n = 5;

	snprintf(unit, sizeof(unit), "--unit=%s", j->unit);
	argv[n++] = unit;
	if (*j->cursor)
		snprintf(from, sizeof(from), "--after-cursor=%s", j->cursor);
	else
		snprintf(from, sizeof(from), "--lines=%s", j->from_beginning ? "all" : "0");
	argv[n++] = from;
	j->following = j->caught_up || (!*j->cursor && !j->from_beginning);
	if (j->following)
		argv[n++] = "--follow";
	if (j->following && *j->cursor)
		argv[n++] = "--no-tail";
	return child_start(argv, false, &j->child);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct journal *j = ctx;

	(void)fd;
	(void)what;
	j->ready(j->ctx);
}

static int begin(struct journal *j)
{
	int err = spawn(j);

	if (!err && fcntl(j->child.fd, F_SETFL, O_NONBLOCK))
		err = -errno;
	j->ended = false;
	if (!err)
		j->readable = event_new(j->base, j->child.fd, EV_READ, on_readable, j);
	if (!err && (!j->readable || event_add(j->readable, NULL)))
		err = -ENOMEM;
	return err;
}

static void end(struct journal *j)
{
	if (j->readable)
		event_free(j->readable);
	j->readable = NULL;
	child_end(&j->child);
	buf_reset(&j->text);
	j->at = 0;
	j->passing = false;
}

static void begin_or_wait(struct journal *j)
{
	int err = begin(j);

	if (!err)
		return;
	end(j);
	if (!j->said)
		log_warning("log \"%s\": cannot start journalctl: %s; it is tried again", j->log,
			    strerror(-err));
	j->said = true;
	plan_again(j);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	begin_or_wait(ctx);
}

static void has_ended(struct journal *j)
{
	const bool went_on = !j->following && !j->caught_up;

	end(j);
	j->caught_up = went_on;
	if (went_on) {
		begin_or_wait(j);
		return;
	}
	if (!j->said)
		log_warning(
			"log \"%s\": journalctl --unit=%s has ended; it is begun again behind the last"
			" entry that it gave: is there a journal that isamon may read?",
			j->log, j->unit);
	j->said = true;
	plan_again(j);
}

/* --- reading */

/* Makes room behind what is left of the text, and reads into it. Returns whether there was something. */
static bool read_piece(struct journal *j)
{
	char piece[PIECE_BYTES];
	ssize_t n;

	if (j->at) {
		j->text.len -= j->at;
		memmove(j->text.data, j->text.data + j->at, j->text.len + 1);
		j->at = 0;
	}
	do
		n = read(j->child.fd, piece, sizeof(piece));
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		j->ended = true;
	if (n <= 0)
		return false;
	if (buf_add(&j->text, piece, (size_t)n)) { /* too long, or there is no memory */
		j->lost += !j->passing;
		j->passing = true;
		buf_reset(&j->text);
		buf_add(&j->text, piece, (size_t)n);
	}
	return true;
}

/* The next whole line of the text, of which the rest of one that was too long is none. */
static const char *next_line(struct journal *j, size_t *ret_len)
{
	for (;;) {
		const char *line = j->text.len ? j->text.data + j->at : "";
		const char *newline = memchr(line, '\n', j->text.len - j->at);
		const bool passed = j->passing;

		if (!newline)
			return NULL;
		*ret_len = (size_t)(newline - line);
		j->at += *ret_len + 1;
		j->passing = false;
		if (!passed)
			return line;
	}
}

const struct journal_entry *journal_next(struct journal *j)
{
	const char *line;
	size_t n;
	int err;

	while (j->child.fd >= 0) {
		line = next_line(j, &n);
		if (!line && j->ended)
			has_ended(j);
		else if (!line && !read_piece(j) && !j->ended)
			event_add(j->readable, NULL);
		else if (!line)
			continue;
		if (!line)
			return NULL;
		err = journal_parse(line, n, &j->message, &j->entry);
		j->lost += err && err != -ENODATA;
		if (err)
			continue;
		memcpy(j->cursor, j->entry.cursor, sizeof(j->cursor));
		j->again_ms = 1000;
		j->said = false;
		return &j->entry;
	}
	return NULL;
}

uint64_t journal_lost(const struct journal *j)
{
	return j->lost;
}

/* --- new and free */

int journal_new(struct event_base *base, const struct journal_options *o, void (*ready)(void *ctx),
		void *ctx, struct journal **ret)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	*j = (struct journal){
		.base = base,
		.unit = o->unit,
		.log = o->log,
		.from_beginning = o->from_beginning,
		.ready = ready,
		.ctx = ctx,
		.child = CHILD_NONE,
		.again_ms = 1000,
		.text = BUF_INIT(JOURNAL_LINE_MAX),
		.message = BUF_INIT(JOURNAL_LINE_MAX),
	};
	snprintf(j->cursor, sizeof(j->cursor), "%s", o->cursor);
	j->timer = event_new(base, -1, 0, on_timer, j);
	if (!j->timer) {
		journal_free(j);
		return -ENOMEM;
	}
	begin_or_wait(j);
	*ret = j;
	return 0;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	end(j);
	if (j->timer)
		event_free(j->timer);
	buf_done(&j->text);
	buf_done(&j->message);
	free(j);
}
