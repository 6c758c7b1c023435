/* SPDX-License-Identifier: MIT */
/*
 * What the log says of processes that ended. The end of a main process is always worth a line. Those of the others
 * are limited, each minute to LIFE_LOG_SEVERE lines for what may not happen (killed by a signal that is not sent to
 * end a process in peace, or because memory ran out) and to LIFE_LOG_PLAIN for the rest (an exit status, HUP, INT, TERM,
 * PIPE); so that the second never hides the first. How many there were beyond is said behind that minute. Exit
 * status 0 is worth a debug message.
 */
#ifndef ISAMON_LIFE_LOG_H
#define ISAMON_LIFE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "life_abi.h"

#define LIFE_LOG_SEVERE 30
#define LIFE_LOG_PLAIN 10

struct life_log_budget {
	uint64_t since_ns; /* when its minute began, CLOCK_BOOTTIME; 0: none has */
	unsigned int n;    /* ends in it, said or not */
};

/* All 0 in the beginning. */
struct life_log {
	struct life_log_budget severe, plain;
};

/* A LIFE_EXIT. Names are made safe for a line (base/utf8.h). */
void life_log_exit(struct life_log *l, const char *service, const struct life_record *r);
/* Each second: says how many had no line in a minute that is over by @now_ns; UINT64_MAX: in any. */
void life_log_look(struct life_log *l, const char *service, uint64_t now_ns);

#endif
