/* SPDX-License-Identifier: MIT */
/* The wait of requests until the service reads them, and who read them. */
#include "unit.h"

#include "unit/http_lines.h"

#define QUEUE "isamon_http_request_queue_seconds"

static struct http_record read_after(const char *path, uint64_t ns)
{
	struct http_record r = record(path, 200);

	r.read_ns = r.start_ns + ns;
	return r;
}

static void by_route(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = read_after("/a/1", MS);
	struct http_route_stats s;

	add_record(m, &r);
	r = read_after("/a/2", MS + 1);
	r.method = HTTP_METHOD_POST;
	r.status = 500;
	add_record(m, &r);
	r = read_after("/b", 400 * MS);
	add_record(m, &r);
	EXPECT_LINES(m, QUEUE "_bucket{http_route=\"/a/{id}\",le=\"0.001\"} 1",
		     QUEUE "_bucket{http_route=\"/a/{id}\",le=\"0.0025\"} 2",
		     QUEUE "_sum{http_route=\"/a/{id}\"} 0.002000001",
		     QUEUE "_count{http_route=\"/a/{id}\"} 2",
		     QUEUE "_bucket{http_route=\"/b\",le=\"0.25\"} 0",
		     QUEUE "_bucket{http_route=\"/b\",le=\"0.5\"} 1");
	http_metrics_route(m, 1, &s);
	EXPECT_STR(s.route, "/a/{id}");
	EXPECT_UINT(histogram_count(&s.queue), 2);
	EXPECT_UINT(s.queue.counts[histogram_bucket(MS)], 2);
	http_metrics_free(m);
}

/* Queue, service and stream of a request add up to its duration. */
static void only_where_it_is_known(void)
{
	static const struct {
		const char *name;
		uint64_t read_ns;
		unsigned int flags;
		unsigned int n;
	} rows[] = {
		{ "a wait that is known", 1001 * MS, 0, 1 },
		{ "one that is not", 0, 0, 0 },
		{ "of a pipelined request", 1001 * MS, HTTP_FLAG_PIPELINED, 0 },
		{ "of a request whose start is not known", 1001 * MS, HTTP_FLAG_APPROX_START, 0 },
		{ "read before it came: 0", 999 * MS, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_metrics *m = new_metrics(10);
		struct http_record r = record("/", 200);

		unit_begin("%s", rows[i].name);
		r.read_ns = rows[i].read_ns;
		r.flags = (uint16_t)rows[i].flags;
		add_record(m, &r);
		EXPECT_UINT(sum_of(m, QUEUE "_count"), rows[i].n);
		if (rows[i].read_ns == 999 * MS)
			EXPECT_LINES(m, QUEUE "_sum{http_route=\"/\"} 0");
		if (!rows[i].n)
			expect_absent(m, QUEUE "_");
		http_metrics_free(m);
	}
}

/* A client that gave up while the service slept: read or not, that is what tells. */
static void aborted_requests(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = read_after("/slow", 2 * MS);

	r.end = HTTP_END_ABORT_CLIENT;
	r.pid = 7;
	add_record(m, &r);
	r.read_ns = 0;
	r.pid = 0;
	add_record(m, &r);
	EXPECT_UINT(sum_of(m, QUEUE "_count"), 1);
	EXPECT_UINT(sum_of(m, "isamon_http_requests_aborted_total"), 2);
	http_metrics_free(m);
}

static void over_the_cap(void)
{
	struct http_metrics *m = new_metrics(2);

	for (unsigned int i = 0; i < 100; i++) {
		char path[16];
		struct http_record r;

		snprintf(path, sizeof(path), "/r-%c%c", 'a' + i % 26, 'a' + i / 26);
		r = read_after(path, MS);
		add_record(m, &r);
	}
	EXPECT_UINT(sum_of(m, QUEUE "_count"), 100);
	EXPECT_LINES(m, QUEUE "_count{http_route=\"other\"} 98",
		     QUEUE "_count{http_route=\"/r-aa\"} 1");
	http_metrics_free(m);
}

static void read_by(struct http_metrics *m, uint32_t pid, unsigned int n)
{
	struct http_record r = read_after("/", MS);

	r.pid = pid;
	while (n--)
		add_record(m, &r);
}

static uint64_t requests_of(const struct http_metrics *m, uint32_t pid)
{
	struct http_worker workers[HTTP_WORKERS_MAX];
	size_t n = http_metrics_workers(m, workers);
	uint64_t requests = 0;

	for (size_t i = 0; i < n; i++)
		if (workers[i].pid == pid)
			requests += workers[i].requests;
	return requests;
}

static void workers(void)
{
	struct http_worker list[HTTP_WORKERS_MAX];
	struct http_metrics *m = new_metrics(10);

	EXPECT_UINT(http_metrics_workers(m, list), 0);
	for (unsigned int round = 0; round < 10; round++) {
		read_by(m, 11, 1);
		read_by(m, 12, 2);
		read_by(m, 0, 1); /* not known */
	}
	EXPECT_UINT(http_metrics_workers(m, list), 2);
	EXPECT_UINT(requests_of(m, 11), 10);
	EXPECT_UINT(requests_of(m, 12), 20);
	http_metrics_forget_worker(m, 12);
	http_metrics_forget_worker(m, 99);
	EXPECT_UINT(http_metrics_workers(m, list), 1);
	EXPECT_UINT(requests_of(m, 11), 10);
	read_by(m, 12, 1); /* the number again, another process */
	EXPECT_UINT(requests_of(m, 12), 1);
	http_metrics_free(m);
}

static void workers_are_bounded(void)
{
	struct http_worker list[HTTP_WORKERS_MAX];
	struct http_metrics *m = new_metrics(10);

	for (uint32_t pid = 1; pid <= 1000; pid++) {
		read_by(m, 5, 1); /* the one that goes on reading stays */
		read_by(m, 100000 + pid, 1);
	}
	EXPECT_UINT(http_metrics_workers(m, list), HTTP_WORKERS_MAX);
	EXPECT_UINT(requests_of(m, 5), 1000);
	EXPECT_UINT(requests_of(m, 101000), 1);
	EXPECT_UINT(requests_of(m, 100001), 0);
	http_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the wait is by route", by_route },
		{ NULL, only_where_it_is_known },
		{ "an aborted request that was read has waited too", aborted_requests },
		{ "the cap sends the rest to other", over_the_cap },
		{ "requests are counted by the process that read them", workers },
		{ "a service that forks for each request is bounded", workers_are_bounded },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
