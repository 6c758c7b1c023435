/* SPDX-License-Identifier: MIT */
/* Two samples and what they say of the time between them. */
#include "cmd/top_view.h"

#include "base/clock.h"
#include "unit.h"

#define MS 1000000ull

static struct top_sample *sample(double at_s, uint64_t since_ns, size_t n_routes)
{
	struct top_sample *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->monotonic_ns = (uint64_t)(at_s * (double)NS_PER_SEC);
	s->since_ns = since_ns;
	s->service = strdup("test");
	s->routes = calloc(n_routes ? n_routes : 1, sizeof(*s->routes));
	return s;
}

static struct top_route *add_route(struct top_sample *s, const char *name, uint64_t requests)
{
	struct top_route *r = &s->routes[s->n_routes++];

	r->route = strdup(name);
	r->requests = requests;
	return r;
}

static void add_times(struct top_route *r, uint64_t ns, unsigned int n)
{
	r->requests += n;
	while (n--)
		histogram_add(&r->duration, ns);
}

static const struct top_row *find(const struct top_view *v, const char *route)
{
	size_t i;

	for (i = 0; i < v->n_rows; i++)
		if (strcmp(v->rows[i].route, route) == 0)
			return &v->rows[i];
	FAIL_CASE("no row %s", route);
	abort();
}

static void expect_ms(uint64_t ns, double ms)
{
	EXPECT_NEAR((double)ns / 1e6, ms, ms * 0.04);
}

static void of_the_interval(void)
{
	struct top_sample *a = sample(10, 1, 1), *b = sample(12, 1, 1);
	struct top_view *v = NULL;
	const struct top_row *r;

	/* 1000 old slow requests must not be seen in what came since. */
	add_times(add_route(a, "/x", 0), 900 * MS, 1000);
	b->routes[0] = a->routes[0];
	b->routes[0].route = strdup("/x");
	b->n_routes = 1;
	b->routes[0].server_errors = 4;
	b->routes[0].client_errors = 6;
	b->routes[0].aborts = 2;
	add_times(&b->routes[0], 10 * MS, 90);
	add_times(&b->routes[0], 99 * MS, 10);
	b->routes[0].max_ns[1] = 99 * MS + 1;
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT_NEAR(v->interval_s, 2, 1e-9);
	r = find(v, "/x");
	EXPECT_UINT(r->requests, 100);
	EXPECT_NEAR(r->requests_s, 50, 1e-9);
	EXPECT_NEAR(r->errors_s, 2, 1e-9);
	EXPECT_NEAR(r->client_errors_s, 3, 1e-9);
	EXPECT_NEAR(r->aborts_s, 1, 1e-9);
	expect_ms(r->p50_ns, 10);
	expect_ms(r->p99_ns, 100);
	EXPECT_UINT(r->max_ns, 99 * MS + 1);
	EXPECT(r->p99_ns <= r->max_ns);
	EXPECT(!v->restarted);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

/* The longest of another second is not this interval's: its bucket tells. */
static void foreign_max(void)
{
	struct top_sample *a = sample(10, 1, 1), *b = sample(11, 1, 1);
	struct top_view *v = NULL;

	add_route(a, "/x", 0);
	add_times(add_route(b, "/x", 0), 10 * MS, 3);
	b->routes[0].max_ns[0] = 700 * MS;
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	expect_ms(v->rows[0].max_ns, 10);
	expect_ms(v->total.max_ns, 10);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

static void new_route(void)
{
	struct top_sample *a = sample(10, 1, 1), *b = sample(11, 1, 3);
	struct top_view *v = NULL;

	add_route(a, "/old", 5);
	add_route(b, "/old", 5);
	add_times(add_route(b, "/new", 0), 2 * MS, 8);
	add_times(add_route(b, "/newer", 0), 4 * MS, 9);
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	REQUIRE_UINT(v->n_rows, 3);
	EXPECT_STR(v->rows[0].route, "/newer");
	EXPECT_STR(v->rows[1].route, "/new");
	EXPECT_UINT(v->rows[1].requests, 8);
	EXPECT_STR(v->rows[2].route, "/old");
	EXPECT_UINT(v->rows[2].requests, 0);
	EXPECT_UINT(v->rows[2].p50_ns, 0);
	EXPECT_UINT(v->rows[2].max_ns, 0);
	EXPECT_UINT(v->total.requests, 17);
	expect_ms(v->total.p50_ns, 4);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

static void restart(void)
{
	struct top_sample *a = sample(10, 1, 1), *b = sample(12, 11 * NS_PER_SEC, 1);
	struct top_view *v = NULL;

	add_times(add_route(a, "/x", 0), 5 * MS, 1000);
	a->records_lost = 50;
	add_times(add_route(b, "/x", 0), 5 * MS, 30);
	b->records_lost = 3;
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT(v->restarted);
	EXPECT_NEAR(v->interval_s, 1, 1e-9);
	EXPECT_UINT(v->rows[0].requests, 30);
	EXPECT_NEAR(v->rows[0].requests_s, 30, 1e-9);
	EXPECT_UINT(v->lost, 3);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

static void backwards(void)
{
	struct top_sample *a = sample(10, 1, 1), *b = sample(10, 1, 1);
	struct top_view *v = NULL;

	add_times(add_route(a, "/x", 0), 5 * MS, 1000);
	a->routes[0].server_errors = 9;
	add_times(add_route(b, "/x", 0), 5 * MS, 30);
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT_UINT(v->rows[0].requests, 30);
	EXPECT(v->interval_s > 0);
	EXPECT(v->rows[0].requests_s > 0 && v->rows[0].requests_s < 1e18);
	EXPECT_NEAR(v->rows[0].errors_s, 0, 0);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

/* The wait of the interval, of those of which it is known. */
static void queue(void)
{
	struct top_sample *a = sample(10, 1, 2), *b = sample(11, 1, 2);
	struct top_view *v = NULL;
	const struct top_row *r;

	histogram_add(&add_route(a, "/x", 1)->queue, 900 * MS);
	add_times(add_route(b, "/x", 1), 10 * MS, 4);
	histogram_add(&b->routes[0].queue, 900 * MS); /* from before */
	for (int i = 0; i < 3; i++)
		histogram_add(&b->routes[0].queue, 3 * MS);
	add_times(add_route(b, "/y", 0), 10 * MS, 1);
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	r = find(v, "/x");
	EXPECT_UINT(r->queued, 3);
	expect_ms(r->queue_p99_ns, 3);
	r = find(v, "/y");
	EXPECT_UINT(r->queued, 0);
	EXPECT_UINT(v->total.queued, 3);
	expect_ms(v->total.queue_p99_ns, 3);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

static void chat(void)
{
	struct top_sample *a = sample(10, 1, 0), *b = sample(12, 1, 0);
	struct top_view *v = NULL;

	a->chat = (struct http_chat_stats){
		.messages = { 100, 200 }, .turns = 50, .streams = 5, .streams_aborted = 6
	};
	histogram_add(&a->chat.turn, 60000 * MS);
	b->chat = a->chat;
	b->chat.open = 3;
	b->chat.messages[0] += 10;
	b->chat.messages[1] += 40;
	b->chat.turns += 4;
	b->chat.streams += 2;
	b->chat.streams_aborted += 6;
	for (int i = 0; i < 4; i++)
		histogram_add(&b->chat.turn, 250 * MS);
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT(v->chat.any);
	EXPECT_NEAR(v->chat.messages_in_s, 5, 1e-9);
	EXPECT_NEAR(v->chat.messages_out_s, 20, 1e-9);
	EXPECT_NEAR(v->chat.turns_s, 2, 1e-9);
	EXPECT_UINT(v->chat.turns, 4);
	expect_ms(v->chat.turn_p50_ns, 250);
	expect_ms(v->chat.turn_p99_ns, 250);
	EXPECT_NEAR(v->chat.streams_s, 4, 1e-9);
	EXPECT_NEAR(v->chat.streams_aborted_s, 3, 1e-9);
	top_view_free(v);
	b->since_ns = 11 * NS_PER_SEC; /* a new daemon: all it counted is new */
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT_NEAR(v->chat.messages_in_s, 110, 1e-9);
	EXPECT_UINT(v->chat.turns, 5);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

static void set_processes(struct top_sample *s, const struct top_process *list, size_t n)
{
	s->processes = calloc(n, sizeof(*list));
	if (!s->processes)
		abort();
	memcpy(s->processes, list, n * sizeof(*list));
	s->n_processes = n;
}

static void processes(void)
{
	static const struct top_process before[] = {
		{ 5, 50, 7 * NS_PER_SEC, "main", .cpu_ns = 9 * NS_PER_SEC, .requests = 100 },
		{ 6, 60, 7 * NS_PER_SEC, "main", .cpu_ns = 1 * NS_PER_SEC, .requests = 10 },
		{ 7, 70, TOP_UNKNOWN, "main", .cpu_ns = 5 * NS_PER_SEC, .requests = TOP_UNKNOWN },
		{ 8, 80, 7 * NS_PER_SEC, "main", .cpu_ns = 5 * NS_PER_SEC, .requests = 5 },
	}, after[] = {
		{ 5, 50, 11 * NS_PER_SEC, "main", .cpu_ns = 11 * NS_PER_SEC, .requests = 140 },
		{ 6, 61, 11 * NS_PER_SEC, "main", .cpu_ns = 30 * NS_PER_SEC, .cpu_ns_per_second = TOP_UNKNOWN, .requests = 90 },
		{ 7, 70, 11 * NS_PER_SEC, "main", .cpu_ns = 9 * NS_PER_SEC, .requests = 5 },
		{ 4, 70, 11 * NS_PER_SEC, "main", .cpu_ns = 4 * NS_PER_SEC, .cpu_ns_per_second = TOP_UNKNOWN, .requests = 5 },
		{ 8, 80, 7 * NS_PER_SEC, "main", .cpu_ns = 5 * NS_PER_SEC, .cpu_ns_per_second = TOP_UNKNOWN, .requests = 5 },
		{ 9, 90, 11 * NS_PER_SEC, "main", .cpu_ns = 5 * NS_PER_SEC, .cpu_ns_per_second = 300000000, .requests = 5 },
	};
	struct top_sample *a = sample(10, 1, 0), *b = sample(12, 1, 0);
	struct top_view *v = NULL;

	set_processes(a, before, ARRAY_SIZE(before));
	set_processes(b, after, ARRAY_SIZE(after));
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	REQUIRE_UINT(v->n_processes, 6);
	EXPECT_UINT(v->processes[0].process->pid, 7); /* 4 s of CPU in 2 s */
	EXPECT_NEAR(v->processes[0].cpus, 2, 1e-9);
	EXPECT(v->processes[0].compared);
	EXPECT(v->processes[0].requests_s < 0);
	EXPECT_UINT(v->processes[1].process->pid, 5);
	EXPECT_NEAR(v->processes[1].cpus, 0.5, 1e-9); /* over the 4 s of its own figures */
	EXPECT_NEAR(v->processes[1].requests_s, 10, 1e-9);
	/* New ones have no rates: nobody knows when their CPU time was. */
	EXPECT_UINT(v->processes[3].process->pid, 4);
	EXPECT(!v->processes[3].compared && v->processes[3].requests_s < 0);
	EXPECT_UINT(v->processes[4].process->pid, 6);
	EXPECT(!v->processes[4].compared); /* the same number, another process */
	EXPECT_UINT(v->processes[5].process->pid, 8);
	EXPECT(!v->processes[5].compared); /* nobody has looked since */
	/* But the daemon may have known one that it did not send before. */
	EXPECT_UINT(v->processes[2].process->pid, 9);
	EXPECT(v->processes[2].compared && v->processes[2].requests_s < 0);
	EXPECT_NEAR(v->processes[2].cpus, 0.3, 1e-9);
	top_view_free(v);
	b->since_ns = 11 * NS_PER_SEC;
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT_UINT(v->processes[0].process->pid, 9);
	EXPECT(v->processes[0].compared);
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

static void empty(void)
{
	struct top_sample *a = sample(1, 1, 0), *b = sample(2, 1, 0);
	struct top_view *v = NULL;

	REQUIRE_INT(top_view_new(a, b, &v), 0);
	EXPECT_UINT(v->n_rows, 0);
	EXPECT_UINT(v->total.requests, 0);
	EXPECT_UINT(v->total.max_ns, 0);
	top_view_free(v);
	top_view_free(NULL);
	top_sample_free(a);
	top_sample_free(b);
}

static void sorting(void)
{
	static const struct {
		enum top_sort by;
		const char *order;
	} rows[] = {
		{ TOP_SORT_REQUESTS, "many slow bad idle" },
		{ TOP_SORT_ERRORS, "bad many slow idle" },
		{ TOP_SORT_QUEUE, "idle many slow bad" },
		{ TOP_SORT_P50, "slow bad many idle" },
		{ TOP_SORT_P99, "slow many bad idle" },
		{ TOP_SORT_MAX, "slow many bad idle" },
	};
	struct top_sample *a = sample(1, 1, 0), *b = sample(2, 1, 4);
	struct top_view *v = NULL;
	struct top_route *r;
	char order[64];
	size_t i, j;

	r = add_route(b, "many", 0);
	add_times(r, 1 * MS, 95);
	add_times(r, 80 * MS, 5);
	r = add_route(b, "bad", 0);
	add_times(r, 5 * MS, 10);
	r->server_errors = 10;
	add_times(add_route(b, "slow", 0), 900 * MS, 20);
	histogram_add(&add_route(b, "idle", 0)->queue, MS);
	REQUIRE_INT(top_view_new(a, b, &v), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		top_view_sort(v, rows[i].by);
		order[0] = '\0';
		for (j = 0; j < v->n_rows; j++)
			snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s%s",
				 j ? " " : "", v->rows[j].route);
		EXPECT_STR(order, rows[i].order);
	}
	top_view_free(v);
	top_sample_free(a);
	top_sample_free(b);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "rates and times are the interval's alone", of_the_interval },
		{ "the longest request of another second is not shown", foreign_max },
		{ "a new route counts from nothing", new_route },
		{ "a restarted daemon counts from its start", restart },
		{ "counters that went back make no absurd numbers", backwards },
		{ "the queue is the interval's alone", queue },
		{ "WebSockets and streams", chat },
		{ "processes are compared with themselves", processes },
		{ "no routes at all", empty },
		{ "sorted by each column", sorting },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
