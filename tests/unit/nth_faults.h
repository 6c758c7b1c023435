/* SPDX-License-Identifier: MIT */
/* The faults that the tests of care/ try one by one, on each call of theirs: memory, and what the system says of disks. */
#ifndef ISAMON_NTH_FAULTS_H
#define ISAMON_NTH_FAULTS_H

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

#endif
