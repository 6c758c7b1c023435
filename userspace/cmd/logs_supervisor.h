/* SPDX-License-Identifier: MIT */
/*
 * Which logs supervisord rotates itself. Facts: its documentation, "Configuration File": stdout_logfile, stderr_logfile and logfile are
 * rotated at ..._maxbytes, 50 MB where that is not given; 0: never.
 */
#ifndef ISAMON_LOGS_SUPERVISOR_H
#define ISAMON_LOGS_SUPERVISOR_H

#include <stdbool.h>

/* Whether @text, a file of supervisord, has the log @path, to be rotated. */
bool supervisor_rotates(const char *text, const char *path);
/* The same for the files where Debian, Ubuntu and Amazon Linux have them. Blocks on the disk. */
bool supervisor_rotates_here(const char *path);

#endif
