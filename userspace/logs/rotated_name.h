/* SPDX-License-Identifier: MIT */
/*
 * Which names rotation gives. Known forms, of application.log: application.log.1, .log-20261126, .log-2026-11-26_10, .log_20261126, .log.old,
 * .log.bak (logrotate with and without dateext, Python's RotatingFileHandler and TimedRotatingFileHandler, supervisord), and
 * application-20261126.log, application.1.log (logrotate's extension); each also with .gz behind it, and
 * application.log.gz; .bz2, .xz, .zst and others are known as rotated, though they cannot be read.
 */
#ifndef ISAMON_ROTATED_NAME_H
#define ISAMON_ROTATED_NAME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum rotated_form {
	ROTATED_NOT,
	ROTATED_BEHIND, /* application.log.1 */
	ROTATED_WITHIN, /* application-20261126.log: or that is how the service itself calls it */
};

/* How @name was rotated; *ret_live: from which name. No directories in it. */
enum rotated_form rotated_name(const char *name, char ret_live[NAME_MAX + 1]);

bool rotated_name_is_gzip(const char *name);
/* Compressed by something that is not read here. */
bool rotated_name_is_foreign(const char *name);

#endif
