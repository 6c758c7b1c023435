/* SPDX-License-Identifier: MIT */
/*
 * spool DIRECTORY    what the spool costs, with 14 days of minutes in it: time of an addition (with its sync), size on the disk, time to
 *                    open, to take and remove all, and resident memory
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/spool.h"

#define MINUTES 20160

static struct event_base *base;
static unsigned int told;
static int64_t ids[1024];
static size_t n_ids;

static void on_added(int err, int64_t id, void *ctx)
{
	(void)id;
	(void)ctx;
	told += err == 0;
}

static void on_taken(int err, const struct spool_minute *m, size_t n, void *ctx)
{
	(void)ctx;
	for (n_ids = 0; !err && n_ids < n; n_ids++)
		ids[n_ids] = m[n_ids].id;
	told++;
}

static void turn_until(unsigned int wanted)
{
	while (told < wanted)
		event_base_loop(base, EVLOOP_ONCE);
}

static long resident_kib(void)
{
	char line[200];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

/* JSON as a minute of a service with some routes has it: about 5 KB. */
static size_t minute_make(char *to, size_t size, unsigned int *seed)
{
	size_t n = (size_t)snprintf(to, size, "[{\"n\":\"RequestCount\",\"u\":\"Count\",\"v\":%d}",
				    rand_r(seed) % 9000);

	for (int i = 0; i < 12; i++) {
		n += (size_t)snprintf(
			to + n, size - n,
			",{\"n\":\"ResponseTime\",\"u\":\"Milliseconds\",\"d\":[[\"Route\","
			"\"/api/files/%d\"]],\"st\":[%d,%d.25,%d.5,%d.125],\"vs\":[",
			i, rand_r(seed) % 900, rand_r(seed), rand_r(seed) % 10,
			rand_r(seed) % 1000);
		for (int k = 0; k < 20; k++)
			n += (size_t)snprintf(to + n, size - n, "%s%.5g", k ? "," : "",
					      rand_r(seed) % 100000 / 37.0);
		n += (size_t)snprintf(to + n, size - n, "],\"cs\":[");
		for (int k = 0; k < 20; k++)
			n += (size_t)snprintf(to + n, size - n, "%s%d", k ? "," : "",
					      rand_r(seed) % 50);
		n += (size_t)snprintf(to + n, size - n, "]}");
	}
	return n + (size_t)snprintf(to + n, size - n, "]");
}

static double seconds_since(uint64_t ns)
{
	return (double)(clock_monotonic_ns() - ns) / 1e9;
}

static double cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void fill(struct spool *p, int64_t now)
{
	const uint64_t from = clock_monotonic_ns();
	const double cpu = cpu_s();
	static char text[16384];
	unsigned int seed = 1;
	size_t n = 0;

	told = 0;
	for (int64_t i = 1; i <= MINUTES; i++) {
		n += minute_make(text, sizeof(text), &seed);
		spool_add(p, (int64_t)((uint64_t)i * 0x61c8864680b583eb), now - 60 * (MINUTES - i),
			  text, strlen(text), on_added, NULL);
		turn_until((unsigned int)i);
	}
	printf("added       %d minutes of %zu bytes: %.2f ms each, %.3f ms of CPU (making it included)\n",
	       MINUTES, n / MINUTES, seconds_since(from) * 1e3 / MINUTES,
	       (cpu_s() - cpu) * 1e3 / MINUTES);
	printf("stored      %llu bytes a minute\n",
	       (unsigned long long)(spool_stats(p).bytes / spool_stats(p).minutes));
}

static void drain(struct spool *p)
{
	const uint64_t from = clock_monotonic_ns();

	while (spool_stats(p).minutes) {
		told = 0;
		spool_take(p, SPOOL_OLDEST_FIRST, 25, 1 << 20, on_taken, NULL);
		turn_until(1);
		if (!n_ids && !spool_stats(p).minutes)
			break;
		spool_remove(p, ids, n_ids, SPOOL_PUSHED);
	}
	printf("drained     in %.2f s, 25 at a time\n", seconds_since(from));
}

int main(int argc, char **argv)
{
	const struct spool_limits limits = { .max_age_s = 15 * 86400, .max_bytes = 256u << 20 };
	const int64_t now = (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct spool *p = NULL;
	struct store *s = NULL;
	uint64_t from;
	long before;

	base = event_base_new();
	if (argc != 2 || store_open(base, argv[1], &why, &s) || spool_open(s, &limits, &why, &p)) {
		fprintf(stderr, "usage: spool DIRECTORY (%s)\n", buf_str(&why));
		return 2;
	}
	printf("resident    %ld KiB with an empty spool\n", resident_kib());
	fill(p, now);
	before = resident_kib();
	spool_close(p);
	store_close(s);
	from = clock_monotonic_ns();
	if (store_open(base, argv[1], &why, &s) || spool_open(s, &limits, &why, &p))
		return 1;
	printf("opened      in %.1f ms with %llu minutes\n", seconds_since(from) * 1e3,
	       (unsigned long long)spool_stats(p).minutes);
	printf("resident    %ld KiB full, %ld KiB opened again\n", before, resident_kib());
	drain(p);
	printf("resident    %ld KiB drained\n", resident_kib());
	spool_close(p);
	store_close(s);
	event_base_free(base);
	return 0;
}
