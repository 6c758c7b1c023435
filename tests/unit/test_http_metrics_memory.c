/* SPDX-License-Identifier: MIT */
/* Without memory http_metrics counts what it cannot keep, and nothing breaks. */
#include "unit.h"

#include "nomem.h"

#include "base/buf.c"
#include "base/table.c"
#include "metrics/http_metrics.c"
#include "metrics/http_routes.c"
#include "metrics/http_series.c"
#include "metrics/sparse_histogram.c"
#include "metrics/stream_metrics.c"

#include "unit/http_records.h"

static const char *const paths[] = { "/a", "/b/1", "/b/2", "/c/file.js", "/d" };

static void add_stream(struct http_metrics *m, const char *path)
{
	struct http_record r = record(path, 200);

	r.flags = HTTP_FLAG_EVENTS;
	r.read_ns = r.start_ns + MS;
	add_record(m, &r);
}

static void feed(struct http_metrics *m)
{
	for (unsigned int i = 0; i < 60; i++) {
		const char *path = paths[i % ARRAY_SIZE(paths)];

		add_n(m, path, i % 7 ? 200 : 404 + i % 3, 1);
		if (i % 5 == 0)
			add_stream(m, path);
		if (i % 4 == 0)
			add_abort_record(m, path, HTTP_END_ABORT_CLIENT, i % 8 == 0, 0);
	}
}

static void each_allocation(void)
{
	unsigned int n;

	for (n = 1; nomem_again(n); n++) {
		struct http_metrics *m = NULL;
		uint64_t requests = 0, n_aborts = 0;

		if (http_metrics_new(NULL, 6, &m)) {
			EXPECT(nomem_hit());
			continue;
		}
		feed(m);
		for (size_t i = 0; i < http_metrics_n_routes(m); i++) {
			struct http_route_stats s;

			http_metrics_route(m, i, &s);
			requests += s.requests;
			n_aborts += s.aborts;
		}
		EXPECT_UINT(requests, 72);
		EXPECT_UINT(n_aborts, 15);
		EXPECT(m->series.n <= 6 + 138);
		http_metrics_free(m);
	}
	EXPECT(n > 20);
}

static void patterns_are_taken_over(void)
{
	char text[] = "/a/{b}", *list[] = { text };
	struct route_patterns *p = NULL;
	const char *why;
	size_t bad;

	for (unsigned int n = 1; nomem_again(n); n++) {
		struct http_metrics *m = NULL;

		nomem.fail_at = 0;
		REQUIRE_INT(route_patterns_new(list, 1, &p, &bad, &why), 0);
		nomem.fail_at = n;
		if (http_metrics_new(p, 6, &m) == 0)
			http_metrics_free(m);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "each allocation may fail", each_allocation },
		{ "patterns are freed also on failure", patterns_are_taken_over },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
