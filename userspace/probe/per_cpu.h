/* SPDX-License-Identifier: MIT */
/* Counters that BPF programs keep for each CPU, in a BPF_MAP_TYPE_PERCPU_ARRAY with one entry of __u64s. */
#ifndef ISAMON_PER_CPU_H
#define ISAMON_PER_CPU_H

#include <linux/types.h>
#include <stddef.h>

struct per_cpu {
	int map_fd;     /* not owned */
	int n_cpus;     /* possible ones */
	size_t n;       /* counters in the entry */
	__u64 *scratch; /* n for each CPU, owned */
};

/* @size: of the entry, a multiple of 8. Returns 0, -ENOMEM, or what says how many CPUs there are. */
int per_cpu_open(struct per_cpu *p, int map_fd, size_t size);
/* Of one that was never opened, too, if it is zeroed. */
void per_cpu_close(struct per_cpu *p);
/* Sums the counters over the CPUs into @ret (of @size bytes). Returns 0 or -errno, and @ret is untouched. */
int per_cpu_sum(const struct per_cpu *p, void *ret);

#endif
