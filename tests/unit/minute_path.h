/* SPDX-License-Identifier: MIT */
/* Where a test has its file of the present minute. */
#ifndef ISAMON_TEST_MINUTE_PATH_H
#define ISAMON_TEST_MINUTE_PATH_H

#include <unistd.h>

#include "unit.h"

static char path[300];

/* As unit_main(), with the file. */
static int minute_main(int argc, char **argv, const struct unit_case *cases, size_t n)
{
	const char *directory = getenv("TMPDIR");
	int status;

	snprintf(path, sizeof(path), "%s/isamon.minute.%d", directory ? directory : "/tmp",
		 (int)getpid());
	status = unit_main(argc, argv, cases, n);
	unlink(path);
	return status;
}

#endif
