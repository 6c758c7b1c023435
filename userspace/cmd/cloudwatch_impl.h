/* SPDX-License-Identifier: MIT */
/* Inside CloudWatch in the daemon: for cloudwatch.c and cloudwatch_tell.c alone. */
#ifndef ISAMON_CLOUDWATCH_IMPL_H
#define ISAMON_CLOUDWATCH_IMPL_H

#include "cmd/cloudwatch.h"
#include "cmd/cloudwatch_parts.h"

struct cloudwatch {
	struct cloudwatch_parts parts;
	struct cloudwatch_hooks hooks;
	struct config *config;
	struct config *kept; /* the session's, if it is not the present one any more */
	struct event *tick;
	uint64_t look_due_ns, again_due_ns;
	/* Requests that were told of, and what the kernel counts, both from when the minute was opened on. */
	uint64_t n_told, ended_before, n_lost;
	struct buf why;        /* what cannot be opened, as it was said; empty: nothing */
	uint64_t asked, ended; /* pushes, by `isamon metrics push` */
	struct cloudwatch_figures figures;
};

/* Drains, then looks. With a minute that is open. */
void cloudwatch_look(struct cloudwatch *w);

#endif
