/* SPDX-License-Identifier: MIT */
/*
 * Counting in the logs. Invariant: the sum of the lanes and of what was counted before is what a process that begins now would find
 * in the state file.
 */
#include "logs/log_count.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "logs/log_push_impl.h"

/* Names of logs have no such characters. */
#define KEY_PLACES "\x01"
#define KEY_COUNTS "\x02"
/* A disk that has not answered for so long is not counted with. */
#define STUCK_NS (5 * NS_PER_SEC)

void log_count_lane(struct log_lane *l, enum log_count count)
{
	l->count = count;
	snprintf(l->key, sizeof(l->key), "%s%s", count == COUNT_ONLY ? KEY_PLACES : "",
		 l->config->name);
	if (count != COUNT_ONLY)
		return;
	l->own = *l->config;
	l->own.ship = false;
	l->own.start = CONFIG_LOG_END;
	l->config = &l->own;
}

/* --- in the state file */

static void row(const char *name, const struct log_counted *c, struct position *at)
{
	*at = (struct position){ .offset = c->errors,
				 .inode = c->exceptions,
				 .seen_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC) };
	snprintf(at->log, sizeof(at->log), KEY_COUNTS "%s", name);
}

static int load(const struct position *at, void *ctx)
{
	struct log_push *p = ctx;
	struct log_counted *to = &p->counted_before;

	if (strncmp(at->log, KEY_COUNTS, strlen(KEY_COUNTS)) != 0)
		return 0;
	for (size_t i = 0; i < p->n_lanes; i++)
		if (p->lanes[i]->count != COUNT_NOT &&
		    !strcmp(p->lanes[i]->config->name, at->log + strlen(KEY_COUNTS)))
			to = &p->lanes[i]->counted;
	to->errors += at->offset;
	to->exceptions += at->inode;
	return 0;
}

int log_count_open(struct log_push *p)
{
	if (p->options.count)
		return positions_each(p->positions, load, p);
	/* What is written while nobody counts is not counted later. */
	return positions_forget_logs(p->positions, KEY_PLACES);
}

static struct log_counted of_batch(const struct lane_counts *c)
{
	struct log_counted sum = { .errors = (uint64_t)c->levels[RECORD_ERROR] +
					     c->levels[RECORD_CRITICAL] };

	for (size_t i = 0; i < LOGS_EXCEPTIONS; i++)
		sum.exceptions += c->exceptions[i];
	return sum;
}

static struct log_counted add(struct log_counted a, struct log_counted b)
{
	return (struct log_counted){ a.errors + b.errors, a.exceptions + b.exceptions };
}

void log_count_fill(const struct log_lane *l, const struct lane_counts *c, struct position *at)
{
	const struct log_counted sum = add(l->counted, of_batch(c));

	row(l->config->name, &sum, at);
}

void log_count_settle(struct log_lane *l, const struct lane_counts *c)
{
	if (l->count != COUNT_NOT)
		l->counted = add(l->counted, of_batch(c));
}

void log_count_write_all(struct log_push *p)
{
	struct position *list;
	size_t n = 0;

	if (!p->options.count)
		return;
	list = calloc(p->n_lanes + 1, sizeof(*list));
	if (!list)
		return;
	row("", &p->counted_before, &list[n++]);
	for (size_t i = 0; i < p->n_lanes; i++)
		if (p->lanes[i]->count != COUNT_NOT)
			row(p->lanes[i]->config->name, &p->lanes[i]->counted, &list[n++]);
	(void)positions_put(p->positions, list, n, NULL, NULL);
	free(list);
}

/* --- told */

static bool is_stuck(const struct log_lane *l)
{
	return l->count != COUNT_NOT && l->state == LANE_WRITING &&
	       clock_monotonic_ns() - l->writing_ns > STUCK_NS;
}

void log_count_figures(const struct log_push *p, struct logs_figures *ret)
{
	struct log_counted sum = p->counted_before;
	bool stuck = false;

	if (!p->options.count)
		return;
	for (size_t i = 0; i < p->n_lanes; i++) {
		sum = add(sum, p->lanes[i]->counted);
		stuck |= is_stuck(p->lanes[i]);
	}
	ret->n[LOGS_COUNTING] = !stuck;
	ret->n[LOGS_COUNTED_ERRORS] = sum.errors;
	ret->n[LOGS_COUNTED_EXCEPTIONS] = sum.exceptions;
}
