/* SPDX-License-Identifier: MIT */
/* Writes a view as text, or as JSON. */
#include "cmd/top_print.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>

#include "cmd/top_process_cell.h"

#define JSON_DIGITS 6

static void print_cell(const char *cell, int width, struct buf *out)
{
	buf_printf(out, "%*s", width, cell);
}

static void print_row(const struct top_row *r, const char *name, struct buf *out)
{
	char cell[TOP_CELL_MAX];
	unsigned int c;

	for (c = 0; c < TOP_COLUMNS; c++) {
		top_format_cell(r, c, cell);
		print_cell(cell, top_column_width(c), out);
	}
	buf_add_str(out, "  ");
	top_format_text(name, SIZE_MAX, top_format_utf8(), out);
	buf_add_char(out, '\n');
}

static void print_processes(const struct top_view *v, struct buf *out)
{
	char cell[TOP_CELL_MAX];
	unsigned int c;

	if (!v->n_processes)
		return;
	buf_add_char(out, '\n');
	for (c = 0; c < TOP_PROCESS_COLUMNS; c++)
		print_cell(top_process_column_name(c), top_process_column_width(c), out);
	buf_add_str(out, "  ");
	top_process_say_count(v, out);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < v->n_processes; i++) {
		for (c = 0; c < TOP_PROCESS_COLUMNS; c++) {
			top_process_format_cell(&v->processes[i], c, cell);
			print_cell(cell, top_process_column_width(c), out);
		}
		buf_add_char(out, '\n');
	}
	if (v->sample->rest.processes) {
		buf_add_str(out, "  ");
		top_process_say_rest(v, v->n_processes, out);
		buf_add_char(out, '\n');
	}
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
	buf_printf(out, "requests/s %s  errors/s %s  in flight %ju  connections %ju  lost %ju\n",
		   requests, errors, (uintmax_t)s->in_flight, (uintmax_t)s->connections,
		   (uintmax_t)v->lost);
	if (v->chat.any) {
		top_format_chat(v, out);
		buf_add_char(out, '\n');
	}
	buf_add_char(out, '\n');
	for (c = 0; c < TOP_COLUMNS; c++)
		print_cell(top_column_name(c), top_column_width(c), out);
	buf_add_str(out, "  ROUTE\n");
	for (i = 0; i < v->n_rows; i++)
		print_row(&v->rows[i], v->rows[i].route, out);
	if (!v->n_rows)
		buf_add_str(out, "no request has ended yet\n");
	print_processes(v, out);
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
	       json_object_set_new(to, "max_seconds", seconds(r, r->max_ns)) |
	       json_object_set_new(to, "queue_p99_seconds",
				   r->queued ? json_real((double)r->queue_p99_ns / 1e9) :
					       json_null());
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

static json_t *turn_seconds(const struct top_chat *c, uint64_t ns)
{
	return c->turns ? json_real((double)ns / 1e9) : json_null();
}

static int add_chat(json_t *to, const struct top_view *v)
{
	json_t *websockets = json_object(), *streams = json_object();
	const struct top_chat *c = &v->chat;
	int failed;

	failed =
		json_object_set_new(websockets, "open",
				    json_integer((json_int_t)v->sample->chat.open)) |
		json_object_set_new(websockets, "messages_in_per_second",
				    json_real(c->messages_in_s)) |
		json_object_set_new(websockets, "messages_out_per_second",
				    json_real(c->messages_out_s)) |
		json_object_set_new(websockets, "turns_per_second", json_real(c->turns_s)) |
		json_object_set_new(websockets, "turn_p50_seconds",
				    turn_seconds(c, c->turn_p50_ns)) |
		json_object_set_new(websockets, "turn_p99_seconds",
				    turn_seconds(c, c->turn_p99_ns)) |
		json_object_set_new(streams, "ended_per_second", json_real(c->streams_s)) |
		json_object_set_new(streams, "aborted_per_second", json_real(c->streams_aborted_s));
	return failed | json_object_set_new(to, "websockets", websockets) |
	       json_object_set_new(to, "streams", streams);
}

static json_t *known(uint64_t n)
{
	return n == TOP_UNKNOWN ? json_null() : json_integer((json_int_t)n);
}

static int add_process(json_t *list, const struct top_process_row *r)
{
	json_t *o = json_object();
	int failed;

	failed = json_object_set_new(o, "pid", known(r->process->pid)) |
		 json_object_set_new(o, "role", json_string(r->process->role)) |
		 json_object_set_new(o, "cpus", r->compared ? json_real(r->cpus) : json_null()) |
		 json_object_set_new(o, "rss_bytes", known(r->process->rss_bytes)) |
		 json_object_set_new(o, "threads", known(r->process->threads)) |
		 json_object_set_new(o, "fds", known(r->process->fds)) |
		 json_object_set_new(o, "requests_per_second",
				     r->requests_s >= 0 ? json_real(r->requests_s) : json_null());
	return failed | json_array_append_new(list, o);
}

static json_t *rest_of(const struct top_process_rest *rest)
{
	json_t *o = json_object();
	int failed;

	failed = json_object_set_new(o, "processes", known(rest->processes)) |
		 json_object_set_new(o, "cpus", json_real(rest->cpus)) |
		 json_object_set_new(o, "rss_bytes", known(rest->rss_bytes));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

/* No list where nobody knows them. */
static int add_processes(json_t *to, const struct top_view *v)
{
	const struct top_process_rest *rest = &v->sample->rest;
	json_t *list;
	int failed = 0;

	if (!v->sample->processes)
		return 0;
	list = json_array();
	for (size_t i = 0; i < v->n_processes; i++)
		failed |= add_process(list, &v->processes[i]);
	return failed | json_object_set_new(to, "processes", list) |
	       json_object_set_new(to, "processes_rest", rest_of(rest)) |
	       json_object_set_new(to, "processes_total", known(v->n_processes + rest->processes)) |
	       json_object_set_new(to, "processes_unsampled", known(rest->unsampled));
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

	failed = add_head(root, v, source) | add_chat(root, v) | add_processes(root, v) |
		 add_routes(list, v);
	failed |= json_object_set_new(root, "routes", list);
	if (!failed)
		failed = json_dump_callback(root, add_bytes, out,
					    JSON_INDENT(2) | JSON_REAL_PRECISION(JSON_DIGITS));
	json_decref(root);
	if (failed)
		return out->err ? out->err : -ENOMEM;
	return buf_add_char(out, '\n');
}
