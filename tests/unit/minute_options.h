/* SPDX-License-Identifier: MIT */
/* The minute in which tests and fuzzers play, and options with every metric. */
#ifndef ISAMON_TEST_MINUTE_OPTIONS_H
#define ISAMON_TEST_MINUTE_OPTIONS_H

#include "ship/minute.h"

#define MS 1000000ull
#define START 1764140040 /* of a minute */

static const struct minute_options all = { .interval_s = 60,
					   .latency_by_route = true,
					   .queue = true,
					   .turns = true,
					   .restarts = true,
					   .probes = true,
					   .processes = true,
					   .spool_age = true,
					   .log_errors = true,
					   .exceptions = true,
					   .jobs = true };

#endif
