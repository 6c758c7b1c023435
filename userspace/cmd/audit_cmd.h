/* SPDX-License-Identifier: MIT */
/* isamon audit: how a report is shown. */
#ifndef ISAMON_AUDIT_CMD_H
#define ISAMON_AUDIT_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "check/audit_compare.h"

struct audit_look {
	bool only_new;
	bool all; /* what is fine and what is accepted, too */
};

/* For people: the worst first, lines of at most 80 columns (but for words that are longer), the verdict last. Returns 0 or the buffer's
 * error. */
int audit_format(const struct audit_report *r, const struct audit_look *look, struct buf *out);
/* For programs: docs/audit.md. NULL: no memory. */
json_t *audit_report_json(const struct audit_report *r, const struct audit_look *look,
			  int64_t now_s);

#endif
