/* SPDX-License-Identifier: MIT */
/* What the files of evidence.h have of each other. */
#ifndef ISAMON_EVIDENCE_IMPL_H
#define ISAMON_EVIDENCE_IMPL_H

#include "check/evidence.h"

#define EVIDENCE_TAIL_BYTES (512u << 10)
#define EVIDENCE_JOURNAL_LINES "2000"
#define EVIDENCE_COMMAND_MS 5000

/* All return 0 or -errno of the bundle. */

int evidence_add_command(struct bundle *b, const char *name, const char *const argv[]);
/* The newest file of each [log], and what the journal has of the service, isamon and the kernel. */
int evidence_add_logs(const struct config *c, struct bundle *b);
/* Runs of jobs with what they wrote, and backups. */
int evidence_add_care(const struct config *c, struct bundle *b);

#endif
