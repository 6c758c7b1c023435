/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon metrics`. */
#ifndef ISAMON_METRICS_CMD_H
#define ISAMON_METRICS_CMD_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/cloudwatch_json.h"
#include "config/config.h"

#define METRICS_PUSH "isamon metrics push"
#define METRICS_PREVIEW "isamon metrics preview"

/*
 * Asks the daemon for a target of cmd/cloudwatch.h. Returns 0; -ENOENT: none runs; -EIO: it could not be asked, which
 * was said. @body: what it answered, into which *ret_rest (may be NULL) points.
 */
int metrics_ask(const char *command, const struct config *c, const char *target, struct buf *body,
		struct cloudwatch_told *ret, const char **ret_rest);

/* Both return the exit status. */
int metrics_preview(const struct config *c, bool json);
int metrics_push(const struct config *c);

#endif
