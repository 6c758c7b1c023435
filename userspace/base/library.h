/* SPDX-License-Identifier: MIT */
/*
 * Shared libraries that are opened when they are needed (dlopen(3)): what they bring with them is not in the memory of
 * a process that does without. They are never unloaded: a thread of theirs may outlive whoever asked for it.
 */
#ifndef ISAMON_LIBRARY_H
#define ISAMON_LIBRARY_H

#include <stddef.h>

#include "base/buf.h"

struct library_symbol {
	const char *name;
	size_t offset; /* of the pointer to it, in the caller's structure */
};

/*
 * Opens the first of @names (up to NULL) that there is, and writes the address of each of @n @symbols to its place in @api.
 * @package: what to install, for people. Returns 0, the library in @ret, for library_close(); -ENOENT: there is none, or one
 * without such a symbol, explained in @why.
 */
int library_open(const char *const names[], const struct library_symbol *symbols, size_t n,
		 const char *package, void *api, struct buf *why, void **ret);
/* NULL is fine. */
void library_close(void *library);

#endif
