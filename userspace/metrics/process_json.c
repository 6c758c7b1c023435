/* SPDX-License-Identifier: MIT */
/* The processes for isamon top: the busiest ones, and what the others have together. */
#include "metrics/process_metrics_impl.h"

#define TICK_NS 10000000

/* Above 0: @a is to be shown rather than @b. */
static int busier(const struct process *a, const struct process *b)
{
	if (a->busy != b->busy)
		return a->busy > b->busy ? 1 : -1;
	if (a->role != b->role)
		return a->role < b->role ? 1 : -1;
	return (process_resident_bytes(a) > process_resident_bytes(b)) -
	       (process_resident_bytes(a) < process_resident_bytes(b));
}

/* Those to be shown, the busiest first. Returns how many. */
static size_t choose(const struct process_metrics *m, const struct process *chosen[PROCESS_SLOTS])
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t at;

		if (n == PROCESS_SLOTS && busier(&m->list[i], chosen[n - 1]) <= 0)
			continue;
		at = n < PROCESS_SLOTS ? n++ : n - 1;
		for (; at && busier(&m->list[i], chosen[at - 1]) > 0; at--)
			chosen[at] = chosen[at - 1];
		chosen[at] = &m->list[i];
	}
	return n;
}

static void write_number(struct buf *out, const char *name, uint64_t value)
{
	buf_printf(out, ", \"%s\": ", name);
	buf_add_u64(out, value);
}

static void write_one(struct buf *out, const struct process *p)
{
	buf_printf(out, "{\"pid\": %u, \"start_ticks\": %llu, \"role\": \"%s\"", p->pid,
		   (unsigned long long)(p->start_ns / TICK_NS),
		   process_role_name((enum process_role)p->role));
	write_number(out, "cpu_ns", process_cpu_ns(p));
	if (p->has_busy)
		write_number(out, "cpu_ns_per_second", p->busy);
	if (p->known & PROC_MEMORY)
		write_number(out, "rss_bytes", process_resident_bytes(p));
	write_number(out, "threads", p->threads);
	if (p->known & PROC_FDS)
		write_number(out, "fds", p->open_fds);
	if (p->has_requests)
		write_number(out, "requests", p->requests);
	write_number(out, "at_ns", p->at_ns);
	buf_add_char(out, '}');
}

static void write_rest(struct buf *out, const struct process_metrics *m,
		       const struct process *const *shown, size_t n)
{
	uint64_t all = 0, busy = 0, resident = 0;

	for (unsigned int role = 0; role < PROCESS_N_ROLES; role++)
		all += m->summary.processes[role];
	for (size_t i = 0; i < m->n; i++) {
		busy += m->list[i].busy;
		resident += process_resident_bytes(&m->list[i]);
	}
	for (size_t i = 0; i < n; i++) {
		busy -= shown[i]->busy;
		resident -= process_resident_bytes(shown[i]);
	}
	buf_printf(out, ",\n \"processes_rest\": {\"processes\": %llu",
		   (unsigned long long)(all > n ? all - n : 0));
	write_number(out, "unsampled", m->summary.unsampled);
	write_number(out, "cpu_ns_per_second", busy);
	write_number(out, "rss_bytes", resident);
	buf_add_char(out, '}');
}

int process_metrics_write_json(const struct process_metrics *m, struct buf *out)
{
	const struct process *chosen[PROCESS_SLOTS];
	size_t n = choose(m, chosen);

	buf_add_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_add_str(out, i ? ",\n" : "\n");
		write_one(out, chosen[i]);
	}
	buf_add_char(out, ']');
	write_rest(out, m, chosen, n);
	return out->err;
}
