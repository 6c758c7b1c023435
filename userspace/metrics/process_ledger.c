/* SPDX-License-Identifier: MIT */
/*
 * What is added to the totals, and that nothing is added twice: who leaves the set may come back, or its end be told of
 * later; and what a child read and wrote is added to its parent's by the kernel once that has waited for it
 * (wait_task_zombie(), kernel/exit.c). So the departed are kept, for a while, and their bytes are a debt on their
 * parent: what that grows by up to there is not its own.
 */
#include <stdlib.h>

#include "metrics/process_metrics_impl.h"

/* As many as a set may have: all leave it when the ports are set anew, and most come back. */
#define DEPARTED_MAX 4096

struct process_departed {
	struct process p;
	struct process_departed *next; /* in the same bucket: one that went before */
};

/* --- counters */

static void grow(struct process_metrics *m, struct process *p, enum process_counter c,
		 uint64_t more, bool counts)
{
	p->counters[c] += more;
	if (counts)
		m->total[c] += more;
	if (p->slot == PROCESS_NO_SLOT) {
		m->other[c] += more;
		m->other_known = true;
	}
}

/* To @now, if that is more. */
static void raise_to(struct process_metrics *m, struct process *p, enum process_counter c,
		     uint64_t now, bool counts)
{
	grow(m, p, c, now > p->counters[c] ? now - p->counters[c] : 0, counts);
}

/* Neither goes down, and their sum is @cpu_ns: what the kernel does (cputime_adjust(), kernel/sched/cputime.c). */
static void raise_cpu(struct process_metrics *m, struct process *p, uint64_t cpu_ns,
		      uint64_t system_ns, bool counts)
{
	const uint64_t user_then = p->counters[PROCESS_USER];
	uint64_t system = p->counters[PROCESS_SYSTEM];

	if (user_then + system >= cpu_ns)
		return;
	if (system_ns > system)
		system = system_ns;
	if (cpu_ns - system < user_then || system > cpu_ns)
		system = cpu_ns - user_then;
	raise_to(m, p, PROCESS_SYSTEM, system, counts);
	raise_to(m, p, PROCESS_USER, cpu_ns - system, counts);
}

/* By what @now is more than the last time: a sum over the threads that live falls when one ends. */
static void follow(struct process_metrics *m, struct process *p, enum process_counter c,
		   uint64_t now, bool counts)
{
	uint64_t *last = &p->ledger.living[c - PROCESS_DELAY];

	grow(m, p, c, now > *last ? now - *last : 0, counts);
	*last = now;
}

/* Counts what was read and written since, less what is due to children. */
static void settle(struct process_metrics *m, struct process *p, bool counts)
{
	struct process_ledger *l = &p->ledger;

	for (size_t i = 0; i < 2; i++) {
		uint64_t more = l->io[i] - l->settled[i];
		uint64_t due = more < l->due[i] ? more : l->due[i];
		uint64_t open = more - due < l->open[i] ? more - due : l->open[i];
		/* What was due when it was sampled was in that sample, or never comes. */
		uint64_t over = l->due_then[i] > due ? l->due_then[i] : due;

		l->settled[i] = l->io[i];
		l->due[i] -= over < l->due[i] ? over : l->due[i];
		l->due_then[i] = 0;
		l->open[i] -= open;
		grow(m, p, PROCESS_READ + (enum process_counter)i, more - due - open, counts);
	}
}

static void take_io(struct process *p, size_t i, uint64_t now)
{
	struct process_ledger *l = &p->ledger;

	l->io[i] = now > l->io[i] ? now : l->io[i];
	l->due_then[i] = l->due[i];
}

void process_count(struct process_metrics *m, struct process *p, const struct proc_sample *s,
		   bool counts)
{
	if (s->known & PROC_CPU)
		raise_cpu(m, p, s->cpu_ns, s->system_ns, counts);
	if (s->known & PROC_DELAY)
		follow(m, p, PROCESS_DELAY, s->run_delay_ns, counts);
	if (s->known & PROC_SWITCHES) {
		follow(m, p, PROCESS_VOLUNTARY, s->voluntary, counts);
		follow(m, p, PROCESS_INVOLUNTARY, s->involuntary, counts);
	}
	if (s->known & PROC_FAULTS) {
		raise_to(m, p, PROCESS_MINOR, s->minor_faults, counts);
		raise_to(m, p, PROCESS_MAJOR, s->major_faults, counts);
	}
	if (s->known & PROC_IO) {
		take_io(p, 0, s->read_bytes);
		take_io(p, 1, s->write_bytes);
	}
	if (!counts)
		settle(m, p, false);
}

/* --- the departed */

static struct process_departed **bucket_of(struct process_metrics *m, uint32_t pid)
{
	return &m->departed[pid % PROCESS_BUCKETS];
}

/* Where the pointer to it is, or to nobody. */
static struct process_departed **departed(struct process_metrics *m, uint32_t pid,
					  uint64_t start_ns)
{
	struct process_departed **at = bucket_of(m, pid);

	while (*at && !process_is(&(*at)->p, pid, start_ns))
		at = &(*at)->next;
	return at;
}

static void drop(struct process_metrics *m, struct process_departed **at)
{
	struct process_departed *d = *at;

	*at = d->next;
	free(d);
	m->n_departed--;
}

/* One that went long ago: the first of its bucket, which need not be the first of all. */
static void drop_an_old_one(struct process_metrics *m)
{
	struct process_departed **at;

	do
		at = &m->departed[m->next_bucket++ % PROCESS_BUCKETS];
	while (!*at);
	while ((*at)->next)
		at = &(*at)->next;
	drop(m, at);
}

/* Returns NULL without memory. */
static struct process *keep(struct process_metrics *m, const struct process *p)
{
	struct process_departed *d = malloc(sizeof(*d)), **bucket = bucket_of(m, p->pid);

	if (!d)
		return NULL;
	if (m->n_departed == DEPARTED_MAX)
		drop_an_old_one(m);
	*d = (struct process_departed){ *p, *bucket };
	*bucket = d;
	m->n_departed++;
	return &d->p;
}

void process_forget_departed(struct process_metrics *m)
{
	for (size_t i = 0; i < PROCESS_BUCKETS; i++)
		while (m->departed[i])
			drop(m, &m->departed[i]);
}

/* --- debts */

static struct process *parent_of(struct process_metrics *m, const struct process *p)
{
	const uint32_t pid = p->ledger.parent;
	struct process *parent = pid ? process_find_pid(m, pid) : NULL;

	for (struct process_departed *d = *bucket_of(m, pid); pid && !parent && d; d = d->next)
		if (d->p.pid == pid)
			parent = &d->p;
	return parent && parent->start_ns <= p->start_ns ? parent : NULL;
}

static void pay(uint64_t *debt, uint64_t bytes)
{
	*debt -= bytes < *debt ? bytes : *debt;
}

/* From one state to another. What its own children left it passes on with what it did itself. */
static void set_debt(struct process_metrics *m, struct process *p, enum process_debt debt)
{
	const enum process_debt then = p->ledger.debt;
	struct process *parent = parent_of(m, p);

	if (!parent || debt == then)
		return;
	for (size_t i = 0; i < 2; i++) {
		const struct process_ledger *l = &p->ledger;
		uint64_t bytes = l->io[i] + l->open[i] + l->due[i];
		uint64_t *open = &parent->ledger.open[i], *due = &parent->ledger.due[i];

		if (then == PROCESS_OPEN && debt == PROCESS_DUE && bytes > *open)
			bytes = *open; /* the rest is paid */
		if (then != PROCESS_NO_DEBT)
			pay(then == PROCESS_OPEN ? open : due, bytes);
		if (debt != PROCESS_NO_DEBT)
			*(debt == PROCESS_OPEN ? open : due) += bytes;
	}
	p->ledger.debt = debt;
}

/* --- who comes and goes */

bool process_comes_back(struct process_metrics *m, struct process *p)
{
	struct process_departed **at = departed(m, p->pid, p->start_ns);
	const size_t slot = p->slot;

	if (!*at)
		return false;
	*p = (*at)->p;
	p->slot = slot;
	drop(m, at);
	if (!p->ended)
		set_debt(m, p, PROCESS_NO_DEBT);
	return true;
}

void process_settle(struct process_metrics *m)
{
	/* From behind: a child mostly comes after its parent, and passes its debt on first. Who is gone
	 * without a word was waited for, or its end would have been told. */
	for (size_t i = m->n; i-- > 0;)
		if (!m->list[i].here && !m->list[i].ended)
			set_debt(m, &m->list[i], PROCESS_DUE);
	for (size_t i = 0; i < m->n; i++)
		settle(m, &m->list[i], true);
	for (size_t i = 0; i < m->n; i++)
		if (!m->list[i].here && !m->list[i].ledger.reaped)
			keep(m, &m->list[i]);
}

/* --- who ended */

static void take_end(struct process_metrics *m, struct process *p, const struct process_end *end,
		     bool counts)
{
	p->ledger.end_cpu_ns = end->user_ns + end->system_ns;
	raise_cpu(m, p, p->ledger.end_cpu_ns, end->system_ns, counts);
	p->ended = true;
	if (p->ledger.debt == PROCESS_NO_DEBT)
		set_debt(m, p, PROCESS_OPEN);
}

/* A sample in its last moments may have had some of it. */
static void take_tail(struct process_metrics *m, struct process *p, const struct process_end *end)
{
	const uint64_t user = p->counters[PROCESS_USER], system = p->counters[PROCESS_SYSTEM];
	const uint64_t then = p->ended ? p->ledger.end_cpu_ns : user + system;

	raise_cpu(m, p, then + end->user_ns + end->system_ns, system + end->system_ns, true);
	p->ended = true;
	p->ledger.reaped = true;
	set_debt(m, p, PROCESS_DUE);
}

void process_metrics_child_exited(struct process_metrics *m, const struct process_end *end)
{
	const struct process unknown = {
		.pid = (uint32_t)end->pid,
		.start_ns = end->start_ns,
		.slot = PROCESS_SLOTS, /* not in "other" */
	};
	struct process_departed **at = departed(m, (uint32_t)end->pid, end->start_ns);
	struct process *p = process_find(m, (uint32_t)end->pid, end->start_ns);
	bool counts = true;

	m->known |= PROC_CPU;
	if (!p && *at)
		p = &(*at)->p;
	if (!p && !end->tail) {
		counts = end->start_ns >= m->since_ns;
		p = keep(m, &unknown);
	}
	if (p && end->tail) {
		take_tail(m, p, end);
		if (*at)
			drop(m, at);
	} else if (p) {
		take_end(m, p, end, counts);
	} else if (counts) {
		m->total[PROCESS_USER] += end->user_ns;
		m->total[PROCESS_SYSTEM] += end->system_ns;
	}
}
