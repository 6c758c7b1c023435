/* SPDX-License-Identifier: MIT */
/* What logrotate has: its files and its memory. Facts: logrotate(8). */
#ifndef ISAMON_LOGS_ROTATION_H
#define ISAMON_LOGS_ROTATION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

struct rotation_rule {
	const char *path; /* absolute, perhaps a glob; valid during the call */
	bool copytruncate;
	const char *olddir; /* as it stands there; "": none; likewise */
};

/* Calls @fn for each path of each section of @text, a file of logrotate, with what its section says, or what was said before it for
 * all. Scripts are passed over. Returns what @fn returned (not 0: it stops there), or -ENOMEM. */
typedef int (*rotation_rule_fn)(const struct rotation_rule *r, void *ctx);
int rotation_read(const char *text, rotation_rule_fn fn, void *ctx);

/* When logrotate looked at a file last, as its state file @text says; the newest of all if @path is NULL. Since the epoch, to
 * the hour or better. Returns 0, or -ENOENT. */
int rotation_last(const char *text, const char *path, int64_t *ret_s);

bool rotation_file_missing(const char *path);
/* Where logrotate keeps its state here; NULL: nowhere yet. */
const char *rotation_state_file(void);

/* What logrotate wrote, made plain: to @to, or if that is NULL only what begins with "error:" or "warning:", to standard error. Returns whether there
 * was an error: logrotate itself ends with 0 after some. */
bool rotation_print_output(const char *text, size_t n, FILE *to);

#endif
