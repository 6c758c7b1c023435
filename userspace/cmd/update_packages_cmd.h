/* SPDX-License-Identifier: MIT */
/* Between the commands that look at packages. */
#ifndef ISAMON_UPDATE_PACKAGES_CMD_H
#define ISAMON_UPDATE_PACKAGES_CMD_H

#include <jansson.h>

#include "care/packages_run.h"
#include "care/stale.h"

/* The list, a line each; those that close holes are marked. */
void update_print_packages(const struct packages *p);
json_t *update_packages_json(const struct packages *p);

/* What is left to do after an update: services that run what was replaced, a reboot. */
struct update_after {
	struct stale stale;
	bool reboot;
	struct buf why; /* of the reboot */
};

/* Looks. update_after_done() is due. */
void update_look_after(struct update_after *ret);
void update_after_done(struct update_after *a);
void update_print_after(const struct update_after *a);
/* Adds "restart" and "reboot" to @j. */
void update_after_json(const struct update_after *a, json_t *j);

#endif
