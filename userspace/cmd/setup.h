/* SPDX-License-Identifier: MIT */
/* The first step of every command that works by the configuration. */
#ifndef ISAMON_SETUP_H
#define ISAMON_SETUP_H

#include "base/buf.h"
#include "config/config.h"
#include "metrics/http_metrics.h"
#include "metrics/route.h"

/*
 * Reads the configuration, compiles its routes, and sees whether what it says of logs and jobs can be. @path NULL: what ISAMON_CONFIG in
 * the environment says, CONFIG_DEFAULT_PATH if it is there, otherwise the defaults. Returns 0; -EINVAL: the file has problems; another -errno: it could not
 * be read. Both are explained in @problems, one problem a line. The caller owns both results
 * (config_free(), route_patterns_free()), which are written only on success.
 */
int setup_load(const char *path, struct buf *problems, struct config **ret_config,
	       struct route_patterns **ret_patterns);

/* What the configuration says of streams, from now on. */
void setup_streams(const struct config *c, struct http_metrics *m);

#endif
