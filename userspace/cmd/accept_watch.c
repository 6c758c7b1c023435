/* SPDX-License-Identifier: MIT */
/* A connection whose client has gone stays in the queue until it is accepted: it gets shorter by that alone. */
#include "cmd/accept_watch.h"

#include <assert.h>
#include <stdbool.h>

void accept_watch_look(struct accept_watch *w, const uint64_t *waiting, size_t n, uint64_t answers,
		       uint64_t now_ns)
{
	assert(n <= CONFIG_PORTS_MAX);
	for (size_t i = 0; i < n; i++) {
		bool taken = waiting[i] < w->waiting[i] || answers != w->answers;

		if (!waiting[i])
			w->since_ns[i] = 0;
		else if (taken || !w->since_ns[i])
			w->since_ns[i] = now_ns;
		w->waiting[i] = waiting[i];
	}
	w->answers = answers;
}
