/* SPDX-License-Identifier: MIT */
/* Formats records. Invariant: no byte of a log reaches a terminal that was not looked at by utf8_is_plain(), or escaped by jansson. */
#include "cmd/logs_print.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/logs_cmd.h"

#define LINE_MAX_BYTES \
	(8u \
	 << 20) /* of a record that is formatted: 1 MB, six times as long if all of it is escaped */
#define RESET "\x1b[0m"
#define TERMINAL_LINE_MAX 4096

static const char *const source_colours[] = { "\x1b[36m", "\x1b[35m", "\x1b[34m",
					      "\x1b[32m", "\x1b[96m", "\x1b[95m" };
static const char *const level_colours[RECORD_LEVELS] = {
	[RECORD_DEBUG] = "\x1b[2m",
	[RECORD_WARNING] = "\x1b[33m",
	[RECORD_ERROR] = "\x1b[31m",
	[RECORD_CRITICAL] = "\x1b[1;31m",
};

void logs_printer_init(struct logs_printer *p, bool json, int source_width)
{
	p->json = json;
	p->colour = !json && logs_wants_colour(STDOUT_FILENO);
	p->ascii = isatty(STDOUT_FILENO);
	p->source_width = source_width;
	p->line_max = !json && p->ascii ? TERMINAL_LINE_MAX : 0;
}

static int add_plain_char(const char *s, size_t n, size_t *ret_len, struct buf *out)
{
	uint32_t c;

	*ret_len = utf8_next(s, n, &c);
	if (*ret_len && (c == '\t' || utf8_is_plain(s, *ret_len)))
		return buf_add(out, s, *ret_len);
	if (!*ret_len)
		*ret_len = 1;
	return buf_add_char(out, '?');
}

int logs_add_plain(const char *text, size_t n, struct buf *out)
{
	size_t len;

	if (utf8_is_plain(text, n))
		return buf_add(out, text, n);
	for (size_t i = 0; i < n && !out->err; i += len)
		add_plain_char(text + i, n - i, &len, out);
	return out->err;
}

int logs_columns(const char *text, size_t n)
{
	int columns = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = utf8_next(text + i, n - i, &c);
		int width = len ? wcwidth((wchar_t)c) : 1;

		columns += width >= 0 ? width : 1;
		i += len ? len : 1;
	}
	return columns;
}

static void add_source(const struct logs_printer *p, const struct logs_line *l, struct buf *out)
{
	size_t before;
	int columns;

	if (p->colour)
		buf_add_str(out, source_colours[l->colour % ARRAY_SIZE(source_colours)]);
	before = out->len;
	logs_add_plain(l->source, strlen(l->source), out);
	columns = out->err ? 0 : logs_columns(out->data + before, out->len - before);
	if (p->colour)
		buf_add_str(out, RESET);
	buf_printf(out, "%*s", columns < p->source_width ? p->source_width - columns + 2 : 2, "");
}

/* How much of it is shown: never a part of a character. */
static size_t cut(const struct logs_printer *p, const char *line, size_t n)
{
	size_t shown = p->line_max;

	if (!p->line_max || n <= p->line_max)
		return n;
	while (shown && ((unsigned char)line[shown] & 0xc0) == 0x80)
		shown--;
	return shown;
}

static int format_text(const struct logs_printer *p, const struct logs_line *l, struct buf *out)
{
	const char *colour = p->colour ? level_colours[l->level] : NULL;
	const char *at = l->text, *end = l->text + l->len;

	for (;;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t shown, n = (size_t)((newline ? newline : end) - at);

		if (n && at[n - 1] == '\r')
			n--;
		if (p->source_width && at == l->text)
			add_source(p, l, out);
		else if (p->source_width)
			buf_printf(out, "%*s", p->source_width + 2, "");
		if (colour)
			buf_add_str(out, colour);
		shown = cut(p, at, n);
		logs_add_plain(at, shown, out);
		if (colour)
			buf_add_str(out, RESET);
		if (shown < n)
			buf_printf(out, " [%zu more bytes; in a pipe the line is whole]",
				   n - shown);
		buf_add_char(out, '\n');
		if (!newline || out->err)
			return out->err;
		at = newline + 1;
	}
}

static json_t *time_json(int64_t time_ms)
{
	time_t s = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
	char date[40], text[64];
	struct tm tm;

	if (time_ms == LOGS_NO_TIME || !gmtime_r(&s, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(time_ms - (int64_t)s * 1000));
	return json_string(text);
}

static int format_json(const struct logs_printer *p, const struct logs_line *l, struct buf *out)
{
	_cleanup_(json_freep) json_t *o = json_object();
	size_t flags = JSON_COMPACT | (p->ascii ? JSON_ENSURE_ASCII : 0);
	int err = 0;

	err |= json_object_set_new(o, "time", time_json(l->time_ms));
	err |= json_object_set_new(o, "source", json_string(l->source));
	err |= json_object_set_new(o, "level",
				   l->level == RECORD_NO_LEVEL ?
					   json_null() :
					   json_string(record_level_name(l->level)));
	err |= json_object_set_new(o, "message", json_stringn(l->text, l->len));
	if (l->exception)
		err |= json_object_set_new(o, "exception",
					   json_stringn(l->exception, l->exception_len));
	if (err)
		return -ENOMEM;
	err = json_add_text(o, flags, out);
	return err ? err : buf_add_char(out, '\n');
}

int logs_format(const struct logs_printer *p, const struct logs_line *l, struct buf *out)
{
	return p->json ? format_json(p, l, out) : format_text(p, l, out);
}

int logs_print(const struct logs_printer *p, const struct logs_line *l)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(LINE_MAX_BYTES);
	int err = logs_format(p, l, &out);

	if (err)
		return err;
	errno = EIO;
	return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : -errno;
}
