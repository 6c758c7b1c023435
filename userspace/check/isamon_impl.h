/* SPDX-License-Identifier: MIT */
/* What the files of the area "isamon" have of each other. */
#ifndef ISAMON_ISAMON_IMPL_H
#define ISAMON_ISAMON_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "check/check.h"
#include "metrics/status_json.h"

/* The checks; each as check_fn. */
int isamon_check_daemon(const struct check_input *in, struct findings *out);
int isamon_check_jobs(const struct check_input *in, struct findings *out);
int isamon_check_backups(const struct check_input *in, struct findings *out);
int isamon_check_restore(const struct check_input *in, struct findings *out);

/* What the daemon says of itself, judged: its /status, and its /metrics as text. @now_s: since the epoch. */
int isamon_judge_status(const struct status *s, double now_s, struct findings *out);
int isamon_judge_page(const char *page, double now_s, struct findings *out);

/* Adds up the samples of the family @name of a page of metrics; @label: only those with it, 'result="refused"'; NULL: all. Returns
 * whether there is one. */
bool isamon_page_sum(const char *page, const char *name, const char *label, double *ret);

/* "3 minutes", "5 hours", "2 days" */
#define ISAMON_AGE_MAX 32
const char *isamon_age(double seconds, char ret[ISAMON_AGE_MAX]);

#endif
