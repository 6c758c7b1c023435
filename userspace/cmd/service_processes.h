/* SPDX-License-Identifier: MIT */
/*
 * The service's processes: keeps the set of them, samples them when somebody asks, hands that to the metrics.
 *
 * Nothing here holds up the loop for long: going through /proc is done in steps of 2 ms with pauses between, and a
 * collection that would take longer than some 15 ms leaves the rest of the processes at their last figures,
 * and goes on with them in steps of 2 ms, too. How many processes there are is right at once.
 */
#ifndef ISAMON_SERVICE_PROCESSES_H
#define ISAMON_SERVICE_PROCESSES_H

#include <event2/event.h>

#include "config/config.h"
#include "metrics/http_metrics.h"
#include "metrics/page.h"
#include "metrics/process_metrics.h"
#include "probe/members.h"

struct service_processes;

/* A pass over /proc has replaced the set; or, @gone != 0, that process ended, which only a look at /proc told. */
typedef void (*service_processes_fn)(pid_t gone, void *ctx);

/* @fn is called from the loop and from service_processes_collect(). Returns 0 or -ENOMEM. */
int service_processes_new(struct event_base *base, const struct config *c, service_processes_fn fn,
			  void *ctx, struct service_processes **ret_processes);
/* NULL is fine. Before @base is freed. */
void service_processes_free(struct service_processes *p);
void service_processes_reload(struct service_processes *p, const struct config *c);
/* Whose requests each process read; NULL: not known. */
void service_processes_use_http(struct service_processes *p, struct http_metrics *m);

/* Each second. @fed: forked() and exited() are told of everything. */
void service_processes_look(struct service_processes *p, bool fed);
/* Samples all, unless that was done less than @age_ns ago. Returns whether it was done. */
bool service_processes_collect(struct service_processes *p, uint64_t age_ns);

/* As members_forked(), @start_ns after boot; and members_exited() with process_metrics_child_exited(). */
void service_processes_forked(struct service_processes *p, pid_t parent, pid_t child,
			      uint64_t start_ns);
void service_processes_exited(struct service_processes *p, pid_t pid, uint64_t user_ns,
			      uint64_t system_ns, uint64_t peak_bytes);
/* Something was missed: look again. */
void service_processes_rescan(struct service_processes *p);

const struct member *service_processes_list(const struct service_processes *p, size_t *ret_n);
/* A process that stands for the service's cgroup; 0: none. */
pid_t service_processes_main(const struct service_processes *p);
const struct process_metrics *service_processes_metrics(const struct service_processes *p);
/* The probe "tasks": the iterator is at work. */
bool service_processes_iterates(const struct service_processes *p);
void service_processes_add_page(struct service_processes *p, struct page *page);

#endif
