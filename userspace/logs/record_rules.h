/* SPDX-License-Identifier: MIT */
/* The rules of records.h, compiled: the inside of records.c. */
#ifndef ISAMON_RECORD_RULES_H
#define ISAMON_RECORD_RULES_H

#include "logs/pattern.h"
#include "logs/records.h"
#include "logs/time_format.h"

struct record_patterns {
	struct pattern *list[CONFIG_LOG_PATTERNS_MAX];
	size_t n;
};

struct record_rules {
	struct time_format *time;   /* NULL: none is looked for */
	struct pattern *first_line; /* NULL: none */
	bool each_line;             /* first_line = ^ */
	bool latin1;
	bool mask_secrets;
	struct record_patterns include, exclude, mask;
};

/* Whether the filters let it through. */
bool record_rules_let(const struct record_rules *r, const char *text, size_t n);
/*
 * Masks @text, with two buffers to work in. *ret is whichever of the three has the result. Returns 0, -EFBIG: it was cut because it would have
 * been longer than a record may be; or -ENOMEM.
 */
int record_rules_mask(const struct record_rules *r, struct buf *text, struct buf spare[2],
		      struct buf **ret);

#endif
