/* SPDX-License-Identifier: MIT */
/* Reads the files of /proc/PID, each in one read(2): the kernel makes the text at that moment. A file that is
 * refused or gone leaves its part of the sample out. */
#include "probe/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"

#define TEXT_SIZE 8192 /* status is 1.5 KiB, more with hundreds of CPUs */

/* Three CPU clocks of a process: make_process_cpuclock(), include/linux/posix-timers.h */
enum { CLOCK_PROF, CLOCK_VIRT, CLOCK_SCHED };
#define PROCESS_CLOCK(pid, which) ((clockid_t)(~(unsigned int)(pid) << 3 | (which)))

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* @name below the directory @dir; -ESRCH also where the process has gone between. */
static int read_text(int dir, const char *name, char *text)
{
	_cleanup_(file_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, TEXT_SIZE - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

static int open_process(const char *proc, pid_t pid)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%d", proc, (int)pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

int proc_read_stat(const char *proc, pid_t pid, struct proc_stat *ret_stat)
{
	char text[TEXT_SIZE], path[PATH_MAX];
	int err;

	if (snprintf(path, sizeof(path), "%s/%d/stat", proc, (int)pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = read_text(AT_FDCWD, path, text);
	if (err)
		return err;
	return proc_parse_stat(text, ret_stat) ? 0 : -EBADMSG;
}

static void from_stat(const struct proc_stat *st, struct proc_sample *s)
{
	s->start_ns = st->start_ticks * PROC_TICK_NS;
	s->user_ns = st->user_ticks * PROC_TICK_NS;
	s->system_ns = st->system_ticks * PROC_TICK_NS;
	s->cpu_ns = s->user_ns + s->system_ns;
	s->minor_faults = st->minor_faults;
	s->major_faults = st->major_faults;
	s->threads = (uint32_t)st->threads;
	s->known |= PROC_CPU | PROC_FAULTS;
}

static bool clock_read(pid_t pid, unsigned int which, uint64_t *ret_ns)
{
	struct timespec t;

	if (clock_gettime(PROCESS_CLOCK(pid, which), &t))
		return false;
	*ret_ns = (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
	return true;
}

/* All threads, ended ones too, to the nanosecond; nobody's permission is needed. */
static void read_clocks(pid_t pid, struct proc_sample *s)
{
	uint64_t user, both, cpu;

	if (!clock_read(pid, CLOCK_VIRT, &user) || !clock_read(pid, CLOCK_PROF, &both) ||
	    !clock_read(pid, CLOCK_SCHED, &cpu))
		return;
	s->user_ns = user;
	s->system_ns = both > user ? both - user : 0;
	s->cpu_ns = cpu;
}

static bool read_thread(int tasks, const char *tid, struct proc_sample *s)
{
	char name[NAME_MAX + 16], text[TEXT_SIZE];

	snprintf(name, sizeof(name), "%s/schedstat", tid);
	if (read_text(tasks, name, text) != 0 || !proc_parse_schedstat(text, s))
		return false;
	snprintf(name, sizeof(name), "%s/status", tid);
	return read_text(tasks, name, text) == 0 && proc_parse_switches(text, s);
}

/* A thread that ends between is left out. */
static void read_threads(int process, struct proc_sample *s)
{
	int fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(dir_closep) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool any = false;

	if (!dir) {
		file_closep(&fd);
		return;
	}
	for (struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] != '.')
			any |= read_thread(fd, d->d_name, s);
	if (any)
		s->known |= PROC_DELAY | PROC_SWITCHES;
}

/* The directory's size is their number since Linux 6.2 (f1f1f2569901); before, they are listed. */
static void count_fds(int process, struct proc_sample *s)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(dir_closep) DIR *dir = NULL;
	struct statfs fs;
	struct stat st;
	uint64_t n = 0;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	if (fstat(fd, &st) == 0 && st.st_size > 0 && fstatfs(fd, &fs) == 0 &&
	    fs.f_type == PROC_SUPER_MAGIC)
		n = (uint64_t)st.st_size;
	else
		for (struct dirent *d; (d = readdir(dir));)
			n += d->d_name[0] != '.';
	s->open_fds = n;
	s->known |= PROC_FDS;
}

static void read_limits(int process, struct proc_sample *s)
{
	char text[TEXT_SIZE];

	if (read_text(process, "limits", text) == 0)
		proc_parse_limits(text, s);
}

int proc_read(const char *proc, pid_t pid, struct proc_sample *ret_sample)
{
	struct proc_sample s = { .pid = (uint32_t)pid };
	_cleanup_(file_closep) int process = open_process(proc, pid);
	char text[TEXT_SIZE];
	struct proc_stat st;
	int err;

	if (process < 0)
		return process;
	err = read_text(process, "stat", text);
	if (err)
		return err;
	if (!proc_parse_stat(text, &st))
		return -EBADMSG;
	from_stat(&st, &s);
	if (strcmp(proc, "/proc") == 0)
		read_clocks(pid, &s);
	proc_split_cpu(&s);
	if (read_text(process, "status", text) == 0)
		proc_parse_status(text, &s);
	if (read_text(process, "io", text) == 0)
		proc_parse_io(text, &s);
	if (st.threads <= PROC_THREADS_MAX)
		read_threads(process, &s);
	count_fds(process, &s);
	read_limits(process, &s);
	*ret_sample = s;
	return 0;
}

int proc_read_memory(const char *proc, pid_t pid, struct proc_sample *s)
{
	_cleanup_(file_closep) int process = open_process(proc, pid);
	char text[TEXT_SIZE];
	int err;

	if (process < 0)
		return process;
	err = read_text(process, "status", text);
	if (err)
		return err;
	return proc_parse_status(text, s) ? 0 : -ENODATA; /* a zombie */
}

int proc_read_fds(const char *proc, pid_t pid, struct proc_sample *s)
{
	_cleanup_(file_closep) int process = open_process(proc, pid);

	if (process < 0)
		return process;
	count_fds(process, s);
	return s->known & PROC_FDS ? 0 : -EACCES;
}

int proc_read_pss(const char *proc, pid_t pid, struct proc_sample *s)
{
	_cleanup_(file_closep) int process = open_process(proc, pid);
	char text[TEXT_SIZE];
	int err;

	if (process < 0)
		return process;
	err = read_text(process, "smaps_rollup", text);
	if (err)
		return err;
	return proc_parse_rollup(text, s) ? 0 : -EBADMSG;
}

void proc_split_cpu(struct proc_sample *s)
{
	uint64_t ticks = s->user_ns + s->system_ns;

	if (!s->system_ns) {
		s->user_ns = s->cpu_ns;
		return;
	}
	s->system_ns =
		s->user_ns ? (uint64_t)((__uint128_t)s->system_ns * s->cpu_ns / ticks) : s->cpu_ns;
	s->user_ns = s->cpu_ns - s->system_ns;
}
