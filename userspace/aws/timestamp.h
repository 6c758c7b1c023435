/* SPDX-License-Identifier: MIT */
/* Points in time as AWS writes them, read strictly. */
#ifndef ISAMON_TIMESTAMP_H
#define ISAMON_TIMESTAMP_H

#include <time.h>

/* "2026-11-26T10:00:00Z", perhaps with a fraction of up to nine digits, which is cut (ISO 8601, in UTC only). Returns 0, or
 * -EINVAL with *ret_time as it was. */
int timestamp_parse(const char *s, time_t *ret_time);

/* "Thu, 26 Nov 2026 10:00:00 GMT" (RFC 9110 5.6.7, the preferred form; the day's name is not compared). Likewise. */
int timestamp_parse_http(const char *s, time_t *ret_time);

#endif
