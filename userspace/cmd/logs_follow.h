/* SPDX-License-Identifier: MIT */
/* `isamon logs tail -f`: what is written to the logs from where their readers stand, over rotations, as it comes. */
#ifndef ISAMON_LOGS_FOLLOW_H
#define ISAMON_LOGS_FOLLOW_H

#include "cmd/logs_sources.h"

/* Runs until a signal ends it or nobody reads its output any more. Both are fine: returns 0; or -errno, which was said. */
int logs_follow(struct logs_sources *s);

#endif
