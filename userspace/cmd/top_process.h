/* SPDX-License-Identifier: MIT */
/* The service's processes in `isamon top`: as the daemon says them, and between two samples. */
#ifndef ISAMON_TOP_PROCESS_H
#define ISAMON_TOP_PROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More processes in one answer are no daemon's. */
#define TOP_PROCESSES_MAX 4096
#define TOP_ROLE_MAX 16
/* Of what is not known. */
#define TOP_UNKNOWN UINT64_MAX

/* Cumulative or as it is, as metrics/top_json.h has it. */
struct top_process {
	uint64_t pid;
	uint64_t start_ticks;
	uint64_t at_ns; /* when its figures were taken */
	char role[TOP_ROLE_MAX];
	uint64_t cpu_ns;
	uint64_t cpu_ns_per_second;
	uint64_t rss_bytes;
	uint64_t threads;
	uint64_t fds;
	uint64_t requests;
};

/* Those that are not in the list, together. */
struct top_process_rest {
	uint64_t processes;
	uint64_t
		unsampled; /* of all, also those in the list: they have older figures, or none yet */
	double cpus;
	uint64_t rss_bytes;
};

/* Reads what the daemon says of them; NULL (of an older daemon): there are none. 0 or -EPROTO. */
int top_process_parse_rest(const json_t *object, struct top_process_rest *ret);

/* Reads the daemon's list. 0; -EPROTO: it is none; -ENOMEM. The caller frees *ret. */
int top_process_parse(const json_t *list, struct top_process **ret, size_t *ret_n);

struct top_process_row {
	const struct top_process *process; /* of the newer list */
	bool compared; /* cpus is known: it was in the older list, with older figures, or the daemon says it */
	double cpus;       /* CPU time per time: 1 is one whole CPU */
	double requests_s; /* < 0: not known */
};

/* A row for each of @newer, by CPU time and then by pid. NULL: no memory. The caller frees it. */
struct top_process_row *top_process_compare(const struct top_process *older, size_t n_older,
					    const struct top_process *newer, size_t n_newer,
					    double interval_s);

#endif
