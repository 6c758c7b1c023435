/* SPDX-License-Identifier: MIT */
/* What the log says of the classes of answers to ship/push.h. */
#ifndef ISAMON_PUSH_STATE_H
#define ISAMON_PUSH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/client.h"

/* Says that the state has changed. @first: nothing was said before. @waiting: minutes in the spool. */
void push_log_state(const struct aws_answer *a, bool first, uint64_t waiting);

#endif
