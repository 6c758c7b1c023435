/* SPDX-License-Identifier: MIT */
/* Owns the skeleton of the iterator. Each reading makes an iterator for one process and throws it away: so the
 * cost does not depend on how many others the host has, and nothing is left between two readings. */
#include "probe/task_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "probe/proc.h"
#include "task.skel.h"

#define READS_MAX 16 /* one goes through a million threads */

struct task_probe {
	struct task_bpf *skel; /* NULL: /proc */
	int program;           /* the one of its two that the kernel took */
};

static int run_iterator(int program, pid_t pid)
{
	union bpf_iter_link_info info = { .task.pid = (__u32)pid };
	LIBBPF_OPTS(bpf_link_create_opts, o, .iter_info = &info, .iter_info_len = sizeof(info));
	_cleanup_(file_closep) int link = -1;
	_cleanup_(file_closep) int iterator = -1;
	char nothing[64];

	link = bpf_link_create(program, 0, BPF_TRACE_ITER, &o);
	if (link < 0)
		return link;
	iterator = bpf_iter_create(link);
	if (iterator < 0)
		return iterator;
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(iterator, nothing, sizeof(nothing));

		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

static int iterate(struct task_probe *p, pid_t pid, struct proc_sample *ret_sample)
{
	struct proc_sample *sum = &p->skel->bss->task_sum;
	int err;

	memset(sum, 0, sizeof(*sum));
	err = run_iterator(p->program, pid);
	if (err)
		return err;
	if (!(sum->known & PROC_CPU))
		return -ESRCH;
	*ret_sample = *sum;
	ret_sample->pid = (__u32)pid; /* in our PID namespace, whatever it is in the host's */
	if (sum->max_fds == (__u64)(unsigned long)-1)
		ret_sample->max_fds = PROC_UNLIMITED;
	proc_split_cpu(ret_sample);
	return 0;
}

static int load(struct task_probe *p, bool near)
{
	struct task_bpf *skel = task_bpf__open();
	int err;

	if (!skel)
		return -errno;
	skel->rodata->task_page_bytes = (__u64)sysconf(_SC_PAGESIZE);
	skel->rodata->task_n_cpus = (__u32)libbpf_num_possible_cpus();
	bpf_program__set_autoload(skel->progs.isamon_task, !near);
	bpf_program__set_autoload(skel->progs.isamon_task_near, near);
	err = task_bpf__load(skel);
	if (err) {
		task_bpf__destroy(skel);
		return err;
	}
	p->skel = skel;
	p->program = bpf_program__fd(near ? skel->progs.isamon_task_near : skel->progs.isamon_task);
	return 0;
}

int task_probe_open(struct buf *why, struct task_probe **ret_probe)
{
	struct task_probe *p = calloc(1, sizeof(*p));
	struct proc_sample self;
	int err;

	if (!p)
		return -ENOMEM;
	err = load(p, false);
	if (err)
		err = load(p, true);
	if (!err)
		err = iterate(p, getpid(), &self);
	if (err) {
		buf_printf(why, "the kernel refuses a BPF task iterator (%s)", strerror(-err));
		task_bpf__destroy(take(p->skel));
	}
	*ret_probe = p;
	return 0;
}

void task_probe_close(struct task_probe *p)
{
	if (!p)
		return;
	task_bpf__destroy(p->skel);
	free(p);
}

bool task_probe_iterates(const struct task_probe *p)
{
	return p->skel != NULL;
}

int task_probe_read(struct task_probe *p, pid_t pid, struct proc_sample *ret_sample)
{
	struct proc_sample s;
	int err;

	if (!p->skel)
		return proc_read("/proc", pid, ret_sample);
	err = iterate(p, pid, &s);
	if (err)
		return err;
	if (!(s.known & PROC_MEMORY))
		proc_read_memory("/proc", pid, &s);
	if (!(s.known & PROC_FDS))
		proc_read_fds("/proc", pid, &s);
	*ret_sample = s;
	return 0;
}
