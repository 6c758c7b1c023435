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
		snprintf(cell, TOP_CELL_MAX, "%.*f%%", r->cpus < 0.0995 ? 1 : 0,
			 r->cpus < 9999 ? r->cpus * 100 : 999900);
	else if (c == TOP_PROCESS_REQUESTS && r->requests_s >= 0)
		top_format_rate(r->requests_s, cell);
	else if (n == TOP_UNKNOWN)
		snprintf(cell, TOP_CELL_MAX, "-");
	else if (c == TOP_PROCESS_RSS)
		top_format_bytes(n, cell);
	else
		format_count(n, cell);
}
