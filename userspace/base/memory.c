/* SPDX-License-Identifier: MIT */
/*
 * Invariant: of a mapping that is let go of no page has ever been written to, by the kernel's own count (a private page that was
 * written to is in Anonymous, or in Swap), and none can be written to. So what comes back from the file is what was there.
 */
#include "base/memory.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

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
	const char *line;

	for (line = smaps; *line; line += strcspn(line, "\n"), line += *line == '\n')
		let_go(line, &m);
}

void memory_trim(void)
{
	_cleanup_(buf_done) struct buf smaps = BUF_INIT(SMAPS_MAX);

	malloc_trim(0);
	if (file_read("/proc/self/smaps", &smaps) == 0)
		memory_let_go(buf_str(&smaps));
}
