/* SPDX-License-Identifier: MIT */
/* CPU, memory, open files and pressure: figures of /proc, each judged by itself. Invariant: a figure that the kernel does not tell is
 * "unknown", never fine. */
#include "check/system_checks.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "check/host_figures.h"
#include "check/system_impl.h"

#define TEXT_MAX (256u << 10)
#define SAMPLE_MS 400
#define BUSY_PERCENT 90u
#define STOLEN_PERCENT 10u
#define WAITING_PERCENT 30u
#define LOAD_PER_CPU 2
#define MEMORY_WARNING 20u /* percent that are left */
#define MEMORY_PROBLEM 5u
#define CPU_STALLED 50.0
#define MEMORY_STALLED 5.0
#define IO_STALLED 20.0
#define STALLED_PROBLEM 40.0

enum finding_result system_judge_full(unsigned int percent)
{
	if (percent >= SYSTEM_FULL_PROBLEM)
		return FINDING_PROBLEM;
	return percent >= SYSTEM_FULL_WARNING ? FINDING_WARNING : FINDING_FINE;
}

unsigned int system_percent(uint64_t used, uint64_t left)
{
	double whole = (double)used + (double)left;
	unsigned int percent;

	if (!used || whole <= 0)
		return 0;
	percent = (unsigned int)(100.0 * (double)used / whole);
	return percent < 100 && 100.0 * (double)used / whole > percent ? percent + 1 : percent;
}

const char *system_size(uint64_t bytes, char ret[SYSTEM_SIZE_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1024;
		unit++;
	}
	snprintf(ret, SYSTEM_SIZE_MAX, "%.*f %s", unit && size < 10, size, units[unit]);
	return ret;
}

/* The text of a file of the kernel; 0 or -errno. */
static int look(const char *path, struct buf *text)
{
	buf_reset(text);
	return file_read(path, text);
}

static int sample(struct host_cpu *ret)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	int err = look("/proc/stat", &text);

	return err ?: host_parse_cpu(buf_str(&text), ret) ? 0 : -EBADMSG;
}

static int tell_cpu(struct findings *out, const struct host_cpu *a, const struct host_cpu *b)
{
	struct finding_text t = { .id = "system.cpu" };
	const struct host_cpu d = host_cpu_between(a, b);
	unsigned int busy_percent = system_percent(d.busy, d.idle + d.waiting + d.stolen),
		     waiting_percent = system_percent(d.waiting, d.busy + d.idle + d.stolen),
		     stolen_percent = system_percent(d.stolen, d.busy + d.idle + d.waiting);

	if (busy_percent >= BUSY_PERCENT) {
		t.result = FINDING_NOTE;
		t.meaning =
			"the CPUs had no rest in this moment; the run queue tells whether that lasts";
	}
	if (waiting_percent >= WAITING_PERCENT) {
		t.result = FINDING_WARNING;
		t.meaning = "the CPUs wait for the disk";
		t.remedy = "see who reads and writes: isamon top; pidstat -d 1";
	}
	if (stolen_percent >= STOLEN_PERCENT) {
		t.result = FINDING_WARNING;
		t.meaning =
			"the host's CPU time goes to others: CPU credits are used up, or it is shared";
		t.remedy =
			"look at CPUCreditBalance in CloudWatch; use a larger instance, or one that is not burstable";
	}
	return findings_add(out, &t,
			    "%u %% busy, %u %% waiting for disks, %u %% stolen, over %d ms",
			    busy_percent, waiting_percent, stolen_percent, SAMPLE_MS);
}

static int check_cpu(const struct check_input *in, struct findings *out)
{
	struct host_cpu before, after;
	int err = sample(&before);

	(void)in;
	if (err)
		return err;
	poll(NULL, 0, SAMPLE_MS);
	err = sample(&after);
	return err ?: tell_cpu(out, &before, &after);
}

static int check_load(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct finding_text t = { .id = "system.run-queue" };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct host_load l;
	int err = look("/proc/loadavg", &text);

	(void)in;
	if (!err && !host_parse_load(buf_str(&text), &l))
		err = -EBADMSG;
	if (err)
		return err;
	if (cpus < 1)
		cpus = 1;
	if (l.load5 > (double)(LOAD_PER_CPU * cpus)) {
		t.result = FINDING_WARNING;
		t.meaning = "more tasks want a CPU, or wait for a disk, than the host can serve";
		t.remedy = "see who it is: isamon top; top";
	} else if (l.load1 > (double)(LOAD_PER_CPU * cpus)) {
		t.result = FINDING_NOTE;
		t.meaning = "much to do in the last minute";
	}
	return findings_add(out, &t, "load %.2f %.2f %.2f with %ld CPUs; %llu tasks want one now",
			    l.load1, l.load5, l.load15, cpus, (unsigned long long)l.running);
}

static int tell_memory(struct findings *out, const struct host_memory *m)
{
	unsigned int left = 100 - system_percent(m->total - m->available, m->available);
	char available[SYSTEM_SIZE_MAX], total[SYSTEM_SIZE_MAX];
	struct finding_text t = {
		.id = "system.memory",
		.result = left < MEMORY_PROBLEM ? FINDING_PROBLEM :
			  left < MEMORY_WARNING ? FINDING_WARNING :
						  FINDING_FINE,
	};

	if (t.result != FINDING_FINE) {
		t.meaning = "little memory is left: the kernel may have to kill a process";
		t.remedy = "see who has it: isamon top; ps -eo rss,args --sort=-rss | head";
	}
	return findings_add(out, &t, "%s of %s available (%u %%)",
			    system_size(m->available, available), system_size(m->total, total),
			    left);
}

static int tell_swap(struct findings *out, const struct host_memory *m)
{
	unsigned int used = system_percent(m->swap_total - m->swap_free, m->swap_free);
	struct finding_text t = { .id = "system.swap" };
	char free_size[SYSTEM_SIZE_MAX], total[SYSTEM_SIZE_MAX];

	if (!m->swap_total)
		return findings_add(out, &t, "there is no swap space");
	if (used >= SYSTEM_FULL_WARNING) {
		t.result = FINDING_WARNING;
		t.meaning = "memory was short, and is again as soon as swap is full";
		t.remedy = "see who has it: isamon top; more memory, or fewer workers";
	}
	return findings_add(out, &t, "%s of %s free (%u %% used)",
			    system_size(m->swap_free, free_size), system_size(m->swap_total, total),
			    used);
}

static int check_memory(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct host_memory m;
	int err = look("/proc/meminfo", &text);

	(void)in;
	if (!err && !host_parse_memory(buf_str(&text), &m))
		err = -EBADMSG;
	err = err ?: tell_memory(out, &m);
	return err ?: tell_swap(out, &m);
}

static int check_files(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct finding_text t = { .id = "system.files" };
	uint64_t used, max;
	int err = look("/proc/sys/fs/file-nr", &text);

	(void)in;
	if (!err && !host_parse_files(buf_str(&text), &used, &max))
		err = -EBADMSG;
	if (err)
		return err;
	t.result = system_judge_full(system_percent(used, used < max ? max - used : 0));
	if (t.result != FINDING_FINE) {
		t.meaning = "the host runs out of open files: no process could open one any more";
		t.remedy = "see who has them: lsof | awk '{print $1}' | sort | uniq -c | sort -n; "
			   "sysctl fs.file-max";
	}
	return findings_add(out, &t, "%llu of %llu open files of the host are in use",
			    (unsigned long long)used, (unsigned long long)max);
}

/* What waits, from where on that is a warning, and what it means. */
static const struct stalled {
	const char *what, *path;
	double some, full; /* percent; 0: not judged */
	const char *meaning;
} stalled[] = {
	{ "CPU", "/proc/pressure/cpu", CPU_STALLED, 0,
	  "tasks wait for a CPU for a great part of the time" },
	{ "memory", "/proc/pressure/memory", 0, MEMORY_STALLED,
	  "memory is so short that all tasks wait for it at times" },
	{ "disks", "/proc/pressure/io", 0, IO_STALLED,
	  "all tasks wait for disks for a great part of the time" },
};

static int check_pressure_of(const struct stalled *s, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct finding_text t = { .id = "system.pressure", .subject = s->what };
	struct host_pressure p;
	int err = look(s->path, &text);

	if (err == -ENOENT || err == -EOPNOTSUPP)
		return findings_add(out, &t, "this kernel does not tell it (no PSI)");
	if (!err && !host_parse_pressure(buf_str(&text), &p))
		err = -EBADMSG;
	if (err)
		return err;
	if ((s->some > 0 && p.some60 >= s->some) || (s->full > 0 && p.full60 >= s->full)) {
		t.result = s->full > 0 && p.full60 >= STALLED_PROBLEM ? FINDING_PROBLEM :
									FINDING_WARNING;
		t.meaning = s->meaning;
		t.remedy = "see who it is: isamon top; systemd-cgtop";
	}
	return findings_add(out, &t,
			    "in the last minute some tasks waited %.1f %%, all %.1f %% of the time",
			    p.some60, p.full60);
}

static int check_pressure(const struct check_input *in, struct findings *out)
{
	int err = 0;

	(void)in;
	for (size_t i = 0; i < ARRAY_SIZE(stalled) && !err; i++)
		err = check_pressure_of(&stalled[i], out);
	return err;
}

const struct check system_checks[] = {
	{ "system", "system.cpu", check_cpu, 0 },
	{ "system", "system.run-queue", check_load, 0 },
	{ "system", "system.memory", check_memory, 0 },
	{ "system", "system.files", check_files, 0 },
	{ "system", "system.pressure", check_pressure, 0 },
	{ "system", "system.disks", system_check_disks, 0 },
	{ "system", "system.clock", system_check_clock, 0 },
	{ "system", "system.kernel-log", system_check_kernel_log, 0 },
	{ "system", "system.reboot", system_check_reboot, 0 },
};
const size_t n_system_checks = ARRAY_SIZE(system_checks);
