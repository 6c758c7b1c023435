/* SPDX-License-Identifier: MIT */
/* The probe "life" in one of its tiers, following a process, and the records that came of it: for tests with children
 * of their own. */
#ifndef ISAMON_LIFE_TEST_H
#define ISAMON_LIFE_TEST_H

#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/life_probe.h"
#include "unit/unit.h"

#define N_KEPT 1024

static struct life_probe *probe;
static struct life_record got[N_KEPT];
static size_t n_got;
static bool raw;

static void keep(const struct life_record *r, void *ctx)
{
	(void)ctx;
	if (n_got < N_KEPT)
		got[n_got++] = *r;
}

/* Returns whether the probe can be tried. What it follows is this process, unless @followed is another. */
UNIT_USED_ static bool begin(pid_t followed)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int err = life_probe_open(raw, keep, NULL, &why, &probe);

	n_got = 0;
	if (err) {
		unit_skip("%s: %s", strerror(-err), buf_str(&why));
		return false;
	}
	EXPECT_STR(life_probe_how(probe), raw ? "raw_tp" : "tp_btf");
	if (!followed)
		followed = getpid();
	life_probe_set_members(probe, &followed, 1);
	return true;
}

static void end(void)
{
	life_probe_close(probe);
	probe = NULL;
}

static size_t count(enum life_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < n_got; i++)
		n += got[i].kind == kind;
	return n;
}

/*
 * How many of @n last records may be missing: Linux 6.18 does not tell of every task that it frees, at times of none for a
 * while; older ones do.
 */
static size_t may_miss(size_t n)
{
	struct utsname u = { 0 };
	int major = 0, minor = 0;

	uname(&u);
	if (sscanf(u.release, "%d.%d", &major, &minor) != 2 || major * 1000 + minor > 6012)
		return n < 20 ? n : n / 2;
	return 1 + n / 25;
}

/* Until @n processes have ended and been reaped. */
static void wait_for_tails(size_t n)
{
	uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SEC;
	struct life_totals t = { 0 };

	do {
		usleep(2000);
		life_probe_drain(probe);
		if (count(LIFE_EXIT) >= n && count(LIFE_TAIL) + may_miss(n) >= n &&
		    deadline > clock_monotonic_ns() + NS_PER_SEC)
			deadline = clock_monotonic_ns() + NS_PER_SEC;
	} while (count(LIFE_TAIL) < n && clock_monotonic_ns() < deadline);
	EXPECT_UINT(count(LIFE_EXIT), n);
	life_probe_totals(probe, &t);
	unit_check(count(LIFE_TAIL) <= n && count(LIFE_TAIL) + may_miss(n) >= n, __FILE__, __LINE__,
		   "%zu of %zu last records came, %llu were lost", count(LIFE_TAIL), n,
		   (unsigned long long)t.records_lost);
}

static const struct life_record *find(enum life_kind kind, pid_t pid)
{
	static const struct life_record none;

	for (size_t i = 0; i < n_got; i++)
		if (got[i].kind == kind && got[i].pid == (__u32)pid)
			return &got[i];
	FAIL_CASE("no record of kind %d of process %d", kind, (int)pid);
	return &none;
}

/* Each case in both tiers. */
static int life_main(int argc, char **argv, const struct unit_case *cases, size_t n)
{
	char name[160];

	libbpf_set_print(NULL);
	unit_state.argc = argc;
	unit_state.argv = argv;
	for (size_t i = 0; i < 2 * n; i++) {
		raw = i >= n;
		snprintf(name, sizeof(name), "%s: %s", raw ? "raw_tp" : "tp_btf",
			 cases[i % n].name);
		if (!unit_wanted(name))
			continue;
		unit_begin("%s", name);
		cases[i % n].run();
		if (i == n && unit_state.result == UNIT_SKIP)
			break; /* so would the others be */
	}
	return unit_finish();
}

#endif
