/* SPDX-License-Identifier: MIT */
/*
 * State of lives and deaths, and its families.
 *
 * A main process is told of by the kernel (its command line was known) or by user space (it listens), and by both:
 * the pid says that it is the same one.
 */
#include "metrics/life_metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "metrics/families.h"

#define PEAK_WINDOW_NS (60 * NS_PER_SEC)

struct life_metrics {
	struct life_limits limits;
	struct life_totals totals;
	bool has_totals;
	uint64_t cgroup_kills;
	bool has_cgroup_kills;
	uint64_t children_ns[2]; /* [0] user, [1] system */
	/* Largest peak of those that ended in this window, and in the one before. */
	uint64_t peak_bytes[2], peak_window;
	pid_t main; /* 0: there is none, or it is not known */
	bool had_main;
	uint64_t restarts;
	uint32_t last_status;
	double last_exit_s;
	uint64_t crashes_ns[LIFE_CRASHES_MAX]; /* the latest, in a circle */
	uint64_t n_crashes;
	bool crash_loop;
	unsigned int crashes; /* that made it one, or not yet */
	struct life_last last_main, last_kill, last_oom;
};

int life_metrics_new(const struct life_limits *limits, struct life_metrics **ret_metrics)
{
	struct life_metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->limits = *limits;
	*ret_metrics = m;
	return 0;
}

void life_metrics_free(struct life_metrics *m)
{
	free(m);
}

void life_metrics_set_limits(struct life_metrics *m, const struct life_limits *limits)
{
	m->limits = *limits;
}

bool life_status_expected(uint32_t status)
{
	const int s = (int)status;

	if (WIFSIGNALED(s))
		return WTERMSIG(s) == SIGTERM || WTERMSIG(s) == SIGINT || WTERMSIG(s) == SIGHUP;
	return WEXITSTATUS(s) == 0 || WEXITSTATUS(s) == 128 + SIGTERM ||
	       WEXITSTATUS(s) == 128 + SIGINT;
}

void life_split_cpu(const struct life_record *r, uint64_t *ret_user_ns, uint64_t *ret_system_ns)
{
	const uint64_t ticks = r->user_ns + r->system_ns;

	*ret_system_ns = 0;
	if (ticks)
		*ret_system_ns = (uint64_t)((unsigned __int128)r->cpu_ns * r->system_ns / ticks);
	*ret_user_ns = r->cpu_ns - *ret_system_ns;
}

static void add_child(struct life_metrics *m, const struct life_record *r)
{
	uint64_t user, system;

	life_split_cpu(r, &user, &system);
	m->children_ns[0] += user;
	m->children_ns[1] += system;
}

static void turn_peaks(struct life_metrics *m, uint64_t now_ns)
{
	const uint64_t window = now_ns / PEAK_WINDOW_NS;

	if (window <= m->peak_window)
		return;
	m->peak_bytes[1] = window == m->peak_window + 1 ? m->peak_bytes[0] : 0;
	m->peak_bytes[0] = 0;
	m->peak_window = window;
}

static void add_peak(struct life_metrics *m, const struct life_record *r)
{
	const uint64_t bytes = r->peak_pages * (uint64_t)sysconf(_SC_PAGESIZE);

	turn_peaks(m, r->at_ns);
	if (bytes > m->peak_bytes[0])
		m->peak_bytes[0] = bytes;
}

static void main_ended(struct life_metrics *m, const struct life_record *r, double wall_s)
{
	m->main = 0;
	m->had_main = true;
	m->last_status = r->status;
	m->last_exit_s = wall_s;
	if (!life_status_expected(r->status))
		m->crashes_ns[m->n_crashes++ % LIFE_CRASHES_MAX] = r->at_ns;
}

bool life_metrics_main_is(struct life_metrics *m, pid_t pid, bool orphan)
{
	const bool restarted = m->had_main && pid != m->main && !orphan;

	m->main = pid;
	m->had_main = true;
	m->restarts += restarted;
	return restarted;
}

void life_metrics_forget_main(struct life_metrics *m)
{
	m->main = 0;
	m->had_main = false;
}

static void note_last(struct life_metrics *m, const struct life_record *r, double wall_s)
{
	const struct life_last last = { *r, wall_s };
	const int status = (int)r->status;

	if (r->flags & LIFE_FLAG_MAIN)
		m->last_main = last;
	if (r->flags & LIFE_FLAG_OOM)
		m->last_oom = last;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGPIPE && !life_status_expected(r->status))
		m->last_kill = last;
}

bool life_metrics_add(struct life_metrics *m, const struct life_record *r, double wall_s)
{
	if ((r->kind == LIFE_EXIT || r->kind == LIFE_TAIL) && r->flags & LIFE_FLAG_UNSEEN)
		add_child(m, r);
	if (r->kind == LIFE_EXIT) {
		add_peak(m, r);
		note_last(m, r, wall_s);
	}
	if (!(r->flags & LIFE_FLAG_MAIN))
		return false;
	if (r->kind == LIFE_EXEC)
		return life_metrics_main_is(m, (pid_t)r->pid, false);
	if (r->kind == LIFE_EXIT)
		main_ended(m, r, wall_s);
	return false;
}

void life_metrics_set_totals(struct life_metrics *m, const struct life_totals *t)
{
	m->totals = *t;
	m->has_totals = true;
}

void life_metrics_set_cgroup_kills(struct life_metrics *m, uint64_t kills)
{
	m->cgroup_kills = kills;
	m->has_cgroup_kills = true;
}

bool life_metrics_crash_loop(struct life_metrics *m, uint64_t now_ns, unsigned int *ret_n)
{
	const uint64_t kept = m->n_crashes < LIFE_CRASHES_MAX ? m->n_crashes : LIFE_CRASHES_MAX;
	unsigned int n = 0;

	for (uint64_t i = 0; i < kept; i++)
		n += m->crashes_ns[i] + m->limits.crash_window_ns > now_ns;
	turn_peaks(m, now_ns);
	m->crash_loop = n >= m->limits.crash_exits;
	m->crashes = n;
	if (ret_n)
		*ret_n = n;
	return m->crash_loop;
}

uint64_t life_metrics_restarts(const struct life_metrics *m)
{
	return m->restarts;
}

void life_metrics_summary(const struct life_metrics *m, struct life_summary *ret_summary)
{
	*ret_summary = (struct life_summary){
		.has_totals = m->has_totals,
		.restarts = m->restarts,
		.oom_kills = m->totals.oom_kills > m->cgroup_kills ? m->totals.oom_kills :
								     m->cgroup_kills,
		.crashes = m->crashes,
		.crash_loop = m->crash_loop,
		.main_exit = m->last_main,
		.kill = m->last_kill,
		.oom = m->last_oom,
	};
}

/* --- the page */

static bool has_totals(const void *ctx)
{
	const struct life_metrics *m = ctx;

	return m->has_totals;
}

static bool has_kills(const void *ctx)
{
	const struct life_metrics *m = ctx;

	return m->has_totals || m->has_cgroup_kills;
}

#define FIELD(name, field) \
	static uint64_t name(const void *ctx, size_t item) \
	{ \
		const struct life_metrics *m = ctx; \
		(void)item; \
		return m->field; \
	}
FIELD(forks, totals.forks)
FIELD(execs, totals.execs)
FIELD(exits, totals.exits[item])
FIELD(restarts, restarts)
FIELD(crash_loop, crash_loop)
#undef FIELD

static uint64_t last_code(const void *ctx, size_t item)
{
	const struct life_metrics *m = ctx;
	const int status = (int)m->last_status;

	(void)item;
	return WIFSIGNALED(status) ? 0 : (uint64_t)WEXITSTATUS(status);
}

static uint64_t last_signal(const void *ctx, size_t item)
{
	const struct life_metrics *m = ctx;
	const int status = (int)m->last_status;

	(void)item;
	return WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0;
}

static uint64_t peak(const void *ctx, size_t item)
{
	const struct life_metrics *m = ctx;

	(void)item;
	return m->peak_bytes[0] > m->peak_bytes[1] ? m->peak_bytes[0] : m->peak_bytes[1];
}

static size_t one(const void *ctx)
{
	(void)ctx;
	return 1;
}

static size_t two(const void *ctx)
{
	(void)ctx;
	return 2;
}

static void write_time(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct life_metrics *m = ctx;

	(void)item;
	expo_double(e, f, NULL, m->last_exit_s);
}

static void write_cpu(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	static const char *const labels[] = { "mode=\"user\"", "mode=\"system\"" };
	const struct life_metrics *m = ctx;

	expo_double(e, f, labels[item], (double)m->children_ns[item] / (double)NS_PER_SEC);
}

static void write_kills(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct life_metrics *m = ctx;

	if (item == 0 && m->has_totals)
		expo_u64(e, f, "scope=\"process\"", m->totals.oom_kills);
	if (item == 1 && m->has_cgroup_kills)
		expo_u64(e, f, "scope=\"cgroup\"", m->cgroup_kills);
}

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_service_forks", "Processes that were made by processes of the service.", NULL,
		    EXPO_COUNTER },
	  .there = has_totals, .value = forks },
	{ .expo = { "isamon_service_execs", "Times that a process of the service became another program.", NULL,
		    EXPO_COUNTER },
	  .there = has_totals, .value = execs },
	{ .expo = { "isamon_service_exits", "Processes of the service that ended, by how.", NULL, EXPO_COUNTER },
	  .there = has_totals, .value = exits,
	  .labels = { "how=\"exit_zero\"", "how=\"exit_error\"", "how=\"signal\"" } },
	{ .expo = { "isamon_service_children_cpu_seconds",
		    "CPU time of processes of the service that lived between two collections.", "seconds",
		    EXPO_COUNTER },
	  .there = has_totals, .n_items = two, .write = write_cpu },
	{ .expo = { "isamon_service_exited_peak_memory_bytes",
		    "The most memory that was resident of a process that ended lately.", "bytes", EXPO_GAUGE },
	  .there = has_totals, .value = peak },
	{ .expo = { "isamon_service_oom_kills", "Processes that were killed because memory ran out.", NULL,
		    EXPO_COUNTER },
	  .there = has_kills, .n_items = two, .write = write_kills },
	{ .expo = { "isamon_service_restarts", "Times that the main process was replaced by another.", NULL,
		    EXPO_COUNTER },
	  .value = restarts },
	{ .expo = { "isamon_service_crash_loop", "Whether the main process keeps ending unexpectedly.", NULL,
		    EXPO_GAUGE },
	  .there = has_totals, .value = crash_loop },
	{ .expo = { "isamon_service_last_exit_code", "The exit status of the last main process that ended.", NULL,
		    EXPO_GAUGE },
	  .there = has_totals, .value = last_code },
	{ .expo = { "isamon_service_last_exit_signal", "The signal that ended the last main process.", NULL,
		    EXPO_GAUGE },
	  .there = has_totals, .value = last_signal },
	{ .expo = { "isamon_service_last_exit_timestamp_seconds",
		    "When the last main process ended, since the epoch; 0: none has.", "seconds", EXPO_GAUGE },
	  .there = has_totals, .n_items = one, .write = write_time },
};
/* clang-format on */

bool life_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
