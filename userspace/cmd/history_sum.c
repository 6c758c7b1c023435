/* SPDX-License-Identifier: MIT */
/*
 * Invariant: what one minute counted ends where the next one begins: differences are taken between looks, and the last of a minute is the first
 * of the next. What was never looked at stays unknown.
 */
#include "cmd/history_sum.h"

#include <string.h>

#include "base/clock.h"

#define PPM 1000000

static void raise_to(int64_t *most, uint64_t value)
{
	if (value <= INT64_MAX && (int64_t)value > *most)
		*most = (int64_t)value;
}

static void lower_to(int64_t *least, uint64_t value)
{
	if (value <= INT64_MAX && (*least < 0 || (int64_t)value < *least))
		*least = (int64_t)value;
}

static void add(int64_t *sum, uint64_t now, uint64_t before)
{
	if (*sum < 0)
		*sum = 0;
	if (now > before)
		*sum += (int64_t)(now - before);
}

void history_sum_begin(struct history_sum *s, int64_t start_s, uint64_t monotonic_ns)
{
	history_minute_init(&s->minute, start_s);
	memset(&s->duration, 0, sizeof(s->duration));
	memset(&s->queue, 0, sizeof(s->queue));
	s->begun_ns = monotonic_ns;
	s->minute.requests = s->minute.errors = s->minute.timed = 0;
	s->ended_before = s->glance.ended;
	s->connections_before = s->glance.connections;
	s->websockets_before = s->glance.websockets;
	s->before = s->look;
}

void history_sum_request(struct history_sum *s, const struct http_observed *o)
{
	if (o->kind != HTTP_OBSERVED_REQUEST)
		return;
	s->minute.requests++;
	s->minute.errors += o->server_error;
	if (o->answered) {
		s->minute.timed++;
		histogram_add(&s->duration, o->duration_ns);
	}
	if (o->has_queue)
		histogram_add(&s->queue, o->queue_ns);
}

void history_sum_glance(struct history_sum *s, const struct history_glance *g)
{
	if (!g->known)
		return;
	if (!s->has_glance) {
		s->ended_before = g->ended;
		s->connections_before = g->connections;
		s->websockets_before = g->websockets;
	}
	s->has_glance = true;
	s->glance = *g;
	raise_to(&s->minute.in_flight_max, g->in_flight);
	raise_to(&s->minute.connections_max, g->open_connections);
	raise_to(&s->minute.websockets_max, g->open_websockets);
}

static void look_at_processes(struct history_sum *s, const struct history_look *l)
{
	struct history_minute *m = &s->minute;

	if (l->cpus)
		m->cpus = l->cpus;
	if (!l->has_processes)
		return;
	raise_to(&m->processes_max, l->processes);
	raise_to(&m->memory_bytes, l->memory_bytes);
	raise_to(&m->open_fds, l->open_fds);
	lower_to(&m->free_fds_min, l->free_fds);
	m->workers = (int64_t)l->workers;
	if (!s->has_look || !s->look.has_processes)
		return;
	add(&m->sampled_ns, l->monotonic_ns, s->look.monotonic_ns);
	add(&m->cpu_ns, l->cpu_ns, s->look.cpu_ns);
	if (l->has_delay && s->look.has_delay)
		add(&m->delay_ns, l->delay_ns, s->look.delay_ns);
}

static void look_at_memory(struct history_minute *m, const struct host_memory *h)
{
	m->host_memory_bytes = (int64_t)h->total;
	lower_to(&m->host_available_bytes, h->available);
	raise_to(&m->host_swap_bytes,
		 h->swap_total > h->swap_free ? h->swap_total - h->swap_free : 0);
}

void history_sum_look(struct history_sum *s, const struct history_look *l)
{
	look_at_processes(s, l);
	if (l->has_host_memory)
		look_at_memory(&s->minute, &l->host_memory);
	if (s->has_look) {
		add(&s->minute.streams, l->streams, s->look.streams);
		add(&s->minute.listen_drops, l->listen_drops, s->look.listen_drops);
		add(&s->minute.restarts, l->restarts, s->look.restarts);
	} else {
		s->before = *l;
	}
	s->has_look = true;
	s->look = *l;
}

static uint64_t ticks_between(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void end_host_cpu(const struct history_sum *s, struct history_minute *m)
{
	const struct host_cpu *a = &s->before.host_cpu, *b = &s->look.host_cpu;
	const uint64_t busy = ticks_between(b->busy, a->busy),
		       stolen = ticks_between(b->stolen, a->stolen),
		       all = busy + stolen + ticks_between(b->idle, a->idle) +
			     ticks_between(b->waiting, a->waiting);

	if (!s->before.has_host_cpu || !s->look.has_host_cpu || !all)
		return;
	m->host_cpu_ppm = (int64_t)(busy * PPM / all);
	m->host_steal_ppm = (int64_t)(stolen * PPM / all);
}

void history_sum_end(struct history_sum *s, uint64_t monotonic_ns, struct history_minute *ret)
{
	struct history_minute *m = &s->minute;
	const uint64_t ns = monotonic_ns > s->begun_ns ? monotonic_ns - s->begun_ns : 0,
		       watched_s = (ns + NS_PER_SEC / 2) / NS_PER_SEC;

	m->watched_s = watched_s < HISTORY_MINUTE_S ? (int64_t)watched_s : HISTORY_MINUTE_S;
	if (m->timed > 0) {
		m->p50_ns = (int64_t)histogram_quantile_ns(&s->duration, 0.5);
		m->p99_ns = (int64_t)histogram_quantile_ns(&s->duration, 0.99);
	}
	if (histogram_count(&s->queue))
		m->queue_p99_ns = (int64_t)histogram_quantile_ns(&s->queue, 0.99);
	/* Nobody looked: no request is not known either. */
	if (m->in_flight_max < 0 && !m->requests)
		m->requests = m->errors = m->timed = HISTORY_UNKNOWN;
	if (s->has_glance && m->in_flight_max >= 0) {
		/* Those of which the record was lost ended, too. */
		raise_to(&m->requests, ticks_between(s->glance.ended, s->ended_before));
		add(&m->connections, s->glance.connections, s->connections_before);
		add(&m->websockets, s->glance.websockets, s->websockets_before);
	}
	end_host_cpu(s, m);
	*ret = *m;
}
