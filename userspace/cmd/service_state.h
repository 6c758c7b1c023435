/* SPDX-License-Identifier: MIT */
/*
 * What is known of the service besides its requests: its processes, their lives and deaths, the pressure on
 * them. Ties the probes to the metrics; each of them is off where the kernel refuses it, and says so.
 */
#ifndef ISAMON_SERVICE_STATE_H
#define ISAMON_SERVICE_STATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "metrics/http_metrics.h"
#include "metrics/page.h"
#include "metrics/pressure_metrics.h"
#include "metrics/self.h"
#include "metrics/status_json.h"

struct service_state;

/* Opens what can be opened; what is refused is off, said once in the log. @c must live until
 * service_state_reload() names another. Returns 0 or -ENOMEM. */
int service_state_new(struct event_base *base, const struct config *c,
		      struct service_state **ret_state);
/* NULL is fine. */
void service_state_free(struct service_state *s);

/* Whose figures of workers are used; must outlive @s. */
void service_state_use_http(struct service_state *s, struct http_metrics *m);

/* From now on @c; the old one may be freed afterwards. */
void service_state_reload(struct service_state *s, const struct config *c);
/* Each second: looks after what changes by itself. Does not block. */
void service_state_second(struct service_state *s);
/* Before a page is written or `isamon top` answered: collects, at most once a second. */
void service_state_refresh(struct service_state *s);

/* Sets isamon_probe_up{probe} of each part. */
void service_state_probes(const struct service_state *s, struct self *self);
/* The processes for `isamon top`: as struct top_source's processes(), @ctx is the struct service_state. */
int service_state_write_processes(struct buf *out, void *ctx);
/* Of the last collection; owned by @s. */
const struct pressure_figures *service_state_pressure(const struct service_state *s);

/* What the service has used, and what became of it, since isamon began. */
struct service_usage {
	bool known; /* its processes are; otherwise the next ones say nothing */
	uint64_t processes;
	uint64_t cpu_ns;
	unsigned int cpus;   /* online */
	double memory_ratio; /* of the host's; NaN: not known */
	uint64_t restarts;
	uint64_t
		workers; /* processes that read requests: workers, or where there are none the main ones */
	bool has_delay;
	uint64_t delay_ns; /* its threads were ready to run, and waited for a CPU */
	uint64_t memory_bytes, open_fds;
	uint64_t least_free_fds; /* as struct process_summary */
};
/* Collects, unless that was just done. */
void service_state_usage(struct service_state *s, struct service_usage *ret_usage);

/* Fills in what `isamon status` is told of processes, lives and deaths. */
void service_state_status(const struct service_state *s, struct status *status);
/* Appends the collectors; @s must outlive @p. */
void service_state_add_pages(struct service_state *s, struct page *p);

#endif
