/* SPDX-License-Identifier: MIT */
/*
 * What isamon says of itself. Nothing is kept open between two scrapes: a handful of system
 * calls each time. What /proc refuses is left out, never written as 0.
 */
#include "metrics/self.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define LABELS_BYTES_MAX 512

void self_probe(struct self *s, const char *name, bool up)
{
	unsigned int i = 0;

	while (i < s->n_probes && strcmp(s->probes[i].name, name) != 0)
		i++;
	assert(i < SELF_PROBES_MAX);
	s->probes[i].name = name;
	s->probes[i].up = up;
	if (i == s->n_probes)
		s->n_probes++;
}

void self_forget_probe(struct self *s, const char *name)
{
	unsigned int i = 0;

	while (i < s->n_probes && strcmp(s->probes[i].name, name) != 0)
		i++;
	if (i == s->n_probes)
		return;
	s->n_probes--;
	memmove(&s->probes[i], &s->probes[i + 1], (s->n_probes - i) * sizeof(s->probes[0]));
}

void self_lost(struct self *s, const char *probe, uint64_t n)
{
	unsigned int i = 0;

	while (i < s->n_lost && strcmp(s->lost[i].probe, probe) != 0)
		i++;
	assert(i < SELF_PROBES_MAX);
	s->lost[i].probe = probe;
	s->lost[i].n = n;
	if (i == s->n_lost)
		s->n_lost++;
}

static void write_info(struct expo *e)
{
	static const struct expo_family family = { "isamon_build",
						   "The version of isamon that runs.", NULL,
						   EXPO_INFO };
	_cleanup_(buf_done) struct buf labels = BUF_INIT(LABELS_BYTES_MAX);
	struct utsname host;

	expo_label(&labels, "version", ISAMON_VERSION);
	if (uname(&host) == 0) {
		expo_label(&labels, "machine", host.machine);
		expo_label(&labels, "kernel", host.release);
	}
	expo_begin(e, &family);
	expo_u64(e, &family, buf_str(&labels), 1);
}

static void write_probes(struct expo *e, const struct self *s)
{
	static const struct expo_family family = { "isamon_probe_up",
						   "Whether a part of the tracing works.", NULL,
						   EXPO_GAUGE };

	expo_begin(e, &family);
	for (unsigned int i = 0; i < s->n_probes; i++) {
		_cleanup_(buf_done) struct buf labels = BUF_INIT(LABELS_BYTES_MAX);

		if (expo_label(&labels, "probe", s->probes[i].name) == 0)
			expo_u64(e, &family, buf_str(&labels), s->probes[i].up);
	}
}

static void write_lost(struct expo *e, const struct self *s)
{
	static const struct expo_family family = { "isamon_trace_lost",
						   "Records lost because the ring buffer was full.",
						   NULL, EXPO_COUNTER };

	if (s->n_lost)
		expo_begin(e, &family);
	for (unsigned int i = 0; i < s->n_lost; i++) {
		_cleanup_(buf_done) struct buf labels = BUF_INIT(LABELS_BYTES_MAX);

		if (expo_label(&labels, "probe", s->lost[i].probe) == 0)
			expo_u64(e, &family, buf_str(&labels), s->lost[i].n);
	}
}

static void write_one(struct expo *e, const struct expo_family *f, double value)
{
	if (isnan(value))
		return;
	expo_begin(e, f);
	expo_double(e, f, NULL, value);
}

static void write_isamon(struct expo *e, const struct self *s)
{
	static const struct expo_family families[] = {
		{ "isamon_service_up", "Whether something listens on one of the service's ports.",
		  NULL, EXPO_GAUGE },
		{ "isamon_scrape_duration_seconds", "How long writing the last page took.",
		  "seconds", EXPO_GAUGE },
		{ "isamon_scrapes", "Pages that were sent whole.", NULL, EXPO_COUNTER },
		{ "isamon_config_reloads", "Times that the configuration was read again.", NULL,
		  EXPO_COUNTER },
		{ "isamon_listener_refused", "Connections to /metrics refused for being too many.",
		  NULL, EXPO_COUNTER },
		{ "isamon_listener_timeouts", "Connections to /metrics cut for being too slow.",
		  NULL, EXPO_COUNTER },
		{ "isamon_restore_unfinished",
		  "Restores of the service's directories that were cut off.", NULL, EXPO_GAUGE },
		{ "isamon_update_unfinished", "Whether an update of the application was cut off.",
		  NULL, EXPO_GAUGE },
	};

	write_one(e, &families[0], s->service_up);
	write_one(e, &families[1], s->scrapes ? s->last_scrape_s : (double)NAN);
	expo_begin(e, &families[2]);
	expo_u64(e, &families[2], NULL, s->scrapes);
	expo_begin(e, &families[3]);
	expo_u64(e, &families[3], "result=\"refused\"", s->config_reloads[0]);
	expo_u64(e, &families[3], "result=\"taken\"", s->config_reloads[1]);
	expo_begin(e, &families[4]);
	expo_u64(e, &families[4], NULL, s->listener_refused);
	expo_begin(e, &families[5]);
	expo_u64(e, &families[5], NULL, s->listener_timeouts);
	write_one(e, &families[6], s->restores_unfinished);
	write_one(e, &families[7], s->updates_unfinished);
}

/* Fields of /proc/self/stat (proc_pid_stat(5)). */
struct process {
	long threads;             /* 20 */
	unsigned long long start; /* 22: clock ticks after boot */
	unsigned long vsize;      /* 23: bytes */
	long rss;                 /* 24: pages */
};

static bool read_process(struct process *ret)
{
	char text[1024];
	const char *behind_name;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	behind_name = strrchr(text, ')'); /* the name may hold anything */
	/* Behind it: 3 is the state, then numbers. */
	return behind_name &&
	       sscanf(behind_name + 1,
		      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld "
		      "%*d %llu %lu %ld",
		      &ret->threads, &ret->start, &ret->vsize, &ret->rss) == 4;
}

/* Returns NaN if it cannot be known. */
static double count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!dir)
		return (double)NAN;
	for (struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n - 1; /* without the directory itself */
}

static double max_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return (double)NAN;
	return limit.rlim_cur == RLIM_INFINITY ? (double)INFINITY : (double)limit.rlim_cur;
}

static double seconds_of(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		return (double)NAN;
	return (double)t.tv_sec + (double)t.tv_nsec / (double)NS_PER_SEC;
}

/* Once: the clock of the day may be set, and the start must not seem to move. */
static double start_time(struct self *s, const struct process *p)
{
	double booted, start;

	if (s->start_time_s > 0)
		return s->start_time_s;
	booted = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
	start = booted + (double)p->start / (double)sysconf(_SC_CLK_TCK);
	/* To hundredths; round() would bring in libm, which is 0.3 MB of resident memory. */
	if (!(start > 0))
		return (double)NAN;
	s->start_time_s = (double)(uint64_t)(start * 100 + 0.5) / 100;
	return s->start_time_s;
}

static void write_process(struct expo *e, struct self *s)
{
	static const struct expo_family families[] = {
		{ "process_cpu_seconds", "CPU time of isamon, user and system.", "seconds",
		  EXPO_COUNTER },
		{ "process_open_fds", "Open file descriptors of isamon.", NULL, EXPO_GAUGE },
		{ "process_max_fds", "The limit of open file descriptors.", NULL, EXPO_GAUGE },
		{ "process_resident_memory_bytes", "Resident memory of isamon.", "bytes",
		  EXPO_GAUGE },
		{ "process_virtual_memory_bytes", "Virtual memory of isamon.", "bytes",
		  EXPO_GAUGE },
		{ "process_threads", "Threads of isamon.", NULL, EXPO_GAUGE },
		{ "process_start_time_seconds", "When isamon was started, since the epoch.",
		  "seconds", EXPO_GAUGE },
	};
	struct process p;

	write_one(e, &families[0], seconds_of(CLOCK_PROCESS_CPUTIME_ID));
	write_one(e, &families[1], count_fds());
	write_one(e, &families[2], max_fds());
	if (!read_process(&p))
		return;
	write_one(e, &families[3], (double)p.rss * (double)sysconf(_SC_PAGESIZE));
	write_one(e, &families[4], (double)p.vsize);
	write_one(e, &families[5], (double)p.threads);
	write_one(e, &families[6], start_time(s, &p));
}

bool self_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	struct self *s = ctx;

	(void)at;
	(void)enough;
	write_info(e);
	write_probes(e, s);
	write_lost(e, s);
	write_isamon(e, s);
	write_process(e, s);
	return true;
}
