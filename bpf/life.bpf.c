/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lives and deaths of the service's processes: a set of their ids, kept by the kernel side itself from the first
 * ones on, which user space puts in. Whoever a member makes is a member before it runs, so that one that
 * lives a millisecond is seen; every other process of the host leaves after one look into the set.
 *
 * Each hook exists twice over one handler: as tp_btf, and as a raw tracepoint for kernels that refuse those.
 */
#include "life_task.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "life_abi.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIFE_MEMBERS_MAX);
	__type(key, __u32);
	__type(value, struct life_member);
} life_members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct life_totals);
} life_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 * 1024);
} life_ring SEC(".maps");

/* The beginning of a command line: too much for the stack. */
struct command {
	__u64 words[LIFE_COMMAND_MAX / 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct command);
} life_command SEC(".maps");

/* Bytes in the ring at which the reader is woken before its time. */
#define LIFE_WAKE_BYTES (64 * 1024)

/*
 * The main process, 0 while there is none. Who starts it, and who starts the wrapper above it, if there is one; the command
 * lines by which the next ones are known (0: by none): [0] of the main process, [1] of the wrapper. User space writes
 * them all through the map's memory.
 */
__u32 life_main_pid;
__u32 life_parent_pids[2];
__u64 life_commands[2];
/* When user space looked at the members the last time; it writes this, too. */
__u64 life_collected_ns;

struct raw_args {
	__u64 args[2];
};

/* 6.2 (a35b9af4ec2c) */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define life_cast(arg) \
	bpf_rdonly_cast((const void *)(arg), bpf_core_type_id_kernel(struct task_struct___life))

#define life_count(counter) \
	do { \
		__u32 zero_ = 0; \
		struct life_totals *t_ = bpf_map_lookup_elem(&life_totals, &zero_); \
		if (t_) \
			__sync_fetch_and_add(&t_->counter, 1); \
	} while (0)

static __always_inline struct task_struct___life *current_task(void)
{
	return (struct task_struct___life *)(void *)bpf_get_current_task_btf();
}

/* The member that @t is a thread of. One whose id passed to a process that is younger is forgotten. */
static __always_inline struct life_member *member_of(const struct task_struct___life *t)
{
	__u32 pid = (__u32)t->tgid;
	struct life_member *m = bpf_map_lookup_elem(&life_members, &pid);

	if (!m || t->group_leader->start_boottime <= m->since_ns)
		return m;
	bpf_map_delete_elem(&life_members, &pid);
	return 0;
}

static __always_inline struct life_record *record_new(__u8 kind, __u32 pid)
{
	struct life_record *r = bpf_ringbuf_reserve(&life_ring, sizeof(*r), 0);

	if (!r) {
		life_count(records_lost);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->pid = pid;
	r->at_ns = bpf_ktime_get_boot_ns();
	return r;
}

/* The end and the beginning of the main process are told at once. */
static __always_inline void record_send(struct life_record *r)
{
	__u64 full = bpf_ringbuf_query(&life_ring, BPF_RB_AVAIL_DATA) >= LIFE_WAKE_BYTES;

	bpf_ringbuf_submit(r, full || r->flags & LIFE_FLAG_MAIN ? BPF_RB_FORCE_WAKEUP :
								  BPF_RB_NO_WAKEUP);
}

static __always_inline void on_fork(struct task_struct___life *child)
{
	struct task_struct___life *parent = current_task();
	struct life_member added = { .since_ns = child->start_boottime }, *m;
	__u32 pid = (__u32)child->tgid, parent_pid = (__u32)parent->tgid;
	struct life_record *r;

	if (child->pid != child->tgid) /* a thread */
		return;
	m = member_of(parent);
	if (!m || m->state == LIFE_CANDIDATE) {
		if (parent_pid != life_parent_pids[0] && parent_pid != life_parent_pids[1])
			return;
		added.state = LIFE_CANDIDATE;
	}
	if (bpf_map_update_elem(&life_members, &pid, &added, BPF_ANY))
		life_count(records_lost);
	if (added.state == LIFE_CANDIDATE)
		return;
	life_count(forks);
	r = record_new(LIFE_FORK, pid);
	if (!r)
		return;
	r->parent = parent_pid;
	r->start_ns = added.since_ns;
	record_send(r);
}

/* Of the program that the current task executes; 0: it cannot be read. */
static __always_inline __u64 command_of(const struct task_struct___life *t)
{
	__u64 start = t->mm->arg_start, n = t->mm->arg_end - start;
	__u32 zero = 0, size = LIFE_COMMAND_MAX;
	struct command *c = bpf_map_lookup_elem(&life_command, &zero);

	if (!c || !start || !n)
		return 0;
	if (n < LIFE_COMMAND_MAX)
		size = (((__u32)n - 1) & (LIFE_COMMAND_MAX - 1)) + 1;
	__builtin_memset(c, 0, sizeof(*c));
	if (bpf_probe_read_user(c, size, (const void *)start))
		return 0;
	return life_command_hash(c->words, n);
}

/*
 * Whether what @t executes makes it the service's, or a candidate that it stays one. *ret_flags: whether it is the main
 * process. The last one must be gone: while it lives, this is another program of the same name.
 */
static __always_inline bool is_successor(struct life_member *m, const struct task_struct___life *t,
					 __u8 *ret_flags)
{
	if (m->state == LIFE_CANDIDATE || !life_main_pid)
		m->command = command_of(t);
	if (life_main_pid || !m->command)
		return false;
	if (m->command == life_commands[0]) {
		life_main_pid = (__u32)t->tgid;
		*ret_flags = LIFE_FLAG_MAIN;
		return true;
	}
	return m->command == life_commands[1];
}

static __always_inline void on_exec(void)
{
	struct task_struct___life *t = current_task();
	struct life_member *m = member_of(t);
	struct life_record *r;
	__u8 flags = 0;

	if (!m)
		return;
	if (!is_successor(m, t, &flags) && m->state == LIFE_CANDIDATE)
		return;
	m->state = LIFE_MEMBER;
	life_count(execs);
	r = record_new(LIFE_EXEC, (__u32)t->tgid);
	if (!r)
		return;
	r->flags = flags;
	r->parent = (__u32)t->real_parent->tgid;
	r->start_ns = t->group_leader->start_boottime;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	record_send(r);
}

static __always_inline __u8 exit_flags(const struct task_struct___life *t, __u32 status)
{
	__u8 flags = 0;

	if ((__u32)t->tgid == life_main_pid) {
		life_main_pid = 0;
		flags |= LIFE_FLAG_MAIN;
	}
	if ((status & 0x7f) == SIGKILL && t->signal->oom_mm) {
		life_count(oom_kills);
		flags |= LIFE_FLAG_OOM;
	}
	if (t->group_leader->start_boottime >= life_collected_ns)
		flags |= LIFE_FLAG_UNSEEN;
	return flags;
}

static __always_inline void count_exit(__u32 status)
{
	if (status & 0x7f)
		life_count(exits[LIFE_EXIT_SIGNAL]);
	else if (status >> 8 & 0xff)
		life_count(exits[LIFE_EXIT_ERROR]);
	else
		life_count(exits[LIFE_EXIT_ZERO]);
}

/* Its threads that are gone, and this one. One that is about to go is not in it yet: LIFE_TAIL has it. */
static __always_inline void take_cpu(struct life_member *m, const struct task_struct___life *t)
{
	m->since_ns = bpf_ktime_get_boot_ns();
	m->start_ns = t->group_leader->start_boottime;
	m->cpu_ns = t->signal->sum_sched_runtime + t->se.sum_exec_runtime;
	m->user_ns = t->signal->utime + t->utime;
	m->system_ns = t->signal->stime + t->stime;
}

static __always_inline void on_exit(void)
{
	struct task_struct___life *t = current_task();
	struct life_member *m = member_of(t);
	__u32 pid = (__u32)t->tgid, status;
	struct life_record *r;
	__u8 flags;

	if (!m || t->signal->live.counter > 0)
		return;
	if (m->state == LIFE_CANDIDATE) {
		bpf_map_delete_elem(&life_members, &pid);
		return;
	}
	/* Two threads that end together may both come by when none is left. */
	if (__sync_lock_test_and_set(&m->state, LIFE_DEAD) == LIFE_DEAD)
		return;
	take_cpu(m, t);
	status = task_status(t);
	flags = exit_flags(t, status);
	m->flags = flags;
	count_exit(status);
	r = record_new(LIFE_EXIT, pid);
	if (!r)
		return;
	r->flags = flags;
	r->status = status;
	r->parent = (__u32)t->real_parent->tgid;
	r->start_ns = m->start_ns;
	r->cpu_ns = m->cpu_ns;
	r->user_ns = m->user_ns;
	r->system_ns = m->system_ns;
	r->peak_pages = t->signal->maxrss;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	record_send(r);
}

/* Its parent has reaped it: every thread's time is in the sums, to the end (__exit_signal()). */
static __always_inline void on_free(struct task_struct___life *t)
{
	__u32 pid = (__u32)t->pid;
	struct life_member *m;
	struct life_record *r;

	if (t->pid != t->tgid)
		return;
	m = bpf_map_lookup_elem(&life_members, &pid);
	if (!m || m->state != LIFE_DEAD || m->start_ns != t->start_boottime)
		return;
	r = record_new(LIFE_TAIL, pid);
	if (r) {
		r->flags = m->flags & LIFE_FLAG_UNSEEN;
		r->start_ns = m->start_ns;
		r->cpu_ns = t->signal->sum_sched_runtime - m->cpu_ns;
		r->user_ns = t->signal->utime - m->user_ns;
		r->system_ns = t->signal->stime - m->system_ns;
		record_send(r);
	}
	bpf_map_delete_elem(&life_members, &pid);
}

SEC("tp_btf/sched_process_fork")
int isamon_life_fork(unsigned long long *ctx)
{
	on_fork((struct task_struct___life *)ctx[1]);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int isamon_life_exec(unsigned long long *ctx)
{
	on_exec();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int isamon_life_exit(unsigned long long *ctx)
{
	on_exit();
	return 0;
}

SEC("tp_btf/sched_process_free")
int isamon_life_free(unsigned long long *ctx)
{
	on_free((struct task_struct___life *)ctx[0]);
	return 0;
}

SEC("raw_tp/sched_process_fork")
int isamon_life_fork_raw(struct raw_args *ctx)
{
	on_fork(life_cast(ctx->args[1]));
	return 0;
}

SEC("raw_tp/sched_process_exec")
int isamon_life_exec_raw(struct raw_args *ctx)
{
	on_exec();
	return 0;
}

SEC("raw_tp/sched_process_exit")
int isamon_life_exit_raw(struct raw_args *ctx)
{
	on_exit();
	return 0;
}

SEC("raw_tp/sched_process_free")
int isamon_life_free_raw(struct raw_args *ctx)
{
	on_free(life_cast(ctx->args[0]));
	return 0;
}
