/* SPDX-License-Identifier: MIT */
/*
 * The body of a PutMetricData request, made of minutes of the spool, within CloudWatch's limits: 1000 metrics, 1 MB before
 * compression, 150 values a metric (API reference, PutMetricData).
 */
#ifndef ISAMON_PUT_METRIC_DATA_H
#define ISAMON_PUT_METRIC_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ship/datum.h"

#define PUT_METRICS_MAX 1000
#define PUT_BYTES_MAX 1000000

/* What belongs to the host and the configuration, not to a minute. Texts are not owned. */
struct put_options {
	const char *metric_namespace;
	unsigned int resolution_s;            /* StorageResolution: 1 or 60 */
	const char *instance_id;              /* NULL: not known; then nothing with InstanceId */
	struct datum_dimension dimensions[8]; /* further ones, published all together */
	size_t n_dimensions;
};

struct put_request {
	struct buf body; /* without the closing "]}" until put_end() */
	size_t n_metrics;
};

/* A copy that owns its texts, all but the instance id, which is NULL. Returns 0 or -ENOMEM. */
int put_options_copy(const struct put_options *o, struct put_options *ret);
/* Frees the texts of a copy; all zero is fine. */
void put_options_done(struct put_options *o);

/* How many metrics one datum is published as: without dimensions, with InstanceId, with the further ones. */
size_t put_sets(const struct put_options *o);

int put_begin(struct put_request *r, const struct put_options *o);
/* Adds a minute, with every set of dimensions. Returns 0; -E2BIG: it does not fit any more (nothing was added); -EINVAL: the
 * payload is none; -ENOMEM. */
int put_add(struct put_request *r, const struct put_options *o, int64_t start_s,
	    const void *payload, size_t n);
int put_end(struct put_request *r);
void put_done(struct put_request *r);

#endif
