/* SPDX-License-Identifier: MIT */
/*
 * One process, read off /proc: who it is, and its figures. Formats: proc(5),
 * Documentation/filesystems/proc.rst. What is read was written by strangers in part (a process
 * names itself), so every parser takes any text.
 *
 * @proc is "/proc", or a directory made like it. Nothing here blocks on more than the kernel's own
 * reading of its tables. /proc shows the processes of its own PID namespace: isamon must be in that of the
 * host, or of the service.
 */
#ifndef ISAMON_PROC_H
#define ISAMON_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "task_abi.h"

#define PROC_TICK_NS 10000000ull /* USER_HZ is 100 on every architecture that isamon runs on */
#define PROC_NAME_SIZE 64        /* of a process (16) or a kernel worker with its work (64) */

/* Of /proc/PID/stat. */
struct proc_stat {
	char name[PROC_NAME_SIZE]; /* may hold any byte but NUL */
	char state;
	pid_t parent;
	pid_t group; /* process group */
	pid_t session;
	uint64_t
		start_ticks; /* after boot; with the pid, who it is: a pid is used again, this is not */
	uint64_t user_ticks, system_ticks;
	uint64_t minor_faults, major_faults;
	uint64_t threads;
};

/* Parsers of NUL-terminated texts. Each returns whether the text had all of it; a
 * sample is not changed otherwise. */
bool proc_parse_stat(const char *text, struct proc_stat *ret_stat);
/* status: resident memory by kind, swap. A process without memory of its own (a zombie) has none. */
bool proc_parse_status(const char *text, struct proc_sample *s);
/* status of one thread: its context switches, added to those of @s. */
bool proc_parse_switches(const char *text, struct proc_sample *s);
/* schedstat of one thread: its delay, added to that of @s. */
bool proc_parse_schedstat(const char *text, struct proc_sample *s);
bool proc_parse_io(const char *text, struct proc_sample *s);
bool proc_parse_limits(const char *text, struct proc_sample *s);
/* smaps_rollup. */
bool proc_parse_rollup(const char *text, struct proc_sample *s);

/* Returns 0; -ESRCH: there is no such process; -EBADMSG: not a stat line; another -errno. */
int proc_read_stat(const char *proc, pid_t pid, struct proc_stat *ret_stat);

/*
 * Reads all of a sample but pss_bytes; what is refused is not among s->known. CPU time comes from
 * the process's CPU clocks (clock_getcpuclockid(3)), to the nanosecond, where @proc is "/proc"; in ticks
 * otherwise. Reads two files for each thread: of a process with more than PROC_THREADS_MAX, run_delay and
 * switches are left out. Returns 0 or -errno, as proc_read_stat().
 */
int proc_read(const char *proc, pid_t pid, struct proc_sample *ret_sample);
#define PROC_THREADS_MAX 128

/* Adds memory by kind, open_fds or pss_bytes alone. The last walks the process's page
 * tables, some 10 ns a page, with its mmap lock held for reading. Return 0 or -errno. */
int proc_read_memory(const char *proc, pid_t pid, struct proc_sample *s);
int proc_read_fds(const char *proc, pid_t pid, struct proc_sample *s);
int proc_read_pss(const char *proc, pid_t pid, struct proc_sample *s);

/* Divides cpu_ns into user_ns and system_ns as their ticks are to each other, as the kernel itself does for
 * /proc/PID/stat (cputime_adjust(), kernel/sched/cputime.c). */
void proc_split_cpu(struct proc_sample *s);

#endif
