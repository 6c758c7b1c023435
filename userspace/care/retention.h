/* SPDX-License-Identifier: MIT */
/* Which backups are kept. Pure: looks at nothing but what it is given, and the time zone. */
#ifndef ISAMON_RETENTION_H
#define ISAMON_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum retention_reason {
	RETENTION_NONE,    /* it goes */
	RETENTION_AGE,     /* younger than so many days */
	RETENTION_DAILY,   /* the last of one of the last days that have one */
	RETENTION_WEEKLY,  /* likewise, of weeks (Monday to Sunday) */
	RETENTION_MONTHLY, /* of months */
	RETENTION_LAST,    /* the newest good one of its kind; where none is good, the newest */
	RETENTION_REASONS
};
/* "", "age", "daily", ... */
extern const char *const retention_reasons[RETENTION_REASONS];

struct retention_item {
	int64_t created_s;          /* since the epoch */
	int kind;                   /* 0 to RETENTION_KINDS - 1: each is decided for itself */
	bool good;                  /* was verified, and is sound */
	bool bad;                   /* was verified, and is not: stands for no day, week or month */
	enum retention_reason kept; /* the answer: the first that applies */
};
#define RETENTION_KINDS 2

struct retention_rules {
	uint64_t days; /* of 24 hours; 0: age alone keeps none */
	/* So many days, weeks and months, counting those only that have a backup; local time. */
	uint64_t daily, weekly, monthly;
};

/* Decides all @n, which are sorted, the newest first. What is from the future is kept as young. */
void retention_decide(struct retention_item *items, size_t n, const struct retention_rules *rules,
		      int64_t now_s);

#endif
