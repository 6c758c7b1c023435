/* SPDX-License-Identifier: MIT */
/* Which metrics isamon publishes to CloudWatch, by its configuration: for alarms and dashboards. */
#ifndef ISAMON_PUBLISHED_H
#define ISAMON_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct published {
	const char *metric;
	const char *dimension; /* of its own: "Route"; NULL: none */
	const char *key;       /* of [cloudwatch], which switches it on; NULL: always published */
	bool percentiles; /* its values are sent one by one, not as sum, least and most alone */
};

/* The whole list, whatever the configuration says. */
const struct published *published_list(size_t *ret_n);
/* NULL: there is none. @dimension is that of its own, or NULL. */
const struct published *published_find(const char *metric, const char *dimension);
/* Whether the configuration has it switched on. */
bool published_is_on(const struct config *c, const struct published *p);

#endif
