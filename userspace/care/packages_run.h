/* SPDX-License-Identifier: MIT */
/* apt-get or dnf, whichever the host has, driven. As root; everything blocks; returns 0 or -errno, explained in @why. */
#ifndef ISAMON_PACKAGES_RUN_H
#define ISAMON_PACKAGES_RUN_H

#include "care/packages.h"
#include "care/update_run.h"

enum packages_manager { PACKAGES_APT, PACKAGES_DNF };

struct packages_run {
	enum packages_manager manager;
	bool security;               /* only what closes holes */
	const char *state_directory; /* apt's preferences for that are written there */
	struct update_run run;       /* of each program; its time limit */
};

/* Finds out which it is; dnf before apt-get, where a host has both. -ENOENT: neither. */
int packages_find_manager(struct packages_run *r, struct buf *why);
const char *packages_manager_name(const struct packages_run *r);

/* Asks the sources what they have now: apt-get update. (dnf does so by itself, when what it knows is old.) */
int packages_refresh(const struct packages_run *r, struct buf *why);

/* What would be done, by a dry run that takes no lock; those that close holes are marked. packages_done() is due in either case. */
int packages_plan(const struct packages_run *r, struct buf *why, struct packages *ret);
/* How much room it takes, by a run that installs nothing. Where it does not say, it is not known. */
void packages_room(const struct packages_run *r, const struct packages *p,
		   struct packages_room *ret);
/* -ENOSPC: there is not room for it. */
int packages_check_room(const struct packages_run *r, const struct packages_room *room,
			struct buf *why);

/* Does it: what packages_plan() listed. Configuration files that were changed here stay as they are, no service is restarted by it. -EIO: the
 * program failed, or would have to remove something. */
int packages_install(const struct packages_run *r, const struct packages *p, struct buf *why);

#endif
