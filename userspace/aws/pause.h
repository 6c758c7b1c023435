/* SPDX-License-Identifier: MIT */
/* How long whoever has work that never ends, minutes or logs to send, waits after a call that failed. Retries within a call: aws/retry.h. */
#ifndef ISAMON_PAUSE_H
#define ISAMON_PAUSE_H

#include <stdint.h>

#include "aws/client.h"

/* Before the next try, after @n_failures (1 or more) in a row of which @a is the last. @random: any bits. Five minutes at most, or a quarter
 * more than that if AWS asked for them. */
uint64_t aws_pause_ms(const struct aws_answer *a, unsigned int n_failures, uint32_t random);

#endif
