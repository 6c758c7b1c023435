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
 *   queue_p99_seconds         the wait until the service read them; null where nothing is known of it
 *   websockets                open (at its end), messages_in_per_second, messages_out_per_second,
 *                             turns_per_second, turn_p50_seconds, turn_p99_seconds (null: there was none)
 *   streams                   ended_per_second (aborted ones too), aborted_per_second
 *   processes                 absent where nobody knows them; a list, by CPU time: pid, role, cpus (1 is one
 *                             whole CPU), rss_bytes, threads, fds, requests_per_second; null: not known. The 64
 *                             busiest, if there are more
 *   processes_rest            with it: those that are not in the list, together: processes (their number), cpus,
 *                             rss_bytes
 *   processes_total           with it: how many there are in all
 *   processes_unsampled       with it: of all, those whose figures are older, or not there yet
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
