// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The figures of one process: a task iterator over its threads (bpf_iter_link_info.task.pid, Linux 6.1,
 * f0d74c4da1f0), which adds them up in task_sum. User space clears that, reads the iterator to its end, and takes
 * it. Nothing runs between.
 */
#include "task_core.bpf.h"

#include <bpf/bpf_tracing.h>

#include "task_abi.h"

#define FDS_A_WORD 64
#define WORDS_MAX 1024 /* 65,536 descriptors; with more they are not counted here */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u64 task_page_bytes = 4096;
const volatile __u32 task_n_cpus = 1; /* that are possible */

struct proc_sample task_sum;

static __always_inline __u32 popcount(__u64 v)
{
	v -= v >> 1 & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return v * 0x0101010101010101ull >> 56;
}

static __always_inline void add_files(struct proc_sample *s, struct task_struct___t *t)
{
	struct files_struct___t *files = t->files;
	struct fdtable___t *table;
	unsigned long *bits, word;
	__u64 n = 0;
	__u32 words;

	if (!files || !files->fdt)
		return;
	table = files->fdt;
	words = table->max_fds / FDS_A_WORD;
	bits = table->open_fds;
	if (words > WORDS_MAX)
		return;
	for (__u32 i = 0; i < WORDS_MAX && i < words; i++) {
		if (bpf_probe_read_kernel(&word, sizeof(word), &bits[i]))
			return;
		n += popcount(word);
	}
	s->open_fds = n;
	s->known |= PROC_FDS;
}

static __always_inline void add_memory(struct proc_sample *s, void *mm, __u32 n_cpus)
{
	__s64 pages[TASK_N_PAGES];

	if (!task_pages(mm, pages, n_cpus))
		return;
	s->file_bytes = pages[TASK_FILE_PAGES] * task_page_bytes;
	s->anon_bytes = pages[TASK_ANON_PAGES] * task_page_bytes;
	s->swap_bytes = pages[TASK_SWAP_ENTRIES] * task_page_bytes;
	s->shmem_bytes = pages[TASK_SHMEM_PAGES] * task_page_bytes;
	s->known |= PROC_MEMORY;
}

/* The leader comes first, so that what a thread leaves when it ends is never counted twice. */
static __always_inline void add_process(struct proc_sample *s, struct task_struct___t *t)
{
	struct signal_struct___t *g = t->signal;
	__u64 limit = g->rlim[TASK_RLIMIT_NOFILE].rlim_cur;

	s->pid = t->tgid;
	s->start_ns = t->start_boottime;
	s->threads = g->nr_threads;
	s->cpu_ns = g->sum_sched_runtime;
	s->user_ns = g->utime;
	s->system_ns = g->stime;
	s->voluntary = g->nvcsw;
	s->involuntary = g->nivcsw;
	s->minor_faults = g->min_flt;
	s->major_faults = g->maj_flt;
	s->max_fds = limit;
	s->known |= PROC_CPU | PROC_SWITCHES | PROC_FAULTS | PROC_MAX_FDS;
	if (task_has_io()) {
		s->read_bytes = g->ioac.read_bytes;
		s->write_bytes = g->ioac.write_bytes;
		s->known |= PROC_IO;
	}
}

static __always_inline void add_thread(struct proc_sample *s, struct task_struct___t *t,
				       __u32 n_cpus)
{
	s->cpu_ns += t->se.sum_exec_runtime;
	s->user_ns += t->utime;
	s->system_ns += t->stime;
	s->voluntary += t->nvcsw;
	s->involuntary += t->nivcsw;
	s->minor_faults += t->min_flt;
	s->major_faults += t->maj_flt;
	if (task_has_io()) {
		s->read_bytes += t->ioac.read_bytes;
		s->write_bytes += t->ioac.write_bytes;
	}
	if (task_has_delay()) {
		s->run_delay_ns += t->sched_info.run_delay;
		s->known |= PROC_DELAY;
	}
	if (t->mm && !(s->known & PROC_MEMORY))
		add_memory(s, t->mm, n_cpus);
	if (!(s->known & PROC_FDS))
		add_files(s, t);
}

static __always_inline int add_task(struct task_struct___t *t, __u32 n_cpus)
{
	struct proc_sample *s = &task_sum;

	if (!t)
		return 0;
	if (t->pid == t->tgid)
		add_process(s, t);
	add_thread(s, t, n_cpus);
	return 0;
}

SEC("iter/task")
int isamon_task(struct bpf_iter__task___t *ctx)
{
	return add_task(ctx->task, task_n_cpus);
}

/* For kernels that cannot find a variable by its name (CONFIG_KALLSYMS_ALL=n): since 6.2 without memory. */
SEC("iter/task")
int isamon_task_near(struct bpf_iter__task___t *ctx)
{
	return add_task(ctx->task, 0);
}
