/* SPDX-License-Identifier: MIT */
/* Any bytes as a payload of the spool: refused, or data that are written again as they were, and for CloudWatch as JSON. */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "ship/put_metric_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int encode(const struct datum *d, void *ctx)
{
	struct buf *out = ctx;

	assert(d->name && *d->name && d->unit && *d->unit);
	assert(d->n_dimensions <= DATUM_OWN_DIMENSIONS_MAX && d->n_values <= DATUM_VALUES_MAX);
	assert(isfinite(d->value) && isfinite(d->count) && isfinite(d->sum) && d->count >= 0);
	buf_add_char(out, out->len ? ',' : '[');
	return datum_encode_one(d, out);
}

static void put(const uint8_t *data, size_t size)
{
	struct put_options o = { .metric_namespace = "AgentISA",
				 .resolution_s = 60,
				 .instance_id = "i-1",
				 .dimensions = { { "a", "\"b\"" } },
				 .n_dimensions = 1 };
	struct put_request r;
	json_t *body;
	int err;

	assert(put_begin(&r, &o) == 0);
	err = put_add(&r, &o, 60, data, size);
	assert(err == 0 || err == -E2BIG);
	assert(put_end(&r) == 0);
	assert(r.n_metrics <= PUT_METRICS_MAX && r.body.len <= PUT_BYTES_MAX);
	body = json_loadb(r.body.data, r.body.len, 0, NULL);
	assert(json_array_size(json_object_get(body, "MetricData")) == r.n_metrics);
	json_decref(body);
	put_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_done) struct buf once = BUF_INIT(16u << 20), twice = BUF_INIT(16u << 20);
	int err = datum_decode(data, size, encode, &once);

	assert(err == 0 || err == -EINVAL);
	if (err || !once.len)
		return 0;
	buf_add_char(&once, ']');
	assert(datum_decode(once.data, once.len, encode, &twice) == 0);
	buf_add_char(&twice, ']');
	assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	put(data, size);
	return 0;
}
