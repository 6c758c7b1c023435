/* SPDX-License-Identifier: MIT */
/*
 * Formatting for people. Widths of characters come from wcwidth(), so the locale must have been set
 * (LC_CTYPE only: numbers keep their point) where UTF-8 is to be shown.
 */
#include "cmd/top_format.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"
#include "base/util.h"

#define ELLIPSIS_UTF8 "\xe2\x80\xa6"
#define ELLIPSIS_ASCII "..."

/* Three digits: as many decimals as fit in. */
static void three_digits(double v, const char *unit, char cell[static TOP_CELL_MAX])
{
	int decimals = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;

	snprintf(cell, TOP_CELL_MAX, "%.*f%s", decimals, v, unit);
}

void top_format_time(uint64_t ns, char cell[static TOP_CELL_MAX])
{
	double us = (double)ns / 1e3;

	if (us < 999.5)
		snprintf(cell, TOP_CELL_MAX, "%.0f us", us);
	else if (us < 999.5e3)
		three_digits(us / 1e3, " ms", cell);
	else
		three_digits(us / 1e6 < 99999 ? us / 1e6 : 99999, " s", cell);
}

void top_format_rate(double rate, char cell[static TOP_CELL_MAX])
{
	if (rate <= 0)
		snprintf(cell, TOP_CELL_MAX, "0");
	else if (rate < 9999.5)
		three_digits(rate, "", cell);
	else if (rate < 999.5e3)
		three_digits(rate / 1e3, "k", cell);
	else
		three_digits(rate / 1e6 < 99999 ? rate / 1e6 : 99999, "M", cell);
}

void top_format_bytes(uint64_t bytes, char cell[static TOP_CELL_MAX])
{
	static const char *const units[] = { "K", "M", "G", "T" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	while (v >= 999.5 && i < ARRAY_SIZE(units) - 1) {
		v /= 1024;
		i++;
	}
	three_digits(v < 99999 ? v : 99999, units[i], cell);
}

bool top_format_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* One character as it may be shown: its bytes, and its columns. */
struct shown {
	const char *bytes;
	size_t len;
	size_t columns;
};

/* Reads the character at @p, of @n > 0 bytes. Returns how many bytes of the text it stands for. */
static size_t next_shown(const char *p, size_t n, bool utf8, struct shown *ret)
{
	uint32_t c;
	size_t len = utf8_next(p, n, &c);
	int width = -1;

	if (len && utf8_is_plain(p, len) && (utf8 || c < 0x80))
		width = c < 0x80 ? 1 : wcwidth((wchar_t)c);
	*ret = width < 0 ? (struct shown){ "?", 1, 1 } : (struct shown){ p, len, (size_t)width };
	return len ? len : 1;
}

static size_t columns_of(const char *p, size_t n, bool utf8)
{
	size_t columns = 0, len;
	struct shown s;

	for (; n; p += len, n -= len) {
		len = next_shown(p, n, utf8, &s);
		columns += s.columns;
	}
	return columns;
}

/* Appends the characters that lie wholly in columns [from, to) of the text. Returns their columns. */
static size_t add_columns(const char *p, size_t n, bool utf8, size_t from, size_t to,
			  struct buf *out)
{
	size_t at = 0, used = 0, len;
	struct shown s;

	for (; n; p += len, n -= len) {
		len = next_shown(p, n, utf8, &s);
		if (at >= from && at + s.columns <= to) {
			buf_add(out, s.bytes, s.len);
			used += s.columns;
		}
		at += s.columns;
	}
	return used;
}

size_t top_format_text(const char *text, size_t columns, bool utf8, struct buf *out)
{
	const char *ellipsis = utf8 ? ELLIPSIS_UTF8 : ELLIPSIS_ASCII;
	size_t n = strlen(text), all = columns_of(text, n, utf8), gap = utf8 ? 1 : 3, left, right;

	if (all <= columns)
		return add_columns(text, n, utf8, 0, SIZE_MAX, out);
	if (columns <= gap)
		return add_columns(text, n, utf8, 0, columns, out);
	left = (columns - gap + 1) / 2;
	right = columns - gap - left;
	left = add_columns(text, n, utf8, 0, left, out);
	buf_add_str(out, ellipsis);
	return left + gap + add_columns(text, n, utf8, all - right, SIZE_MAX, out);
}

static const struct {
	const char *name;
	int width;
} columns[TOP_COLUMNS] = {
	[TOP_REQUESTS] = { "REQ/S", 6 }, [TOP_ERRORS] = { "ERR/S", 7 },
	[TOP_QUEUE] = { "QUEUE", 8 },    [TOP_P50] = { "P50", 8 },
	[TOP_P90] = { "P90", 8 },        [TOP_P99] = { "P99", 8 },
	[TOP_MAX] = { "MAX", 8 },
};

const char *top_column_name(enum top_column c)
{
	return columns[c].name;
}

int top_column_width(enum top_column c)
{
	return columns[c].width;
}

enum top_column top_sort_column(enum top_sort by)
{
	static const enum top_column by_order[] = {
		[TOP_SORT_REQUESTS] = TOP_REQUESTS, [TOP_SORT_ERRORS] = TOP_ERRORS,
		[TOP_SORT_QUEUE] = TOP_QUEUE,       [TOP_SORT_P50] = TOP_P50,
		[TOP_SORT_P99] = TOP_P99,           [TOP_SORT_MAX] = TOP_MAX,
	};

	return by_order[by];
}

unsigned int top_columns_shown(int columns_there, enum top_column sorted)
{
	static const enum top_column dispensable[] = { TOP_P90, TOP_MAX, TOP_P50, TOP_QUEUE,
						       TOP_ERRORS };
	unsigned int shown = (1u << TOP_COLUMNS) - 1;
	int left = columns_there - 2;

	for (unsigned int c = 0; c < TOP_COLUMNS; c++)
		left -= columns[c].width;
	for (size_t i = 0; i < ARRAY_SIZE(dispensable) && left < TOP_ROUTE_MIN; i++) {
		if (dispensable[i] == sorted)
			continue;
		shown &= ~(1u << dispensable[i]);
		left += columns[dispensable[i]].width;
	}
	return shown;
}

void top_format_cell(const struct top_row *r, enum top_column c, char cell[static TOP_CELL_MAX])
{
	const uint64_t times[TOP_COLUMNS] = {
		[TOP_QUEUE] = r->queue_p99_ns, [TOP_P50] = r->p50_ns, [TOP_P90] = r->p90_ns,
		[TOP_P99] = r->p99_ns,         [TOP_MAX] = r->max_ns,
	};

	if (c == TOP_REQUESTS)
		top_format_rate(r->requests_s, cell);
	else if (c == TOP_ERRORS)
		top_format_rate(r->errors_s, cell);
	else if (c == TOP_QUEUE ? r->queued > 0 : r->requests && r->max_ns)
		top_format_time(times[c], cell);
	else
		snprintf(cell, TOP_CELL_MAX, "-");
}

static void add_rate(struct buf *out, double rate, const char *what)
{
	char cell[TOP_CELL_MAX];

	top_format_rate(rate, cell);
	buf_printf(out, "  %s %s", cell, what);
}

static void add_time(struct buf *out, const char *what, uint64_t ns)
{
	char cell[TOP_CELL_MAX];

	top_format_time(ns, cell);
	buf_printf(out, " %s %s", what, cell);
}

void top_format_chat(const struct top_view *v, struct buf *out)
{
	const struct top_chat *c = &v->chat;

	buf_printf(out, "%llu WebSockets", (unsigned long long)v->sample->chat.open);
	add_rate(out, c->messages_in_s + c->messages_out_s, "msg/s");
	add_rate(out, c->turns_s, "turns/s");
	if (c->turns) {
		add_time(out, "p50", c->turn_p50_ns);
		add_time(out, "p99", c->turn_p99_ns);
	}
	add_rate(out, c->streams_s, "streams/s");
}
