/* SPDX-License-Identifier: MIT */
/*
 * How CloudWatch stands in the daemon, as `isamon metrics` is told over the control socket:
 *   {"enabled": true, "open": true, "why": "", "waiting": 3, "pushed": 17, "rejected": 0, "dropped": 0, "asked": 1,
 *    "ended": 1, "error": "", "region": "eu-west-1", "instance_id": "i-0abc", "endpoint": "https://..."}
 * in one line; behind it, if a preview was asked for, the body of a request.
 */
#ifndef ISAMON_CLOUDWATCH_JSON_H
#define ISAMON_CLOUDWATCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CLOUDWATCH_TEXT_MAX 1024

/* Texts are "" if there is nothing to say. */
struct cloudwatch_told {
	bool enabled; /* otherwise nothing else is known */
	bool open;
	char why[CLOUDWATCH_TEXT_MAX];      /* it is not: a line for each part */
	uint64_t waiting;                   /* minutes, as the next ones */
	uint64_t pushed, rejected, dropped; /* counters */
	uint64_t asked, ended;            /* pushes that were asked for, and that came to an end */
	char error[CLOUDWATCH_TEXT_MAX];  /* of the last call */
	char region[CLOUDWATCH_TEXT_MAX]; /* "": not known */
	char instance_id[CLOUDWATCH_TEXT_MAX];
	char endpoint[CLOUDWATCH_TEXT_MAX];
};

/* Appends it and a newline. Returns 0 or -errno. */
int cloudwatch_json_write(const struct cloudwatch_told *t, struct buf *out);
/* Reads it; *ret_rest (may be NULL) is what stands behind it in @json, which ends with a NUL. Returns 0; -EPROTO: no daemon
 * writes that. */
int cloudwatch_json_parse(const char *json, struct cloudwatch_told *ret, const char **ret_rest);

/* Appends JSON with line breaks and indentation, and otherwise as it is: numbers keep their digits. A list of plain values
 * stays in one line. Returns 0 or the buffer's error. */
int cloudwatch_json_pretty(const char *json, struct buf *out);

/* How many metrics are in @request, that of the preview: what has a name and dimensions of its own is one, however many data there are of it.
 * @dimension: only those that have it; NULL: all. */
size_t cloudwatch_json_metrics(const char *request, const char *dimension);

#endif
