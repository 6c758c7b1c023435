/* SPDX-License-Identifier: MIT */
/* When to push next. (push_offset_ms() stands in ship/push.h.) */
#ifndef ISAMON_PUSH_TIME_H
#define ISAMON_PUSH_TIME_H

#include <stdint.h>

/* How long from @now_ms (since the epoch) until the host's next moment, 1 to a whole interval. A minute has up to 2 s, or a
 * tenth of the interval, from its end to the spool: so much later than its offset a host pushes. */
uint64_t push_delay_ms(const char *host, unsigned int interval_s, uint64_t now_ms);

#endif
