/* SPDX-License-Identifier: MIT */
/* Requests by process. A service has a handful of workers, and most requests of a drain come from the
 * same few: a walk from the last one found. */
#include "metrics/http_workers.h"

/* The place of a process; n: it has none. */
static size_t place_of(const struct http_workers *w, uint32_t pid)
{
	size_t i = 0;

	if (w->last < w->n && w->all[w->last].pid == pid)
		return w->last;
	while (i < w->n && w->all[i].pid != pid)
		i++;
	return i;
}

static size_t longest_unused(const struct http_workers *w)
{
	size_t oldest = 0;

	for (size_t i = 1; i < w->n; i++)
		if (w->used_at[i] < w->used_at[oldest])
			oldest = i;
	return oldest;
}

void http_workers_count(struct http_workers *w, uint32_t pid)
{
	size_t i = place_of(w, pid);

	if (i == w->n) {
		if (w->n < HTTP_WORKERS_MAX)
			w->n++;
		else
			i = longest_unused(w);
		w->all[i] = (struct http_worker){ .pid = pid };
	}
	w->all[i].requests++;
	w->used_at[i] = ++w->clock;
	w->last = i;
}

void http_workers_forget(struct http_workers *w, uint32_t pid)
{
	size_t i = place_of(w, pid);

	if (i == w->n)
		return;
	w->n--;
	w->all[i] = w->all[w->n];
	w->used_at[i] = w->used_at[w->n];
}
