/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "metrics/self.h"

static char *write_self(struct self *s)
{
	struct buf out = BUF_INIT(16384);
	struct expo e = { .out = &out };
	struct page_cursor at = { 0 };

	EXPECT(self_collect(&e, &at, 1, s));
	EXPECT_INT(out.err, 0);
	EXPECT(out.len < 8192);
	return buf_steal(&out);
}

/* The value of a sample without labels; -1: it is not there. */
static double value_of(const char *page, const char *name)
{
	char start[100];
	const char *at;

	snprintf(start, sizeof(start), "\n%s ", name);
	at = strstr(page, start);
	return at ? strtod(at + strlen(start), NULL) : -1;
}

static void states(void)
{
	struct self s = { .service_up = true,
			  .config_reloads = { 2, 5 },
			  .restores_unfinished = 2,
			  .updates_unfinished = 1 };
	char *page;

	self_probe(&s, "http", false);
	self_probe(&s, "task", false);
	self_probe(&s, "http", true);
	self_probe(&s, "gone", true);
	self_probe(&s, "last", true);
	self_forget_probe(&s, "gone");
	self_forget_probe(&s, "never was");
	page = write_self(&s);
	EXPECT_HAS(page, "isamon_build_info{version=\"" ISAMON_VERSION "\"");
	EXPECT_HAS(page, "isamon_probe_up{probe=\"http\"} 1\nisamon_probe_up{probe=\"task\"} 0\n");
	EXPECT(!strstr(page, "isamon_trace_lost"));
	EXPECT_HAS(page, "isamon_service_up 1\n");
	EXPECT_HAS(page, "isamon_scrapes_total 0\n");
	EXPECT_HAS(page, "isamon_restore_unfinished 2\n");
	EXPECT_HAS(page, "isamon_update_unfinished 1\n");
	EXPECT_HAS(page, "isamon_config_reloads_total{result=\"refused\"} 2\n");
	EXPECT_HAS(page, "isamon_config_reloads_total{result=\"taken\"} 5\n");
	EXPECT(!strstr(page, "isamon_scrape_duration_seconds"));
	free(page);
	self_lost(&s, "http", 3);
	self_lost(&s, "life", 0);
	self_lost(&s, "http", 7);
	s.scrapes = 1;
	s.last_scrape_s = 0.25;
	page = write_self(&s);
	EXPECT_NEAR(value_of(page, "isamon_scrape_duration_seconds"), 0.25, 0);
	EXPECT_HAS(page, "\nisamon_trace_lost_total{probe=\"http\"} 7\n"
			 "isamon_trace_lost_total{probe=\"life\"} 0\n");
	free(page);
}

static void process(void)
{
	struct self s = { 0 };
	char *page = write_self(&s);
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	EXPECT(value_of(page, "process_cpu_seconds_total") > 0);
	EXPECT(value_of(page, "process_resident_memory_bytes") > 500000);
	EXPECT(value_of(page, "process_virtual_memory_bytes") >
	       value_of(page, "process_resident_memory_bytes"));
	EXPECT_NEAR(value_of(page, "process_max_fds"), (double)limit.rlim_cur, 0);
	EXPECT_NEAR(value_of(page, "process_threads"), 1, 0);
	EXPECT_NEAR(value_of(page, "process_start_time_seconds"), (double)time(NULL), 30);
	free(page);
}

static void descriptors(void)
{
	struct self s = { 0 };
	char *before = write_self(&s), *after;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	after = write_self(&s);
	EXPECT(value_of(before, "process_open_fds") >= 3);
	EXPECT_NEAR(value_of(after, "process_open_fds"), value_of(before, "process_open_fds") + 1,
		    0);
	close(fd);
	free(before);
	free(after);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "states are shown", states },
		{ "process_* are of this process", process },
		{ "an open descriptor is one more", descriptors },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
