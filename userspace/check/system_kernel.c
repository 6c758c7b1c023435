/* SPDX-License-Identifier: MIT */
/* What the kernel says of itself: its clock, its log, and whether a newer one waits for a reboot. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/clock.h"
#include "care/stale.h"
#include "check/kernel_log.h"
#include "check/system_impl.h"

#define DAY_US (86400ull * 1000000)
#define US_PER_MINUTE 60000000
#define RECENT_US (3600ull * 1000000)
#define US_PER_MS 1000
#define WHY_MAX 1024

int system_check_clock(const struct check_input *in, struct findings *out)
{
	struct finding_text t = { .id = "system.clock" };
	struct timex x = { .modes = 0 };
	int state = adjtimex(&x);

	(void)in;
	if (state < 0 && errno == EPERM) {
		t.result = FINDING_UNKNOWN;
		t.remedy = "run it from a shell: isamon's unit may not ask (ProtectClock=)";
		return findings_add(out, &t, "the kernel may not be asked: %s", strerror(EPERM));
	}
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
		t.remedy = err == -ENOENT ? "run it from a shell: isamon's unit hides it" :
			   err == -EPERM || err == -EACCES ? "run it as root" :
							     NULL;
		return findings_add(out, &t, "%s: %s", KERNEL_LOG_DEVICE, strerror(-err));
	}
	err = tell_troubles(&log, now_us, out, &any);
	if (!err && !any)
		err = findings_add(out, &t, "no trouble in the last day (%" PRIu64 " records%s)",
				   log.records, log.more ? ", there are more" : "");
	return err;
}

/* --- reboot */

int system_check_reboot(const struct check_input *in, struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct finding_text due = {
		.id = "system.reboot",
		.result = FINDING_WARNING,
		.meaning = "what was updated is not in use before the host is rebooted",
		.remedy = "reboot when it suits",
	};
	struct utsname u;

	(void)in;
	if (uname(&u))
		return -errno;
	if (stale_reboot("", u.release, &why))
		return findings_add(out, &due, "%s", buf_str(&why));
	return findings_add(out, &(struct finding_text){ .id = due.id },
			    "none is due: %s runs, and no newer one of its kind is here",
			    u.release);
}
