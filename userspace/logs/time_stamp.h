/* SPDX-License-Identifier: MIT */
/* The fields of a time stamp, read one by one: the inside of time_format.c. */
#ifndef ISAMON_TIME_STAMP_H
#define ISAMON_TIME_STAMP_H

#include <stdbool.h>
#include <stdint.h>

enum stamp_has {
	STAMP_YEAR = 1 << 0,
	STAMP_MONTH = 1 << 1,
	STAMP_DAY = 1 << 2,
	STAMP_YEAR_DAY = 1 << 3,
	STAMP_ZONE = 1 << 4,
	STAMP_EPOCH = 1 << 5,
	STAMP_AFTERNOON = 1 << 6,
	STAMP_HALF = 1 << 7, /* the hour is one of twelve */
	STAMP_DATE = STAMP_YEAR | STAMP_MONTH | STAMP_DAY,
};

struct stamp_fields {
	unsigned int has; /* of enum stamp_has */
	int64_t year;
	unsigned int month, day, year_day; /* from 1 */
	unsigned int hour, minute, second; /* 60: a leap second */
	unsigned int fraction_ms;
	int64_t zone_s; /* east of Greenwich */
	int64_t epoch_s;
};

struct stamp_reader {
	const char *at, *end;
	struct stamp_fields fields;
};

void stamp_skip_spaces(struct stamp_reader *r);
/* Reads what the letter of a conversion stands for. False: it does not stand there. */
bool stamp_read_field(struct stamp_reader *r, char letter);
/* Brings the hour into 0 to 23. False: the fields do not go together. */
bool stamp_finish(struct stamp_fields *t);

#endif
