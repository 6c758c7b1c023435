/* SPDX-License-Identifier: MIT */
/*
 * Python's tracebacks, followed line by line: which lines belong to one, and the type that it ends with.
 *
 * One begins with "Traceback (most recent call last):" and ends with the line of the exception; further ones that are
 * chained to it ("During handling of the above exception, ...", "The above exception was the direct cause ...") and
 * groups of exceptions with their margins belong to it. What the message of an exception has on further lines does only if it is
 * indented: without time stamps nothing else tells it from the next line of the log.
 */
#ifndef ISAMON_TRACEBACK_H
#define ISAMON_TRACEBACK_H

#include <stdbool.h>
#include <stddef.h>

#define TRACEBACK_TYPE_MAX 100 /* bytes, of A-Z a-z 0-9 _ and . */

enum traceback_state { TRACEBACK_NONE, TRACEBACK_INSIDE, TRACEBACK_OVER, TRACEBACK_CHAINED };

struct traceback {
	enum traceback_state state;
	size_t type_len; /* 0: none was seen */
	char type[TRACEBACK_TYPE_MAX];
};

/* Looks at the next line. Whether it goes on with the traceback of the lines before; false for the one that begins it.
 * The type is that of the last exception seen. */
bool traceback_step(struct traceback *t, const char *line, size_t n);

#endif
