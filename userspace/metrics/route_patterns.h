/* SPDX-License-Identifier: MIT */
/* The configured patterns, compiled; made and freed through route.h. */
#ifndef ISAMON_ROUTE_PATTERNS_H
#define ISAMON_ROUTE_PATTERNS_H

#include <stdbool.h>

#include "metrics/route.h"
#include "metrics/route_path.h"

bool route_patterns_empty(const struct route_patterns *p);
/* The text of the first pattern that matches, or NULL. Owned by @p. */
const char *route_patterns_match(const struct route_patterns *p, const struct route_path *path);

#endif
