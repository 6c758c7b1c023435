/* SPDX-License-Identifier: MIT */
/*
 * What there is to check, by area, and the runbooks: areas that together find the cause of a trouble that people know by a name of its
 * own. Each area is a file of its own, check/AREA_checks.c.
 */
#ifndef ISAMON_AREAS_H
#define ISAMON_AREAS_H

#include <stdbool.h>
#include <stddef.h>

#include "check/check.h"

#define RUNBOOK_AREAS_MAX 8

struct area {
	const char *name;
	const char *help; /* what is looked at */
	const struct check *checks;
	size_t n;
};

/* @i counts from 0; in the order in which they are shown. Returns whether there is one. */
bool areas_get(size_t i, struct area *ret);
/* Returns whether there is one of that name. */
bool areas_find(const char *name, struct area *ret);

struct runbook {
	const char *name;
	const char *help;
	const char *areas[RUNBOOK_AREAS_MAX]; /* as far as there are any */
};

const struct runbook *runbooks_list(size_t *ret_n);
/* NULL if there is none of that name. */
const struct runbook *runbooks_find(const char *name);

#endif
