/* SPDX-License-Identifier: MIT */
/* What isamon says of itself: build, probes, process_*, scrapes. */
#ifndef ISAMON_SELF_H
#define ISAMON_SELF_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/page.h"

#define SELF_PROBES_MAX 16

struct self {
	struct {
		const char *name; /* static */
		bool up;
	} probes[SELF_PROBES_MAX];
	unsigned int n_probes;
	struct {
		const char *probe; /* static */
		uint64_t n;
	} lost[SELF_PROBES_MAX];
	unsigned int n_lost;
	uint64_t scrapes;
	double last_scrape_s;       /* how long the last page took to write */
	uint64_t config_reloads[2]; /* [0] refused, [1] taken */
	uint64_t listener_refused;  /* connections to /metrics beyond the limit */
	uint64_t listener_timeouts; /* connections to /metrics cut for being slow */
	unsigned int restores_unfinished, updates_unfinished;
	bool service_up;     /* something listens on one of the ports */
	double start_time_s; /* 0: not known yet; self_collect() keeps it here */
};

/* Sets isamon_probe_up{probe=name}; adds it the first time. No more than SELF_PROBES_MAX:
 * asserted. */
void self_probe(struct self *s, const char *name, bool up);
/* It is not on the page any more. */
void self_forget_probe(struct self *s, const char *name);
/* Sets isamon_trace_lost_total{probe}; adds it the first time. The same limit. */
void self_lost(struct self *s, const char *probe, uint64_t n);
/*
 * For page_add(): ctx is the struct self. isamon_build_info, isamon_probe_up, isamon_trace_lost_total,
 * isamon_service_up, isamon_scrape_duration_seconds (of the last scrape; absent before it),
 * isamon_scrapes_total, isamon_listener_refused_total, isamon_listener_timeouts_total,
 * isamon_config_reloads_total{result="refused"|"taken"}, isamon_restore_unfinished, isamon_update_unfinished, and from
 * /proc/self and the clocks: process_cpu_seconds_total, process_resident_memory_bytes,
 * process_virtual_memory_bytes, process_open_fds, process_max_fds, process_start_time_seconds,
 * process_threads. What cannot be read is absent. Reads /proc, which does not block. Written in
 * one piece, under 8 KiB.
 */
bool self_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
