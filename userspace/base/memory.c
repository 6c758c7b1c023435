/* SPDX-License-Identifier: MIT */
/*
 * Invariant: of a mapping that is let go of no page has ever been written to, by the kernel's own count (a private page that was
 * written to is in Anonymous, or in Swap), and none can be written to. So what comes back from the file is what was there.
 */
#include "base/memory.h"

#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

#define SMAPS_MAX (4u << 20)

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

/* Of a library: all its mappings are in it. */
struct range {
	uintptr_t inside, from, to; /* @inside: an address that is looked for */
};

static const struct range everything = { .from = 0, .to = UINTPTR_MAX };

/* Swap comes behind Anonymous. */
static void let_go(const char *line, const struct range *within, struct mapping *m)
{
	uint64_t kib;

	if (begins_mapping(line, m) || !m->read_only || m->from < within->from ||
	    m->to > within->to)
		return;
	if (sscanf(line, "Anonymous: %" SCNu64, &kib) == 1)
		m->in_memory_clean = kib == 0;
	else if (sscanf(line, "Swap: %" SCNu64, &kib) == 1 && kib == 0 && m->in_memory_clean)
		madvise((void *)m->from, m->to - m->from, MADV_DONTNEED);
}

static void let_go_within(const char *smaps, const struct range *within)
{
	struct mapping m = { .read_only = false };
	const char *line;

	for (line = smaps; *line; line += strcspn(line, "\n"), line += *line == '\n')
		let_go(line, within, &m);
}

void memory_let_go(const char *smaps)
{
	let_go_within(smaps, &everything);
}

static int find_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const uintptr_t page = (uintptr_t)getpagesize();
	struct range *r = ctx;
	uintptr_t from = UINTPTR_MAX, to = 0;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		const uintptr_t at = info->dlpi_addr + h->p_vaddr;

		if (h->p_type != PT_LOAD)
			continue;
		if (at < from)
			from = at & ~(page - 1);
		if (at + h->p_memsz > to)
			to = (at + h->p_memsz + page - 1) & ~(page - 1);
	}
	if (r->inside < from || r->inside >= to)
		return 0;
	r->from = from;
	r->to = to;
	return 1;
}

void memory_trim_library(const void *inside)
{
	_cleanup_(buf_done) struct buf smaps = BUF_INIT(SMAPS_MAX);
	struct range r = { .inside = (uintptr_t)inside };

	malloc_trim(0);
	if (dl_iterate_phdr(find_library, &r) && file_read("/proc/self/smaps", &smaps) == 0)
		let_go_within(buf_str(&smaps), &r);
}

void memory_trim(void)
{
	_cleanup_(buf_done) struct buf smaps = BUF_INIT(SMAPS_MAX);

	malloc_trim(0);
	if (file_read("/proc/self/smaps", &smaps) == 0)
		memory_let_go(buf_str(&smaps));
}
