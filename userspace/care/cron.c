/* SPDX-License-Identifier: MIT */
/* Reads a schedule. Invariant: of what is taken each field has one value at least, and some day of some year is in it. */
#include "care/cron.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define BLANKS " \t"
#define PIECE_MAX 80
#define FORMS "write five fields (minute hour day month weekday), such as 0 2 * * *, or @daily"

struct field {
	const char *what;
	unsigned int min, max; /* as it may be written */
	const char *names;     /* of three letters each, from min on; NULL */
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS };

static const struct field fields[N_FIELDS] = {
	[MINUTE] = { "minute", 0, 59, NULL },
	[HOUR] = { "hour", 0, 23, NULL },
	[DAY] = { "day of the month", 1, 31, NULL },
	[MONTH] = { "month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
	[WEEKDAY] = { "day of the week", 0, 7, "sunmontuewedthufrisat" },
};

struct values {
	uint64_t bits;
	bool star;   /* one of the list has a * */
	bool starts; /* the first one has */
};

static int refuse(struct buf *why, const struct field *f, const char *piece, const char *problem)
{
	buf_printf(why, "%s %.*s: %s", f->what, PIECE_MAX, piece, problem);
	return -EINVAL;
}

static int out_of_range(struct buf *why, const struct field *f, const char *piece)
{
	char problem[96];

	snprintf(problem, sizeof(problem), "not there; write %u to %u%s%s", f->min, f->max,
		 f->names ? ", or a name such as " : "",
		 f->names ? (f->max == 7 ? "MON" : "JAN") : "");
	return refuse(why, f, piece, problem);
}

/* A number without sign. */
static bool read_number(const char **at, unsigned int *ret)
{
	const char *s = *at;
	unsigned int v = 0;

	while (isdigit((unsigned char)*s) && v < 1000)
		v = v * 10 + (unsigned int)(*s++ - '0');
	if (s == *at || isdigit((unsigned char)*s))
		return false;
	*at = s;
	*ret = v;
	return true;
}

static bool read_value(const struct field *f, const char **at, unsigned int *ret)
{
	if (read_number(at, ret))
		return *ret >= f->min && *ret <= f->max;
	for (unsigned int i = 0; f->names && f->names[3 * (size_t)i]; i++) {
		if (strncasecmp(*at, f->names + 3 * (size_t)i, 3) != 0)
			continue;
		*at += 3;
		*ret = f->min + i;
		return true;
	}
	return false;
}

/* "a-b", "a", "*": what stands before a step. */
static int read_range(const struct field *f, const char *piece, const char **at, unsigned int *from,
		      unsigned int *to, struct buf *why)
{
	const char *last;

	if (**at == '*') {
		++*at;
		*from = f->min;
		*to = f->max == 7 ? 6 : f->max;
		return 0;
	}
	if (!read_value(f, at, from))
		return out_of_range(why, f, piece);
	*to = *from;
	if (**at != '-') {
		if (**at == '/')
			return refuse(why, f, piece,
				      "a step wants a range; write */N, or FROM-TO/N");
		return 0;
	}
	last = ++*at;
	if (!read_value(f, at, to))
		return out_of_range(why, f, piece);
	/* Behind a day Sunday is the last of the week. */
	if (f->max == 7 && *to == 0 && *from > 0 && isalpha((unsigned char)*last))
		*to = 7;
	if (*to < *from)
		return refuse(
			why, f, piece,
			"ends before it begins; write the smaller first, or two ranges by comma");
	return 0;
}

static int read_piece(const struct field *f, const char *piece, struct values *v, struct buf *why)
{
	unsigned int from = 0, to = 0, step = 1;
	const char *at = piece;
	int err;

	v->star |= *at == '*';
	err = read_range(f, piece, &at, &from, &to, why);
	if (err)
		return err;
	if (*at == '/') {
		at++;
		if (!read_number(&at, &step) || step < 1 || step > f->max)
			return refuse(why, f, piece, "not a step; write a number from 1 on");
	}
	if (*at)
		return refuse(why, f, piece,
			      "not understood; write a number, a range FROM-TO, a step */N, or a "
			      "list of these by comma");
	for (; from <= to; from += step)
		v->bits |= 1ull << (f->max == 7 && from == 7 ? 0 : from);
	return 0;
}

static int read_field(const struct field *f, const char *text, size_t len, struct values *v,
		      struct buf *why)
{
	const char *end = text + len;

	*v = (struct values){ .starts = *text == '*' };
	for (;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const size_t n = (size_t)((comma ?: end) - text);
		char piece[PIECE_MAX];
		int err;

		if (!n || n >= sizeof(piece))
			return refuse(
				why, f, n ? text : "",
				"not understood; write values and ranges with single commas between");
		memcpy(piece, text, n);
		piece[n] = '\0';
		err = read_piece(f, piece, v, why);
		if (err)
			return err;
		if (!comma)
			return 0;
		text = comma + 1;
	}
}

/* NULL: there is no such name. */
static const char *expand(const char *name)
{
	static const struct {
		const char *name, *fields;
	} known[] = {
		{ "@yearly", "0 0 1 1 *" },  { "@annually", "0 0 1 1 *" },
		{ "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
		{ "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
		{ "@hourly", "0 * * * *" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasecmp(name, known[i].name) == 0)
			return known[i].fields;
	return NULL;
}

/* Some day of the months, in a leap year. */
static bool has_day(const struct cron *c)
{
	static const unsigned char lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	for (unsigned int m = 1; m <= 12; m++)
		if (c->months & 1u << m && c->days & ((2ull << lengths[m - 1]) - 2))
			return true;
	return c->either;
}

static int put_together(const struct values v[static N_FIELDS], struct buf *why, struct cron *ret)
{
	const struct cron c = {
		.minutes = v[MINUTE].bits,
		.hours = (uint32_t)v[HOUR].bits,
		.days = (uint32_t)v[DAY].bits,
		.months = (uint16_t)v[MONTH].bits,
		.weekdays = (uint8_t)v[WEEKDAY].bits,
		.either = !v[DAY].starts && !v[WEEKDAY].starts,
		.any_minute = v[MINUTE].star,
		.any_hour = v[HOUR].star,
	};

	if (!has_day(&c)) {
		buf_add_str(
			why,
			"none of its months has such a day, so it would never come; write a day "
			"that there is");
		return -EINVAL;
	}
	*ret = c;
	return 0;
}

static int read_fields(const char *text, struct buf *why, struct cron *ret)
{
	struct values v[N_FIELDS] = { 0 };
	const char *at = text;
	size_t n = 0;
	int err = 0;

	for (; !err && n < N_FIELDS; n++) {
		size_t len;

		at += strspn(at, BLANKS);
		len = strcspn(at, BLANKS);
		if (!len)
			break;
		err = read_field(&fields[n], at, len, &v[n], why);
		at += len;
	}
	if (err)
		return err;
	at += strspn(at, BLANKS);
	if (n == N_FIELDS && !*at)
		return put_together(v, why, ret);
	buf_printf(why, "%s; " FORMS,
		   *at ? "there is more than five fields" : "fields are missing");
	return -EINVAL;
}

int cron_parse(const char *text, struct buf *why, struct cron *ret)
{
	char name[16];
	size_t len;

	text += strspn(text, BLANKS);
	if (*text != '@') {
		if (strlen(text) <= CRON_TEXT_MAX)
			return read_fields(text, why, ret);
		buf_printf(why, "longer than any schedule; " FORMS);
		return -EINVAL;
	}
	len = strcspn(text, BLANKS);
	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name)), text);
	if (len < sizeof(name) && !text[len + strspn(text + len, BLANKS)] && expand(name))
		return read_fields(expand(name), why, ret);
	buf_add_str(why, "not a name of a schedule; write @hourly, @daily, @weekly, @monthly or "
			 "@yearly, or five fields");
	return -EINVAL;
}
