/* SPDX-License-Identifier: MIT */
/* Moments, as people write them on a command line. */
#ifndef ISAMON_WHEN_H
#define ISAMON_WHEN_H

#include <stdint.h>

/* For messages about a text that is none. */
#define WHEN_FORMS \
	"10m, 2h, 3d, 14:30, 2026-11-26, 2026-11-26T14:30, 2026-11-26T14:30:00Z, @1795000000"

/*
 * "90s", "10m", "1h", "3d", "2w": so long before now. "14:30", "14:30:05": the last time that it was. "now", "today",
 * "yesterday": the latter two begin at midnight. "2026-11-26", "2026-11-26T14:30", "2026-11-26 14:30:05,123": local
 * time, unless Z or an offset ("+02:00") stands behind. "@1795000000": seconds since the epoch.
 * A local time that does not exist is read as if the clock had not been set.
 * @now_ms and *ret_ms: since the epoch. Returns 0 or -EINVAL; *ret_ms is written only on success.
 */
int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms);

#endif
