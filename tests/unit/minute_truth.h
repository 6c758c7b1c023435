/* SPDX-License-Identifier: MIT */
/* Reads the payloads of minutes back: for tests that hold them against what happened. */
#ifndef ISAMON_TEST_MINUTE_TRUTH_H
#define ISAMON_TEST_MINUTE_TRUTH_H

#include "unit.h"

#include <math.h>

#include "ship/datum.h"
#include "ship/minute.h"

/* What one metric (one name, one dimension) has in all payloads that were read. */
struct truth {
	char name[64], unit[32], dimension[320];
	double value, count, sum, min, max;
	double counts; /* of the values, summed up */
	size_t n;      /* data */
};

static struct {
	struct truth metrics[200];
	size_t n;
	int64_t ids[64], starts[64];
	size_t sizes[64]; /* elements of each payload */
	size_t n_parts;
	int fail_after; /* payloads that are taken before an error; negative: all are */
} truths = { .fail_after = -1 };

UNIT_USED_ static void truth_forget(void)
{
	memset(&truths, 0, sizeof(truths));
	truths.fail_after = -1;
}

/* @dimension: "Route=/a", or "". NULL if nothing like it was given. */
UNIT_USED_ static struct truth *truth_get(const char *name, const char *dimension)
{
	for (size_t i = 0; i < truths.n; i++)
		if (strcmp(truths.metrics[i].name, name) == 0 &&
		    strcmp(truths.metrics[i].dimension, dimension) == 0)
			return &truths.metrics[i];
	return NULL;
}

static int truth_add(const struct datum *d, void *ctx)
{
	char dimension[320] = "";
	struct truth *t;

	(void)ctx;
	if (d->n_dimensions)
		snprintf(dimension, sizeof(dimension), "%s=%s", d->dimensions[0].name,
			 d->dimensions[0].value);
	t = truth_get(d->name, dimension);
	if (!t) {
		t = &truths.metrics[truths.n++];
		snprintf(t->name, sizeof(t->name), "%s", d->name);
		snprintf(t->unit, sizeof(t->unit), "%s", d->unit);
		snprintf(t->dimension, sizeof(t->dimension), "%s", dimension);
		t->min = INFINITY;
		t->max = -INFINITY;
	}
	t->n++;
	t->value += d->value;
	t->count += d->count;
	t->sum += d->sum;
	t->min = fmin(t->min, d->min);
	t->max = fmax(t->max, d->max);
	for (size_t i = 0; i < d->n_values; i++)
		t->counts += d->counts[i];
	if (truths.n_parts < ARRAY_SIZE(truths.sizes))
		truths.sizes[truths.n_parts]++;
	return 0;
}

/* A minute_fn. */
UNIT_USED_ static int truth_take(int64_t id, int64_t start_s, const void *payload, size_t n,
				 void *ctx)
{
	if (truths.fail_after == 0)
		return -ENOSPC;
	truths.fail_after--;
	EXPECT_INT(datum_decode(payload, n, truth_add, ctx), 0);
	if (truths.n_parts < ARRAY_SIZE(truths.ids)) {
		truths.ids[truths.n_parts] = id;
		truths.starts[truths.n_parts] = start_s;
	}
	truths.n_parts++;
	return 0;
}

#endif
