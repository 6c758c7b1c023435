/* SPDX-License-Identifier: MIT */
/*
 * The families of processes. Items of a family of the service are its labels, as far as they are known; those of a
 * family of processes are slots, and behind them "other". A slot that is emptied or taken by another
 * process between two pieces of a page is so for the rest of the page: nothing is written twice.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "metrics/families.h"
#include "metrics/process_metrics.h"
#include "metrics/process_metrics_impl.h"

#define LABELS_MAX 160

/* Seconds, exactly as many digits as needed. */
static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_SEC;
}

/* --- what a family has: one column for each value of its own label */

struct column {
	const char *label; /* NULL: none */
	int counter;       /* enum process_counter, or -1: the gauge */
	uint64_t (*gauge)(const struct process *p);
};

struct shape {
	uint32_t known; /* without it there is nothing to say */
	bool is_seconds;
	struct column columns[3];
	size_t n;
};

#define SUM_OF(field) \
	static uint64_t get_##field(const struct process *p) \
	{ \
		return p->field; \
	}
SUM_OF(anon_bytes)
SUM_OF(file_bytes)
SUM_OF(shmem_bytes)
SUM_OF(swap_bytes)
SUM_OF(threads)
SUM_OF(open_fds)

enum {
	SHAPE_CPU,
	SHAPE_DELAY,
	SHAPE_SWITCHES,
	SHAPE_FAULTS,
	SHAPE_IO,
	SHAPE_RESIDENT,
	SHAPE_SWAP,
	SHAPE_THREADS,
	SHAPE_FDS,
	SHAPE_N,
};

static const struct shape shapes[] = {
	[SHAPE_CPU] = { PROC_CPU,
			true,
			{ { "mode=\"user\"", PROCESS_USER, NULL },
			  { "mode=\"system\"", PROCESS_SYSTEM, NULL } },
			2 },
	[SHAPE_DELAY] = { PROC_DELAY, true, { { NULL, PROCESS_DELAY, NULL } }, 1 },
	[SHAPE_SWITCHES] = { PROC_SWITCHES,
			     false,
			     { { "kind=\"voluntary\"", PROCESS_VOLUNTARY, NULL },
			       { "kind=\"involuntary\"", PROCESS_INVOLUNTARY, NULL } },
			     2 },
	[SHAPE_FAULTS] = { PROC_FAULTS,
			   false,
			   { { "kind=\"minor\"", PROCESS_MINOR, NULL },
			     { "kind=\"major\"", PROCESS_MAJOR, NULL } },
			   2 },
	[SHAPE_IO] = { PROC_IO,
		       false,
		       { { "direction=\"read\"", PROCESS_READ, NULL },
			 { "direction=\"write\"", PROCESS_WRITTEN, NULL } },
		       2 },
	[SHAPE_RESIDENT] = { PROC_MEMORY,
			     false,
			     { { "kind=\"anon\"", -1, get_anon_bytes },
			       { "kind=\"file\"", -1, get_file_bytes },
			       { "kind=\"shmem\"", -1, get_shmem_bytes } },
			     3 },
	[SHAPE_SWAP] = { PROC_MEMORY, false, { { NULL, -1, get_swap_bytes } }, 1 },
	[SHAPE_THREADS] = { PROC_CPU, false, { { NULL, -1, get_threads } }, 1 },
	[SHAPE_FDS] = { PROC_FDS, false, { { NULL, -1, get_open_fds } }, 1 },
};

static void write_value(struct expo *e, const struct expo_family *f, const struct shape *shape,
			const char *labels, uint64_t value)
{
	if (shape->is_seconds)
		expo_double(e, f, labels, seconds(value));
	else
		expo_u64(e, f, labels, value);
}

/* --- the service */

static uint64_t service_gauge(const struct process_metrics *m, const struct shape *shape,
			      const struct column *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].known & shape->known)
			sum += c->gauge(&m->list[i]);
	return sum;
}

static void write_service(struct expo *e, const struct expo_family *f, const void *ctx, int which,
			  size_t item)
{
	const struct process_metrics *m = ctx;
	const struct shape *shape = &shapes[which];
	const struct column *c = &shape->columns[item];

	if (m->known & shape->known)
		write_value(e, f, shape, c->label,
			    c->gauge ? service_gauge(m, shape, c) : m->total[c->counter]);
}

static size_t n_roles(const void *ctx)
{
	(void)ctx;
	return PROCESS_N_ROLES;
}

static void write_processes(struct expo *e, const struct expo_family *f, const void *ctx,
			    size_t item)
{
	const struct process_metrics *m = ctx;
	char labels[LABELS_MAX];

	snprintf(labels, sizeof(labels), "role=\"%s\"", process_role_name((enum process_role)item));
	expo_u64(e, f, labels, m->summary.processes[item]);
}

static void write_unsampled(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	(void)i;
	expo_u64(e, f, NULL, ((const struct process_metrics *)ctx)->summary.unsampled);
}

static size_t one(const void *ctx)
{
	(void)ctx;
	return 1;
}

static bool has_cpu_ratio(const void *ctx)
{
	return !isnan(((const struct process_metrics *)ctx)->summary.cpu_ratio);
}

static bool has_memory_ratio(const void *ctx)
{
	return !isnan(((const struct process_metrics *)ctx)->summary.memory_ratio);
}

static bool has_start(const void *ctx)
{
	return ((const struct process_metrics *)ctx)->summary.start_time_s > 0;
}

static void write_cpu_ratio(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	(void)i;
	expo_double(e, f, NULL, ((const struct process_metrics *)ctx)->summary.cpu_ratio);
}

static void write_memory_ratio(struct expo *e, const struct expo_family *f, const void *ctx,
			       size_t i)
{
	(void)i;
	expo_double(e, f, NULL, ((const struct process_metrics *)ctx)->summary.memory_ratio);
}

static void write_memory(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	(void)i;
	expo_u64(e, f, NULL, ((const struct process_metrics *)ctx)->summary.memory_bytes);
}

static double hundredths(double s)
{
	return (double)(uint64_t)(s * 100 + 0.5) / 100;
}

static void write_start(struct expo *e, const struct expo_family *f, const void *ctx, size_t i)
{
	(void)i;
	expo_double(e, f, NULL,
		    hundredths(((const struct process_metrics *)ctx)->summary.start_time_s));
}

/* --- each process */

static size_t n_slots(const void *ctx)
{
	(void)ctx;
	return PROCESS_SLOTS + 1;
}

static const struct process *in_slot(const struct process_metrics *m, size_t slot)
{
	size_t at = m->slots[slot];

	return at < m->n ? &m->list[at] : NULL;
}

static void put_labels(char *labels, const struct process *p, const char *more)
{
	if (p)
		snprintf(labels, LABELS_MAX, "pid=\"%u\",role=\"%s\"%s%s", p->pid,
			 process_role_name(p->role), more ? "," : "", more ? more : "");
	else
		snprintf(labels, LABELS_MAX, "pid=\"other\",role=\"other\"%s%s", more ? "," : "",
			 more ? more : "");
}

static bool is_other(const struct process *p, uint32_t known)
{
	return p->slot == PROCESS_NO_SLOT && (p->known & known);
}

static void write_other(struct expo *e, const struct expo_family *f,
			const struct process_metrics *m, const struct shape *shape)
{
	for (size_t i = 0; i < shape->n; i++) {
		const struct column *c = &shape->columns[i];
		uint64_t value = c->gauge ? 0 : m->other[c->counter];
		char labels[LABELS_MAX];

		for (size_t j = 0; c->gauge && j < m->n; j++)
			if (is_other(&m->list[j], shape->known))
				value += c->gauge(&m->list[j]);
		put_labels(labels, NULL, c->label);
		write_value(e, f, shape, labels, value);
	}
}

static void write_process(struct expo *e, const struct expo_family *f, const void *ctx, int which,
			  size_t item)
{
	const struct process_metrics *m = ctx;
	const struct shape *shape = &shapes[which];
	const struct process *p = item < PROCESS_SLOTS ? in_slot(m, item) : NULL;

	if (item == PROCESS_SLOTS && m->other_known)
		write_other(e, f, m, shape);
	if (!p || !(p->known & shape->known))
		return;
	for (size_t i = 0; i < shape->n; i++) {
		const struct column *c = &shape->columns[i];
		char labels[LABELS_MAX];

		put_labels(labels, p, c->label);
		write_value(e, f, shape, labels, c->gauge ? c->gauge(p) : p->counters[c->counter]);
	}
}

/* What cannot be summed has no "other". */
static const struct process *process_of(const void *ctx, size_t item, char *labels)
{
	const struct process *p = item < PROCESS_SLOTS ? in_slot(ctx, item) : NULL;

	if (p)
		put_labels(labels, p, NULL);
	return p;
}

static void write_max_fds(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	char labels[LABELS_MAX];
	const struct process *p = process_of(ctx, item, labels);

	if (!p || !(p->known & PROC_MAX_FDS))
		return;
	if (p->max_fds == PROC_UNLIMITED)
		expo_double(e, f, labels, (double)INFINITY);
	else
		expo_u64(e, f, labels, p->max_fds);
}

static void write_pss(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	char labels[LABELS_MAX];
	const struct process *p = process_of(ctx, item, labels);

	if (p && p->pss_ns)
		expo_u64(e, f, labels, p->pss_bytes);
}

static void write_process_start(struct expo *e, const struct expo_family *f, const void *ctx,
				size_t item)
{
	const struct process_metrics *m = ctx;
	char labels[LABELS_MAX];
	const struct process *p = process_of(ctx, item, labels);

	if (p)
		expo_double(e, f, labels, hundredths(m->host.booted_s + seconds(p->start_ns)));
}

static void write_requests(struct expo *e, const struct expo_family *f, const void *ctx,
			   size_t item)
{
	char labels[LABELS_MAX];
	const struct process *p = process_of(ctx, item, labels);

	if (p && p->has_requests)
		expo_u64(e, f, labels, p->requests);
}

/* --- the table */

#define SERVICE(which, WHICH) \
	static size_t n_##which(const void *ctx) \
	{ \
		(void)ctx; \
		return shapes[WHICH].n; \
	} \
	static void service_##which(struct expo *e, const struct expo_family *f, const void *ctx, \
				    size_t item) \
	{ \
		write_service(e, f, ctx, WHICH, item); \
	} \
	static void process_##which(struct expo *e, const struct expo_family *f, const void *ctx, \
				    size_t item) \
	{ \
		write_process(e, f, ctx, WHICH, item); \
	}

SERVICE(cpu, SHAPE_CPU)
SERVICE(delay, SHAPE_DELAY)
SERVICE(switches, SHAPE_SWITCHES)
SERVICE(faults, SHAPE_FAULTS)
SERVICE(io, SHAPE_IO)
SERVICE(resident, SHAPE_RESIDENT)
SERVICE(swap, SHAPE_SWAP)
SERVICE(threads, SHAPE_THREADS)
SERVICE(fds, SHAPE_FDS)

#define FAMILY(name, help, unit, type, n, write) \
	{ \
		{ name, help, unit, type }, NULL, NULL, { NULL }, n, write \
	}
#define FAMILY_IF(there, name, help, unit, type, n, write) \
	{ \
		{ name, help, unit, type }, there, NULL, { NULL }, n, write \
	}

/* clang-format off */
static const struct family families[] = {
	FAMILY("isamon_service_processes", "Processes of the service.", NULL, EXPO_GAUGE,
	       n_roles, write_processes),
	FAMILY("isamon_service_processes_unsampled",
	       "Of them, those that the last collection had no time for.", NULL, EXPO_GAUGE, one,
	       write_unsampled),
	FAMILY("isamon_service_cpu_seconds", "CPU time of the service's processes.", "seconds",
	       EXPO_COUNTER, n_cpu, service_cpu),
	FAMILY_IF(has_cpu_ratio, "isamon_service_cpu_utilization_ratio",
	       "CPU time of the service between the last two collections, of that of all CPUs.",
	       "ratio", EXPO_GAUGE, one, write_cpu_ratio),
	FAMILY("isamon_service_run_queue_seconds", "Time that threads of the service waited for a CPU.",
	       "seconds", EXPO_COUNTER, n_delay, service_delay),
	FAMILY("isamon_service_context_switches", "Context switches of the service's threads.", NULL,
	       EXPO_COUNTER, n_switches, service_switches),
	FAMILY("isamon_service_page_faults", "Page faults of the service.", NULL, EXPO_COUNTER,
	       n_faults, service_faults),
	FAMILY("isamon_service_io_bytes", "Bytes that the service had read from or written to storage.",
	       "bytes", EXPO_COUNTER, n_io, service_io),
	FAMILY("isamon_service_memory_bytes", "Resident memory of the service, shared pages once.",
	       "bytes", EXPO_GAUGE, one, write_memory),
	FAMILY_IF(has_memory_ratio, "isamon_service_memory_utilization_ratio",
	       "Resident memory of the service, shared pages once, of the host's.", "ratio",
	       EXPO_GAUGE, one, write_memory_ratio),
	FAMILY("isamon_service_resident_memory_bytes",
	       "Resident memory of the service's processes, added up.", "bytes", EXPO_GAUGE,
	       n_resident, service_resident),
	FAMILY("isamon_service_swap_bytes", "Memory of the service that is swapped out.", "bytes",
	       EXPO_GAUGE, n_swap, service_swap),
	FAMILY("isamon_service_threads", "Threads of the service.", NULL, EXPO_GAUGE, n_threads,
	       service_threads),
	FAMILY("isamon_service_open_fds", "Open files of the service.", NULL, EXPO_GAUGE, n_fds,
	       service_fds),
	FAMILY_IF(has_start, "isamon_service_start_time_seconds",
	       "When the service's main process was started, since the epoch.", "seconds",
	       EXPO_GAUGE, one, write_start),
	FAMILY("isamon_process_cpu_seconds", "CPU time of a process.", "seconds", EXPO_COUNTER, n_slots,
	       process_cpu),
	FAMILY("isamon_process_run_queue_seconds", "Time that its threads waited for a CPU.",
	       "seconds", EXPO_COUNTER, n_slots, process_delay),
	FAMILY("isamon_process_context_switches", "Context switches of its threads.", NULL,
	       EXPO_COUNTER, n_slots, process_switches),
	FAMILY("isamon_process_page_faults", "Page faults of a process.", NULL, EXPO_COUNTER, n_slots,
	       process_faults),
	FAMILY("isamon_process_io_bytes", "Bytes that it had read from or written to storage.", "bytes",
	       EXPO_COUNTER, n_slots, process_io),
	FAMILY("isamon_process_resident_memory_bytes", "Resident memory of a process.", "bytes",
	       EXPO_GAUGE, n_slots, process_resident),
	FAMILY("isamon_process_pss_bytes", "Resident memory with its share of shared pages.", "bytes",
	       EXPO_GAUGE, n_slots, write_pss),
	FAMILY("isamon_process_swap_bytes", "Memory of a process that is swapped out.", "bytes",
	       EXPO_GAUGE, n_slots, process_swap),
	FAMILY("isamon_process_threads", "Threads of a process.", NULL, EXPO_GAUGE, n_slots,
	       process_threads),
	FAMILY("isamon_process_open_fds", "Open files of a process.", NULL, EXPO_GAUGE, n_slots,
	       process_fds),
	FAMILY("isamon_process_max_fds", "The limit of its open files.", NULL, EXPO_GAUGE, n_slots,
	       write_max_fds),
	FAMILY("isamon_process_start_time_seconds", "When it was started, since the epoch.", "seconds",
	       EXPO_GAUGE, n_slots, write_process_start),
	FAMILY("isamon_process_requests", "Requests that it has read.", NULL, EXPO_COUNTER, n_slots,
	       write_requests),
};
/* clang-format on */

bool process_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
