/* SPDX-License-Identifier: MIT */
/*
 * Processes: read and compared. A process is the same as before if pid and start are; one that was not
 * there before has no rate but that which the daemon says, because what it used may be from long ago. Figures
 * may be older than their sample, so each process has its own time.
 */
#include "cmd/top_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* A number; TOP_UNKNOWN if it is not there and need not be. */
static int get(const json_t *object, const char *key, bool required, uint64_t *ret)
{
	const json_t *j = json_object_get(object, key);

	*ret = TOP_UNKNOWN;
	if (!j && !required)
		return 0;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return -EPROTO;
	*ret = (uint64_t)json_integer_value(j);
	return 0;
}

/* A word of small letters: nothing else is shown on a terminal. */
static int get_role(const json_t *object, char role[static TOP_ROLE_MAX])
{
	const char *text = json_string_value(json_object_get(object, "role"));
	size_t n = text ? strlen(text) : 0;

	if (!n || n >= TOP_ROLE_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyz_") != n)
		return -EPROTO;
	memcpy(role, text, n + 1);
	return 0;
}

static int parse_one(const json_t *object, struct top_process *p)
{
	if (get(object, "pid", true, &p->pid) ||
	    get(object, "start_ticks", true, &p->start_ticks) || get_role(object, p->role) ||
	    get(object, "cpu_ns", true, &p->cpu_ns) || get(object, "at_ns", false, &p->at_ns) ||
	    get(object, "cpu_ns_per_second", false, &p->cpu_ns_per_second) ||
	    get(object, "rss_bytes", false, &p->rss_bytes) ||
	    get(object, "threads", false, &p->threads) || get(object, "fds", false, &p->fds) ||
	    get(object, "requests", false, &p->requests))
		return -EPROTO;
	return 0;
}

int top_process_parse(const json_t *list, struct top_process **ret, size_t *ret_n)
{
	size_t n = json_array_size(list);
	struct top_process *all;

	if (!json_is_array(list) || n > TOP_PROCESSES_MAX)
		return -EPROTO;
	all = calloc(n ? n : 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (parse_one(json_array_get(list, i), &all[i])) {
			free(all);
			return -EPROTO;
		}
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

int top_process_parse_rest(const json_t *object, struct top_process_rest *ret)
{
	uint64_t busy;

	*ret = (struct top_process_rest){ 0 };
	if (!object)
		return 0;
	if (get(object, "processes", true, &ret->processes) ||
	    get(object, "unsampled", true, &ret->unsampled) ||
	    get(object, "cpu_ns_per_second", true, &busy) ||
	    get(object, "rss_bytes", true, &ret->rss_bytes))
		return -EPROTO;
	ret->cpus = (double)busy / (double)NS_PER_SEC;
	return 0;
}

static const struct top_process *find(const struct top_process *list, size_t n,
				      const struct top_process *p)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].pid == p->pid && list[i].start_ticks == p->start_ticks)
			return &list[i];
	return NULL;
}

static void compare_one(struct top_process_row *row, const struct top_process *older,
			const struct top_process *newer, double interval_s)
{
	row->process = newer;
	row->requests_s = -1;
	if (older && older->at_ns != TOP_UNKNOWN && newer->at_ns != TOP_UNKNOWN)
		interval_s = ((double)newer->at_ns - (double)older->at_ns) / (double)NS_PER_SEC;
	row->compared = older && interval_s > 0;
	if (!row->compared && newer->cpu_ns_per_second != TOP_UNKNOWN) {
		row->compared = true;
		row->cpus = (double)newer->cpu_ns_per_second / (double)NS_PER_SEC;
		return;
	}
	if (!row->compared)
		return;
	if (newer->cpu_ns > older->cpu_ns)
		row->cpus =
			(double)(newer->cpu_ns - older->cpu_ns) / (double)NS_PER_SEC / interval_s;
	if (newer->requests != TOP_UNKNOWN && older->requests != TOP_UNKNOWN &&
	    newer->requests >= older->requests)
		row->requests_s = (double)(newer->requests - older->requests) / interval_s;
}

static int by_cpu(const void *a, const void *b)
{
	const struct top_process_row *x = a, *y = b;

	if (x->cpus != y->cpus)
		return x->cpus > y->cpus ? -1 : 1;
	return x->process->pid < y->process->pid ? -1 : x->process->pid > y->process->pid;
}

struct top_process_row *top_process_compare(const struct top_process *older, size_t n_older,
					    const struct top_process *newer, size_t n_newer,
					    double interval_s)
{
	struct top_process_row *rows = calloc(n_newer ? n_newer : 1, sizeof(*rows));

	if (!rows)
		return NULL;
	for (size_t i = 0; i < n_newer; i++)
		compare_one(&rows[i], find(older, n_older, &newer[i]), &newer[i], interval_s);
	qsort(rows, n_newer, sizeof(*rows), by_cpu);
	return rows;
}
