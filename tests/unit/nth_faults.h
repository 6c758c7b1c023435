/* SPDX-License-Identifier: MIT */
/* The faults that the tests of care/ try one by one, on each call of theirs: memory, and what the system says of disks. */
#ifndef ISAMON_NTH_FAULTS_H
#define ISAMON_NTH_FAULTS_H

#include "unit.h"

#include "nth_fault.h"

struct fault {
	const char *name;
	struct nth_kind kind;
	unsigned int each, share; /* of nth_further() */
};

static const struct fault all_faults[] = {
	{ "memory", { NTH_MEMORY, ENOMEM, false }, 150, 15 },
	{ "memory of libraries", { NTH_ALL_MEMORY, ENOMEM, false }, 60, 20 },
	{ "open: EMFILE", { NTH_OPEN, EMFILE, false }, 10000, 1 },
	{ "open: EACCES for good", { NTH_OPEN, EACCES, true }, 10000, 1 },
	{ "read: EIO", { NTH_READ, EIO, false }, 10000, 1 },
	{ "read: EINTR", { NTH_READ, EINTR, false }, 10000, 1 },
	{ "write: ENOSPC", { NTH_WRITE, ENOSPC, false }, 10000, 1 },
	{ "write: ENOSPC for good", { NTH_WRITE, ENOSPC, true }, 10000, 1 },
	{ "write: EINTR", { NTH_WRITE, EINTR, false }, 10000, 1 },
	{ "write: EFBIG for good", { NTH_WRITE, EFBIG, true }, 10000, 1 },
	{ "open: EPERM", { NTH_OPEN, EPERM, false }, 10000, 1 },
	{ "sync: EIO", { NTH_SYNC, EIO, false }, 10000, 1 },
	{ "names: EIO", { NTH_NAME, EIO, false }, 10000, 1 },
	{ "owners: EPERM", { NTH_OWNER, EPERM, false }, 10000, 1 },
	{ "stat: EIO", { NTH_STAT, EIO, false }, 10000, 1 },
	{ "readdir: EIO", { NTH_LIST, EIO, false }, 10000, 1 },
};

static bool fault_is_memory(const struct fault *f)
{
	return f->kind.calls & (NTH_MEMORY | NTH_ALL_MEMORY);
}

struct attempt {
	const char *name;
	void (*run)(const struct fault *f);
};

/* Each with each fault is a case. */
UNIT_USED_ static void fault_all(const struct attempt *attempts, size_t n)
{
	for (size_t i = 0; i < n * ARRAY_SIZE(all_faults); i++) {
		const struct attempt *a = &attempts[i / ARRAY_SIZE(all_faults)];
		const struct fault *f = &all_faults[i % ARRAY_SIZE(all_faults)];
		char name[100];

		snprintf(name, sizeof(name), "%s: %s", a->name, f->name);
		if (!unit_wanted(name))
			continue;
		unit_begin("%s", name);
		a->run(f);
	}
}

#endif
