/* SPDX-License-Identifier: MIT */
/* What the command line of `isamon run` says; it stands above the configuration, also after a reload. */
#ifndef ISAMON_OPTIONS_H
#define ISAMON_OPTIONS_H

#include "base/buf.h"
#include "config/config.h"
#include "metrics/route.h"

/* Not owned; what is NULL is left to the configuration. */
struct options {
	const char *config_path; /* NULL: the default one, if it is there */
	const char *ports;       /* "8000,8001" */
	const char *listen;      /* "127.0.0.1:9912" */
};

/*
 * Reads the configuration and puts the options over it. Returns 0; -EINVAL: one of them is wrong; another
 * -errno; each explained in @why. The caller owns the results, written only on success.
 */
int options_load(const struct options *o, struct buf *why, struct config **ret_config,
		 struct route_patterns **ret_patterns);

/*
 * For a reload: what is fixed while a daemon runs (listener, ring, number of series, runtime and state directory)
 * is carried from @old into @new, with one warning for each section that wanted it otherwise.
 */
void options_keep_fixed(struct config *old, struct config *new);

#endif
