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
/*
 * The same for what a moment's work has used of the heap and of one library, in which the address @inside is. Other threads may do what they
 * want meanwhile, also in this library. Takes some 0.1 ms, and as much when the pages come back. Where the kernel does not say which pages were
 * written to (/proc/self/pagemap), the library's stay.
 */
void memory_trim_library(const void *inside);
/* What of memory_trim() is about pages; @smaps is what /proc/self/smaps says. */
void memory_let_go(const char *smaps);

#endif
