/* SPDX-License-Identifier: MIT */
/* Figures of the whole host, out of the texts of /proc (proc(5); of pressure: Documentation/accounting/psi.rst). Every parser takes any
 * text, and returns whether it had all that is asked for; otherwise nothing is written. */
#ifndef ISAMON_HOST_FIGURES_H
#define ISAMON_HOST_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

struct host_memory {
	uint64_t total, available, swap_total, swap_free; /* bytes */
};
/* /proc/meminfo */
bool host_parse_memory(const char *text, struct host_memory *ret);

struct host_load {
	double load1, load5, load15;
	uint64_t running, tasks; /* that want a CPU now; that there are */
};
/* /proc/loadavg */
bool host_parse_load(const char *text, struct host_load *ret);

/* Ticks since the host was started, of all CPUs together. */
struct host_cpu {
	uint64_t busy, idle, waiting,
		stolen; /* waiting: for the disk; busy has none of the others */
};
/* The first line of /proc/stat */
bool host_parse_cpu(const char *text, struct host_cpu *ret);
/* What came between two looks. A figure that fell, as that of waiting may (proc_stat(5)), did not grow. */
struct host_cpu host_cpu_between(const struct host_cpu *before, const struct host_cpu *after);

/* /proc/sys/fs/file-nr */
bool host_parse_files(const char *text, uint64_t *ret_used, uint64_t *ret_max);

/* Of a file of /proc/pressure: percent of the last minute in which some tasks, or all that had something to do, waited. */
struct host_pressure {
	double some60,
		full60; /* full60 is 0 where the kernel does not tell it (cpu, before 5.13) */
};
bool host_parse_pressure(const char *text, struct host_pressure *ret);

#endif
