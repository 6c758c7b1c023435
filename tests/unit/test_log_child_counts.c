/* SPDX-License-Identifier: MIT */
/* What the daemon knows of what its shipper has counted: a play of a shipper tells, is silent, and is another one. */
#include "unit/unit.h"

#include <event2/event.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/log_child.h"

#define DEADLINE_MS 20000

static uint64_t ahead_ns; /* of the real clock */

uint64_t clock_monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec + ahead_ns;
}

uint64_t clock_realtime_ns(void)
{
	return clock_monotonic_ns();
}

static char program[300], pages[310];
static struct event_base *base;
static struct log_child *child;
static struct config config = { .logs_enabled = true };

/* Adds to what a shipper tells, before it waits for its end. */
static void tell(const char *path, bool counting, uint64_t errors, uint64_t exceptions)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(100000);
	struct logs_figures f = { .up = true };
	FILE *to = fopen(path, "ae");

	f.n[LOGS_COUNTING] = counting;
	f.n[LOGS_COUNTED_ERRORS] = errors;
	f.n[LOGS_COUNTED_EXCEPTIONS] = exceptions;
	EXPECT_INT(logs_figures_write(&f, &line), 0);
	REQUIRE(to);
	fputs(buf_str(&line), to);
	fclose(to);
}

static void set_up(void)
{
	const char *directory = getenv("TMPDIR");
	FILE *f;

	snprintf(program, sizeof(program), "%s/shipper.%d", directory ? directory : "/tmp",
		 (int)getpid());
	snprintf(pages, sizeof(pages), "%s.pages", program);
	f = fopen(program, "we");
	REQUIRE(f);
	fprintf(f,
		"#!/bin/sh\nn=$(cat %s.n 2>/dev/null || echo 0)\necho $((n + 1)) >%s.n\n"
		"cat %s.$n >&3\nexec sleep 60\n",
		program, program, pages);
	fclose(f);
	chmod(program, 0700);
	base = event_base_new();
	REQUIRE(base);
	EXPECT_INT(log_child_new(base, program, &child), 0);
}

static void tear_down(void)
{
	static const char *const parts[] = { "", ".n", ".pages.0", ".pages.1" };
	char path[330];

	log_child_free(child);
	event_base_free(base);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "%s%s", program, parts[i]);
		unlink(path);
	}
}

static struct minute_logs counted(void)
{
	struct minute_logs l;

	log_child_counted(child, &l);
	return l;
}

/* Turns the loop until it is known that @errors were counted by another than @but. */
static bool hears(uint64_t errors, uint64_t but)
{
	for (int ms = 0; ms < DEADLINE_MS; ms += 5) {
		const struct minute_logs l = counted();

		if (l.known && l.now.errors == errors && l.counter != but)
			return true;
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(5000);
	}
	return false;
}

static void tells(void)
{
	char first[320], second[320];
	struct minute_logs l;
	uint64_t counter;

	set_up();
	snprintf(first, sizeof(first), "%s.0", pages);
	snprintf(second, sizeof(second), "%s.1", pages);
	tell(first, true, 7, 5);
	tell(first, true, 9, 6);
	tell(second, false, 0, 0);
	tell(second, true, 11, 6);
	tell(second, true, 11, 8);
	EXPECT(!counted().known);
	log_child_use(child, &config);
	REQUIRE(hears(9, 0));
	l = counted();
	EXPECT_UINT(l.now.exceptions, 6);
	EXPECT_UINT(l.first.errors, 7);
	EXPECT_UINT(l.first.exceptions, 5);
	counter = l.counter;
	EXPECT(counter != 0);

	ahead_ns += 6 * NS_PER_SEC; /* and not a word */
	EXPECT(!counted().known);

	log_child_use(child, &config); /* another one; the first begins as it is able to */
	REQUIRE(hears(11, counter));
	l = counted();
	EXPECT_UINT(l.first.errors, 11);
	EXPECT_UINT(l.first.exceptions, 6);
	tear_down();
}

/* One that does not count, as none was asked to. */
static void does_not_count(void)
{
	char first[320];

	set_up();
	snprintf(first, sizeof(first), "%s.0", pages);
	tell(first, false, 0, 0);
	log_child_use(child, &config);
	for (int ms = 0; ms < DEADLINE_MS && !log_child_up(child); ms += 5) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(5000);
	}
	EXPECT(log_child_up(child));
	EXPECT(!counted().known);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is counted is known while it is told, by each shipper from its beginning",
		  tells },
		{ "a shipper that does not count", does_not_count },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
