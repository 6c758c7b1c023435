/* SPDX-License-Identifier: MIT */
/* The application's Python environment, asked as the application's user: nothing of it ever runs as root. */
#ifndef ISAMON_APP_PYTHON_H
#define ISAMON_APP_PYTHON_H

#include "base/buf.h"
#include "config/config.h"

#define APP_PATH_MAX 6100

/* @path, if it is absolute, else DIRECTORY/@path of [app]. */
void app_path(const struct config *c, const char *path, char ret[static APP_PATH_MAX]);

/*
 * Runs VENV/bin/python with @arguments (NULL at the end, at most 8), in the application's directory, with a small environment, for at most
 * @timeout_ms; what it writes is appended to @out, as far as there is room. Not as root, unless the user of [app] is root: without the right
 * to become that user it runs as whoever we are.
 * Returns its exit status, 128 + a signal, or -errno: -ENOENT: there is no such Python; -ESRCH: no such user or group; -ETIMEDOUT;
 * -EACCES: the user cannot run it, or not in that directory; -EPERM: we are root, and cannot become that user (a unit without CAP_SETUID).
 */
int app_python(const struct config *c, const char *const arguments[], int timeout_ms,
	       struct buf *out);

#endif
