/* SPDX-License-Identifier: MIT */
/* What the classes of answers mean to ship/push.h: how long a pause, and what the log says. */
#ifndef ISAMON_PUSH_STATE_H
#define ISAMON_PUSH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/client.h"

/* Before the next try, after @n_failures (1 or more) in a row of which @a is the last. @random: any bits. */
uint64_t push_pause_ms(const struct aws_answer *a, unsigned int n_failures, uint32_t random);

/* Says that the state has changed. @first: nothing was said before. @waiting: minutes in the spool. */
void push_log_state(const struct aws_answer *a, bool first, uint64_t waiting);

#endif
