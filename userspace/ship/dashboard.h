/* SPDX-License-Identifier: MIT */
/*
 * The dashboard of CloudWatch that shows what isamon publishes, made of the configuration ("Dashboard body structure
 * and syntax", CloudWatch API reference).
 *
 * It is the same whichever host makes it: all hosts together, and a line for each that CloudWatch finds by a
 * search, so that it need not be made again when hosts come and go.
 */
#ifndef ISAMON_DASHBOARD_H
#define ISAMON_DASHBOARD_H

#include <jansson.h>

#include "config/config.h"

/* @alarm_arns: an array of texts, of which CloudWatch shows 100 at most; NULL: none. A widget is there only for
 * what the configuration has published. NULL: no memory. The caller owns it. */
json_t *dashboard_body(const struct config *c, const char *region, const json_t *alarm_arns);

/* Calls @fn for each place in which two bodies differ, numbers being the same as whole and as decimal ones; returns
 * how many there are, or -ENOMEM. @path: "/widgets/3/properties/title"; @have and @want are JSON, "" where it is
 * missing; valid until @fn returns. */
typedef void (*dashboard_diff_fn)(const char *path, const char *have, const char *want, void *ctx);
int dashboard_diff(const json_t *have, const json_t *want, dashboard_diff_fn fn, void *ctx);

#endif
