/* SPDX-License-Identifier: MIT */
/* Rates between two readings, and which readings are taken for that; summaries of processes and their ends. */
#include "cmd/status_watch.h"

#include <math.h>
#include <signal.h>

#include "base/clock.h"
#include "cmd/status_fill.h"
#include "unit.h"

#define S NS_PER_SEC
#define T0 (1000 * S)

static struct pressure_figures pressure_of(uint64_t drops)
{
	struct pressure_figures p = { .ports = { { 8000, true, 1, 9, drops } }, .n_ports = 1 };

	return p;
}

static struct http_metrics *metrics_new(void)
{
	struct route_patterns *patterns = NULL;
	struct http_metrics *m = NULL;
	const char *why;
	size_t bad;

	if (route_patterns_new(NULL, 0, &patterns, &bad, &why) == 0)
		http_metrics_new(patterns, 100, &m);
	return m;
}

static void metrics_done(struct http_metrics **m)
{
	http_metrics_free(*m);
}

static void answer(struct http_metrics *m, uint16_t status, uint64_t ns, unsigned int n)
{
	struct http_record r = { .start_ns = S,
				 .first_byte_ns = S + ns,
				 .end_ns = S + ns,
				 .status = status,
				 .port = 8000,
				 .method = HTTP_METHOD_GET,
				 .end = HTTP_END_COMPLETE,
				 .path_len = 2,
				 .path = "/a" };

	while (n--)
		http_metrics_add(m, &r, HTTP_RECORD_FIXED + r.path_len);
}

static void abort_by(struct http_metrics *m, uint8_t end)
{
	struct http_record r = { .start_ns = S,
				 .end_ns = 2 * S,
				 .port = 8000,
				 .method = HTTP_METHOD_GET,
				 .end = end,
				 .path_len = 2,
				 .path = "/a" };

	http_metrics_add(m, &r, HTTP_RECORD_FIXED + r.path_len);
}

static void look(struct status_watch *w, const struct http_metrics *m, uint64_t drops,
		 uint64_t now_ns)
{
	struct pressure_figures p = pressure_of(drops);

	status_watch_look(w, m, &p, now_ns);
}

/* As the daemon does it: a look, then the answer. */
static void status_of(struct status_watch *w, const struct http_metrics *m, uint64_t drops,
		      uint64_t now_ns, struct status *s)
{
	struct pressure_figures p = pressure_of(drops);

	look(w, m, drops, now_ns);
	status_init(s);
	s->n_ports = 1;
	s->ports[0] = (struct status_port){ 8000,           true,           STATUS_UNKNOWN,
					    STATUS_UNKNOWN, STATUS_UNKNOWN, 7 };
	status_watch_fill(w, m, &p, now_ns, s);
}

static void rates(void)
{
	_cleanup_(metrics_done) struct http_metrics *m = metrics_new();
	struct status_watch w = { 0 };
	struct status s;

	REQUIRE(m);
	answer(m, 200, 500 * 1000000ull, 50); /* before the interval: not in it */
	look(&w, m, 5, T0);
	answer(m, 200, 1000000, 16);
	answer(m, 500, 100 * 1000000ull, 1);
	abort_by(m, HTTP_END_ABORT_SERVER); /* a request that failed */
	abort_by(m, HTTP_END_ABORT_CLIENT); /* not the service's fault, but a request */
	abort_by(m, HTTP_END_ABORT_CLIENT);
	status_of(&w, m, 8, T0 + 10 * S, &s);
	EXPECT_NEAR(s.interval_s, 10, 0);
	EXPECT_NEAR(s.requests_per_second, 2, 0);
	EXPECT_NEAR(s.errors_per_second, 0.2, 1e-12);
	EXPECT_UINT(s.errors, 2);
	EXPECT_NEAR(s.error_ratio, 0.1, 1e-12);
	EXPECT_NEAR(s.p50_s, 0.001, 0.00004);
	EXPECT_NEAR(s.p99_s, 0.1, 0.004);
	EXPECT(isnan(s.queue_p99_s));
	EXPECT(isnan(s.turn_p99_s));
	EXPECT_UINT(s.ports[0].drops, 3);
	EXPECT_UINT(s.ports[0].queue_length, 1);
	EXPECT_UINT(s.ports[0].queue_limit, 9);
	EXPECT_NEAR(s.ports[0].waiting_since_s, 7, 0);
	EXPECT(isnan(s.cpu_throttled_ratio));
}

static void nobody_waits_any_more(void)
{
	_cleanup_(metrics_done) struct http_metrics *m = metrics_new();
	struct pressure_figures p = pressure_of(0);
	struct status_watch w = { 0 };
	struct status s;

	REQUIRE(m);
	status_init(&s);
	s.n_ports = 1;
	s.ports[0] = (struct status_port){ 8000, true, STATUS_UNKNOWN, STATUS_UNKNOWN, 0, 7 };
	p.ports[0].length = 0;
	status_watch_fill(&w, m, &p, T0, &s);
	EXPECT(isnan(s.ports[0].waiting_since_s));
}

static void quiet(void)
{
	_cleanup_(metrics_done) struct http_metrics *m = metrics_new();
	struct status_watch w = { 0 };
	struct status s;

	REQUIRE(m);
	look(&w, m, 0, T0);
	status_of(&w, m, 0, T0 + 10 * S, &s);
	EXPECT_NEAR(s.requests_per_second, 0, 0);
	EXPECT(isnan(s.error_ratio) && isnan(s.p50_s));
}

/* When pages are asked for at @looks (ms after T0), how long is the interval of a status at the last of them? */
static void intervals(void)
{
	static const struct {
		const char *name;
		unsigned int looks[8];
		double expected; /* 0: none */
	} rows[] = {
		{ "the first answer has no interval", { 1 }, 0 },
		{ "the second, a second later, has", { 1, 1001 }, 1 },
		{ "two at once have none", { 1, 500 }, 0 },
		{ "a scraper every 15 s", { 1, 15001, 30001, 30501 }, 15.5 },
		{ "one look every second: five to ten of them",
		  { 1, 1001, 2001, 3001, 4001, 5001, 6001, 7001 },
		  7 },
		{ "what is too old is not used", { 1, 200001 }, 0 },
		{ "what is too old is not used the second time", { 1, 200001, 201001 }, 1 },
		{ "a scraper every minute", { 1, 60001, 60002 }, 60.001 },
	};
	_cleanup_(metrics_done) struct http_metrics *m = metrics_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct status_watch w = { 0 };
		uint64_t now_ns = 0;
		struct status s;

		unit_begin("%s", rows[i].name);
		REQUIRE(m);
		for (size_t j = 0; j < ARRAY_SIZE(rows[i].looks) && rows[i].looks[j]; j++) {
			now_ns = T0 + rows[i].looks[j] * 1000000ull;
			look(&w, m, 0, now_ns);
		}
		status_of(&w, m, 0, now_ns, &s);
		if (rows[i].expected > 0)
			EXPECT_NEAR(s.interval_s, rows[i].expected, 1e-9);
		else
			EXPECT(isnan(s.interval_s) && s.errors == STATUS_UNKNOWN);
	}
}

/* Who reads the clock, and only then looks, hands over a now that is older than the newest reading. */
static void now_before_the_look(void)
{
	_cleanup_(metrics_done) struct http_metrics *m = metrics_new();
	const struct pressure_figures p = pressure_of(0);
	struct status_watch w = { 0 };
	struct status s;

	REQUIRE(m);
	look(&w, m, 0, T0);
	answer(m, 200, 1000000, 7);
	look(&w, m, 0, T0 + 66 * S);
	status_init(&s);
	status_watch_fill(&w, m, &p, T0 + 66 * S - 1000, &s);
	EXPECT(isnan(s.interval_s) && isnan(s.requests_per_second));
	EXPECT_UINT(s.errors, STATUS_UNKNOWN);
	look(&w, m, 0, T0 + 76 * S);
	status_watch_fill(&w, m, &p, T0 + 76 * S - 1000, &s);
	EXPECT_NEAR(s.interval_s, 10, 0.001);
	look(&w, m, 0, T0 + 50 * S); /* takes no reading */
	EXPECT_UINT(w.newer.at_ns, T0 + 76 * S);
	status_init(&s);
	status_compare(&w.newer, &w.older, &s);
	EXPECT(isnan(s.interval_s));
}

static void pressures(void)
{
	struct status_reading a = { .at_ns = T0,
				    .periods = 10,
				    .throttled_periods = 3,
				    .ports = { 8000 },
				    .drops = { 7 } };
	struct status_reading b = { .at_ns = T0 + S,
				    .periods = 20,
				    .throttled_periods = 8,
				    .ports = { 8001, 8000 },
				    .drops = { 4, 9 } };
	struct status s;

	histogram_add(&a.turn, 5 * S);
	histogram_add(&b.turn, 5 * S);
	histogram_add(&b.turn, S / 2);
	histogram_add(&b.queue, S / 4);
	status_init(&s);
	s.n_ports = 3;
	for (uint16_t i = 0; i < 3; i++)
		s.ports[i] = (struct status_port){ .port = 8000 + i, .drops = STATUS_UNKNOWN };
	status_compare(&a, &b, &s);
	EXPECT_NEAR(s.turn_p99_s, 0.5, 0.02);
	EXPECT_NEAR(s.queue_p99_s, 0.25, 0.01);
	EXPECT_NEAR(s.cpu_throttled_ratio, 0.5, 1e-12);
	EXPECT_UINT(s.ports[0].drops, 2);
	EXPECT_UINT(s.ports[1].drops, 0); /* new: what it had is not of the interval */
	EXPECT_UINT(s.ports[2].drops, STATUS_UNKNOWN);
}

static void processes(void)
{
	struct process_summary p = { .processes = { 1, 4, 2 },
				     .memory_bytes = 1000,
				     .threads = 9,
				     .open_fds = 33,
				     .least_free_fds = UINT64_MAX,
				     .start_time_s = 50,
				     .cpu_ratio = NAN,
				     .memory_ratio = 0.5 };
	struct status s;

	status_init(&s);
	s.service_up = true;
	status_fill_processes(&p, 4711, &s);
	EXPECT_UINT(s.main_pid, 4711);
	EXPECT_UINT(s.mains, 1);
	EXPECT_UINT(s.workers, 4);
	EXPECT_UINT(s.helpers, 2);
	EXPECT_NEAR(s.up_since_s, 50, 0);
	EXPECT(isnan(s.cpu_ratio) && isnan(s.cpus_used));
	EXPECT_UINT(s.least_free_fds, STATUS_UNKNOWN);
	status_init(&s);
	p.processes[PROCESS_MAIN] = 0; /* it ended, and others are still there */
	status_fill_processes(&p, 4712, &s);
	EXPECT_UINT(s.main_pid, STATUS_UNKNOWN);
	EXPECT_UINT(s.mains, 0);
	EXPECT_UINT(s.helpers, 2);
	status_init(&s);
	p.processes[0] = p.processes[1] = p.processes[2] = 0;
	status_fill_processes(&p, 0, &s);
	EXPECT_UINT(s.mains, STATUS_UNKNOWN);
	EXPECT_UINT(s.memory_bytes, STATUS_UNKNOWN);
}

static void ends(void)
{
	struct life_summary l = { .has_totals = true, .restarts = 3, .oom_kills = 1, .crashes = 2 };
	struct status s;

	l.main_exit =
		(struct life_last){ { .pid = 7, .status = 3 << 8, .comm = "0123456789abcdef" },
				    100 };
	l.kill = (struct life_last){ { .pid = 8, .status = SIGKILL, .comm = "w" }, 200 };
	status_init(&s);
	status_fill_life(&l, &s);
	EXPECT_UINT(s.restarts, 3);
	EXPECT_UINT(s.crash_loop, 0);
	EXPECT_STR(s.last_exit, "0123456789abcdef 7: exit status 3");
	EXPECT_UINT(s.last_exit_expected, 0);
	EXPECT_STR(s.last_kill, "w 8: signal 9 (Killed)");
	EXPECT_NEAR(s.last_kill_s, 200, 0);
	EXPECT(isnan(s.last_oom_s) && isnan(s.last_crash_s));
	EXPECT_STR(s.last_oom, "");
	l.crash = (struct life_last){ { .pid = 9, .status = SIGBUS, .comm = "v" }, 300 };
	l.oom = (struct life_last){ { .pid = 10, .status = SIGKILL, .comm = "o" }, 400 };
	status_fill_life(&l, &s);
	EXPECT_STR(s.last_crash, "v 9: signal 7 (Bus error)");
	EXPECT_NEAR(s.last_crash_s, 300, 0);
	EXPECT_STR(s.last_oom, "o 10: signal 9 (Killed)");
	EXPECT_NEAR(s.last_oom_s, 400, 0);
	l.main_exit.record.status = SIGTERM;
	l.has_totals = false;
	status_init(&s);
	status_fill_life(&l, &s);
	EXPECT_UINT(s.restarts, 3);
	EXPECT_UINT(s.crash_loop, STATUS_UNKNOWN);
	EXPECT_STR(s.last_exit, "");
}

static void life_done(struct life_metrics **m)
{
	life_metrics_free(*m);
}

static void exit_of(struct life_metrics *m, uint32_t pid, uint32_t status, uint8_t flags)
{
	const struct life_record r = {
		.kind = LIFE_EXIT, .pid = pid, .status = status, .flags = flags, .at_ns = T0
	};

	life_metrics_add(m, &r, pid);
}

static void last_ends(void)
{
	const struct life_limits limits = { .crash_exits = 2, .crash_window_ns = 300 * S };
	_cleanup_(life_done) struct life_metrics *m = NULL;
	struct life_summary l;

	REQUIRE_INT(life_metrics_new(&limits, &m), 0);
	life_metrics_summary(m, &l);
	EXPECT(!l.has_totals && !l.crash_loop);
	EXPECT(!(l.main_exit.wall_s > 0) && !(l.kill.wall_s > 0) && !(l.oom.wall_s > 0));
	exit_of(m, 10, SIGSEGV, 0);
	exit_of(m, 11, SIGTERM, 0); /* these are no kills */
	exit_of(m, 12, SIGPIPE, 0);
	exit_of(m, 13, 1 << 8, 0);
	life_metrics_summary(m, &l);
	EXPECT_UINT(l.kill.record.pid, 10);
	EXPECT_NEAR(l.kill.wall_s, 10, 0);
	EXPECT(!(l.main_exit.wall_s > 0));
	exit_of(m, 14, SIGKILL, LIFE_FLAG_OOM);
	exit_of(m, 15, 3 << 8, LIFE_FLAG_MAIN);
	exit_of(m, 16, 4 << 8, LIFE_FLAG_MAIN);
	life_metrics_crash_loop(m, T0 + S, NULL);
	life_metrics_summary(m, &l);
	EXPECT_UINT(l.kill.record.pid, 14);
	EXPECT_UINT(l.oom.record.pid, 14);
	EXPECT_UINT(l.main_exit.record.pid, 16);
	EXPECT_UINT(l.crashes, 2);
	EXPECT(l.crash_loop);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "rates are of the interval", rates },
		{ "who waited a second ago does not count if nobody waits now",
		  nobody_waits_any_more },
		{ "without requests there are no times", quiet },
		{ NULL, intervals },
		{ "a now that is older than the newest reading", now_before_the_look },
		{ "queue, turns, throttling and drops are of the interval", pressures },
		{ "processes", processes },
		{ "ends of processes", ends },
		{ "the last of each kind of end", last_ends },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
