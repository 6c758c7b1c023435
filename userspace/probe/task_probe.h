/* SPDX-License-Identifier: MIT */
/* The probe "tasks": a process's figures by a BPF task iterator (bpf/task.bpf.c), as exact as the kernel has
 * them, in some microseconds; or off /proc where the kernel refuses iterators. */
#ifndef ISAMON_TASK_PROBE_H
#define ISAMON_TASK_PROBE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "task_abi.h"

struct task_probe;

/* Loads the iterator and tries it on this process. Where it is refused @why says why, and the probe reads /proc:
 * that is not an error. Blocks for the verifier: some hundredths of a second. Returns 0 or -ENOMEM. */
int task_probe_open(struct buf *why, struct task_probe **ret_probe);
/* NULL is fine. */
void task_probe_close(struct task_probe *p);

/* true: by the iterator; false: off /proc. */
bool task_probe_iterates(const struct task_probe *p);

/*
 * All of @pid's figures but pss_bytes, its threads together. What cannot be known is not among
 * ret_sample->known. The work grows with its threads: by 0.3 us each with the iterator, some 25 us off
 * /proc (up to PROC_THREADS_MAX of them). Returns 0; -ESRCH: there is no such process; another -errno.
 */
int task_probe_read(struct task_probe *p, pid_t pid, struct proc_sample *ret_sample);

#endif
