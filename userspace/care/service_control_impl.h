/* SPDX-License-Identifier: MIT */
/* Between the files of care/service_control.h. */
#ifndef ISAMON_SERVICE_CONTROL_IMPL_H
#define ISAMON_SERVICE_CONTROL_IMPL_H

#include "care/manager.h"
#include "care/service_control.h"

struct service_control {
	const struct config *c;
	struct service_hooks hooks;
	const struct manager_ops *ops;
	void *manager;
	struct http *http;
	char name[256];
	char socket[108];
	char seen[512]; /* what was told last */
};

/* Tells a line, unless it is the same as the last one. */
void service_control_tell(struct service_control *s, const char *line);
/* Appends "NAME WORD: why (exit status 1)" of the worst process. */
void service_control_describe(const struct service_state *state, struct buf *out);

#endif
