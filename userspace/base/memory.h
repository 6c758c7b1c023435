/* SPDX-License-Identifier: MIT */
#ifndef ISAMON_MEMORY_H
#define ISAMON_MEMORY_H

/*
 * Gives back what a beginning has used and nothing needs any more: free memory of the heap, and pages of the program and its
 * libraries that were read once, code or constants. They come again from the page cache when they are needed: a minor fault
 * for each 64 KiB. Takes some milliseconds, in which no other thread may map or unmap anything: loading a library, as a
 * resolver of names does, is such a thing.
 */
void memory_trim(void);
/* What of it is about pages; @smaps is what /proc/self/smaps says. */
void memory_let_go(const char *smaps);

#endif
