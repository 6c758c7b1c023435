/* SPDX-License-Identifier: MIT */
/* More workers, or fewer: from how long requests wait to be read, what a worker uses of a CPU, and how long the ready wait for one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check/advice_impl.h"

/* Requests wait where one in a hundred of a busy minute is not read within this, in one such minute of twenty. */
#define QUEUE_BAD_S 0.1
#define QUEUE_SHARE 0.05
/* A process of one event loop is full at one CPU; from here on requests wait for it. */
#define WORKER_FULL 0.7
#define WORKER_AIM 0.5
/* Room that more workers may take. */
#define HOST_CPU_ROOM 0.7
#define HOST_MEMORY_LEFT 0.15
/* Threads that are ready wait for a CPU half as long as they have one. */
#define DELAY_BAD 0.5
#define DELAY_SHARE 0.1
#define WORKERS_A_CPU 2

struct load {
	double workers, cpus, queue_share, queue_s, worker_cpu, host_cpu, host_memory, available,
		memory, in_flight;
	size_t n_queue;
};

static struct load measure(const struct advice_minutes *m)
{
	struct load l = {
		.workers = advice_last(m, advice_workers),
		.cpus = advice_last(m, advice_cpus),
		.queue_share = advice_share(m, advice_busy_queue_s, QUEUE_BAD_S),
		.worker_cpu = advice_quantile(m, advice_worker_cpu, 0.95, NULL),
		.host_cpu = advice_quantile(m, advice_host_cpu, 0.95, NULL),
		.host_memory = advice_last(m, advice_host_memory),
		.available = advice_least(m, advice_host_available),
		.memory = advice_quantile(m, advice_memory, 0.95, NULL),
		.in_flight = advice_quantile(m, advice_in_flight, 0.95, NULL),
	};

	l.queue_s = advice_quantile(m, advice_busy_queue_s, 0.95, &l.n_queue);
	return l;
}

/* As many as bring a worker to half a CPU; by as much as is free of CPU and memory. 0: none. */
static unsigned int more_workers(const struct load *l)
{
	const double wanted = fmax(ceil(l->workers * l->worker_cpu / WORKER_AIM), l->workers + 1);
	const double free_bytes = l->host_memory * (l->available - HOST_MEMORY_LEFT);
	const double by_memory = l->workers + floor(free_bytes / (l->memory / l->workers));
	const double n = fmin(fmin(wanted, fmax(l->cpus, l->workers + 1)),
			      isnan(by_memory) ? l->workers : by_memory);

	return n > l->workers && l->workers + 1 <= WORKERS_A_CPU * l->cpus ? (unsigned int)n : 0;
}

static void tell_load(const struct load *l, struct buf *out)
{
	buf_add_str(out, "in ");
	advice_percent(out, l->queue_share);
	buf_printf(
		out,
		" of the %zu minutes with 10 requests or more the slowest 1 %% of them waited %.0f ms or "
		"longer until a worker read them (in the worst 5 %% of these minutes: %.0f ms)\n",
		l->n_queue, 1000 * QUEUE_BAD_S, 1000 * l->queue_s);
	buf_printf(out, "%.0f %s; in 95 %% of the minutes at most ", l->workers,
		   l->workers > 1 ? "workers" : "worker");
	if (!isnan(l->in_flight))
		buf_printf(out, "%.0f requests at once, ", l->in_flight);
	advice_percent(out, l->worker_cpu);
	buf_add_str(out, " of a CPU for each worker on average, and ");
	advice_percent(out, l->host_cpu);
	buf_printf(out, " of the host's %.0f CPUs in use; at least ", l->cpus);
	advice_percent(out, l->available);
	buf_add_str(out, " of its memory was available\n");
}

int advice_workers_more(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	/* What was with another number of workers speaks of that. */
	const struct advice_minutes now = advice_since(c->minutes, advice_workers, 0);
	const struct load l = measure(&now);
	unsigned int n;
	int err;

	if (!advice_enough(ret, "workers (since their number changed)", ADVICE_A_DAY, &now))
		return 0;
	if (isnan(l.workers) || isnan(l.worker_cpu) || isnan(l.host_cpu) || !l.n_queue ||
	    l.queue_share < QUEUE_SHARE || l.host_cpu > HOST_CPU_ROOM)
		return 0;
	n = more_workers(&l);
	if (!n)
		return 0;
	tell_load(&l, &d.evidence);
	err = advice_change_workers(c, n, &d.change);
	if (err)
		return err;
	buf_printf(
		&d.effect,
		"requests are read by %u processes instead of %.0f; the wait before that (%.0f ms) "
		"goes down, memory goes up by about ",
		n, l.workers, 1000 * l.queue_s);
	advice_bytes(&d.effect, (n - l.workers) * l.memory / l.workers);
	if (l.worker_cpu < WORKER_FULL)
		buf_add_str(
			&d.effect,
			"; as they have CPU to spare on average, it may be that something blocks their event "
			"loops now and then (a slow call that is not awaited): finding that would do more");
	if (advice_most(c->minutes, advice_websockets) > 0)
		buf_add_str(
			&d.effect,
			"; sessions that a worker keeps in its memory are not seen by the others: make "
			"sure that the application does not do that");
	buf_add_str(&d.undo, "the old number, and then ");
	advice_restart(c, &d.undo);
	return advice_draft_add(ret, &d, "workers.more", "More workers: requests wait to be read",
				false);
}

/* One a CPU, where each has an event loop; those of gunicorn that have none do one request at a time, and wait in it. */
static unsigned int fewer_workers(const struct advice_host *h, double cpus)
{
	const char *server = advice_server(h);
	const bool loops = server && (strcmp(server, "gunicorn") != 0 ||
				      strstr(h->run.command, "UvicornWorker") ||
				      strstr(h->run.command, "aiohttp"));

	return (unsigned int)(loops ? cpus : WORKERS_A_CPU * cpus);
}

int advice_workers_fewer(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const struct advice_minutes now = advice_since(c->minutes, advice_workers, 0);
	const struct load l = measure(&now);
	const double share = advice_share(&now, advice_busy_delay, DELAY_BAD);
	unsigned int n;
	int err;

	if (!advice_enough(ret, "workers (since their number changed)", ADVICE_A_DAY, &now))
		return 0;
	if (isnan(l.workers) || isnan(l.cpus) || share < DELAY_SHARE ||
	    l.workers <= WORKERS_A_CPU * l.cpus)
		return 0;
	buf_printf(&d.evidence, "%.0f workers on %.0f CPUs\n", l.workers, l.cpus);
	buf_add_str(&d.evidence, "in ");
	advice_percent(&d.evidence, share);
	buf_printf(
		&d.evidence,
		" of the minutes in which the service works its threads waited for a CPU for %.0f %% or "
		"more of the time that they had one\n",
		100 * DELAY_BAD);
	n = fewer_workers(c->host, l.cpus);
	err = advice_change_workers(c, n, &d.change);
	if (err)
		return err;
	buf_printf(&d.effect, "%.0f processes take turns on %.0f CPUs now; %u are put aside less",
		   l.workers, l.cpus, n);
	if (!isnan(l.memory)) {
		buf_add_str(&d.effect, ", and about ");
		advice_bytes(&d.effect, (l.workers - n) * l.memory / l.workers);
		buf_add_str(&d.effect, " of memory are free");
	}
	buf_add_str(&d.undo, "the old number, and then ");
	advice_restart(c, &d.undo);
	return advice_draft_add(ret, &d, "workers.fewer",
				"Fewer workers: they wait for each other's CPU", false);
}
