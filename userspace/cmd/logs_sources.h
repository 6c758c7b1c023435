/* SPDX-License-Identifier: MIT */
/*
 * The logs that `isamon logs tail` shows: which, and what they have now, merged by time.
 *
 * A source is a [log] section; a stream of it one of its files with those that were rotated away from it, or its journal.
 */
#ifndef ISAMON_LOGS_SOURCES_H
#define ISAMON_LOGS_SOURCES_H

#include <stdbool.h>

#include "cmd/logs_print.h"
#include "config/log.h"
#include "logs/journal_past.h"
#include "logs/log_reader.h"
#include "logs/pattern.h"

#define LOGS_COMMAND "isamon logs tail"

struct logs_filter {
	int64_t since_ms;        /* LOGS_NO_TIME: any time */
	enum record_level level; /* RECORD_NO_LEVEL: any */
	struct pattern *grep;    /* NULL: any text */
};

struct logs_source {
	const struct config_log *c;
	struct record_rules *rules;
	size_t index; /* in the configuration: its colour */
	bool there;
};

struct logs_stream {
	struct logs_source *source;
	struct log_reader *reader; /* or: */
	struct journal_past *journal;
	struct log_record *head; /* the next one; NULL: it is at its end */
};

struct logs_sources {
	const struct config *c;
	struct logs_source *list;
	size_t n;
	struct logs_stream *streams;
	size_t n_streams;
	struct logs_filter filter;
	struct logs_printer *printer;
	int64_t now_ms;
	bool failed; /* something that is there could not be read */
	bool shown;  /* a record was printed */
};

/* Takes the sources that @names name; all if @n is 0. Returns 0; -EINVAL: one is not there, or a pattern of its configuration is wrong,
 * which was said; -ENOMEM. */
int logs_sources_init(struct logs_sources *s, const struct config *c, char *const *names, size_t n,
		      bool json);
void logs_sources_done(struct logs_sources *s);

/* Opens what is there; says what is not. @open_end: as log_reader_set_open_end() and journal_past_open(). @last: as many records as are wanted at most, of
 * each stream; 0: all since filter.since_ms. Returns 0 or -errno, which was said. */
int logs_sources_open(struct logs_sources *s, uint64_t last, bool open_end);

/* Gives every record that passes the filter to @fn, in the order of time, until it returns an error. @fn owns the record. Returns 0 or
 * what @fn returned. */
typedef int (*logs_record_fn)(struct logs_sources *s, const struct logs_source *from,
			      struct log_record *r, void *ctx);
int logs_sources_each(struct logs_sources *s, logs_record_fn fn, void *ctx);

/* Whether the filter lets it through. */
bool logs_filter_lets(const struct logs_filter *f, int64_t time_ms, enum record_level level,
		      const char *text, size_t len);
/* Prints it. Returns as logs_print(). */
int logs_sources_print(struct logs_sources *s, const struct logs_source *from,
		       const struct log_record *r);

#endif
