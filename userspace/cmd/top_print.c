/* SPDX-License-Identifier: MIT */
/* Writes a view as text, or as JSON. */
#include "cmd/top_print.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>

#include "cmd/top_format.h"

#define JSON_DIGITS 6

static void print_row(const struct top_row *r, const char *name, struct buf *out)
{
	char cell[TOP_CELL_MAX];
	unsigned int c;

	for (c = 0; c < TOP_COLUMNS; c++) {
		top_format_cell(r, c, cell);
		buf_printf(out, "%*s", TOP_COLUMN_WIDTH, cell);
	}
	buf_add_str(out, "  ");
	top_format_text(name, SIZE_MAX, top_format_utf8(), out);
	buf_add_char(out, '\n');
}

int top_print_text(const struct top_view *v, const char *source, struct buf *out)
{
	const struct top_sample *s = v->sample;
	char requests[TOP_CELL_MAX], errors[TOP_CELL_MAX];
	unsigned int c;
	size_t i;

	top_format_rate(v->total.requests_s, requests);
	top_format_rate(v->total.errors_s, errors);
	top_format_text(s->service, SIZE_MAX, top_format_utf8(), out);
	buf_printf(out, ": %s (%s, over %.1f s%s)\n", s->service_up ? "up" : "down", source,
		   v->interval_s, v->restarted ? ", since the daemon was restarted" : "");
	buf_printf(out, "requests/s %s  errors/s %s  in flight %ju  connections %ju  lost %ju\n\n",
		   requests, errors, (uintmax_t)s->in_flight, (uintmax_t)s->connections,
		   (uintmax_t)v->lost);
	for (c = 0; c < TOP_COLUMNS; c++)
		buf_printf(out, "%*s", TOP_COLUMN_WIDTH, top_column_name(c));
	buf_add_str(out, "  ROUTE\n");
	for (i = 0; i < v->n_rows; i++)
		print_row(&v->rows[i], v->rows[i].route, out);
	if (!v->n_rows)
		buf_add_str(out, "no request has ended yet\n");
	return out->err;
}

/* The times of a row; null where nothing ended. */
static json_t *seconds(const struct top_row *r, uint64_t ns)
{
	return r->requests && r->max_ns ? json_real((double)ns / 1e9) : json_null();
}

static int add_row(json_t *to, const struct top_row *r)
{
	return json_object_set_new(to, "requests_per_second", json_real(r->requests_s)) |
	       json_object_set_new(to, "errors_per_second", json_real(r->errors_s)) |
	       json_object_set_new(to, "client_errors_per_second", json_real(r->client_errors_s)) |
	       json_object_set_new(to, "aborts_per_second", json_real(r->aborts_s)) |
	       json_object_set_new(to, "p50_seconds", seconds(r, r->p50_ns)) |
	       json_object_set_new(to, "p90_seconds", seconds(r, r->p90_ns)) |
	       json_object_set_new(to, "p99_seconds", seconds(r, r->p99_ns)) |
	       json_object_set_new(to, "max_seconds", seconds(r, r->max_ns));
}

static int add_routes(json_t *list, const struct top_view *v)
{
	int failed = 0;
	json_t *route;
	size_t i;

	for (i = 0; i < v->n_rows && !failed; i++) {
		route = json_object();
		failed |= json_object_set_new(route, "route", json_string(v->rows[i].route));
		failed |= json_object_set_new(route, "requests",
					      json_integer((json_int_t)v->rows[i].requests));
		failed |= add_row(route, &v->rows[i]);
		failed |= json_array_append_new(list, route);
	}
	return failed;
}

static int add_head(json_t *to, const struct top_view *v, const char *source)
{
	const struct top_sample *s = v->sample;

	return json_object_set_new(to, "source", json_string(source)) |
	       json_object_set_new(to, "service", json_string(s->service)) |
	       json_object_set_new(to, "service_up", json_boolean(s->service_up)) |
	       json_object_set_new(to, "interval_seconds", json_real(v->interval_s)) |
	       add_row(to, &v->total) |
	       json_object_set_new(to, "in_flight", json_integer((json_int_t)s->in_flight)) |
	       json_object_set_new(to, "connections", json_integer((json_int_t)s->connections)) |
	       json_object_set_new(to, "records_lost", json_integer((json_int_t)v->lost));
}

static int add_bytes(const char *bytes, size_t n, void *ctx)
{
	return buf_add(ctx, bytes, n) ? -1 : 0;
}

int top_print_json(const struct top_view *v, const char *source, struct buf *out)
{
	json_t *root = json_object(), *list = json_array();
	int failed;

	failed = add_head(root, v, source) | add_routes(list, v);
	failed |= json_object_set_new(root, "routes", list);
	if (!failed)
		failed = json_dump_callback(root, add_bytes, out,
					    JSON_INDENT(2) | JSON_REAL_PRECISION(JSON_DIGITS));
	json_decref(root);
	if (failed)
		return out->err ? out->err : -ENOMEM;
	return buf_add_char(out, '\n');
}
