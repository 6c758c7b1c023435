/* SPDX-License-Identifier: MIT */
/* Made-up samples of processes, and what the page says of them. */
#ifndef ISAMON_TEST_PROCESS_SAMPLES_H
#define ISAMON_TEST_PROCESS_SAMPLES_H

#include "unit.h"

#include "base/clock.h"
#include "metrics/process_metrics.h"

#define SINCE_NS (1000 * NS_PER_SEC)
#define ALL (PROC_PSS - 1)

static inline struct process_metrics *make(void)
{
	const struct process_host host = { .cpus = 4, .memory_bytes = 1000000, .booted_s = 500 };
	struct process_metrics *m = NULL;

	if (process_metrics_new(SINCE_NS, &m))
		abort();
	process_metrics_set_host(m, &host);
	return m;
}

/* A process that began @start_s after boot and used this much CPU. */
static inline struct process_figures figures(uint32_t pid, uint64_t start_s, uint64_t user_s,
					     uint64_t system_s)
{
	return (struct process_figures){
		.sample = { .pid = pid,
			    .known = ALL,
			    .start_ns = start_s * NS_PER_SEC,
			    .cpu_ns = (user_s + system_s) * NS_PER_SEC,
			    .user_ns = user_s * NS_PER_SEC,
			    .system_ns = system_s * NS_PER_SEC,
			    .threads = 1,
			    .open_fds = 10,
			    .max_fds = 100 },
		.role = PROCESS_WORKER,
	};
}

/* A collection in which all are sampled. */
static inline void update(struct process_metrics *m, const struct process_figures *list, size_t n,
			  uint64_t now_ns)
{
	struct process_id ids[100];

	REQUIRE(n <= ARRAY_SIZE(ids));
	for (size_t i = 0; i < n; i++) {
		struct process_figures f = list[i];

		f.at_ns = f.at_ns ? f.at_ns : now_ns;
		process_metrics_take(m, &f);
		ids[i] = (struct process_id){ f.sample.start_ns / 10000000, (pid_t)f.sample.pid,
					      f.role };
	}
	process_metrics_update(m, ids, n, now_ns, now_ns);
}

static inline void ended(struct process_metrics *m, pid_t pid, uint64_t start_s, double user_s,
			 double system_s, bool tail)
{
	const struct process_end end = {
		.pid = pid,
		.start_ns = start_s * NS_PER_SEC + 4567, /* off /proc it is in ticks */
		.user_ns = (uint64_t)(user_s * 1e9),
		.system_ns = (uint64_t)(system_s * 1e9),
		.tail = tail,
	};

	process_metrics_child_exited(m, &end);
}

static inline char *page_of(struct process_metrics *m, size_t enough)
{
	struct buf out = BUF_INIT(1 << 20);
	struct buf piece = BUF_INIT(1 << 20);
	struct expo e = { .out = &piece };
	struct page_cursor at = { 0 };
	bool done;

	do {
		done = process_metrics_collect(&e, &at, enough, m);
		buf_add(&out, buf_str(&piece), piece.len);
		buf_reset(&piece);
	} while (!done);
	buf_done(&piece);
	EXPECT_INT(out.err, 0);
	return buf_steal(&out);
}

/* That @line is a whole line of the page. */
static inline void has(struct process_metrics *m, const char *line)
{
	char *page = page_of(m, SIZE_MAX), text[300];

	snprintf(text, sizeof(text), "\n%s\n", line);
	EXPECT_HAS(page, text);
	free(page);
}

static inline void hasnt(struct process_metrics *m, const char *part)
{
	char *page = page_of(m, SIZE_MAX);

	if (strstr(page, part))
		FAIL_CASE("\"%s\" is on the page", part);
	free(page);
}

#endif
