/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What of the kernel's structures life.bpf.c reads: plain loads through typed pointers, which kernels
 * under lockdown allow too (they refuse only helpers that read any address).
 */
#ifndef ISAMON_LIFE_TASK_BPF_H
#define ISAMON_LIFE_TASK_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define LIFE_TYPE __attribute__((preserve_access_index))

#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h: group_exit_code is valid */
#define SIGKILL 9

struct atomic___life {
	int counter;
} LIFE_TYPE;

struct mm_struct___life {
	unsigned long arg_start, arg_end;
} LIFE_TYPE;

struct signal_struct___life {
	struct atomic___life live; /* threads that have not begun to end */
	int group_exit_code;
	unsigned int flags;
	/* Of the threads that are gone. */
	__u64 utime, stime;
	unsigned long long sum_sched_runtime;
	unsigned long maxrss;            /* pages; set when the last thread ends, and by exec */
	struct mm_struct___life *oom_mm; /* set by mark_oom_victim() (4.9) */
} LIFE_TYPE;

struct sched_entity___life {
	__u64 sum_exec_runtime;
} LIFE_TYPE;

struct task_struct___life {
	int pid, tgid, exit_code;
	__u64 utime, stime;
	__u64 start_boottime; /* 5.5 (cf25e24db61c) */
	struct sched_entity___life se;
	struct task_struct___life *real_parent, *group_leader;
	struct mm_struct___life *mm;
	struct signal_struct___life *signal;
} LIFE_TYPE;

/* What wait(2) will give (kernel/exit.c, wait_task_zombie()). */
static __always_inline __u32 task_status(const struct task_struct___life *t)
{
	if (t->signal->flags & SIGNAL_GROUP_EXIT)
		return (__u32)t->signal->group_exit_code;
	return (__u32)t->group_leader->exit_code;
}

#endif
