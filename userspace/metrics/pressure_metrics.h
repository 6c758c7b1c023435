/* SPDX-License-Identifier: MIT */
/*
 * What explains a slow service, as families:
 *   isamon_listen_queue_length, isamon_listen_queue_limit, isamon_listen_drops_total, by port;
 *   isamon_service_cpu_throttled_seconds_total, _throttled_periods_total, _cpu_periods_total;
 *   isamon_service_memory_events_total{event="high"|"max"};
 *   isamon_service_pressure_seconds_total{resource="cpu"|"memory"|"io", kind="some"|"full"}.
 * What is not known is absent.
 */
#ifndef ISAMON_PRESSURE_METRICS_H
#define ISAMON_PRESSURE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/page.h"

#define PRESSURE_PORTS_MAX 16
#define PRESSURE_RESOURCES 3 /* cpu, memory, io */
#define PRESSURE_KINDS 2     /* some, full */

struct pressure_figures {
	struct {
		uint16_t port;
		bool listening; /* otherwise there is neither length nor limit */
		uint64_t length, limit;
		uint64_t drops;
	} ports[PRESSURE_PORTS_MAX];
	size_t n_ports;
	bool has_throttling;
	uint64_t periods, throttled_periods, throttled_ns;
	bool has_memory;
	uint64_t memory_high, memory_max;
	bool has_pressure[PRESSURE_RESOURCES][PRESSURE_KINDS];
	uint64_t pressure_ns[PRESSURE_RESOURCES][PRESSURE_KINDS];
};

/* For page_add(): ctx is the struct pressure_figures, which its owner brings up to date before a page. */
bool pressure_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
