/* SPDX-License-Identifier: MIT */
/* Who observes the requests is told of each that ended, once, as the page counts it. */
#include "unit.h"

#include "unit/http_lines.h"

#define SEEN_MAX 8

static struct {
	struct http_observed all[SEEN_MAX];
	size_t n;
} seen;

static void on_observed(const struct http_observed *o, void *ctx)
{
	EXPECT(ctx == &seen);
	if (seen.n < SEEN_MAX)
		seen.all[seen.n] = *o;
	seen.n++;
}

static struct http_metrics *observed_metrics(void)
{
	struct http_metrics *m = new_metrics(10);

	seen.n = 0;
	http_metrics_observe(m, on_observed, &seen);
	return m;
}

static const struct {
	const char *name;
	const char *path;
	unsigned int status;
	enum http_end end;
	enum http_phase phase;
	const char *route;
	bool answered, server_error;
} rows[] = {
	{ "an answer", "/x", 200, HTTP_END_COMPLETE, 0, "/x", true, false },
	{ "an answer that says the request is wrong", "/x", 404, HTTP_END_COMPLETE, 0, "other",
	  true, false },
	{ "an answer that says the service is wrong", "/x/7", 500, HTTP_END_COMPLETE, 0, "/x/{id}",
	  true, true },
	{ "an upgrade", "/x", 101, HTTP_END_UPGRADE, 0, "/x", true, false },
	{ "an abort by the client", "/x", 0, HTTP_END_ABORT_CLIENT, HTTP_PHASE_BEFORE, "/x", false,
	  false },
	{ "an abort by the service", "/x", 0, HTTP_END_ABORT_SERVER, HTTP_PHASE_BEFORE, "/x", false,
	  true },
	{ "an abort inside a response", "/x", 200, HTTP_END_ABORT_SERVER, HTTP_PHASE_INSIDE, "/x",
	  false, true },
	{ "an abort inside an error", "/x", 500, HTTP_END_ABORT_CLIENT, HTTP_PHASE_INSIDE, "/x",
	  false, false },
};

static void each_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_metrics *m = observed_metrics();
		struct http_record r = record(rows[i].path, rows[i].status);

		unit_begin("%s", rows[i].name);
		r.end = (uint8_t)rows[i].end;
		r.phase = (uint8_t)rows[i].phase;
		add_record(m, &r);
		if (EXPECT_UINT(seen.n, 1)) {
			EXPECT_INT(seen.all[0].kind, HTTP_OBSERVED_REQUEST);
			EXPECT_STR(seen.all[0].route, rows[i].route);
			EXPECT_INT(seen.all[0].answered, rows[i].answered);
			EXPECT_INT(seen.all[0].server_error, rows[i].server_error);
			EXPECT_UINT(seen.all[0].duration_ns, 3 * MS);
			EXPECT(!seen.all[0].has_queue);
		}
		http_metrics_free(m);
	}
}

static void the_queue(void)
{
	struct http_metrics *m = observed_metrics();
	struct http_record r = record("/x", 200);

	r.read_ns = r.start_ns + MS;
	add_record(m, &r);
	r.flags = HTTP_FLAG_PIPELINED;
	add_record(m, &r);
	r.flags = HTTP_FLAG_APPROX_START;
	add_record(m, &r);
	EXPECT_UINT(seen.n, 3);
	EXPECT(seen.all[0].has_queue);
	EXPECT_UINT(seen.all[0].queue_ns, MS);
	EXPECT(!seen.all[1].has_queue);
	EXPECT(!seen.all[2].has_queue);
	http_metrics_free(m);
}

/* As streams_in_duration has it. */
static void streams(void)
{
	struct http_metrics *m = observed_metrics();
	const struct http_stream_options apart = { .threshold_ns = 100 * MS, .in_duration = false };
	struct http_record r = record("/events", 200);

	r.flags = HTTP_FLAG_EVENTS;
	add_record(m, &r);
	http_metrics_set_streams(m, &apart);
	add_record(m, &r);
	EXPECT_UINT(seen.n, 2);
	EXPECT(seen.all[0].answered);
	EXPECT(!seen.all[1].answered);
	http_metrics_free(m);
}

static void turns(void)
{
	struct http_metrics *m = observed_metrics();
	struct http_record r = record("/ws", 101);

	r.kind = HTTP_KIND_TURN;
	r.read_ns = r.start_ns + MS;
	add_record(m, &r);
	r.kind = HTTP_KIND_WEBSOCKET;
	r.end = HTTP_END_ABORT_CLIENT;
	add_record(m, &r);
	EXPECT_UINT(seen.n, 1);
	EXPECT_INT(seen.all[0].kind, HTTP_OBSERVED_TURN);
	EXPECT_UINT(seen.all[0].duration_ns, 3 * MS);
	EXPECT(!seen.all[0].has_queue);
	http_metrics_free(m);
}

static void nobody(void)
{
	struct http_metrics *m = observed_metrics();
	struct http_record r = record("/x", 200);

	http_metrics_add(m, &r, 3); /* none that can be one */
	http_metrics_observe(m, NULL, NULL);
	add_record(m, &r);
	EXPECT_UINT(seen.n, 0);
	http_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, each_end },
		{ "the wait is told where it is known", the_queue },
		{ "streams are answers where they are in the duration", streams },
		{ "turns are told, WebSockets are not", turns },
		{ "bad records are not told, nor is nobody", nobody },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
