/* SPDX-License-Identifier: MIT */
/* Reads the entry of every CPU at once and adds them up. */
#include "probe/per_cpu.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int per_cpu_open(struct per_cpu *p, int map_fd, size_t size)
{
	p->map_fd = map_fd;
	p->n = size / sizeof(__u64);
	p->n_cpus = libbpf_num_possible_cpus();
	if (p->n_cpus < 1)
		return p->n_cpus;
	p->scratch = calloc((size_t)p->n_cpus, size);
	return p->scratch ? 0 : -ENOMEM;
}

void per_cpu_close(struct per_cpu *p)
{
	free(p->scratch);
	p->scratch = NULL;
}

int per_cpu_sum(const struct per_cpu *p, void *ret)
{
	__u64 *sum = ret;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(p->map_fd, &zero, p->scratch) != 0)
		return -errno;
	memset(sum, 0, p->n * sizeof(*sum));
	for (size_t cpu = 0; cpu < (size_t)p->n_cpus; cpu++)
		for (size_t i = 0; i < p->n; i++)
			sum[i] += p->scratch[cpu * p->n + i];
	return 0;
}
