/* SPDX-License-Identifier: MIT */
/*
 * Names of log groups and streams: by the patterns of the configuration, and always ones that CloudWatch Logs takes.
 *
 * {name} is the log's, {instance_id} the instance's, {host} the host's, {date} the day of an event (UTC). Facts: the API reference: a
 * group has 1 to 512 of A-Z a-z 0-9 . _ - / #, a stream 1 to 512 characters without ':' and '*'. What may not stand there
 * becomes '-', what is too long is cut.
 */
#ifndef ISAMON_LOG_NAMES_H
#define ISAMON_LOG_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_NAME_MAX 512

struct log_names {
	const char *name;
	const char *instance_id; /* NULL: not known; then {instance_id} is the host's name */
	const char *host;
};

/* Whether names by this pattern change with the day. */
bool log_names_have_date(const char *pattern);
/* @ret has LOG_NAME_MAX + 1 bytes. @time_ms: since the epoch. Never fails: an empty name becomes that of the log. */
void log_names_stream(const char *pattern, const struct log_names *n, int64_t time_ms, char *ret);
void log_names_group(const char *pattern, const struct log_names *n, char *ret);

#endif
