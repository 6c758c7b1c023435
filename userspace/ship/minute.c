/* SPDX-License-Identifier: MIT */
/*
 * The present minute: what happens is a change of the mapped sums (ship/minute_file.h), one change an event.
 *
 * Invariant: what has been finished is frozen until all its payloads were given away, and each of them is given with one id
 * and one content only, however often.
 */
#include "ship/minute.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/table.h"
#include "ship/minute_data.h"
#include "ship/minute_file.h"

#define KNOWN_MAX 1024
#define NAME_OTHER "other"

struct minute {
	struct minute_map map;
	struct minute_options options;
	struct table *routes; /* by the names that we are given; of the present minute */
	/* Since this process began: */
	struct {
		bool has;
		uint64_t monotonic_ns, cpu_ns;
	} last;
	bool has_restarts;
	uint64_t last_restarts;
};

static struct minute_sums *present(const struct minute *m)
{
	return &m->map.file->sums[minute_file_present(m->map.file)];
}

/* --- beginning */

static uint64_t wanted_of(const struct minute_options *o)
{
	return (o->latency_by_route ? MINUTE_ROUTES : 0u) | (o->queue ? MINUTE_QUEUE : 0u) |
	       (o->turns ? MINUTE_TURNS : 0u) | (o->restarts ? MINUTE_RESTARTS : 0u) |
	       (o->probes ? MINUTE_PROBES : 0u) | (o->processes ? MINUTE_PROCESSES : 0u) |
	       (o->spool_age ? MINUTE_SPOOL_AGE : 0u) | (o->log_errors ? MINUTE_LOG_ERRORS : 0u) |
	       (o->exceptions ? MINUTE_EXCEPTIONS : 0u) | (o->jobs ? MINUTE_JOBS : 0u);
}

/* Of 55 random bits: among the 20,000 minutes of a full spool two are the same with a chance of one in 10^8. */
static uint64_t random_id(void)
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = (clock_realtime_ns() ^ clock_monotonic_ns() << 20) * 0x9e3779b97f4a7c15ull;
	r = r % (INT64_MAX / MINUTE_PARTS_MAX - 8) + 1;
	return r * MINUTE_PARTS_MAX;
}

static void begin(struct minute *m, struct minute_sums *s, int64_t now_s)
{
	int64_t interval = m->options.interval_s;

	atomic_signal_fence(memory_order_seq_cst);
	memset(s, 0, sizeof(*s));
	s->id = random_id();
	s->interval_s = (uint64_t)interval;
	s->start_s = now_s > 0 ? now_s - now_s % interval : 0;
	s->wanted = wanted_of(&m->options);
	atomic_signal_fence(memory_order_seq_cst);
}

static bool interval_known(unsigned int s)
{
	return s == 1 || s == 5 || s == 10 || s == 30 || s == 60;
}

int minute_open(const char *path, const struct minute_options *o, int64_t now_s, struct buf *why,
		struct minute **ret)
{
	struct minute *m;
	bool is_new = false;
	int err = -ENOMEM;

	if (!interval_known(o->interval_s)) {
		buf_printf(why, "a minute of %u s: it is 1, 5, 10, 30 or 60", o->interval_s);
		return -EINVAL;
	}
	m = calloc(1, sizeof(*m));
	if (m)
		m->routes = table_new();
	if (!m || !m->routes)
		buf_printf(why, "cannot keep the present minute: %s", strerror(ENOMEM));
	else
		err = minute_file_open(path, o->latency_by_route, why, &m->map, &is_new);
	if (err) {
		minute_close(m);
		return err;
	}
	m->options = *o;
	if (is_new) {
		begin(m, present(m), now_s);
		minute_file_made(&m->map);
	}
	*ret = m;
	return 0;
}

void minute_close(struct minute *m)
{
	if (!m)
		return;
	minute_file_close(&m->map);
	table_free(m->routes, NULL);
	free(m);
}

/* --- changes */

static void note_more(struct minute *m, uint64_t *word, uint64_t more)
{
	minute_file_note(&m->map, word, *word + more);
}

static void note_time(struct minute *m, struct values *v, uint64_t ns)
{
	note_more(m, &v->buckets[values_bucket(ns)], 1);
	note_more(m, &v->count, 1);
	note_more(m, &v->sum_ns, ns);
	if (!v->count || ns < v->min_ns)
		minute_file_note(&m->map, &v->min_ns, ns);
	if (!v->count || ns > v->max_ns)
		minute_file_note(&m->map, &v->max_ns, ns);
}

static void note_gauge(struct minute *m, struct minute_gauge *g, double value)
{
	if (!isfinite(value))
		return;
	note_more(m, &g->count, 1);
	minute_file_note_double(&m->map, &g->sum, g->sum + value);
	if (!g->count || value < g->min)
		minute_file_note_double(&m->map, &g->min, value);
	if (!g->count || value > g->max)
		minute_file_note_double(&m->map, &g->max, value);
}

/* --- routes */

static struct minute_route *begin_route(struct minute_route *r, const char *text)
{
	atomic_signal_fence(memory_order_seq_cst);
	memset(r, 0, sizeof(*r));
	memcpy(r->name, text, strlen(text) + 1);
	return r;
}

/* Notes that there is a new one if there is. */
static struct minute_route *find_route(struct minute *m, const char *text)
{
	struct minute_route *routes = m->map.file->routes[minute_file_present(m->map.file)];
	struct minute_sums *s = present(m);
	struct minute_route *other = &routes[MINUTE_ROUTES_MAX];

	if (strcmp(text, NAME_OTHER) != 0) {
		for (size_t i = 0; i < s->n_routes; i++)
			if (strcmp(routes[i].name, text) == 0)
				return &routes[i];
		if (s->n_routes < MINUTE_ROUTES_MAX) {
			note_more(m, &s->n_routes, 1);
			return begin_route(&routes[s->n_routes], text);
		}
	}
	if (s->has_other)
		return other;
	minute_file_note(&m->map, &s->has_other, 1);
	return begin_route(other, NAME_OTHER);
}

/* The table only saves time: without memory, or with too many names, it is looked for again each time. */
static struct minute_route *route_of(struct minute *m, const char *name)
{
	struct minute_route *r = table_get(m->routes, name, strlen(name));
	char text[MINUTE_TEXT_MAX];

	if (r)
		return r;
	minute_file_text(name, text);
	r = find_route(m, text);
	if (table_count(m->routes) < KNOWN_MAX)
		(void)table_put(m->routes, name, strlen(name), r);
	return r;
}

/* --- what happens */

void minute_request(struct minute *m, const struct minute_request *r)
{
	struct minute_sums *s = present(m);

	note_more(m, &s->n_requests, 1);
	if (r->server_error)
		note_more(m, &s->n_errors, 1);
	if (r->answered)
		note_time(m, &s->response, r->duration_ns);
	if (r->has_queue && s->wanted & MINUTE_QUEUE)
		note_time(m, &s->queue, r->queue_ns);
	if (r->answered && s->wanted & MINUTE_ROUTES)
		note_time(m, &route_of(m, r->route ? r->route : NAME_OTHER)->times, r->duration_ns);
	minute_file_commit(&m->map);
}

void minute_turn(struct minute *m, uint64_t ns)
{
	struct minute_sums *s = present(m);

	if (!(s->wanted & MINUTE_TURNS))
		return;
	note_time(m, &s->turn, ns);
	minute_file_commit(&m->map);
}

static void note_cpu(struct minute *m, const struct minute_look *l)
{
	struct minute_sums *s = present(m);

	if (l->has_processes && m->last.has && l->cpu_ns >= m->last.cpu_ns &&
	    l->monotonic_ns > m->last.monotonic_ns && l->cpus) {
		note_more(m, &s->cpu_ns, l->cpu_ns - m->last.cpu_ns);
		note_more(m, &s->cpu_possible_ns,
			  (l->monotonic_ns - m->last.monotonic_ns) * l->cpus);
	}
	m->last.has = l->has_processes;
	m->last.monotonic_ns = l->monotonic_ns;
	m->last.cpu_ns = l->cpu_ns;
}

static void note_restarts(struct minute *m, uint64_t restarts)
{
	if (m->has_restarts && restarts > m->last_restarts)
		note_more(m, &present(m)->restarts, restarts - m->last_restarts);
	m->has_restarts = true;
	m->last_restarts = restarts;
}

/* From where on is new. A counter that begins with less than was seen has lost what it knew: it begins anew. */
static struct minute_counted logs_before(const struct minute *m, const struct minute_logs *l)
{
	const struct minute_file *f = m->map.file;
	const struct minute_counted last = { f->log_errors_last, f->exceptions_last };
	bool anew = l->counter != f->logs_counter &&
		    (l->first.errors < last.errors || l->first.exceptions < last.exceptions);

	return f->logs_counter && !anew ? last : l->first;
}

static void note_logs(struct minute *m, const struct minute_logs *l)
{
	struct minute_file *f = m->map.file;
	struct minute_sums *s = present(m);
	struct minute_counted before;

	if (!l->known || !(s->wanted & (MINUTE_LOG_ERRORS | MINUTE_EXCEPTIONS)))
		return;
	before = logs_before(m, l);
	note_more(m, &s->n_log_looks, 1);
	if (l->now.errors > before.errors)
		note_more(m, &s->log_errors, l->now.errors - before.errors);
	if (l->now.exceptions > before.exceptions)
		note_more(m, &s->exceptions, l->now.exceptions - before.exceptions);
	minute_file_note(&m->map, &f->logs_counter, l->counter);
	minute_file_note(&m->map, &f->log_errors_last, l->now.errors);
	minute_file_note(&m->map, &f->exceptions_last, l->now.exceptions);
}

/*
 * From where on is new. Another counter goes on where the last one was, with what failed in between. If it has less, failures of
 * the last one are not in the history: then only what it has found itself is new.
 */
static uint64_t failures_before(const struct minute_file *f, const struct minute_jobs *l)
{
	if (f->jobs_counter == l->counter)
		return f->job_failures_last;
	if (f->jobs_counter && f->jobs_lasting && l->lasting && l->now >= f->job_failures_last)
		return f->job_failures_last;
	return l->first;
}

static void note_jobs(struct minute *m, const struct minute_jobs *l)
{
	struct minute_file *f = m->map.file;
	struct minute_sums *s = present(m);
	uint64_t before;

	if (!(s->wanted & MINUTE_JOBS)) {
		if (f->jobs_counter)
			minute_file_note(&m->map, &f->jobs_counter, 0);
		return;
	}
	if (!l->known)
		return;
	before = failures_before(f, l);
	note_more(m, &s->n_job_looks, 1);
	if (l->now > before)
		note_more(m, &s->job_failures, l->now - before);
	minute_file_note(&m->map, &s->jobs_overdue, l->overdue);
	minute_file_note(&m->map, &f->jobs_counter, l->counter);
	minute_file_note(&m->map, &f->jobs_lasting, l->lasting);
	minute_file_note(&m->map, &f->job_failures_last, l->now);
}

static void note_probes(struct minute *m, const struct minute_look *l)
{
	struct minute_sums *s = present(m);
	uint64_t n = s->n_probes;

	for (size_t i = 0; i < l->n_probes && i < MINUTE_PROBES_MAX; i++) {
		char text[MINUTE_TEXT_MAX];
		uint64_t at = 0;

		minute_file_text(l->probes[i].name, text);
		while (at < n && strcmp(s->probes[at].name, text) != 0)
			at++;
		if (at == MINUTE_PROBES_MAX)
			continue;
		if (at == n) {
			s->probes[n] = (struct minute_probe){ 0 };
			memcpy(s->probes[n++].name, text, sizeof(text));
		}
		note_gauge(m, &s->probes[at].up, l->probes[i].up);
	}
	if (n != s->n_probes)
		minute_file_note(&m->map, &s->n_probes, n);
}

void minute_look(struct minute *m, const struct minute_look *l)
{
	struct minute_sums *s = present(m);

	note_more(m, &s->n_looks, 1);
	note_cpu(m, l);
	if (l->has_processes && l->memory_ratio >= 0) /* is a number */
		note_gauge(m, &s->memory, fmin(100 * l->memory_ratio, 100));
	if (l->has_processes && s->wanted & MINUTE_PROCESSES)
		note_gauge(m, &s->processes, (double)l->processes);
	note_restarts(m, l->restarts);
	if (s->wanted & MINUTE_SPOOL_AGE)
		note_gauge(m, &s->spool_age, l->spool_age_s);
	note_logs(m, &l->logs);
	note_jobs(m, &l->jobs);
	if (s->wanted & MINUTE_PROBES)
		note_probes(m, l);
	minute_file_commit(&m->map);
}

/* --- its end */

int64_t minute_start_s(const struct minute *m)
{
	return present(m)->start_s;
}

unsigned int minute_interval_s(const struct minute *m)
{
	return (unsigned int)present(m)->interval_s;
}

struct giving {
	struct minute *m; /* NULL: a preview, nothing is noted */
	const struct minute_sums *sums;
	minute_fn fn;
	void *ctx;
};

static int give_part(size_t part, const void *payload, size_t n, void *ctx)
{
	struct giving *g = ctx;
	int err = g->fn((int64_t)(g->sums->id + part), g->sums->start_s, payload, n, g->ctx);

	if (err || !g->m)
		return err;
	minute_file_note(&g->m->map, &g->m->map.file->given, part + 1);
	minute_file_commit(&g->m->map);
	return 0;
}

/* Gives away what has ended and was not given yet. */
static int give(struct minute *m, minute_fn fn, void *ctx)
{
	struct minute_file *f = m->map.file;
	unsigned int other = !minute_file_present(f);
	struct giving g = { m, &f->sums[other], fn, ctx };
	int err;

	if (!(f->state & MINUTE_FINISHED))
		return 0;
	err = minute_data_parts(g.sums, f->routes[other], f->given, give_part, &g);
	if (err)
		return err;
	minute_file_note(&m->map, &f->state, minute_file_present(f));
	minute_file_commit(&m->map);
	return 0;
}

/* Makes the other one, of which nothing is needed any more, the present one. */
static void change_over(struct minute *m, int64_t now_s)
{
	struct minute_file *f = m->map.file;
	unsigned int next = !minute_file_present(f);
	unsigned int finished = minute_data_any(present(m)) ? MINUTE_FINISHED : 0;

	begin(m, &f->sums[next], now_s);
	minute_file_note(&m->map, &f->state, next | finished);
	minute_file_note(&m->map, &f->given, 0);
	minute_file_commit(&m->map);
	table_clear(m->routes, NULL);
}

int minute_finish(struct minute *m, int64_t now_s, minute_fn fn, void *ctx)
{
	const struct minute_sums *s = present(m);
	int err;

	err = give(m, fn, ctx);
	if (err || (now_s >= s->start_s && now_s - s->start_s < (int64_t)s->interval_s))
		return err;
	change_over(m, now_s);
	return give(m, fn, ctx);
}

int minute_preview(const struct minute *m, minute_fn fn, void *ctx)
{
	const struct minute_file *f = m->map.file;
	struct giving g = { NULL, present(m), fn, ctx };

	return minute_data_parts(g.sums, f->routes[minute_file_present(f)], 0, give_part, &g);
}
