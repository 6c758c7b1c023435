/* SPDX-License-Identifier: MIT */
/* Lives and deaths of the service's processes: hands what the probe finds to its metrics, to the log, and to those
 * who keep the set of processes and its sums. */
#ifndef ISAMON_SERVICE_LIFE_H
#define ISAMON_SERVICE_LIFE_H

#include <event2/event.h>

#include "config/config.h"
#include "metrics/life_metrics.h"
#include "metrics/page.h"
#include "probe/members.h"

struct service_life;

/* Who wants to know. None of them may call service_life_*(). */
struct service_life_hooks {
	void (*forked)(pid_t parent, pid_t child, uint64_t start_ns, void *ctx);
	/*
	 * A process ended. CPU time of all its threads since it began, and the most memory that was resident. May
	 * be called once more for the same one with what it used in its last moments, to be added: then @tail.
	 */
	void (*exited)(pid_t pid, uint64_t user_ns, uint64_t system_ns, uint64_t peak_bytes,
		       bool tail, void *ctx);
	/* Something was missed, or the main process is a new one: who is there must be looked up. */
	void (*rescan)(void *ctx);
	void *ctx;
};

/* Opens the probe; if it is refused the log says so, and nothing is seen. Returns 0 or -ENOMEM. */
int service_life_new(struct event_base *base, const struct config *c,
		     const struct service_life_hooks *hooks, struct service_life **ret_life);
/* NULL is fine. Before @base is freed. */
void service_life_free(struct service_life *l);
void service_life_reload(struct service_life *l, const struct config *c);

/* The set of members was looked up anew. Some system calls for each. */
void service_life_members(struct service_life *l, const struct member *list, size_t n);
/* Each second, and before a collection: calls the hooks for what has happened. */
void service_life_look(struct service_life *l);
/* A collection has looked at the members just now. */
void service_life_collected(struct service_life *l);
/* What the service's cgroup counts itself. */
void service_life_cgroup_kills(struct service_life *l, uint64_t kills);

/* The probe "life": whether forks, execs and exits are seen. */
bool service_life_sees(const struct service_life *l);
/* Records that did not find room. */
uint64_t service_life_lost(const struct service_life *l);
const struct life_metrics *service_life_metrics(const struct service_life *l);
void service_life_add_page(struct service_life *l, struct page *p);

#endif
