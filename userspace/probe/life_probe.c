/* SPDX-License-Identifier: MIT */
/*
 * Owns the kernel side of lives and deaths: skeleton, ring buffer, the set of members.
 *
 * An entry of the set is written by user space only when it is new, and by the kernel side afterwards: nothing
 * that the kernel side noted in it is overwritten.
 */
#include "probe/life_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "life.skel.h"
#include "probe/per_cpu.h"
#include "probe/proc.h"

#define INITIAL_PID_NAMESPACE "pid:[4026531836]" /* include/uapi/linux/nsfs.h, PID_NS_INIT_INO */

#define TAIL_NS (10 * NS_PER_SEC) /* by then a process that was reaped has been freed, too */

struct life_probe {
	struct life_bpf *skel;
	struct ring_buffer *ring;
	life_probe_fn fn;
	void *ctx;
	const char *how;
	struct per_cpu totals;
	pid_t main;      /* that user space named last */
	uint64_t set_ns; /* CLOCK_BOOTTIME of the last life_probe_set_members() */
};

static uint64_t boottime_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static int load_once(struct life_probe *p, bool raw)
{
	struct life_bpf *skel = life_bpf__open();
	struct bpf_program *prog = NULL;
	int err;

	if (!skel)
		return -errno;
	while ((prog = bpf_object__next_program(skel->obj, prog))) {
		bool is_raw = bpf_program__type(prog) == BPF_PROG_TYPE_RAW_TRACEPOINT;

		bpf_program__set_autoload(prog, is_raw == raw);
	}
	err = life_bpf__load(skel);
	if (!err)
		err = life_bpf__attach(skel);
	if (err) {
		life_bpf__destroy(skel);
		return err;
	}
	p->skel = skel;
	p->how = raw ? "raw_tp" : "tp_btf";
	return 0;
}

static int load(struct life_probe *p, bool raw, struct buf *why)
{
	int err = raw ? -ECANCELED : load_once(p, false), err_raw;

	if (!err)
		return 0;
	err_raw = load_once(p, true);
	if (!err_raw)
		return 0;
	buf_printf(why,
		   "the kernel refuses the programs, as tp_btf (%s) and as raw tracepoints (%s)",
		   strerror(-err), strerror(-err_raw));
	return err_raw;
}

static int check_namespace(struct buf *why)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (n < 0)
		return 0; /* unlikely to be one of its own, then */
	name[n] = '\0';
	if (strcmp(name, INITIAL_PID_NAMESPACE) == 0)
		return 0;
	buf_add_str(why, "isamon runs in a PID namespace of its own, where processes have other "
			 "ids than the kernel's: run it in the host's (--pid=host)");
	return -EOPNOTSUPP;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct life_probe *p = ctx;

	const struct life_record *r = data;

	if (size < sizeof(*r))
		return 0;
	if (r->kind == LIFE_EXIT && r->flags & LIFE_FLAG_MAIN)
		p->main = 0;
	p->fn(r, p->ctx);
	return 0;
}

static int open_ring(struct life_probe *p, struct buf *why)
{
	p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.life_ring), on_record, p, NULL);
	if (p->ring && per_cpu_open(&p->totals, bpf_map__fd(p->skel->maps.life_totals),
				    sizeof(struct life_totals)) == 0)
		return 0;
	buf_add_str(why, "its ring buffer cannot be mapped");
	return -ENOMEM;
}

static void life_probe_closep(struct life_probe **p)
{
	life_probe_close(*p);
}

int life_probe_open(bool raw, life_probe_fn fn, void *ctx, struct buf *why,
		    struct life_probe **ret_probe)
{
	_cleanup_(life_probe_closep) struct life_probe *p = calloc(1, sizeof(*p));
	int err;

	if (!p) {
		buf_add_str(why, "out of memory");
		return -ENOMEM;
	}
	p->fn = fn;
	p->ctx = ctx;
	err = check_namespace(why);
	if (!err)
		err = load(p, raw, why);
	if (!err)
		err = open_ring(p, why);
	if (err)
		return err;
	*ret_probe = take(p);
	return 0;
}

void life_probe_close(struct life_probe *p)
{
	if (!p)
		return;
	ring_buffer__free(p->ring);
	life_bpf__destroy(p->skel);
	per_cpu_close(&p->totals);
	free(p);
}

const char *life_probe_how(const struct life_probe *p)
{
	return p->how;
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static bool has_pid(const pid_t *sorted, size_t n, pid_t pid)
{
	return n && bsearch(&pid, sorted, n, sizeof(*sorted), by_pid);
}

/* Whether the entry @m of @pid is of a process that is still followed, but no member. */
static bool is_stranger(const struct life_probe *p, const struct life_member *m, pid_t pid,
			const pid_t *sorted, size_t n)
{
	return m->state == LIFE_MEMBER && m->since_ns < p->set_ns && !has_pid(sorted, n, pid);
}

/* Whether nothing more will be heard of it: it has ended some time ago, and was reaped. */
static bool is_gone(const struct life_member *m, pid_t pid, uint64_t now_ns)
{
	return m->state == LIFE_DEAD && m->since_ns + TAIL_NS < now_ns && kill(pid, 0) != 0 &&
	       errno == ESRCH;
}

/* Those that are in the list stay, and, if @strangers, those that are not go. */
static void clean(struct life_probe *p, bool strangers, const pid_t *sorted, size_t n)
{
	const uint64_t now_ns = boottime_ns();
	const int fd = bpf_map__fd(p->skel->maps.life_members);
	__u32 pid = 0, next;
	struct life_member m;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	/* At most twice as many steps as there may be entries: others come and go meanwhile. */
	for (size_t i = 0; more && i < (size_t)2 * LIFE_MEMBERS_MAX; i++) {
		pid = next;
		more = bpf_map_get_next_key(fd, &pid, &next) == 0;
		if (bpf_map_lookup_elem(fd, &pid, &m) != 0)
			continue;
		if ((strangers && is_stranger(p, &m, (pid_t)pid, sorted, n)) ||
		    is_gone(&m, (pid_t)pid, now_ns))
			bpf_map_delete_elem(fd, &pid);
	}
}

/* A candidate becomes a member; whatever else is known stays as it is. */
static void add(int fd, pid_t pid, const struct life_member *added)
{
	struct life_member m;

	if (bpf_map_update_elem(fd, &pid, added, BPF_NOEXIST) == 0 ||
	    bpf_map_lookup_elem(fd, &pid, &m) != 0 || m.state != LIFE_CANDIDATE)
		return;
	m.state = LIFE_MEMBER;
	bpf_map_update_elem(fd, &pid, &m, BPF_EXIST);
}

void life_probe_set_members(struct life_probe *p, const pid_t *pids, size_t n)
{
	const int fd = bpf_map__fd(p->skel->maps.life_members);
	const struct life_member added = { .since_ns = boottime_ns() };
	pid_t main = (pid_t)p->skel->bss->life_main_pid, *sorted;

	for (size_t i = 0; i < n; i++)
		add(fd, pids[i], &added);
	sorted = calloc(n + 1, sizeof(*sorted));
	if (!sorted)
		return; /* they are let go of the next time */
	for (size_t i = 0; i < n; i++)
		sorted[i] = pids[i];
	qsort(sorted, n, sizeof(*sorted), by_pid);
	/* One that has begun, but does not listen yet, is in no list, nor are its children. */
	clean(p, !main || has_pid(sorted, n, main), sorted, n);
	free(sorted);
	p->set_ns = added.since_ns;
}

void life_probe_tidy(struct life_probe *p)
{
	clean(p, false, NULL, 0);
}

/* As it was executed, where that was seen: a process may write its own title over it. Returns 0: it cannot be
 * known. */
static __u64 command_of(const struct life_probe *p, pid_t pid)
{
	_cleanup_(buf_done) struct buf command = BUF_INIT(4 * 1024 * 1024);
	__u64 words[LIFE_COMMAND_MAX / 8] = { 0 };
	struct life_member m;
	char path[64];

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.life_members), &pid, &m) == 0 &&
	    m.command)
		return m.command;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (file_read(path, &command) != 0 || !command.len)
		return 0;
	memcpy(words, command.data, command.len < sizeof(words) ? command.len : sizeof(words));
	return life_command_hash(words, command.len);
}

/* Returns 0: there is no such process, or it is dead. */
static pid_t parent_of(pid_t pid)
{
	struct proc_stat st;

	if (proc_read_stat("/proc", pid, &st) != 0 || st.state == 'Z' || st.state == 'X')
		return 0;
	return st.parent;
}

int life_probe_set_main(struct life_probe *p, pid_t pid, pid_t top)
{
	struct life_bpf__bss *b = p->skel->bss;
	pid_t parent;

	if (!pid || pid == p->main)
		return 0;
	parent = parent_of(pid);
	if (!parent)
		return -ESRCH;
	p->main = pid;
	b->life_parent_pids[0] = (__u32)parent;
	b->life_parent_pids[1] = (__u32)(top == pid ? parent : parent_of(top));
	if ((pid_t)b->life_main_pid ==
	    pid) /* known by its command line, which stays the one to look for */
		return 0;
	b->life_commands[0] = command_of(p, pid);
	b->life_commands[1] = top == pid ? 0 : command_of(p, top);
	b->life_main_pid = (__u32)pid;
	if (!parent_of(pid)) { /* it ended before the kernel side knew who it was */
		b->life_main_pid = 0;
		return -ESRCH;
	}
	return 0;
}

void life_probe_forget(struct life_probe *p)
{
	struct life_bpf__bss *b = p->skel->bss;

	p->main = 0;
	b->life_main_pid = 0;
	for (size_t i = 0; i < ARRAY_SIZE(b->life_parent_pids); i++) {
		b->life_parent_pids[i] = 0;
		b->life_commands[i] = 0;
	}
	p->set_ns = boottime_ns();
	clean(p, true, NULL, 0);
}

void life_probe_collected(struct life_probe *p)
{
	p->skel->bss->life_collected_ns = boottime_ns();
}

int life_probe_fd(const struct life_probe *p)
{
	return ring_buffer__epoll_fd(p->ring);
}

int life_probe_drain(struct life_probe *p)
{
	return ring_buffer__consume(p->ring);
}

int life_probe_totals(const struct life_probe *p, struct life_totals *ret_totals)
{
	return per_cpu_sum(&p->totals, ret_totals);
}
