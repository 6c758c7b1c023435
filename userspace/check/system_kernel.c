/* SPDX-License-Identifier: MIT */
/* What the kernel says of itself: its clock, its log, and whether a newer one waits for a reboot. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "check/host_figures.h"
#include "check/kernel_log.h"
#include "check/system_impl.h"

#define DAY_US (86400ull * 1000000)
#define US_PER_MINUTE 60000000
#define RECENT_US (3600ull * 1000000)
#define US_PER_MS 1000
#define TEXT_MAX 65536
#define MODULES "/lib/modules"
#define REBOOT_FILE "/run/reboot-required"
#define REBOOT_PACKAGES "/run/reboot-required.pkgs"

int system_check_clock(const struct check_input *in, struct findings *out)
{
	struct finding_text t = { .id = "system.clock" };
	struct timex x = { .modes = 0 };
	int state = adjtimex(&x);

	(void)in;
	if (state < 0)
		return -errno;
	if (x.status & STA_UNSYNC || state == TIME_ERROR) {
		t.result = FINDING_WARNING;
		t.meaning =
			"nobody keeps the clock right: when it is minutes off AWS refuses every request";
		t.remedy = "let one run: systemctl enable --now chronyd (or systemd-timesyncd); "
			   "on EC2 the server is 169.254.169.123";
		return findings_add(out, &t, "the kernel says that the clock is not synchronised");
	}
	return findings_add(out, &t, "synchronised, off by %ld ms at most", x.maxerror / US_PER_MS);
}

/* --- the kernel's log */

static const struct {
	const char *subject;
	enum finding_result result;
	const char *meaning, *remedy;
} troubles[KERNEL_TROUBLES] = {
	[KERNEL_OOM] = { "out of memory", FINDING_PROBLEM,
			 "memory ran out, and the kernel killed a process",
			 "more memory, or fewer workers; isamon status says whether it was the service's" },
	[KERNEL_IO] = { "disk errors", FINDING_PROBLEM,
			"a disk or a file system has errors: data may be lost",
			"make a backup now (isamon backup create --to-s3); then look after the volume" },
	[KERNEL_READONLY] = { "read-only", FINDING_PROBLEM,
			      "a file system was made read-only after an error: nothing is written there any more",
			      "make a backup now; run fsck on it from a rescue medium" },
	[KERNEL_HUNG] = { "hung tasks", FINDING_WARNING,
			  "tasks hung for minutes: mostly disks that do not answer, or no CPU time",
			  "look at the volume's metrics, and at CPUCreditBalance" },
	[KERNEL_HARDWARE] = { "hardware", FINDING_PROBLEM, "the hardware reports errors",
			      "on EC2: stop and start the instance, so that it moves to another host" },
	[KERNEL_BUG] = { "kernel bug", FINDING_PROBLEM, "the kernel found an error of its own",
			 "update the kernel and reboot: isamon update system" },
	[KERNEL_TABLE] = { "network tables", FINDING_WARNING,
			   "a table of the network was full: connections were refused or lost",
			   "sysctl net.netfilter.nf_conntrack_max, net.core.somaxconn; see who connects" },
	[KERNEL_SEGFAULT] = { "crashes", FINDING_WARNING, "a program crashed",
			      "isamon status says whether it was the service's; coredumpctl list" },
};

static int tell_troubles(const struct kernel_log *log, uint64_t now_us, struct findings *out,
			 bool *ret_any)
{
	int err = 0;

	for (size_t i = 0; i < KERNEL_TROUBLES && !err; i++) {
		const struct kernel_seen *s = &log->seen[i];
		const uint64_t ago_us = now_us > s->last_us ? now_us - s->last_us : 0;
		const struct finding_text t = {
			.id = "system.kernel-log",
			.subject = troubles[i].subject,
			.result = ago_us > RECENT_US ? FINDING_WARNING : troubles[i].result,
			.meaning = troubles[i].meaning,
			.remedy = troubles[i].remedy,
		};

		if (!s->n)
			continue;
		*ret_any = true;
		err = findings_add(out, &t,
				   "%" PRIu64 " times in the last day, %" PRIu64 " minutes ago: %s",
				   s->n, ago_us / US_PER_MINUTE, s->last);
	}
	return err;
}

int system_check_kernel_log(const struct check_input *in, struct findings *out)
{
	uint64_t now_us = clock_monotonic_ns() / 1000;
	struct finding_text t = { .id = "system.kernel-log" };
	struct kernel_log log;
	bool any = false;
	int err = kernel_log_read(KERNEL_LOG_DEVICE, now_us > DAY_US ? now_us - DAY_US : 0, &log);

	(void)in;
	if (err) {
		t.result = FINDING_UNKNOWN;
		t.remedy = err == -EPERM || err == -EACCES ? "run it as root" : NULL;
		return findings_add(out, &t, "%s: %s", KERNEL_LOG_DEVICE, strerror(-err));
	}
	err = tell_troubles(&log, now_us, out, &any);
	if (!err && !any)
		err = findings_add(out, &t, "no trouble in the last day (%" PRIu64 " records%s)",
				   log.records, log.more ? ", there are more" : "");
	return err;
}

/* --- reboot */

/* A directory of modules that a package filled: what is left of removed ones has no such file. */
static bool is_installed(int dir_fd, const char *name, struct buf *path)
{
	struct stat st;

	buf_reset(path);
	return *name != '.' && buf_printf(path, "%s/modules.order", name) == 0 &&
	       fstatat(dir_fd, buf_str(path), &st, 0) == 0;
}

int system_newest_kernel(const char *directory, const char *running, struct buf *ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(1024);
	DIR *dir = opendir(directory);
	bool found = false;
	struct dirent *e;

	if (!dir)
		return -errno;
	buf_reset(ret);
	while ((e = readdir(dir))) {
		if (!is_installed(dirfd(dir), e->d_name, &path) ||
		    !host_same_kernel_kind(e->d_name, running))
			continue;
		found = found || strcmp(e->d_name, running) == 0;
		if (ret->len && host_compare_kernels(e->d_name, buf_str(ret)) <= 0)
			continue;
		buf_reset(ret);
		buf_add_str(ret, e->d_name);
	}
	closedir(dir);
	if (ret->err)
		return ret->err;
	return found ? 0 : -ENOENT;
}

static int tell_file(struct finding_text *t, struct findings *out)
{
	_cleanup_(buf_done) struct buf packages = BUF_INIT(TEXT_MAX);

	t->result = FINDING_WARNING;
	t->meaning = "what was updated is not in use before the host is rebooted";
	t->remedy = "reboot when it suits";
	file_read(REBOOT_PACKAGES, &packages);
	while (packages.len && packages.data[packages.len - 1] == '\n')
		packages.data[--packages.len] = '\0';
	for (char *c = packages.data; packages.len && *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	return findings_add(out, t, "%s is there%s%s", REBOOT_FILE,
			    packages.len ? ", because of " : "", buf_str(&packages));
}

int system_check_reboot(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf newest = BUF_INIT(512);
	struct finding_text t = { .id = "system.reboot" };
	struct utsname u;
	int err;

	(void)in;
	if (uname(&u))
		return -errno;
	if (access(REBOOT_FILE, F_OK) == 0)
		return tell_file(&t, out);
	err = system_newest_kernel(MODULES, u.release, &newest);
	if (err == -ENOENT)
		return findings_add(
			out, &t,
			"the kernel that runs, %s, is none of those in %s: a container, or "
			"one of its own",
			u.release, MODULES);
	if (err)
		return err;
	if (strcmp(buf_str(&newest), u.release) == 0)
		return findings_add(out, &t, "none is due: %s runs, and is the newest one here",
				    u.release);
	t.result = FINDING_WARNING;
	t.meaning = "a newer kernel is installed, and not in use";
	t.remedy = "reboot when it suits";
	return findings_add(out, &t, "%s runs, %s is installed", u.release, buf_str(&newest));
}
