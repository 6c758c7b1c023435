/* SPDX-License-Identifier: MIT */
/* Questions to minutes. Invariant: what is not known is passed over everywhere, so that no answer rests on a zero that nobody measured. */
#include "check/advice_minutes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

#define FIRST_SIZE 1440
#define UNKNOWN ((double)NAN)

int advice_minutes_add(const struct history_minute *m, void *ctx)
{
	struct advice_minutes *a = ctx;

	if (a->n == HISTORY_MINUTES_MAX)
		return 0;
	if (a->n == a->size) {
		const size_t size = a->size ? 2 * a->size : FIRST_SIZE;
		struct history_minute *list = realloc(a->list, size * sizeof(*list));

		if (!list)
			return -ENOMEM;
		a->list = list;
		a->size = size;
	}
	a->list[a->n++] = *m;
	if (m->watched_s > 0)
		a->watched_s += m->watched_s;
	return 0;
}

void advice_minutes_done(struct advice_minutes *a)
{
	free(a->list);
	*a = (struct advice_minutes){ .n = 0 };
}

/* --- questions */

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double advice_quantile(const struct advice_minutes *a, advice_value_fn value, double q,
		       size_t *ret_n)
{
	double *list = a->n ? malloc(a->n * sizeof(*list)) : NULL, result = UNKNOWN;
	size_t n = 0;

	for (size_t i = 0; list && i < a->n; i++) {
		const double v = value(&a->list[i]);

		if (!isnan(v))
			list[n++] = v;
	}
	if (n) {
		qsort(list, n, sizeof(*list), compare);
		result = list[(size_t)(q * (double)(n - 1))];
	}
	free(list);
	if (ret_n)
		*ret_n = n;
	return result;
}

double advice_share(const struct advice_minutes *a, advice_value_fn value, double least)
{
	size_t n = 0, above = 0;

	for (size_t i = 0; i < a->n; i++) {
		const double v = value(&a->list[i]);

		n += !isnan(v);
		above += v >= least;
	}
	return n ? (double)above / (double)n : 0;
}

double advice_sum(const struct advice_minutes *a, advice_value_fn value)
{
	double sum = 0;

	for (size_t i = 0; i < a->n; i++) {
		const double v = value(&a->list[i]);

		if (!isnan(v))
			sum += v;
	}
	return sum;
}

double advice_most(const struct advice_minutes *a, advice_value_fn value)
{
	double most = 0;

	for (size_t i = 0; i < a->n; i++)
		most = fmax(most, value(&a->list[i])); /* a NaN is passed over */
	return most;
}

double advice_least(const struct advice_minutes *a, advice_value_fn value)
{
	double least = UNKNOWN;

	for (size_t i = 0; i < a->n; i++)
		least = fmin(least, value(&a->list[i]));
	return least;
}

double advice_last(const struct advice_minutes *a, advice_value_fn value)
{
	for (size_t i = a->n; i-- > 0;) {
		const double v = value(&a->list[i]);

		if (!isnan(v))
			return v;
	}
	return UNKNOWN;
}

/* --- values */

static double known(int64_t v)
{
	return v < 0 ? UNKNOWN : (double)v;
}

static double share(int64_t a, int64_t b)
{
	return a < 0 || b <= 0 ? UNKNOWN : (double)a / (double)b;
}

static double seconds(int64_t ns)
{
	return ns < 0 ? UNKNOWN : (double)ns / (double)NS_PER_SEC;
}

double advice_requests(const struct history_minute *m)
{
	return known(m->requests);
}

double advice_connections(const struct history_minute *m)
{
	return known(m->connections);
}

double advice_open_connections(const struct history_minute *m)
{
	return known(m->connections_max);
}

double advice_websockets(const struct history_minute *m)
{
	return known(m->websockets_max);
}

double advice_websockets_opened(const struct history_minute *m)
{
	return known(m->websockets);
}

double advice_streams(const struct history_minute *m)
{
	return known(m->streams);
}

double advice_listen_drops(const struct history_minute *m)
{
	return known(m->listen_drops);
}

double advice_in_flight(const struct history_minute *m)
{
	return known(m->in_flight_max);
}

double advice_busy_queue_s(const struct history_minute *m)
{
	return m->requests > 0 ? seconds(m->queue_p99_ns) : UNKNOWN;
}

static double service_cpus(const struct history_minute *m)
{
	return share(m->cpu_ns, m->sampled_ns);
}

/* A process that hardly works waits for nothing that matters. */
double advice_busy_delay(const struct history_minute *m)
{
	return share(m->cpu_ns, m->sampled_ns) >= 0.05 ? share(m->delay_ns, m->cpu_ns) : UNKNOWN;
}

double advice_worker_cpu(const struct history_minute *m)
{
	return m->workers > 0 ? service_cpus(m) / (double)m->workers : UNKNOWN;
}

double advice_cpus(const struct history_minute *m)
{
	return known(m->cpus);
}

double advice_workers(const struct history_minute *m)
{
	return m->workers > 0 ? known(m->workers) : UNKNOWN;
}

double advice_memory(const struct history_minute *m)
{
	return m->memory_bytes > 0 ? known(m->memory_bytes) : UNKNOWN;
}

double advice_free_fds(const struct history_minute *m)
{
	return known(m->free_fds_min);
}

double advice_fds_a_process(const struct history_minute *m)
{
	return share(m->open_fds, m->processes_max);
}

double advice_host_cpu(const struct history_minute *m)
{
	return m->host_cpu_ppm < 0 ? UNKNOWN : (double)m->host_cpu_ppm / 1e6;
}

double advice_host_steal(const struct history_minute *m)
{
	return m->host_steal_ppm < 0 ? UNKNOWN : (double)m->host_steal_ppm / 1e6;
}

double advice_host_memory(const struct history_minute *m)
{
	return known(m->host_memory_bytes);
}

double advice_host_available(const struct history_minute *m)
{
	return share(m->host_available_bytes, m->host_memory_bytes);
}

double advice_host_swap(const struct history_minute *m)
{
	return known(m->host_swap_bytes);
}
