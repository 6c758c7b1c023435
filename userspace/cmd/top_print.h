/* SPDX-License-Identifier: MIT */
/*
 * `isamon top` without a screen.
 *
 * The JSON (--json) is one object:
 *   source                    "daemon", or "attached": counted by this command alone
 *   service, service_up       its name; whether something listens on one of its ports
 *   interval_seconds          how long was measured
 *   requests_per_second, errors_per_second (5xx and aborts by the service),
 *   client_errors_per_second (4xx), aborts_per_second (by either side)
 *   p50_seconds, p90_seconds, p99_seconds, max_seconds   of requests that ended in the interval; null
 *                             where there was none
 *   in_flight, connections    at its end
 *   records_lost              in the interval: requests that are in no percentile
 *   routes                    a list, by requests per second: route, requests (ended in the interval), and
 *                             the rates and times above
 */
#ifndef ISAMON_TOP_PRINT_H
#define ISAMON_TOP_PRINT_H

#include "base/buf.h"
#include "cmd/top_view.h"

/* Both append to @out. @source: "daemon" or "attached". Return 0 or -errno. */
int top_print_text(const struct top_view *v, const char *source, struct buf *out);
int top_print_json(const struct top_view *v, const char *source, struct buf *out);

#endif
