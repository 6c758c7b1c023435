/* SPDX-License-Identifier: MIT */
/*
 * Minutes into the body of one PutMetricData request. A minute goes in whole or not at all: what was written of one that does
 * not fit is taken out again. Room for the closing brackets is kept from the beginning.
 */
#include "ship/put_metric_data.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char closing[] = "]}";

static char *owned(const char *s)
{
	return (char *)(uintptr_t)s;
}

void put_options_done(struct put_options *o)
{
	free(owned(o->metric_namespace));
	for (size_t i = 0; i < o->n_dimensions; i++) {
		free(owned(o->dimensions[i].name));
		free(owned(o->dimensions[i].value));
	}
	*o = (struct put_options){ 0 };
}

int put_options_copy(const struct put_options *o, struct put_options *ret)
{
	struct put_options copy = { .resolution_s = o->resolution_s };
	bool whole;

	copy.metric_namespace = strdup(o->metric_namespace);
	whole = copy.metric_namespace;
	for (size_t i = 0; i < o->n_dimensions; i++) {
		struct datum_dimension *d = &copy.dimensions[copy.n_dimensions++];

		d->name = strdup(o->dimensions[i].name);
		d->value = strdup(o->dimensions[i].value);
		whole = whole && d->name && d->value;
	}
	if (!whole) {
		put_options_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

size_t put_sets(const struct put_options *o)
{
	return 1 + (o->instance_id != NULL) + (o->n_dimensions != 0);
}

int put_begin(struct put_request *r, const struct put_options *o)
{
	r->n_metrics = 0;
	buf_init(&r->body, PUT_BYTES_MAX - strlen(closing));
	buf_add_str(&r->body, "{\"Namespace\":");
	datum_write_text(o->metric_namespace, &r->body);
	return buf_add_str(&r->body, ",\"MetricData\":[");
}

struct adding {
	struct put_request *request;
	const struct put_options *options;
	int64_t start_s;
};

static int add_set(const struct adding *a, const struct datum *d,
		   const struct datum_dimension *dimensions, size_t n)
{
	struct put_request *r = a->request;
	int err;

	if (r->n_metrics == PUT_METRICS_MAX)
		return -E2BIG;
	if (r->n_metrics)
		buf_add_char(&r->body, ',');
	err = datum_write(d, dimensions, n, a->start_s, a->options->resolution_s, &r->body);
	if (err)
		return err == -EFBIG ? -E2BIG : err;
	r->n_metrics++;
	return 0;
}

static int add_datum(const struct datum *d, void *ctx)
{
	const struct adding *a = ctx;
	const struct put_options *o = a->options;
	struct datum_dimension instance = { "InstanceId", o->instance_id };
	int err;

	err = add_set(a, d, NULL, 0);
	if (!err && o->instance_id)
		err = add_set(a, d, &instance, 1);
	if (!err && o->n_dimensions)
		err = add_set(a, d, o->dimensions, o->n_dimensions);
	return err;
}

int put_add(struct put_request *r, const struct put_options *o, int64_t start_s,
	    const void *payload, size_t n)
{
	struct adding a = { r, o, start_s };
	size_t n_metrics = r->n_metrics, len = r->body.len;
	int err;

	if (r->body.err)
		return r->body.err;
	err = datum_decode(payload, n, add_datum, &a);
	if (!err)
		return 0;
	r->n_metrics = n_metrics;
	r->body.err = 0;
	r->body.len = len;
	r->body.data[len] = '\0';
	return err;
}

int put_end(struct put_request *r)
{
	r->body.max = PUT_BYTES_MAX;
	return buf_add_str(&r->body, closing);
}

void put_done(struct put_request *r)
{
	buf_done(&r->body);
}
