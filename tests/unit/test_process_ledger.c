/* SPDX-License-Identifier: MIT */
/* That nothing of a process is counted twice, whatever is told of it in which order, and that nothing stands still. */
#include "unit.h"

#include "process_samples.h"

static double total(struct process_metrics *m)
{
	struct process_summary s;

	process_metrics_summary(m, &s);
	return (double)(s.user_ns + s.system_ns) / 1e9;
}

/* Told of its end, then found again, for nobody has waited for it; and sampled while it was ending. */
static void found_again(void)
{
	struct process_metrics *m = make();
	struct process_figures f = figures(5, 1001, 3, 0);

	f.sample.minor_faults = 70;
	ended(m, 5, 1001, 3, 0, false); /* never sampled */
	EXPECT_NEAR(total(m), 3, 1e-9);
	update(m, &f, 1, NS_PER_SEC);
	EXPECT_NEAR(total(m), 3, 1e-9);
	has(m, "isamon_service_page_faults_total{kind=\"minor\"} 70");
	update(m, NULL, 0, 2 * NS_PER_SEC);
	update(m, &f, 1, 3 * NS_PER_SEC);
	EXPECT_NEAR(total(m), 3, 1e-9);
	has(m, "isamon_service_page_faults_total{kind=\"minor\"} 70");

	/* 0.5 s of its last moments, of which a sample has 0.4. */
	f.sample.cpu_ns += 400000000;
	f.sample.user_ns += 400000000;
	update(m, &f, 1, 4 * NS_PER_SEC);
	EXPECT_NEAR(total(m), 3.4, 1e-9);
	ended(m, 5, 1001, 0.5, 0, true);
	EXPECT_NEAR(total(m), 3.5, 1e-9);
	update(m, NULL, 0, 5 * NS_PER_SEC);
	EXPECT_NEAR(total(m), 3.5, 1e-9);
	process_metrics_free(m);
}

static void gone_and_back(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 10, 36000, 0), figures(2, 1001, 4, 0) };

	f[0].sample.read_bytes = f[1].sample.read_bytes = 1000;
	update(m, f, 2, NS_PER_SEC);
	EXPECT_NEAR(total(m), 4, 1e-9);
	for (int i = 0; i < 3; i++) { /* the ports are set anew */
		update(m, NULL, 0, (2 + (uint64_t)i) * NS_PER_SEC);
		f[0].sample.cpu_ns += NS_PER_SEC;
		f[0].sample.user_ns += NS_PER_SEC;
		update(m, f, 2, (2 + (uint64_t)i) * NS_PER_SEC + 1);
	}
	EXPECT_NEAR(total(m), 7, 1e-9);
	has(m, "isamon_service_io_bytes_total{direction=\"read\"} 1000");
	has(m, "isamon_process_cpu_seconds_total{pid=\"1\",role=\"worker\",mode=\"user\"} 36003");
	process_metrics_free(m);
}

/* Its end is told of after it was missed. */
static void ends_late(void)
{
	struct process_metrics *m = make();
	struct process_figures f[] = { figures(1, 10, 36000, 0), figures(2, 1001, 4, 0) };

	update(m, f, 2, NS_PER_SEC);
	update(m, NULL, 0, 2 * NS_PER_SEC);
	ended(m, 1, 10, 36001, 0, false);
	EXPECT_NEAR(total(m), 5, 1e-9);
	ended(m, 1, 10, 0.25, 0.25, true);
	EXPECT_NEAR(total(m), 5.5, 1e-9);
	ended(m, 2, 1001, 6, 0, false);
	EXPECT_NEAR(total(m), 7.5, 1e-9);
	/* Older than isamon, and never seen: only its tail is known to be of this time. */
	ended(m, 3, 999, 1000, 0, false);
	EXPECT_NEAR(total(m), 7.5, 1e-9);
	ended(m, 3, 999, 0.5, 0, true);
	EXPECT_NEAR(total(m), 8, 1e-9);
	/* The pid again: another one, which is young. */
	ended(m, 3, 1005, 1, 0, false);
	EXPECT_NEAR(total(m), 9, 1e-9);
	process_metrics_free(m);
}

/* As many as there may be leave and come back, some times; more than that are forgotten, and are no harm. */
static void many_and_back(void)
{
	enum { N = 4096 };
	static struct process_figures f[N + 100];
	static struct process_id ids[N + 100];
	struct process_metrics *m = make();

	for (uint32_t i = 0; i < N + 100; i++) {
		f[i] = figures(1000 + i * 7, 1001, 1, 0);
		ids[i] = (struct process_id){ 100100, (pid_t)f[i].sample.pid, PROCESS_WORKER };
	}
	for (size_t n = N; n <= N + 100; n += 100) {
		for (uint64_t round = 1; round < 4; round++) {
			for (size_t i = 0; i < n; i++)
				process_metrics_take(m, &f[i]);
			process_metrics_update(m, ids, n, round, round);
			if (n == N)
				EXPECT_NEAR(total(m), N, 1e-9);
			process_metrics_update(m, NULL, 0, round, round);
		}
	}
	EXPECT(total(m) > N);
	process_metrics_free(m);
}

/* A sum over the threads that live falls when some end. */
static void threads_end(void)
{
	static const uint64_t seconds[] = { 0, 100, 20, 25, 5, 7 }; /* 100 + 5 + 2 */
	struct process_metrics *m = make();
	struct process_figures f = figures(1, 1001, 0, 0);

	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++) {
		f.sample.run_delay_ns = seconds[i] * NS_PER_SEC;
		f.sample.voluntary = seconds[i];
		f.sample.involuntary = seconds[i] * 2;
		update(m, &f, 1, (i + 1) * NS_PER_SEC);
	}
	has(m, "isamon_service_run_queue_seconds_total 107");
	has(m, "isamon_process_run_queue_seconds_total{pid=\"1\",role=\"worker\"} 107");
	has(m, "isamon_service_context_switches_total{kind=\"voluntary\"} 107");
	has(m, "isamon_service_context_switches_total{kind=\"involuntary\"} 214");
	/* Nor is it of use whether it was away between. */
	update(m, NULL, 0, 10 * NS_PER_SEC);
	f.sample.voluntary = 9;
	update(m, &f, 1, 11 * NS_PER_SEC);
	has(m, "isamon_service_context_switches_total{kind=\"voluntary\"} 109");
	process_metrics_free(m);
}

/* A parent, its child, and that one's child: 1, 2, 3. */
static struct process_figures of_family(uint32_t pid, uint64_t written)
{
	struct process_figures f = figures(pid, 1001, 0, 0);

	f.parent = (pid_t)pid - 1;
	f.sample.write_bytes = written;
	return f;
}

static void written(struct process_metrics *m, uint64_t bytes)
{
	char text[100];

	snprintf(text, sizeof(text), "isamon_service_io_bytes_total{direction=\"write\"} %llu",
		 (unsigned long long)bytes);
	has(m, text);
}

/* The kernel adds a child's bytes to its parent's once that has waited for it. */
static void bytes_of_children(void)
{
	struct process_metrics *m = make();

	update(m, (struct process_figures[]){ of_family(1, 10), of_family(2, 2000) }, 2, 1);
	written(m, 2010);
	/* It wrote 50 more before it ended, the parent 5. */
	ended(m, 2, 1001, 1, 0, false);
	ended(m, 2, 1001, 0, 0, true);
	update(m, (struct process_figures[]){ of_family(1, 10 + 5 + 2050) }, 1, 2);
	written(m, 2065);
	has(m, "isamon_process_io_bytes_total{pid=\"1\",role=\"worker\",direction=\"write\"} 65");
	update(m, (struct process_figures[]){ of_family(1, 3065) }, 1, 3);
	written(m, 3065);
	process_metrics_free(m);
}

/* The same where nobody tells of ends: the parent was sampled just before. */
static void bytes_untold(void)
{
	struct process_metrics *m = make();

	update(m, (struct process_figures[]){ of_family(1, 10), of_family(2, 2000) }, 2, 1);
	update(m, (struct process_figures[]){ of_family(1, 2010) }, 1, 2);
	written(m, 2010);
	update(m, (struct process_figures[]){ of_family(1, 2010), of_family(2, 2000) }, 2, 3);
	update(m, (struct process_figures[]){ of_family(1, 2010) }, 1, 4);
	update(m, (struct process_figures[]){ of_family(1, 2010) }, 1, 5);
	/* What nobody got by then it never will: this is the parent's. */
	update(m, (struct process_figures[]){ of_family(1, 2510) }, 1, 6);
	written(m, 2510);
	process_metrics_free(m);
}

/* It is sampled before the child is waited for; and the child of a child. */
static void bytes_of_grandchildren(void)
{
	struct process_metrics *m = make();

	update(m,
	       (struct process_figures[]){ of_family(1, 10), of_family(2, 2000),
					   of_family(3, 30000) },
	       3, 1);
	written(m, 32010);
	ended(m, 3, 1001, 1, 0, false);
	update(m, (struct process_figures[]){ of_family(1, 10), of_family(2, 2000) }, 2, 2);
	update(m, (struct process_figures[]){ of_family(1, 10), of_family(2, 32000) }, 2, 3);
	written(m, 32010);
	/* Waited for, and told of only behind the sample that has it; then the parent ends, too. */
	ended(m, 3, 1001, 0, 0, true);
	ended(m, 2, 1001, 0, 0, false);
	ended(m, 2, 1001, 0, 0, true);
	update(m, (struct process_figures[]){ of_family(1, 32010) }, 1, 4);
	written(m, 32010);
	update(m, (struct process_figures[]){ of_family(1, 32011) }, 1, 5);
	written(m, 32011);
	process_metrics_free(m);

	/* All of it at once. */
	m = make();
	update(m,
	       (struct process_figures[]){ of_family(1, 10), of_family(2, 2000),
					   of_family(3, 30000) },
	       3, 1);
	for (pid_t pid = 3; pid > 1; pid--) {
		ended(m, pid, 1001, 0, 0, false);
		ended(m, pid, 1001, 0, 0, true);
	}
	update(m, (struct process_figures[]){ of_family(1, 32010) }, 1, 2);
	written(m, 32010);
	process_metrics_free(m);
}

/* A parent that ignores SIGCHLD waits for nobody and gets nothing: what it writes later is its own. */
static void bytes_never_due(void)
{
	struct process_metrics *m = make();

	update(m, (struct process_figures[]){ of_family(1, 10), of_family(2, 2000) }, 2, 1);
	ended(m, 2, 1001, 0, 0, false);
	ended(m, 2, 1001, 0, 0, true);
	update(m, (struct process_figures[]){ of_family(1, 10) }, 1, 2);
	update(m, (struct process_figures[]){ of_family(1, 1010) }, 1, 3);
	written(m, 3010);
	process_metrics_free(m);
}

/* Who was only out of the set owes nothing. */
static void bytes_of_who_comes_back(void)
{
	struct process_metrics *m = make();

	update(m, (struct process_figures[]){ of_family(1, 10), of_family(2, 2000) }, 2, 1);
	update(m, NULL, 0, 2);
	update(m, (struct process_figures[]){ of_family(1, 1010), of_family(2, 2000) }, 2, 3);
	written(m, 3010);
	ended(m, 2, 1001, 0, 0, false);
	update(m, (struct process_figures[]){ of_family(1, 3010) }, 1, 4);
	written(m, 3010);
	process_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "whose end was told of is not counted again", found_again },
		{ "who leaves the set and comes back goes on from there", gone_and_back },
		{ "an end that is told of late adds what is new", ends_late },
		{ "thousands leave and come back", many_and_back },
		{ "what threads that ended had does not hold up what others do", threads_end },
		{ "what a child wrote is not its parent's", bytes_of_children },
		{ "what a child wrote, where nobody tells of its end", bytes_untold },
		{ "what a child's child wrote", bytes_of_grandchildren },
		{ "what a child wrote that nobody waited for", bytes_never_due },
		{ "who was only out of the set owes nothing", bytes_of_who_comes_back },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
