/* SPDX-License-Identifier: MIT */
/* Processes as metrics: what is added up, what never goes down, who gets a series. */
#include "unit.h"

#include <math.h>

#include "process_samples.h"

static void old_and_young(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 10, 50, 5), figures(2, 1001, 3, 1) };

	update(m, f, 2, NS_PER_SEC);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 3");
	has(m, "isamon_service_cpu_seconds_total{mode=\"system\"} 1");
	has(m, "isamon_process_cpu_seconds_total{pid=\"1\",role=\"worker\",mode=\"user\"} 50");
	f[0].sample.cpu_ns += 2 * NS_PER_SEC;
	f[0].sample.system_ns += 2 * NS_PER_SEC;
	update(m, f, 2, 2 * NS_PER_SEC);
	has(m, "isamon_service_cpu_seconds_total{mode=\"system\"} 3");
	process_metrics_free(m);
}

static void the_dead_are_kept(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 1001, 10, 5), figures(2, 1001, 3, 1) };

	update(m, f, 2, NS_PER_SEC);
	update(m, f + 1, 1, 2 * NS_PER_SEC);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 13");
	hasnt(m, "pid=\"1\"");
	update(m, NULL, 0, 3 * NS_PER_SEC);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 13");
	has(m, "isamon_service_processes{role=\"worker\"} 0");
	has(m, "isamon_service_threads 0");

	/* The pid again, as another process: all of it is new. */
	f[0] = figures(1, 1002, 1, 0);
	update(m, f, 1, 4 * NS_PER_SEC);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 14");
	process_metrics_free(m);
}

static void ends(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 10, 100, 0), figures(2, 1001, 3, 1) };

	update(m, f, 2, NS_PER_SEC);
	/* 1 began before isamon: only what came after its sample is new; 3 was never seen. */
	ended(m, 1, 10, 102, 0, false);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 5");
	ended(m, 1, 10, 1, 0, true); /* its tail */
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 6");
	ended(m, 3, 1001, 4, 1, false);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 10");
	has(m, "isamon_service_cpu_seconds_total{mode=\"system\"} 2");
	/* Less than the last sample said: the total stays. */
	ended(m, 2, 1001, 1, 1, false);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 10");
	update(m, NULL, 0, 2 * NS_PER_SEC);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 10");
	process_metrics_free(m);
}

static void never_down(void)
{
	static const uint64_t samples[][3] = { /* cpu, user, system; in ms */
					       { 100, 50, 50 },   { 110, 90, 20 }, { 105, 5, 100 },
					       { 200, 0, 200 },   { 200, 200, 0 }, { 300, 300, 0 },
					       { 1000, 300, 700 }
	};
	struct process_metrics *m = make();
	uint64_t user = 0, system = 0, cpu = 0;

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct process_figures f = figures(1, 1001, 0, 0);
		struct process_summary s;

		f.sample.cpu_ns = samples[i][0] * 1000000;
		f.sample.user_ns = samples[i][1] * 1000000;
		f.sample.system_ns = samples[i][2] * 1000000;
		cpu = f.sample.cpu_ns > cpu ? f.sample.cpu_ns : cpu;
		update(m, &f, 1, i + 1);
		process_metrics_summary(m, &s);
		EXPECT(s.user_ns >= user && s.system_ns >= system);
		EXPECT_UINT(s.user_ns + s.system_ns, cpu);
		user = s.user_ns;
		system = s.system_ns;
	}
	process_metrics_free(m);
}

static void cpu_ratio(void)
{
	struct process_metrics *m = make();
	struct process_figures f = figures(1, 1001, 10, 0);
	struct process_summary s;

	update(m, &f, 1, 10 * NS_PER_SEC);
	hasnt(m, "isamon_service_cpu_utilization_ratio");
	f.sample.cpu_ns += 2 * NS_PER_SEC;
	f.sample.user_ns += 2 * NS_PER_SEC;
	update(m, &f, 1, 12 * NS_PER_SEC); /* 2 of 2 * 4 */
	has(m, "isamon_service_cpu_utilization_ratio 0.25");
	f.sample.cpu_ns += NS_PER_SEC;
	update(m, &f, 1, 12 * NS_PER_SEC + 999999999); /* too soon: it stays */
	has(m, "isamon_service_cpu_utilization_ratio 0.25");
	update(m, &f, 1, 14 * NS_PER_SEC); /* 1 of 2 * 4, the second before included */
	has(m, "isamon_service_cpu_utilization_ratio 0.125");
	f.sample.cpu_ns += 1000 * NS_PER_SEC;
	update(m, &f, 1, 15 * NS_PER_SEC);
	process_metrics_summary(m, &s);
	EXPECT_NEAR(s.cpu_ratio, 1, 0);
	process_metrics_free(m);
}

static void memory_once(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 1001, 1, 0), figures(2, 1001, 1, 0) };

	for (int i = 0; i < 2; i++) {
		f[i].sample.anon_bytes = 10000;
		f[i].sample.file_bytes = i ? 4000 : 3000;
		f[i].sample.shmem_bytes = i ? 100 : 200;
		f[i].sample.swap_bytes = 7;
	}
	update(m, f, 2, 1);
	has(m, "isamon_service_resident_memory_bytes{kind=\"file\"} 7000");
	has(m, "isamon_service_swap_bytes 14");
	has(m, "isamon_service_memory_bytes 24200"); /* 2 * 10000 + 4000 + 200 */
	EXPECT_UINT(process_metrics_times(m, 1, 100100).pss_ns, 0);
	hasnt(m, "isamon_process_pss_bytes{");

	/* One that is known is not enough; with both it is their sum. */
	f[0].sample.known |= PROC_PSS;
	f[0].sample.pss_bytes = 6000;
	update(m, f, 2, 2);
	has(m, "isamon_service_memory_bytes 24200");
	has(m, "isamon_process_pss_bytes{pid=\"1\",role=\"worker\"} 6000");
	f[1].sample.known |= PROC_PSS;
	f[1].sample.pss_bytes = 7000;
	update(m, f, 2, 3);
	has(m, "isamon_service_memory_bytes 13000");
	has(m, "isamon_service_memory_utilization_ratio 0.013");
	EXPECT_UINT(process_metrics_times(m, 2, 100100).pss_ns, 3);

	/* What grows after the look is its own. */
	f[0].sample.known = f[1].sample.known = ALL;
	f[0].sample.anon_bytes += 500;
	update(m, f, 2, 4);
	has(m, "isamon_service_memory_bytes 13500");
	process_metrics_free(m);
}

static void unknown_is_absent(void)
{
	struct process_metrics *m = make();
	struct process_figures f = figures(1, 1001, 1, 0);

	hasnt(m, "isamon_service_cpu_seconds_total{");
	f.sample.known = PROC_CPU;
	update(m, &f, 1, 1);
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 1");
	hasnt(m, "isamon_process_open_fds{");
	hasnt(m, "isamon_service_open_fds 0");
	hasnt(m, "isamon_process_io_bytes_total{");
	hasnt(m, "isamon_process_requests_total{");
	hasnt(m, "isamon_service_start_time_seconds 1");
	f = figures(1, 1001, 1, 0);
	f.role = PROCESS_MAIN;
	f.sample.max_fds = PROC_UNLIMITED;
	f.has_requests = true;
	f.requests = 5;
	update(m, &f, 1, 2);
	has(m, "isamon_process_max_fds{pid=\"1\",role=\"main\"} +Inf");
	has(m, "isamon_process_requests_total{pid=\"1\",role=\"main\"} 5");
	has(m, "isamon_service_start_time_seconds 1501");
	process_metrics_free(m);
}

static void many(void)
{
	static struct process_figures f[100];
	struct process_metrics *m = make();
	struct process_summary s;
	char *whole, *pieces;

	for (uint32_t i = 0; i < 100; i++)
		f[i] = figures(1000 + i, 1001, 1, 0);
	update(m, f, 100, 1);
	process_metrics_summary(m, &s);
	EXPECT_UINT(s.processes[PROCESS_WORKER], 100);
	EXPECT_UINT(s.least_free_fds, 90);
	has(m, "isamon_process_threads{pid=\"1063\",role=\"worker\"} 1");
	hasnt(m, "pid=\"1064\"");
	has(m, "isamon_process_threads{pid=\"other\",role=\"other\"} 36");
	has(m, "isamon_process_cpu_seconds_total{pid=\"other\",role=\"other\",mode=\"user\"} 36");
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 100");

	whole = page_of(m, SIZE_MAX);
	pieces = page_of(m, 1);
	EXPECT(strcmp(whole, pieces) == 0);
	free(whole);
	free(pieces);

	/* Half of them end: who is new takes their places; the sum of the others stays. */
	update(m, f + 50, 50, 2);
	has(m, "isamon_process_threads{pid=\"other\",role=\"other\"} 36");
	f[0] = figures(5000, 1002, 1, 0);
	f[49] = f[0];
	update(m, f + 49, 51, 3);
	has(m, "isamon_process_threads{pid=\"5000\",role=\"worker\"} 1");
	update(m, NULL, 0, 4);
	has(m, "isamon_process_threads{pid=\"other\",role=\"other\"} 0");
	has(m, "isamon_process_cpu_seconds_total{pid=\"other\",role=\"other\",mode=\"user\"} 36");
	process_metrics_free(m);
}

/* Only some of three are sampled the second time, and one is never. */
static void partly_sampled(void)
{
	static const struct process_id ids[] = {
		{ 100100, 1, PROCESS_MAIN },
		{ 100100, 2, PROCESS_WORKER },
		{ 100100, 3, PROCESS_HELPER },
	};
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 1001, 1, 0), figures(2, 1001, 1, 0) };
	struct process_summary s;

	f[0].sample.anon_bytes = f[1].sample.anon_bytes = 500;
	update(m, f, 2, NS_PER_SEC);
	f[0].at_ns = 3 * NS_PER_SEC;
	process_metrics_take(m, &f[0]);
	process_metrics_update(m, ids, 3, 2 * NS_PER_SEC, 3 * NS_PER_SEC);
	process_metrics_summary(m, &s);
	EXPECT_UINT(s.processes[PROCESS_MAIN], 1);
	EXPECT_UINT(s.processes[PROCESS_WORKER], 1);
	EXPECT_UINT(s.processes[PROCESS_HELPER], 1);
	EXPECT_UINT(s.unsampled, 2);
	EXPECT_UINT(s.threads, 2);
	has(m, "isamon_service_processes{role=\"helper\"} 1");
	has(m, "isamon_service_processes_unsampled 2");
	has(m, "isamon_service_resident_memory_bytes{kind=\"anon\"} 1000");
	has(m, "isamon_service_cpu_seconds_total{mode=\"user\"} 2");
	hasnt(m, "pid=\"3\"");

	/* The same collection goes on: the share of the CPU stays as it was, the rest is complete. */
	f[1].at_ns = 3 * NS_PER_SEC;
	process_metrics_take(m, &f[1]);
	process_metrics_update(m, ids, 2, 2 * NS_PER_SEC, 9 * NS_PER_SEC);
	process_metrics_summary(m, &s);
	EXPECT_UINT(s.unsampled, 0);
	EXPECT_UINT(s.processes[PROCESS_HELPER], 0);
	EXPECT_NEAR(s.cpu_ratio, 0, 0);
	process_metrics_free(m);
}

/* The least of them came first, and has its series; what is shown to people are those at work. */
static void busiest(void)
{
	static struct process_figures f[100];
	struct process_metrics *m = make();
	struct buf out = BUF_INIT(100000);
	unsigned int n = 0;

	for (uint32_t i = 0; i < 100; i++) {
		f[i] = figures(1000 + i, 1001, 1, 0);
		f[i].sample.anon_bytes = 10;
	}
	update(m, f, 100, NS_PER_SEC);
	for (uint32_t i = 0; i < 100; i++)
		f[i].sample.cpu_ns += i * 2000;
	update(m, f, 100, 3 * NS_PER_SEC);
	EXPECT_INT(process_metrics_write_json(m, &out), 0);
	for (const char *at = buf_str(&out); (at = strstr(at, "\"pid\"")); at++)
		n++;
	EXPECT_UINT(n, 64);
	EXPECT(strncmp(buf_str(&out), "[\n{\"pid\": 1099,", 15) == 0);
	EXPECT_HAS(buf_str(&out), "\"pid\": 1036");
	EXPECT(!strstr(buf_str(&out), "\"pid\": 1035"));
	EXPECT_HAS(buf_str(&out), "\"cpu_ns_per_second\": 99000,"); /* 198 us in 2 s */
	EXPECT_HAS(buf_str(&out), "],\n \"processes_rest\": {\"processes\": 36, \"unsampled\": 0, "
				  "\"cpu_ns_per_second\": 630000, \"rss_bytes\": 360}");
	buf_done(&out);
	process_metrics_free(m);
}

/* Whatever the order in which they come, each is found again. */
static void any_order(void)
{
	static const uint32_t pids[] = { 50, 10, 70, 20, 10, 60 };
	struct process_metrics *m = make();
	struct process_figures f[ARRAY_SIZE(pids)];
	struct process_summary s;

	for (uint32_t i = 0; i < ARRAY_SIZE(pids); i++)
		f[i] = figures(pids[i], 1001 + i, 1, 0); /* 10 is there twice: two processes */
	update(m, f, ARRAY_SIZE(f), NS_PER_SEC);
	has(m, "isamon_process_cpu_seconds_total{pid=\"70\",role=\"worker\",mode=\"user\"} 1");
	for (uint32_t i = 0; i < ARRAY_SIZE(pids); i++)
		f[i].sample.cpu_ns += (uint64_t)i << 30;
	update(m, f, ARRAY_SIZE(f), 2 * NS_PER_SEC);
	process_metrics_summary(m, &s);
	EXPECT_UINT(s.user_ns + s.system_ns, 6 * NS_PER_SEC + (15ull << 30));
	/* Of two with the same pid the start tells which one ended. */
	process_metrics_child_exited(m, &(struct process_end){ .pid = 10,
							       .start_ns = f[4].sample.start_ns,
							       .user_ns = f[4].sample.cpu_ns + 5 });
	process_metrics_summary(m, &s);
	EXPECT_UINT(s.user_ns + s.system_ns, 6 * NS_PER_SEC + (15ull << 30) + 5);
	process_metrics_free(m);
}

static void json(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(7, 1001, 2, 1), figures(8, 1001, 0, 0) };
	struct buf out = BUF_INIT(10000);

	EXPECT_INT(process_metrics_write_json(m, &out), 0);
	EXPECT(strncmp(buf_str(&out), "[],\n", 4) == 0);
	buf_reset(&out);
	f[0].role = PROCESS_MAIN;
	f[0].has_requests = true;
	f[0].requests = 9;
	f[0].at_ns = 123;
	f[0].sample.anon_bytes = 10;
	f[1].sample.known = PROC_CPU;
	update(m, f, 2, 1);
	EXPECT_INT(process_metrics_write_json(m, &out), 0);
	EXPECT_STR(
		buf_str(&out),
		"[\n{\"pid\": 7, \"start_ticks\": 100100, \"role\": \"main\", \"cpu_ns\": 3000000000, "
		"\"rss_bytes\": 10, \"threads\": 1, \"fds\": 10, \"requests\": 9, \"at_ns\": 123},\n"
		"{\"pid\": 8, \"start_ticks\": 100100, \"role\": \"worker\", \"cpu_ns\": 0, "
		"\"threads\": 1, \"at_ns\": 1}],\n \"processes_rest\": {\"processes\": 0, \"unsampled\": 0, "
		"\"cpu_ns_per_second\": 0, \"rss_bytes\": 0}");
	buf_done(&out);
	process_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "of an old process only what is new counts, of a young one all", old_and_young },
		{ "the totals keep what the dead had", the_dead_are_kept },
		{ "what came after the last sample is added when a process ends", ends },
		{ "user and system never go down and are the CPU time", never_down },
		{ "CPU utilisation is that between collections a second apart", cpu_ratio },
		{ "shared memory counts once", memory_once },
		{ "what is not known is absent", unknown_is_absent },
		{ "more processes than slots are summed", many },
		{ "who is there counts, sampled or not, and old samples stand", partly_sampled },
		{ "top is sent the busiest, and the sums of the others", busiest },
		{ "processes come in any order", any_order },
		{ "the list for top", json },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
