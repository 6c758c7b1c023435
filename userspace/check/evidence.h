/* SPDX-License-Identifier: MIT */
/* What a bundle is filled with: findings, what the daemon says, configuration, versions, figures of the host, the ends of logs and journals,
 * runs of jobs, the list of backups. What cannot be got is noted in it. */
#ifndef ISAMON_EVIDENCE_H
#define ISAMON_EVIDENCE_H

#include "check/bundle.h"
#include "check/check.h"

/* What was found, in both forms; texts, owned by the caller. */
struct evidence_findings {
	const char *text, *json;
};

/* Blocks for some seconds: programs that print something have 5 s each. Returns 0 or -errno: the bundle cannot be written. */
int evidence_collect(const struct check_input *in, const struct evidence_findings *found,
		     struct bundle *b);

#endif
