/* SPDX-License-Identifier: MIT */
/* The service's processes: how many serve, and how near each is to its limit of open files. */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "base/clock.h"
#include "check/service_checks_impl.h"
#include "probe/proc.h"

#define STEP_NS 50000000ull
#define STEPS_MAX 40
#define MANY_FILES 0.8
#define TOO_MANY_FILES 0.95

int service_members(const struct config *c, struct members **ret)
{
	struct members *m;
	int err = members_new("/proc", &m);

	if (err)
		return err;
	members_set_ports(m, c->ports, c->n_ports);
	members_look(m, false, clock_monotonic_ns());
	for (int n = 0; n < STEPS_MAX && members_busy(m); n++)
		members_step(m, STEP_NS);
	*ret = m;
	return 0;
}

static unsigned int cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;
}

static int tell_workers(const struct member *list, size_t n, struct findings *out)
{
	struct finding_text t = { .id = "service.workers" };
	unsigned int mains = 0, workers = 0, n_cores = cores(), serving;

	for (size_t i = 0; i < n; i++) {
		mains += list[i].role == MEMBER_MAIN;
		workers += list[i].role == MEMBER_WORKER;
	}
	serving = workers ?: mains;
	if (serving < n_cores && serving == 1) {
		t.result = FINDING_NOTE;
		t.meaning = "one process serves all requests, on one core at most";
		t.remedy = "more workers help where the CPU is what requests wait for: isamon top";
	} else if (serving > 2 * n_cores + 1) {
		t.result = FINDING_NOTE;
		t.meaning = "more processes than help: each takes memory";
		t.remedy = "as many as cores, or twice as many, mostly do";
	}
	return findings_add(out, &t, "%u process%s serve%s, on %u core%s", serving,
			    serving == 1 ? "" : "es", serving == 1 ? "s" : "", n_cores,
			    n_cores == 1 ? "" : "s");
}

/* The one that is nearest to its limit. */
static bool nearest(const struct member *list, size_t n, struct proc_sample *ret, pid_t *ret_pid)
{
	double most = -1;

	for (size_t i = 0; i < n; i++) {
		struct proc_sample s = { .known = 0 };
		double part;

		if (proc_read(/* all of it: limits are nowhere else */ "/proc", list[i].pid, &s) ||
		    !(s.known & PROC_FDS) || !(s.known & PROC_MAX_FDS))
			continue;
		part = s.max_fds == PROC_UNLIMITED ? 0 :
						     (double)s.open_fds / (double)(s.max_fds ?: 1);
		if (part <= most)
			continue;
		most = part;
		*ret = s;
		*ret_pid = list[i].pid;
	}
	return most >= 0;
}

static int tell_files(const struct member *list, size_t n, struct findings *out)
{
	struct finding_text t = { .id = "service.files" };
	struct proc_sample s = { .known = 0 };
	pid_t pid = 0;
	double part;

	if (!nearest(list, n, &s, &pid)) {
		t.result = FINDING_UNKNOWN;
		return findings_add(out, &t, "only root can count the open files of the service");
	}
	if (s.max_fds == PROC_UNLIMITED)
		return findings_add(out, &t, "process %d has %llu open, without a limit", (int)pid,
				    (unsigned long long)s.open_fds);
	part = (double)s.open_fds / (double)(s.max_fds ?: 1);
	if (part >= MANY_FILES) {
		t.result = part >= TOO_MANY_FILES ? FINDING_PROBLEM : FINDING_WARNING;
		t.meaning = "it can soon open no file and take no connection any more";
		t.remedy =
			"raise LimitNOFILE= of its unit, or minfds of supervisord; look for a leak: "
			"isamon top";
	}
	return findings_add(out, &t, "process %d has %llu of %llu that it may have open", (int)pid,
			    (unsigned long long)s.open_fds, (unsigned long long)s.max_fds);
}

int service_look_processes(const struct check_input *in, struct findings *out)
{
	struct members *m = NULL;
	const struct member *list;
	size_t n = 0;
	int err = service_members(in->config, &m);

	if (err)
		return err;
	list = members_list(m, &n);
	if (!n)
		err = findings_add(out,
				   &(struct finding_text){ .id = "service.workers",
							   .result = FINDING_NOTE },
				   geteuid() == 0 ? "no process of the service is there" :
						    "only root sees the processes of the service");
	else
		err = tell_workers(list, n, out);
	if (!err && n)
		err = tell_files(list, n, out);
	members_free(m);
	return err;
}
