/* SPDX-License-Identifier: MIT */
/*
 * A format is compiled into steps, one byte each. Reading runs them over the line at each place where
 * the first of them may begin.
 * Invariant: no step looks behind the end of the line; the fields of a stamp that was read are all in range.
 */
#include "logs/time_format.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logs/time_stamp.h"
#include "logs/time_zone.h"

#define STEPS_MAX 128
#define MS 1000

/* Steps are the conversions' letters, or these. */
enum { STEP_END = 0, STEP_LITERAL = 1 /* and the byte */, STEP_SPACE = 2 };

struct time_format {
	struct time_zone zone;
	bool utc;
	size_t n;
	char steps[STEPS_MAX];
	bool begins[256]; /* which bytes a stamp may begin with */
};

/* --- compiling */

/* What stands for several others. */
static const char *expansion(char c)
{
	switch (c) {
	case 'T':
	case 'X': return "%H:%M:%S";
	case 'R': return "%H:%M";
	case 'D':
	case 'x': return "%m/%d/%y";
	case 'F': return "%Y-%m-%d";
	case 'r': return "%I:%M:%S %p";
	case 'c': return "%a %b %e %H:%M:%S %Y";
	default: return NULL;
	}
}

/* Those that mean the same. */
static char canonical(char c)
{
	switch (c) {
	case 'h':
	case 'B': return 'b';
	case 'A': return 'a';
	case 'e': return 'd';
	case 'k': return 'H';
	case 'l': return 'I';
	case 'P': return 'p';
	case 'n':
	case 't': return STEP_SPACE;
	default: return c;
	}
}

static bool step_add(struct time_format *f, char step)
{
	if (f->n + 2 >= STEPS_MAX)
		return false;
	f->steps[f->n++] = step;
	return true;
}

static bool literal_add(struct time_format *f, char c)
{
	if (isspace((unsigned char)c))
		return step_add(f, STEP_SPACE);
	return step_add(f, STEP_LITERAL) && step_add(f, c);
}

/* The '.' or ',' of a fraction belongs to it, and may be either. */
static void fraction_take_separator(struct time_format *f)
{
	if (f->n >= 2 && f->steps[f->n - 2] == STEP_LITERAL &&
	    (f->steps[f->n - 1] == '.' || f->steps[f->n - 1] == ','))
		f->n -= 2;
}

static int format_compile(struct time_format *f, const char *format, struct buf *why)
{
	static const char too_long[] = "too long; write a shorter one";
	int err = 0;

	for (const char *at = format; *at && !err; at++) {
		const char *more = *at == '%' ? expansion(at[1]) : NULL;

		if (*at != '%') {
			if (!literal_add(f, *at))
				return buf_add_str(why, too_long) ?: -EINVAL;
			continue;
		}
		at++;
		if (more) {
			err = format_compile(f, more, why);
			continue;
		}
		if (!*at)
			return buf_add_str(why, "ends with a single %; write %% for a %") ?:
											    -EINVAL;
		if (!strchr("YymbhBdejHkIlMSfpPaAzsnt%", *at))
			return buf_printf(why, "%%%c is not known; write one of %%Y %%y %%m %%b %%d %%j %%H %%I %%p %%M %%S %%f %%z %%s %%a", *at) ?:
				       -EINVAL;
		if (*at == 'f')
			fraction_take_separator(f);
		if (!(*at == '%' ? literal_add(f, '%') : step_add(f, canonical(*at))))
			return buf_add_str(why, too_long) ?: -EINVAL;
	}
	return err;
}

/* Whether the step is among them, not as a literal. */
static bool has_step(const struct time_format *f, char step)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->steps[i] == step)
			return true;
		i += f->steps[i] == STEP_LITERAL;
	}
	return false;
}

static int check(const struct time_format *f, struct buf *why)
{
	if (has_step(f, 'I') != has_step(f, 'p'))
		return buf_add_str(why, "%I and %p go together; write both, or %H") ?: -EINVAL;
	if (!has_step(f, 'H') && !has_step(f, 'I') && !has_step(f, 's'))
		return buf_add_str(why, "has no hour; write %H, %I with %p, or %s") ?: -EINVAL;
	if (f->steps[0] == STEP_SPACE)
		return buf_add_str(why, "begins with a space; begin it with the stamp") ?: -EINVAL;
	return 0;
}

static void learn_beginnings(struct time_format *f)
{
	const char step = f->steps[0];

	for (unsigned int c = 0; c < 256; c++) {
		if (step == STEP_LITERAL)
			f->begins[c] = c == (unsigned char)f->steps[1];
		else if (strchr("bap", step))
			f->begins[c] = isalpha((int)c) != 0;
		else if (step == 'z' || step == 'f')
			f->begins[c] = c != 0;
		else
			f->begins[c] = c >= '0' && c <= '9';
	}
}

int time_format_new(const char *format, bool utc, struct buf *why, struct time_format **ret)
{
	struct time_format *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->utc = utc;
	err = format_compile(f, format, why);
	if (!err)
		err = check(f, why);
	if (err) {
		free(f);
		return err;
	}
	learn_beginnings(f);
	tzset();
	*ret = f;
	return 0;
}

void time_format_free(struct time_format *f)
{
	free(f);
}

/* --- reading */

static bool read_steps(const struct time_format *f, struct stamp_reader *r)
{
	for (size_t i = 0; i < f->n; i++) {
		const char step = f->steps[i];

		if (step == STEP_LITERAL) {
			if (r->at == r->end || *r->at != f->steps[++i])
				return false;
			r->at++;
		} else if (step == STEP_SPACE) {
			stamp_skip_spaces(r);
		} else if (!stamp_read_field(r, step)) {
			return false;
		}
	}
	/* not the beginning of a longer number */
	return r->at == r->end || !isdigit((unsigned char)*r->at) ||
	       !isdigit((unsigned char)r->at[-1]);
}

/* Of a local time that was twice. A stamp before that is a day behind both is of a wrong clock, and says nothing. */
static int64_t choose(const int64_t s[2], int64_t now_ms, int64_t before_ms)
{
	static const int64_t minute_ms = 60 * MS, day_ms = 86400 * MS;

	if (s[1] == s[0] || before_ms == TIME_STAMP_NONE || before_ms > s[1] * MS + day_ms)
		return s[0];
	if (s[0] * MS < before_ms - minute_ms && s[1] * MS <= now_ms + minute_ms)
		return s[1];
	return s[0];
}

/* Seconds since the epoch of the clock's time on @day (since 1970). */
static int64_t seconds_of(struct time_format *f, const struct stamp_fields *t, int64_t day,
			  int64_t now_ms, int64_t before_ms)
{
	int64_t local = day * 86400 + t->hour * 3600 + t->minute * 60 + t->second, s[2];

	if (t->has & STAMP_ZONE)
		return local - t->zone_s;
	if (f->utc)
		return local;
	time_zone_read(&f->zone, local, s);
	return choose(s, now_ms, before_ms);
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The day that the fields name in @year; false: there is none. */
static bool day_of(const struct stamp_fields *t, int64_t year, int64_t *ret_day)
{
	static const uint8_t lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (t->has & STAMP_YEAR_DAY) {
		*ret_day = time_zone_days(year, 1, 1) + t->year_day - 1;
		return t->year_day <= (is_leap(year) ? 366u : 365u);
	}
	if (t->day > lengths[t->month - 1] || (t->month == 2 && t->day == 29 && !is_leap(year)))
		return false;
	*ret_day = time_zone_days(year, t->month, t->day);
	return true;
}

/* There is no year: the last in which that day was, which may be tomorrow. */
static bool find_year(struct time_format *f, const struct stamp_fields *t, const struct tm *now,
		      int64_t now_ms, int64_t before_ms, int64_t *ret_s)
{
	const int64_t this_year = now->tm_year + 1900;
	int64_t day;

	/* (between two leap years there may be 8) */
	for (int64_t year = this_year + 1; year > this_year - 9; year--) {
		if (!day_of(t, year, &day))
			continue;
		*ret_s = seconds_of(f, t, day, now_ms, before_ms);
		if (*ret_s * MS <= now_ms + 86400 * MS)
			return true;
	}
	return false;
}

/* There is no date: the last day on which that time was, which may be in an hour. */
static int64_t find_day(struct time_format *f, const struct stamp_fields *t, const struct tm *now,
			int64_t now_ms, int64_t before_ms)
{
	int64_t day = time_zone_days(now->tm_year + 1900, (unsigned int)now->tm_mon + 1,
				     (unsigned int)now->tm_mday) +
		      1;
	int64_t s;

	do
		s = seconds_of(f, t, day--, now_ms, before_ms);
	while (s * MS > now_ms + 3600 * MS);
	return s;
}

static bool find_time(struct time_format *f, struct stamp_fields *t, int64_t now_ms,
		      int64_t before_ms, int64_t *ret_s)
{
	struct tm now = { .tm_year = 0 };
	int64_t day;

	if (t->has & STAMP_EPOCH) {
		*ret_s = t->epoch_s;
		return true;
	}
	if ((t->has & STAMP_DATE) != STAMP_DATE)
		time_zone_date(now_ms / MS + ((t->has & STAMP_ZONE) ? t->zone_s : 0),
			       f->utc || (t->has & STAMP_ZONE), &now);
	if (!(t->has & (STAMP_MONTH | STAMP_DAY | STAMP_YEAR_DAY | STAMP_YEAR))) {
		*ret_s = find_day(f, t, &now, now_ms, before_ms);
		return true;
	}
	if (!(t->has & STAMP_MONTH))
		t->month = (unsigned int)now.tm_mon + 1;
	if (!(t->has & STAMP_DAY))
		t->day = (unsigned int)now.tm_mday;
	if (!(t->has & STAMP_YEAR))
		return find_year(f, t, &now, now_ms, before_ms, ret_s);
	if (!day_of(t, t->year, &day))
		return false;
	*ret_s = seconds_of(f, t, day, now_ms, before_ms);
	return true;
}

static bool in_word(const char *line, size_t at)
{
	return at && isalnum((unsigned char)line[at]) && isalnum((unsigned char)line[at - 1]);
}

int time_format_read(struct time_format *f, const char *line, size_t n, int64_t now_ms,
		     int64_t before_ms, struct time_stamp *ret)
{
	for (size_t i = 0; i < n && i < TIME_FORMAT_LOOK; i++) {
		struct stamp_reader r = { .at = line + i, .end = line + n };
		int64_t s;

		if (!f->begins[(unsigned char)line[i]] || in_word(line, i) || !read_steps(f, &r) ||
		    !stamp_finish(&r.fields))
			continue;
		if (!find_time(f, &r.fields, now_ms, before_ms, &s) || s < 0)
			continue;
		*ret = (struct time_stamp){ s * MS + r.fields.fraction_ms, i,
					    (size_t)(r.at - line) };
		return 0;
	}
	return -ENOENT;
}
