/* SPDX-License-Identifier: MIT */
/*
 * The set of the service's processes. It is replaced as a whole by a pass, and changed one by one between.
 * What was forked while a pass was on its way, and may have come too late for it, is taken over.
 */
#include "probe/members.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "probe/listeners.h"
#include "probe/members_pass.h"
#include "probe/proc.h"

#define PORTS_MAX 64
#define INODES_MAX 64
#define INTERVAL_FIRST_NS NS_PER_SEC
#define SOCKETS_NS (10 * NS_PER_SEC) /* off /proc/net the sockets take milliseconds */
#define INTERVAL_FED_NS (600 * NS_PER_SEC)
#define INTERVAL_UNFED_NS (60 * NS_PER_SEC)
#define INTERVAL_NOBODY_NS \
	(10 * NS_PER_SEC) /* there is a socket, but nobody has it: a manager keeps it */
#define SETTLE_TICKS 300  /* 3 s: by then a worker has its sockets */
#define SETTLE_LINKS 1024 /* that are read then at most: two milliseconds or so */

struct members {
	const char *proc;
	uint16_t ports[PORTS_MAX];
	size_t n_ports;
	uint64_t inodes[INODES_MAX]; /* ascending */
	size_t n_inodes;
	struct member *list;
	size_t n, size;
	struct pass *pass;
	uint64_t sockets_ns;           /* when they were looked at last */
	uint64_t interval_ns, next_ns; /* of passes that nothing asked for */
	bool due;
	bool fed;                 /* members_exited() tells of all who end */
	uint64_t pass_ticks;      /* when the pass began */
	uint64_t unsettled_ticks; /* the youngest's start; 0: all are settled */
	struct members_stats stats;
};

int members_new(const char *proc, struct members **ret_members)
{
	struct members *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->proc = proc;
	*ret_members = m;
	return 0;
}

void members_free(struct members *m)
{
	if (!m)
		return;
	pass_free(m->pass);
	free(m->list);
	free(m);
}

void members_rescan(struct members *m)
{
	m->due = true;
	m->interval_ns = INTERVAL_FIRST_NS;
	m->next_ns = 0;
}

void members_set_ports(struct members *m, const uint16_t *ports, size_t n)
{
	m->n_ports = n < PORTS_MAX ? n : PORTS_MAX;
	memcpy(m->ports, ports, m->n_ports * sizeof(*ports));
	m->n_inodes = 0;
	m->n = 0;
	pass_free(take(m->pass));
	members_rescan(m);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Returns whether there are sockets, and other ones than before. With none there is nobody to look for. */
static bool sockets_changed(struct members *m)
{
	uint64_t inodes[INODES_MAX];
	size_t n;

	if (listeners_inodes(m->proc, m->ports, m->n_ports, inodes, INODES_MAX, &n) != 0)
		return false;
	if (!n) {
		pass_free(take(m->pass));
		m->n_inodes = 0;
		return false;
	}
	qsort(inodes, n, sizeof(*inodes), by_value);
	if (n == m->n_inodes && memcmp(inodes, m->inodes, n * sizeof(*inodes)) == 0)
		return false;
	pass_free(take(m->pass)); /* it looks for the old ones */
	memcpy(m->inodes, inodes, n * sizeof(*inodes));
	m->n_inodes = n;
	return true;
}

static bool has_main(const struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].role == MEMBER_MAIN)
			return true;
	return false;
}

void members_look(struct members *m, bool fed, uint64_t now_ns)
{
	const bool nobody = !has_main(m);
	const uint64_t longest = nobody ? INTERVAL_NOBODY_NS :
				 fed    ? INTERVAL_FED_NS :
					  INTERVAL_UNFED_NS;

	m->fed = fed;
	if (nobody || now_ns >= m->sockets_ns + SOCKETS_NS) {
		m->sockets_ns = now_ns;
		if (sockets_changed(m))
			members_rescan(m);
	}
	if (m->next_ns > now_ns + longest)
		m->next_ns = now_ns + longest;
	if (m->next_ns && now_ns >= m->next_ns) {
		m->due = true;
		m->interval_ns = m->interval_ns * 2 < longest ? m->interval_ns * 2 : longest;
		m->next_ns = 0;
	}
	if (!m->next_ns)
		m->next_ns = now_ns + m->interval_ns;
}

bool members_busy(const struct members *m)
{
	return m->n_inodes && (m->due || m->pass);
}

static uint64_t now_ticks(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t); /* that of start_ticks */
	return (uint64_t)t.tv_sec * (NS_PER_SEC / PROC_TICK_NS) +
	       (uint64_t)t.tv_nsec / PROC_TICK_NS;
}

static struct member *find(const struct members *m, pid_t pid)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].pid == pid)
			return &m->list[i];
	return NULL;
}

static bool make_room(struct members *m)
{
	size_t size = m->size ? m->size * 2 : 16;
	struct member *list;

	if (m->n < m->size)
		return true;
	if (m->n >= MEMBERS_MAX)
		return false;
	list = reallocarray(m->list, size, sizeof(*list));
	if (!list)
		return false;
	m->list = list;
	m->size = size;
	return true;
}

/* Whether one that the pass did not find to belong to the service does so: it lives, and its parent is a member or
 * has left it. */
static bool belongs(const struct members *m, const struct member *x)
{
	struct proc_stat st;

	if (!x->born || proc_read_stat(m->proc, x->pid, &st) != 0 ||
	    st.start_ticks != x->start_ticks || (m->fed && pass_has_ended(&st)))
		return false;
	return st.parent != x->parent || find(m, x->parent);
}

static void keep(struct members *m, struct member *place, const struct member *x)
{
	if (!place && !make_room(m))
		return;
	if (!place)
		place = &m->list[m->n++];
	*place = *x;
	if (place->role == MEMBER_MAIN)
		place->role = MEMBER_HELPER;
	if (x->start_ticks >= m->pass_ticks && x->start_ticks > m->unsettled_ticks)
		m->unsettled_ticks = x->start_ticks;
}

/* What was known of those that were there before the pass, and those that came during it. */
static void take_over(struct members *m, const struct member *old, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct member *x = find(m, old[i].pid);

		if (!x || x->start_ticks != old[i].start_ticks) {
			if (belongs(m, &old[i]))
				keep(m, x, &old[i]);
			continue;
		}
		x->born |= old[i].born;
		/* It has the socket from a main process, and was left: no second one. */
		if (x->born && x->role == MEMBER_MAIN && x != m->list)
			x->role = MEMBER_WORKER;
	}
}

static bool pass_end(struct members *m)
{
	struct member *list, *old = m->list;
	size_t n, n_old = m->n;

	m->stats.passes++;
	m->stats.seen = pass_seen(m->pass);
	if (pass_result(m->pass, &list, &n) != 0)
		return false;
	m->list = list;
	m->n = m->size = n;
	m->unsettled_ticks = 0;
	take_over(m, old, n_old);
	free(old);
	return true;
}

bool members_step(struct members *m, uint64_t budget_ns)
{
	bool replaced = false;
	int done;

	if (!members_busy(m))
		return false;
	if (!m->pass) {
		m->due = false;
		m->pass_ticks = now_ticks();
		if (pass_new(m->proc, m->inodes, m->n_inodes, !m->fed, &m->pass) != 0)
			return false; /* the next look's pass may do better */
	}
	done = pass_step(m->pass, budget_ns);
	if (!done)
		return false;
	if (done > 0)
		replaced = pass_end(m);
	pass_free(take(m->pass));
	return replaced;
}

const struct member *members_find(const struct members *m, pid_t pid)
{
	return find(m, pid);
}

bool members_forked(struct members *m, pid_t parent, pid_t child, uint64_t start_ticks)
{
	struct member *known = find(m, child);

	if (!find(m, parent) || (known && known->start_ticks == start_ticks))
		return false;
	if (!known && !make_room(m))
		return false;
	if (!known)
		known = &m->list[m->n++];
	*known = (struct member){ child, parent, start_ticks, MEMBER_HELPER, false, true };
	if (start_ticks > m->unsettled_ticks)
		m->unsettled_ticks = start_ticks;
	return true;
}

bool members_exited(struct members *m, pid_t pid)
{
	struct member *gone = find(m, pid);

	if (!gone)
		return false;
	if (gone->role == MEMBER_MAIN)
		members_rescan(m);
	m->n--;
	memmove(gone, gone + 1, (size_t)(&m->list[m->n] - gone) * sizeof(*gone));
	return true;
}

void members_settle(struct members *m)
{
	uint64_t now = now_ticks();
	bool settled = now > m->unsettled_ticks + SETTLE_TICKS;
	size_t links = SETTLE_LINKS;

	if (!m->unsettled_ticks)
		return;
	for (size_t i = 0; i < m->n; i++) {
		struct member *x = &m->list[i];
		const struct member *parent;

		if (x->role != MEMBER_HELPER || x->start_ticks + SETTLE_TICKS < now)
			continue;
		x->owner = pass_is_owner(m->proc, x->pid, m->inodes, m->n_inodes, &links);
		parent = find(m, x->parent);
		if (x->owner && parent)
			x->role = MEMBER_WORKER;
	}
	if (!links)
		members_rescan(m); /* a pass has its own time for each */
	if (settled)
		m->unsettled_ticks = 0;
}

const struct member *members_list(const struct members *m, size_t *ret_n)
{
	*ret_n = m->n;
	return m->list;
}

struct members_stats members_stats(const struct members *m)
{
	return m->stats;
}

const char *member_role_name(enum member_role role)
{
	static const char *const names[] = { "main", "worker", "helper" };

	return names[role];
}
