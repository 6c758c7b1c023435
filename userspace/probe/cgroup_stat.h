/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a process's cgroup: CPU throttling, memory limits, pressure (PSI).
 *
 * cgroup v2 (Documentation/admin-guide/cgroup-v2.rst): cpu.stat, memory.events, cpu.pressure, memory.pressure,
 * io.pressure. Where the cpu controller is in a v1 hierarchy its cpu.stat is read there
 * (Documentation/scheduler/sched-bwc.rst). The root of a hierarchy is no service's own: nothing is read of it.
 */
#ifndef ISAMON_CGROUP_STAT_H
#define ISAMON_CGROUP_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Longer paths are not followed. */
#define CGROUP_STAT_PATH_MAX 1024

enum cgroup_resource { CGROUP_CPU, CGROUP_MEMORY, CGROUP_IO, CGROUP_RESOURCES };
enum cgroup_kind { CGROUP_SOME, CGROUP_FULL, CGROUP_KINDS };

/* Where a hierarchy is mounted; point "" where it is not. */
struct cgroup_mount {
	char root[CGROUP_STAT_PATH_MAX];  /* the part of the hierarchy that the mount shows */
	char point[CGROUP_STAT_PATH_MAX]; /* where it shows it */
};

struct cgroup_mounts {
	struct cgroup_mount v2;
	struct cgroup_mount v1_cpu;
};

/* A cgroup's directories; "" where there is none, or it is the root. */
struct cgroup_dirs {
	char v2[CGROUP_STAT_PATH_MAX];
	char v1_cpu[CGROUP_STAT_PATH_MAX];
};

/* One reading. Counters are the kernel's own, since the cgroup was made. */
struct cgroup_stat {
	uint64_t v2_id, cpu_id; /* inodes of the directories: another one is another cgroup */
	bool has_cpu;           /* there is a cpu controller */
	bool cpu_is_v2;         /* it is in v2_id's directory */
	uint64_t periods;       /* in which it had something to run and a limit */
	uint64_t throttled_periods;
	uint64_t throttled_ns; /* summed over the CPUs */
	bool has_memory;       /* there is a memory controller (v2) */
	uint64_t memory_high, memory_max, memory_oom, memory_oom_kill;
	bool has_pressure[CGROUP_RESOURCES][CGROUP_KINDS];
	uint64_t pressure_ns[CGROUP_RESOURCES][CGROUP_KINDS];
};

/* Reads the table of mounts, @mountinfo ("/proc/self/mountinfo"). Returns 0, also if none is there, or -errno. */
int cgroup_stat_mounts(const char *mountinfo, struct cgroup_mounts *ret);
/* The cgroup of a process, from @proc ("/proc") / PID / cgroup. Returns 0, or -errno: -ENOENT, -ESRCH: it is gone. */
int cgroup_stat_dirs(const struct cgroup_mounts *m, const char *proc, pid_t pid,
		     struct cgroup_dirs *ret);
/* Reads what is there; what is not is absent in *ret. Opens a handful of files of cgroupfs; never fails. */
void cgroup_stat_read(const struct cgroup_dirs *dirs, struct cgroup_stat *ret);

/* The texts of the files, NUL-terminated. What is missing or no number is left out: returns whether all was found. */
bool cgroup_stat_parse_cpu(const char *text, struct cgroup_stat *into);
bool cgroup_stat_parse_memory(const char *text, struct cgroup_stat *into);
/* Returns whether at least one of the two lines was found. */
bool cgroup_stat_parse_pressure(const char *text, enum cgroup_resource r, struct cgroup_stat *into);
/* One line of the table of mounts; takes it over what is in @m if it shows more of a hierarchy. */
void cgroup_stat_parse_mount(const char *line, struct cgroup_mounts *m);
/* The text of PID/cgroup. */
void cgroup_stat_parse_dirs(const char *text, const struct cgroup_mounts *m,
			    struct cgroup_dirs *ret);

#endif
