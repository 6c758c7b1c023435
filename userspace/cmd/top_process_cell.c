/* SPDX-License-Identifier: MIT */
/* Processes as text. */
#include "cmd/top_process_cell.h"

#include <stdio.h>

static const struct {
	const char *name;
	int width;
} columns[TOP_PROCESS_COLUMNS] = {
	[TOP_PROCESS_PID] = { "PID", 8 },        [TOP_PROCESS_ROLE] = { "ROLE", 8 },
	[TOP_PROCESS_CPU] = { "CPU", 7 },        [TOP_PROCESS_RSS] = { "RSS", 8 },
	[TOP_PROCESS_THREADS] = { "THR", 6 },    [TOP_PROCESS_FDS] = { "FDS", 7 },
	[TOP_PROCESS_REQUESTS] = { "REQ/S", 8 },
};

const char *top_process_column_name(enum top_process_column c)
{
	return columns[c].name;
}

int top_process_column_width(enum top_process_column c)
{
	return columns[c].width;
}

static void format_cpu(double cpus, char cell[static TOP_CELL_MAX])
{
	snprintf(cell, TOP_CELL_MAX, "%.*f%%", cpus < 0.0995 ? 1 : 0,
		 cpus < 9999 ? cpus * 100 : 999900);
}

static void format_count(uint64_t n, char cell[static TOP_CELL_MAX])
{
	if (n > 9999999)
		top_format_rate((double)n, cell);
	else
		snprintf(cell, TOP_CELL_MAX, "%u", (unsigned int)n);
}

static uint64_t count_of(const struct top_process *p, enum top_process_column c)
{
	switch (c) {
	case TOP_PROCESS_PID: return p->pid;
	case TOP_PROCESS_RSS: return p->rss_bytes;
	case TOP_PROCESS_THREADS: return p->threads;
	case TOP_PROCESS_FDS: return p->fds;
	default: return TOP_UNKNOWN;
	}
}

void top_process_format_cell(const struct top_process_row *r, enum top_process_column c,
			     char cell[static TOP_CELL_MAX])
{
	uint64_t n = count_of(r->process, c);

	if (c == TOP_PROCESS_ROLE)
		snprintf(cell, TOP_CELL_MAX, "%s", r->process->role);
	else if (c == TOP_PROCESS_CPU && r->compared)
		format_cpu(r->cpus, cell);
	else if (c == TOP_PROCESS_REQUESTS && r->requests_s >= 0)
		top_format_rate(r->requests_s, cell);
	else if (n == TOP_UNKNOWN)
		snprintf(cell, TOP_CELL_MAX, "-");
	else if (c == TOP_PROCESS_RSS)
		top_format_bytes(n, cell);
	else
		format_count(n, cell);
}

void top_process_say_count(const struct top_view *v, struct buf *out)
{
	const struct top_process_rest *rest = &v->sample->rest;
	const unsigned long long n = v->n_processes + rest->processes;

	buf_printf(out, "%llu process%s", n, n == 1 ? "" : "es");
	if (rest->unsampled)
		buf_printf(out, ", %llu not sampled this time",
			   (unsigned long long)rest->unsampled);
}

void top_process_say_rest(const struct top_view *v, size_t shown, struct buf *out)
{
	struct top_process_rest sum = v->sample->rest;
	char cpu[TOP_CELL_MAX], rss[TOP_CELL_MAX];

	for (size_t i = shown; i < v->n_processes; i++) {
		const struct top_process_row *r = &v->processes[i];

		sum.processes++;
		sum.cpus += r->compared ? r->cpus : 0;
		sum.rss_bytes += r->process->rss_bytes != TOP_UNKNOWN ? r->process->rss_bytes : 0;
	}
	if (!sum.processes)
		return;
	format_cpu(sum.cpus, cpu);
	top_format_bytes(sum.rss_bytes, rss);
	buf_printf(out, "%llu more, %s CPU, %s RSS", (unsigned long long)sum.processes, cpu, rss);
}
