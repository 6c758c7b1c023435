/* SPDX-License-Identifier: MIT */
/*
 * Writes metric families as Prometheus text 0.0.4 or OpenMetrics 1.0.
 *
 * A family is begun once (HELP, TYPE, and UNIT in OpenMetrics) and its samples follow it without
 * another between. Names are given as OpenMetrics families: a counter without _total, which the
 * writer appends to the sample (and, in text 0.0.4, to HELP and TYPE as well).
 * Labels are given ready: `a="b",c="d"` without braces, values escaped with expo_label().
 */
#ifndef ISAMON_EXPO_H
#define ISAMON_EXPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum expo_format { EXPO_TEXT_004, EXPO_OPENMETRICS_1 };
enum expo_type { EXPO_COUNTER, EXPO_GAUGE, EXPO_HISTOGRAM, EXPO_INFO };

struct expo {
	enum expo_format format;
	struct buf *out; /* not owned */
};

struct expo_family {
	const char *name; /* without _total; an info family without _info */
	const char *help;
	const char *unit; /* NULL, "seconds", "bytes", "ratio"; the name ends in it */
	enum expo_type type;
};

/* The value of the HTTP header Content-Type for a format. */
const char *expo_content_type(enum expo_format format);

/* The format that an Accept header asks for (RFC 9110 12.5.1, q-values); NULL or nothing known:
 * text 0.0.4. */
enum expo_format expo_negotiate(const char *accept);

void expo_begin(struct expo *e, const struct expo_family *f);
/* One sample. @labels may be NULL or empty. */
void expo_u64(struct expo *e, const struct expo_family *f, const char *labels, uint64_t value);
/* The same; written with as many digits as bring back the same double. */
void expo_double(struct expo *e, const struct expo_family *f, const char *labels, double value);

/* A sum, exactly: whole + billionth / 10^9, in the family's unit; billionth < 10^9. */
struct expo_sum {
	uint64_t whole;
	uint32_t billionth;
};

/* A histogram's samples: @n_bounds upper bounds (as they are to be printed: "0.005", "1.0") and
 * n_bounds + 1 counts, not cumulative. */
void expo_histogram(struct expo *e, const struct expo_family *f, const char *labels,
		    const char *const *bounds, const uint64_t *counts, size_t n_bounds,
		    struct expo_sum sum);
/* "# EOF" in OpenMetrics, nothing in text. */
void expo_end(struct expo *e);

/* Appends name="value" with the value escaped (\\, \", \n) and what is not UTF-8 in it replaced by
 * U+FFFD, a comma first if @out is not empty. Returns 0 or the buffer's error. */
int expo_label(struct buf *out, const char *name, const char *value);

#endif
