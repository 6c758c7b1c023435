/* SPDX-License-Identifier: MIT */
/*
 * Repairs of what was found, by name (struct finding has it as fix):
 *
 *   service-start    by Supervisor or systemd, until it is healthy
 *   service-restart  likewise
 *   nginx-start      by systemd where that runs, else itself
 *   nginx-reload     after nginx -t says that its configuration is fine
 *   permissions      owners and modes of one tree, as check/tree.h wants them: of exactly what the plan has, if it is still the same file
 *
 * A repair is planned first, which changes nothing; the plan is shown, and applied. Both block: for as long as a start of the
 * service may take ([service] of the configuration), or the disk.
 */
#ifndef ISAMON_FIX_H
#define ISAMON_FIX_H

#include "base/buf.h"
#include "check/finding.h"
#include "config/config.h"

struct fix;

/*
 * Plans the repair that @f names; @c must outlive it. Returns 0; -ENOENT: there is none of that name; -ENODATA: there is nothing left to be
 * done; another -errno; each explained in @why. Free it with fix_free(), which takes NULL.
 */
int fix_plan(const struct config *c, const struct finding *f, struct buf *why, struct fix **ret);
void fix_free(struct fix *x);
/* For _cleanup_(fix_freep). */
void fix_freep(struct fix **x);

/* One line: "start agent-isa (supervisor)". */
const char *fix_title(const struct fix *x);
/* Appends what it will change, a line each; nothing more than the title where that says all. At most @max lines, the last says how many more. */
void fix_describe(const struct fix *x, size_t max, struct buf *out);

/* Does it. Appends one line on what was done to @said, also where a part of it failed. Returns 0; -errno, explained in @why. */
int fix_apply(struct fix *x, struct buf *said, struct buf *why);

#endif
