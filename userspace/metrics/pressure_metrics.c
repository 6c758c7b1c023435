/* SPDX-License-Identifier: MIT */
/* The families of pressure. A family without any sample is not on the page. */
#include "metrics/pressure_metrics.h"

#include "base/util.h"
#include "metrics/families.h"

#define LABELS_BYTES_MAX 128
#define NS_PER_S 1e9

static size_t n_ports(const void *ctx)
{
	const struct pressure_figures *p = ctx;

	return p->n_ports;
}

static bool has_ports(const void *ctx)
{
	return n_ports(ctx) > 0;
}

static bool has_listeners(const void *ctx)
{
	const struct pressure_figures *p = ctx;

	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].listening)
			return true;
	return false;
}

static void write_port(struct expo *e, const struct expo_family *f,
		       const struct pressure_figures *p, size_t i, uint64_t value)
{
	_cleanup_(buf_done) struct buf labels = BUF_INIT(LABELS_BYTES_MAX);

	if (buf_printf(&labels, "port=\"%u\"", p->ports[i].port) == 0)
		expo_u64(e, f, buf_str(&labels), value);
}

static void write_length(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct pressure_figures *p = ctx;

	if (p->ports[item].listening)
		write_port(e, f, p, item, p->ports[item].length);
}

static void write_limit(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct pressure_figures *p = ctx;

	if (p->ports[item].listening)
		write_port(e, f, p, item, p->ports[item].limit);
}

static void write_drops(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct pressure_figures *p = ctx;

	write_port(e, f, p, item, p->ports[item].drops);
}

static bool has_throttling(const void *ctx)
{
	const struct pressure_figures *p = ctx;

	return p->has_throttling;
}

static uint64_t periods(const void *ctx, size_t item)
{
	const struct pressure_figures *p = ctx;

	(void)item;
	return p->periods;
}

static uint64_t throttled_periods(const void *ctx, size_t item)
{
	const struct pressure_figures *p = ctx;

	(void)item;
	return p->throttled_periods;
}

static size_t one(const void *ctx)
{
	(void)ctx;
	return 1;
}

static void write_throttled(struct expo *e, const struct expo_family *f, const void *ctx,
			    size_t item)
{
	const struct pressure_figures *p = ctx;

	(void)item;
	expo_double(e, f, NULL, (double)p->throttled_ns / NS_PER_S);
}

static bool has_memory(const void *ctx)
{
	const struct pressure_figures *p = ctx;

	return p->has_memory;
}

static uint64_t memory_events(const void *ctx, size_t item)
{
	const struct pressure_figures *p = ctx;

	return item == 0 ? p->memory_high : p->memory_max;
}

static size_t n_pressures(const void *ctx)
{
	(void)ctx;
	return (size_t)PRESSURE_RESOURCES * PRESSURE_KINDS;
}

static bool has_pressures(const void *ctx)
{
	const struct pressure_figures *p = ctx;

	for (size_t i = 0; i < n_pressures(ctx); i++)
		if (p->has_pressure[i / PRESSURE_KINDS][i % PRESSURE_KINDS])
			return true;
	return false;
}

static void write_pressure(struct expo *e, const struct expo_family *f, const void *ctx,
			   size_t item)
{
	static const char *const labels[PRESSURE_RESOURCES][PRESSURE_KINDS] = {
		{ "resource=\"cpu\",kind=\"some\"", "resource=\"cpu\",kind=\"full\"" },
		{ "resource=\"memory\",kind=\"some\"", "resource=\"memory\",kind=\"full\"" },
		{ "resource=\"io\",kind=\"some\"", "resource=\"io\",kind=\"full\"" },
	};
	const struct pressure_figures *p = ctx;
	size_t r = item / PRESSURE_KINDS, k = item % PRESSURE_KINDS;

	if (p->has_pressure[r][k])
		expo_double(e, f, labels[r][k], (double)p->pressure_ns[r][k] / NS_PER_S);
}

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_listen_queue_length", "Connections that wait to be accepted by the service.", NULL,
		    EXPO_GAUGE },
	  .there = has_listeners, .n_items = n_ports, .write = write_length },
	{ .expo = { "isamon_listen_queue_limit", "How many connections may wait to be accepted.", NULL,
		    EXPO_GAUGE },
	  .there = has_listeners, .n_items = n_ports, .write = write_limit },
	{ .expo = { "isamon_listen_drops", "Segments that the service's listening sockets dropped.", NULL,
		    EXPO_COUNTER },
	  .there = has_ports, .n_items = n_ports, .write = write_drops },
	{ .expo = { "isamon_service_cpu_periods", "Periods of its CPU limit in which the service ran.", NULL,
		    EXPO_COUNTER },
	  .there = has_throttling, .value = periods },
	{ .expo = { "isamon_service_cpu_throttled_periods",
		    "Periods in which the service had used up its CPU limit.", NULL, EXPO_COUNTER },
	  .there = has_throttling, .value = throttled_periods },
	{ .expo = { "isamon_service_cpu_throttled_seconds",
		    "Time for which the service was kept from running by its CPU limit.", "seconds", EXPO_COUNTER },
	  .there = has_throttling, .n_items = one, .write = write_throttled },
	{ .expo = { "isamon_service_memory_events",
		    "Times that the service's memory reached a limit of its cgroup.", NULL, EXPO_COUNTER },
	  .there = has_memory, .value = memory_events, .labels = { "event=\"high\"", "event=\"max\"" } },
	{ .expo = { "isamon_service_pressure_seconds",
		    "Time for which tasks of the service waited for a resource.", "seconds", EXPO_COUNTER },
	  .there = has_pressures, .n_items = n_pressures, .write = write_pressure },
};
/* clang-format on */

bool pressure_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
