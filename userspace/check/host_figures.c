/* SPDX-License-Identifier: MIT */
/* Each parser reads into locals and writes its result in one piece. */
#include "check/host_figures.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "NAME:   123 kB" somewhere at the beginning of a line. */
static bool line_kib(const char *text, const char *name, uint64_t *ret_bytes)
{
	size_t n = strlen(name);
	uint64_t kib;

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, n) != 0 || at[n] != ':')
			continue;
		if (sscanf(at + n + 1, " %" SCNu64 " kB", &kib) != 1 || kib > UINT64_MAX / 1024)
			return false;
		*ret_bytes = kib * 1024;
		return true;
	}
	return false;
}

bool host_parse_memory(const char *text, struct host_memory *ret)
{
	struct host_memory m;

	if (!line_kib(text, "MemTotal", &m.total) ||
	    !line_kib(text, "MemAvailable", &m.available) ||
	    !line_kib(text, "SwapTotal", &m.swap_total) ||
	    !line_kib(text, "SwapFree", &m.swap_free))
		return false;
	if (!m.total || m.available > m.total || m.swap_free > m.swap_total)
		return false;
	*ret = m;
	return true;
}

bool host_parse_load(const char *text, struct host_load *ret)
{
	struct host_load l;

	if (sscanf(text, "%lf %lf %lf %" SCNu64 "/%" SCNu64, &l.load1, &l.load5, &l.load15,
		   &l.running, &l.tasks) != 5)
		return false;
	if (!(l.load1 >= 0 && l.load5 >= 0 && l.load15 >= 0))
		return false;
	*ret = l;
	return true;
}

bool host_parse_cpu(const char *text, struct host_cpu *ret)
{
	uint64_t user, nice, system, idle, waiting, irq, softirq, stolen = 0;
	int n = sscanf(text,
		       "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		       " %" SCNu64 " %" SCNu64,
		       &user, &nice, &system, &idle, &waiting, &irq, &softirq, &stolen);

	if (n < 7)
		return false;
	*ret = (struct host_cpu){
		.busy = user + nice + system + irq + softirq,
		.idle = idle,
		.waiting = waiting,
		.stolen = stolen,
	};
	return true;
}

static uint64_t grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

struct host_cpu host_cpu_between(const struct host_cpu *before, const struct host_cpu *after)
{
	return (struct host_cpu){
		.busy = grown(before->busy, after->busy),
		.idle = grown(before->idle, after->idle),
		.waiting = grown(before->waiting, after->waiting),
		.stolen = grown(before->stolen, after->stolen),
	};
}

bool host_parse_files(const char *text, uint64_t *ret_used, uint64_t *ret_max)
{
	uint64_t allocated, unused, max;

	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &allocated, &unused, &max) != 3 ||
	    !max || unused > allocated)
		return false;
	*ret_used = allocated - unused;
	*ret_max = max;
	return true;
}

static bool average60(const char *text, const char *word, double *ret)
{
	const char *line = strstr(text, word);
	double ten, sixty;

	if (!line || sscanf(line + strlen(word), " avg10=%lf avg60=%lf", &ten, &sixty) != 2)
		return false;
	if (!(sixty >= 0 && sixty <= 100))
		return false;
	*ret = sixty;
	return true;
}

bool host_parse_pressure(const char *text, struct host_pressure *ret)
{
	struct host_pressure p = { 0 };

	if (!average60(text, "some", &p.some60))
		return false;
	if (strstr(text, "full") && !average60(text, "full", &p.full60))
		return false;
	*ret = p;
	return true;
}
