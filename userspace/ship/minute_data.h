/* SPDX-License-Identifier: MIT */
/*
 * From the sums of a minute to its metrics.
 *
 *   RequestCount       Count         every request that ended; 0 in a minute without
 *   ErrorCount         Count         of these, responses >= 500 and aborts by the server; likewise
 *   ResponseTime       Milliseconds  values and statistics of those that were answered; also by Route
 *   CPUUtilization     Percent       CPU time of the service / (wall time x CPUs), over the looks of the minute
 *   MemoryUtilization  Percent       statistics over the looks
 *   QueueTime, TurnTime  Milliseconds  as ResponseTime
 *   Restarts           Count         in the minute
 *   LogErrors, Exceptions  Count     that were counted in the logs between the looks, if one of the minute's looks knew
 *   JobFailures        Count         runs of jobs of which was learned between the looks that they did not succeed, if one of the
 *                                    minute's looks knew
 *   JobsOverdue        Count         at the last look that knew
 *   Processes          Count         statistics over the looks; so are the next ones
 *   SpoolAge           Seconds
 *   ProbeUp            None          1 or 0, by Probe
 *
 * What is not known has no datum.
 */
#ifndef ISAMON_MINUTE_DATA_H
#define ISAMON_MINUTE_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "ship/minute_file.h"

/* Whether anything is known about it at all. */
bool minute_data_any(const struct minute_sums *s);

/* Calls @fn for each payload, with its number, from @first on; none is longer than MINUTE_PART_MAX elements. The same sums
 * give the same payloads. Returns 0, -ENOMEM, or what @fn returned. */
int minute_data_parts(const struct minute_sums *s, const struct minute_route *routes, size_t first,
		      int (*fn)(size_t part, const void *payload, size_t n, void *ctx), void *ctx);

#endif
