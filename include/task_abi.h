/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The figures of one process, as bpf/task.bpf.c leaves them and as user space reads them off /proc: all its
 * threads together, those that have ended included where the kernel keeps their sums.
 */
#ifndef ISAMON_TASK_ABI_H
#define ISAMON_TASK_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* What of a sample is known; the rest is 0 and means nothing. */
enum proc_known {
	PROC_CPU = 1 << 0,      /* cpu_ns, user_ns, system_ns */
	PROC_DELAY = 1 << 1,    /* run_delay_ns */
	PROC_SWITCHES = 1 << 2, /* voluntary, involuntary */
	PROC_FAULTS = 1 << 3,   /* minor_faults, major_faults */
	PROC_MEMORY = 1 << 4,   /* anon, file, shmem, swap */
	PROC_IO = 1 << 5,       /* read_bytes, write_bytes */
	PROC_FDS = 1 << 6,      /* open_fds */
	PROC_MAX_FDS = 1 << 7,  /* max_fds */
	PROC_PSS = 1 << 8,      /* pss_bytes */
};

#define PROC_UNLIMITED (~0ull) /* of max_fds */

struct proc_sample {
	__u32 pid;          /* of the process (tgid) */
	__u32 known;        /* enum proc_known */
	__u64 start_ns;     /* after boot; off /proc in steps of 10 ms */
	__u64 cpu_ns;       /* what the scheduler gave it: exact */
	__u64 user_ns;      /* by the kernel's ticks, until proc_split_cpu() */
	__u64 system_ns;    /* the same */
	__u64 run_delay_ns; /* runnable, but waiting for a CPU; of the threads that live */
	__u64 voluntary;    /* context switches */
	__u64 involuntary;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 anon_bytes; /* resident */
	__u64 file_bytes;
	__u64 shmem_bytes;
	__u64 swap_bytes;
	__u64 pss_bytes;   /* resident, shared pages divided by the number of those who share */
	__u64 read_bytes;  /* that storage was asked for */
	__u64 write_bytes; /* that storage will have to write */
	__u64 open_fds;
	__u64 max_fds; /* the soft limit, or PROC_UNLIMITED */
	__u32 threads;
	__u32 reserved;
};

_Static_assert(sizeof(struct proc_sample) == 160, "no hidden padding");

#endif
