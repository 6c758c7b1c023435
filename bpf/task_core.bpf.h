/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is read of the kernel's own structures for bpf/task.bpf.c: only the fields in use, found by CO-RE where the
 * running kernel has them. What differs between kernels is one getter each.
 */
#ifndef ISAMON_TASK_CORE_BPF_H
#define ISAMON_TASK_CORE_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define KERNEL __attribute__((preserve_access_index))

/* Of enum in include/linux/mm_types_task.h, since Linux 4.5 (eca56ff906bd). */
enum { TASK_FILE_PAGES, TASK_ANON_PAGES, TASK_SWAP_ENTRIES, TASK_SHMEM_PAGES, TASK_N_PAGES };
/* include/uapi/asm-generic/resource.h; the same on x86 and arm64 */
#define TASK_RLIMIT_NOFILE 7
#define TASK_CPUS_MAX 512 /* what more CPUs keep back is not seen */

struct task_io_accounting___t {
	u64 read_bytes;
	u64 write_bytes;
} KERNEL;

struct sched_info___t {
	unsigned long long run_delay;
} KERNEL;

struct sched_entity___t {
	u64 sum_exec_runtime;
} KERNEL;

struct rlimit___t {
	unsigned long rlim_cur;
	unsigned long rlim_max;
} KERNEL;

/* What the threads that have ended left, and what all share. */
struct signal_struct___t {
	int nr_threads;
	u64 utime;
	u64 stime;
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long long sum_sched_runtime;
	struct task_io_accounting___t ioac;
	struct rlimit___t rlim[16];
} KERNEL;

struct percpu_counter___t {
	__s64 count;
	__s32 *counters;
} KERNEL;

/* Before f1a7941243c1 (Linux 6.2): an atomic_long_t for each kind. Can go when nobody has 6.1 any more. */
struct mm_rss_stat {
	unsigned long count[TASK_N_PAGES];
} KERNEL;

struct mm_struct___plain {
	struct mm_rss_stat rss_stat;
} KERNEL;

/* Since then "count" is the sum, but for what each CPU keeps back in its own of "counters". */
struct mm_struct___percpu {
	struct percpu_counter___t rss_stat[TASK_N_PAGES];
} KERNEL;

struct fdtable___t {
	unsigned int max_fds;
	unsigned long *open_fds;
} KERNEL;

struct files_struct___t {
	struct fdtable___t *fdt;
} KERNEL;

struct mm_struct;

struct task_struct___t {
	int pid;
	int tgid;
	struct mm_struct *mm;
	struct signal_struct___t *signal;
	struct files_struct___t *files;
	u64 utime;
	u64 stime;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_boottime; /* real_start_time before 5.5 (cf25e24db61c) */
	unsigned long min_flt;
	unsigned long maj_flt;
	struct sched_entity___t se;
	struct sched_info___t sched_info; /* CONFIG_SCHED_INFO */
	struct task_io_accounting___t ioac;
} KERNEL;

struct bpf_iter__task___t {
	struct bpf_iter_meta *meta;
	struct task_struct___t *task;
} KERNEL;

/* Any variable of which each CPU has one, to learn how far a CPU's are from where they are linked. */
struct rq {
	int cpu;
} KERNEL;
extern const struct rq runqueues __ksym __weak;

static volatile __u64 task_scratch[2]; /* in memory an address becomes a number */

static __always_inline __u64 task_cpu_offset(__u32 cpu)
{
	const void *there;

	if (!&runqueues)
		return 0;
	there = bpf_per_cpu_ptr(&runqueues, cpu);
	if (!there)
		return 0;
	task_scratch[0] = (__u64)&runqueues;
	task_scratch[1] = (__u64)there;
	return task_scratch[1] - task_scratch[0];
}

static __always_inline __s64 task_read_s64(const void *at)
{
	__s64 n;

	return bpf_probe_read_kernel(&n, sizeof(n), at) ? 0 : n;
}

static __always_inline void task_pages_plain(void *mm, __s64 *pages)
{
	void *at = mm + bpf_core_field_offset(struct mm_struct___plain, rss_stat);

	for (int kind = 0; kind < TASK_N_PAGES; kind++)
		pages[kind] = task_read_s64(at + kind * sizeof(unsigned long));
}

static __always_inline void task_pages_percpu(void *mm, __s64 *pages, __u32 n_cpus)
{
	void *at = mm + bpf_core_field_offset(struct mm_struct___percpu, rss_stat);
	const __u32 stride = bpf_core_type_size(struct percpu_counter___t);
	__u64 parts[TASK_N_PAGES];

	for (int kind = 0; kind < TASK_N_PAGES; kind++, at += stride) {
		pages[kind] =
			task_read_s64(at + bpf_core_field_offset(struct percpu_counter___t, count));
		parts[kind] = task_read_s64(
			at + bpf_core_field_offset(struct percpu_counter___t, counters));
	}
	for (__u32 cpu = 0; cpu < TASK_CPUS_MAX && cpu < n_cpus; cpu++) {
		__u64 offset = task_cpu_offset(cpu);

		if (!offset)
			return;
		for (int kind = 0; kind < TASK_N_PAGES; kind++) {
			__s32 n;

			if (!bpf_probe_read_kernel(&n, sizeof(n), (void *)(parts[kind] + offset)))
				pages[kind] += n;
		}
	}
}

/* Pages of each kind. What is kept in parts may be below 0 for a moment. Returns false where they are kept in parts,
 * and there is no way to these: @n_cpus is 0. */
static __always_inline bool task_pages(void *mm, __s64 *pages, __u32 n_cpus)
{
	if (bpf_core_type_exists(struct mm_rss_stat))
		task_pages_plain(mm, pages);
	else if (n_cpus)
		task_pages_percpu(mm, pages, n_cpus);
	else
		return false;
	for (int kind = 0; kind < TASK_N_PAGES; kind++)
		if (pages[kind] < 0)
			pages[kind] = 0;
	return true;
}

/* CONFIG_TASK_IO_ACCOUNTING */
static __always_inline bool task_has_io(void)
{
	return bpf_core_field_exists(struct task_io_accounting___t, read_bytes);
}

/* CONFIG_SCHED_INFO */
static __always_inline bool task_has_delay(void)
{
	return bpf_core_field_exists(struct sched_info___t, run_delay);
}

#endif
