/* SPDX-License-Identifier: MIT */
/*
 * Invariant: of a mapping that is let go of no page has ever been written to, by the kernel's own count (a private page that was
 * written to is in Anonymous, or in Swap), and none can be written to. So what comes back from the file is what was there.
 */
#include "base/memory.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

#define MAPPINGS "/proc/self/smaps"
#define MAPPINGS_MAX (4u << 20)
#define LINE_MAX_BYTES 256 /* of what is looked at */

/* Of /proc/self/pagemap, one of 64 bits for each page (admin-guide/mm/pagemap.rst). FILE is never set for a page that was written to. */
#define PAGE_PRESENT (1ull << 63)
#define PAGE_SWAPPED (1ull << 62)
#define PAGE_FILE (1ull << 61)
#define PAGES_AT_ONCE 512

struct mapping {
	uintptr_t from, to;
	bool read_only; /* private, of a file, not writable */
	bool in_memory_clean;
};

/* "7f0c1000-7f0c2000 r-xp 00001000 fe:00 1234   /usr/lib/libx.so"; false: another line. */
static bool begins_mapping(const char *line, struct mapping *m)
{
	char mode[5], path[2] = "";
	uintptr_t from, to;

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*[0-9]%*[ ]%1[^\n]", &from, &to,
		   mode, path) < 3)
		return false;
	*m = (struct mapping){
		.from = from,
		.to = to,
		.read_only = mode[1] == '-' && mode[3] == 'p' && *path == '/',
	};
	return true;
}

/* Swap comes behind Anonymous. */
static void let_go(const char *line, struct mapping *m)
{
	uint64_t kib;

	if (begins_mapping(line, m) || !m->read_only)
		return;
	if (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1)
		m->in_memory_clean = kib == 0;
	else if (sscanf(line, "Swap: %" SCNu64, &kib) == 1 && kib == 0 && m->in_memory_clean)
		madvise((void *)m->from, m->to - m->from, MADV_DONTNEED);
}

void memory_let_go(const char *smaps)
{
	struct mapping m = { .read_only = false };
	char line[LINE_MAX_BYTES];

	while (*smaps) {
		const size_t len = strcspn(smaps, "\n");

		/* By itself: sscanf() measures all of what it is given, which is long. */
		snprintf(line, sizeof(line), "%.*s", (int)len, smaps);
		let_go(line, &m);
		smaps += len + (smaps[len] == '\n');
	}
}

void memory_trim(void)
{
	_cleanup_(buf_done) struct buf smaps = BUF_INIT(MAPPINGS_MAX);
	Dl_info info;

	/* Its first call has libc search the tables of all libraries: not when one of them is to be trimmed. */
	dladdr(MAPPINGS, &info);
	malloc_trim(0);
	if (file_read(MAPPINGS, &smaps) == 0)
		memory_let_go(buf_str(&smaps));
}

/* --- one library */

static bool was_written(const uint64_t *pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((pages[i] & (PAGE_PRESENT | PAGE_SWAPPED)) && !(pages[i] & PAGE_FILE))
			return true;
	return false;
}

static void let_pages_go(int pagemap, uintptr_t from, uintptr_t to)
{
	const uintptr_t page = (uintptr_t)getpagesize();
	uint64_t pages[PAGES_AT_ONCE];
	size_t n, size;

	for (; from < to; from += n * page) {
		n = (to - from) / page;
		if (n > ARRAY_SIZE(pages))
			n = ARRAY_SIZE(pages);
		size = n * sizeof(*pages);
		if (pread(pagemap, pages, size, (off_t)(from / page * sizeof(*pages))) !=
		    (ssize_t)size)
			return;
		if (!was_written(pages, n))
			madvise((void *)from, n * page, MADV_DONTNEED);
	}
}

void memory_trim_library(const void *inside)
{
	_cleanup_(file_closep) int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const uintptr_t page = (uintptr_t)getpagesize();
	struct link_map *library;
	const ElfW(Phdr) * part;
	const ElfW(Ehdr) * head;
	Dl_info info;

	malloc_trim(0);
	if (pagemap < 0 || !dladdr1(inside, &info, (void **)&library, RTLD_DL_LINKMAP))
		return;
	head = info.dli_fbase;
	part = (const void *)((const char *)info.dli_fbase + head->e_phoff);
	for (size_t i = 0; i < head->e_phnum; i++) {
		const uintptr_t from = library->l_addr + part[i].p_vaddr;

		if (part[i].p_type == PT_LOAD && !(part[i].p_flags & PF_W))
			let_pages_go(pagemap, from & ~(page - 1),
				     (from + part[i].p_memsz + page - 1) & ~(page - 1));
	}
}
