/* SPDX-License-Identifier: MIT */
/* nginx writes what a process is into its command line (ngx_setproctitle). Anybody's process could: only root's and ours are believed. */
#include "check/nginx_process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "probe/proc.h"

#define MASTER "nginx: master process"
#define WORKER "nginx: worker process"
#define TITLE_MAX 4096
#define TICKS_PER_S 100.0

static bool has_title(pid_t pid, const char *title)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TITLE_MAX);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	return file_read(path, &text) == 0 && strncmp(buf_str(&text), title, strlen(title)) == 0 &&
	       strstr(buf_str(&text), "is shutting down") == NULL;
}

static bool shares(pid_t pid, const char *space)
{
	char path[64], own[64];
	struct stat a, b;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, space);
	snprintf(own, sizeof(own), "/proc/self/ns/%s", space);
	return stat(path, &a) == 0 && stat(own, &b) == 0 && a.st_ino == b.st_ino;
}

static bool is_master(pid_t pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return has_title(pid, MASTER) && stat(path, &st) == 0 &&
	       (st.st_uid == 0 || st.st_uid == geteuid()) &&
	       (geteuid() != 0 || (shares(pid, "net") && shares(pid, "pid")));
}

static double start_of(uint64_t ticks)
{
	struct timespec boot = { .tv_sec = 0 };

	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (double)clock_realtime_ns() / 1e9 - (double)boot.tv_sec -
	       (double)boot.tv_nsec / 1e9 + (double)ticks / TICKS_PER_S;
}

static void look(DIR *d, struct nginx_processes *ret)
{
	const struct dirent *e;

	rewinddir(d);
	while ((e = readdir(d))) {
		struct proc_stat stat;
		uint64_t pid;

		if (number_parse_u64(e->d_name, 1, INT32_MAX, &pid) ||
		    proc_read_stat("/proc", (pid_t)pid, &stat) || strcmp(stat.name, "nginx") != 0)
			continue;
		if (!ret->master && is_master((pid_t)pid)) {
			ret->master = (pid_t)pid;
		} else if (ret->master && stat.parent == ret->master &&
			   has_title((pid_t)pid, WORKER)) {
			if (!ret->workers++ || stat.start_ticks < ret->oldest_ticks)
				ret->oldest_ticks = stat.start_ticks;
			if (stat.start_ticks > ret->newest_ticks)
				ret->newest_ticks = stat.start_ticks;
		}
	}
}

int nginx_processes_find(struct nginx_processes *ret)
{
	DIR *d = opendir("/proc");

	*ret = (struct nginx_processes){ .master = 0 };
	if (!d)
		return -errno;
	look(d, ret);
	ret->workers = 0;
	if (ret->master)
		look(d, ret); /* workers may have come before their master in the directory */
	if (ret->workers)
		ret->read_s = start_of(ret->oldest_ticks);
	closedir(d);
	return 0;
}
