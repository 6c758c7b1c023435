/* SPDX-License-Identifier: MIT */
/*
 * What is known of the shipping of logs, as numbers: made by the process that ships, told to the daemon in a line of JSON,
 * and there a part of the page and of `isamon status`.
 */
#ifndef ISAMON_LOGS_FIGURES_H
#define ISAMON_LOGS_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define LOGS_NAME_MAX 64
#define LOGS_LOGS_MAX 64
#define LOGS_LEVELS 6      /* as enum record_level */
#define LOGS_EXCEPTIONS 51 /* the last one is "other" */
#define LOGS_PROBLEM_MAX 512

enum logs_number {
	/* Counters. */
	LOGS_EVENTS, /* that CloudWatch took */
	LOGS_BYTES,  /* of these, as CloudWatch counts them */
	LOGS_TOO_OLD,
	LOGS_TOO_NEW,
	LOGS_EXPIRED,
	LOGS_REFUSED,
	LOGS_MAYBE_TWICE,
	LOGS_RETIMED, /* sent with the time of arrival, because CloudWatch takes no events of their own time */
	LOGS_LOST_BYTES,
	LOGS_REQUESTS,
	LOGS_RETRIES,
	LOGS_FAILURES,
	LOGS_SENT_BYTES,
	LOGS_LINES,
	LOGS_FILTERED,
	LOGS_EMPTY,
	LOGS_CUT,
	LOGS_INVALID_UTF8,
	LOGS_NUL,
	LOGS_WITHOUT_TIME,
	LOGS_COUNTERS,
	/* As they are now; times since the epoch, 0: none. */
	LOGS_FILES = LOGS_COUNTERS,
	LOGS_UNREADABLE,
	LOGS_BACKLOG_BYTES,
	LOGS_COUNTING, /* 1: the next two are kept up to date; 0: not wanted, or not possible now */
	LOGS_COUNTED_ERRORS, /* in all logs, since ever, the processes before included: records of */
	LOGS_COUNTED_EXCEPTIONS, /* level error or critical; tracebacks (logs/log_count.h) */
	LOGS_OLDEST_S,
	LOGS_LAST_SUCCESS_S,
	LOGS_NUMBERS
};

struct logs_log {
	char name[LOGS_NAME_MAX];
	uint64_t levels[LOGS_LEVELS];
	struct {
		char type[LOGS_NAME_MAX];
		uint64_t n;
	} exceptions[LOGS_EXCEPTIONS];
	size_t n_exceptions;
};

/* All zero: nothing is known. */
struct logs_figures {
	bool up; /* all is open, and CloudWatch lets us in */
	char problem[LOGS_PROBLEM_MAX];
	uint64_t n[LOGS_NUMBERS];
	struct logs_log *logs; /* owned */
	size_t n_logs;
};

void logs_figures_done(struct logs_figures *f);
/* The log of that name, added if there is room and memory; otherwise NULL. */
struct logs_log *logs_figures_log(struct logs_figures *f, const char *name);
/* Counts @n more of an exception; where there is no room for a further type, of "other". */
void logs_log_exception(struct logs_log *l, const char *type, size_t len, uint64_t n);
/* *ret becomes what @before, of processes that have ended, and @now count together; the rest is @now's. Logs beyond LOGS_LOGS_MAX are
 * left out. Returns 0 or -ENOMEM
 * (*ret is nothing then). */
int logs_figures_sum(const struct logs_figures *before, const struct logs_figures *now,
		     struct logs_figures *ret);

/* Appends them in a line of JSON, with a newline. Returns 0 or -errno. */
int logs_figures_write(const struct logs_figures *f, struct buf *out);
/* Reads it, whoever wrote it. Returns 0; -EPROTO; -ENOMEM. *ret is written only on success. */
int logs_figures_parse(const char *json, size_t len, struct logs_figures *ret);

extern const char *const logs_level_names[LOGS_LEVELS];

#endif
