/* SPDX-License-Identifier: MIT */
/*
 * Builds samples. The JSON comes from root's own daemon, but perhaps from another version of it: every
 * type and range is checked, and what is wrong makes the whole answer wrong.
 */
#include "cmd/top_sample.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void free_json(json_t **j)
{
	json_decref(*j);
}

void top_sample_free(struct top_sample *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_routes; i++)
		free(s->routes[i].route);
	free(s->routes);
	free(s->processes);
	free(s->service);
	free(s);
}

void top_sample_freep(struct top_sample **s)
{
	top_sample_free(*s);
}

static int get_u64(const json_t *object, const char *key, uint64_t *ret)
{
	const json_t *j = json_object_get(object, key);

	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return -EPROTO;
	*ret = (uint64_t)json_integer_value(j);
	return 0;
}

static int get_string(const json_t *object, const char *key, char **ret)
{
	const char *value = json_string_value(json_object_get(object, key));

	if (!value)
		return -EPROTO;
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

static int parse_histogram(const json_t *list, struct histogram *h)
{
	const json_t *pair, *bucket, *count;
	size_t i;

	if (!json_is_array(list))
		return -EPROTO;
	for (i = 0; i < json_array_size(list); i++) {
		pair = json_array_get(list, i);
		bucket = json_array_get(pair, 0);
		count = json_array_get(pair, 1);
		if (!json_is_integer(bucket) || !json_is_integer(count) ||
		    json_integer_value(bucket) < 0 ||
		    json_integer_value(bucket) >= HISTOGRAM_BUCKETS ||
		    json_integer_value(count) < 0 || json_integer_value(count) > UINT32_MAX)
			return -EPROTO;
		h->counts[json_integer_value(bucket)] = (uint32_t)json_integer_value(count);
	}
	return 0;
}

static int parse_max(const json_t *pair, uint64_t *max_ns)
{
	const json_t *j;
	size_t i;

	for (i = 0; i < 2; i++) {
		j = json_array_get(pair, i);
		if (!json_is_integer(j) || json_integer_value(j) < 0)
			return -EPROTO;
		max_ns[i] = (uint64_t)json_integer_value(j);
	}
	return 0;
}

static int parse_route(const json_t *object, struct top_route *r)
{
	int err;

	if (get_u64(object, "requests", &r->requests) ||
	    get_u64(object, "client_errors", &r->client_errors) ||
	    get_u64(object, "server_errors", &r->server_errors) ||
	    get_u64(object, "aborts", &r->aborts))
		return -EPROTO;
	err = parse_max(json_object_get(object, "max_ns"), r->max_ns);
	if (!err)
		err = parse_histogram(json_object_get(object, "histogram"), &r->duration);
	if (!err)
		err = parse_histogram(json_object_get(object, "queue"), &r->queue);
	return err ? err : get_string(object, "route", &r->route);
}

static int parse_routes(const json_t *list, struct top_sample *s)
{
	size_t n = json_array_size(list);
	int err;

	if (!json_is_array(list) || n > TOP_ROUTES_MAX)
		return -EPROTO;
	s->routes = calloc(n ? n : 1, sizeof(*s->routes));
	if (!s->routes)
		return -ENOMEM;
	for (; s->n_routes < n; s->n_routes++) {
		err = parse_route(json_array_get(list, s->n_routes), &s->routes[s->n_routes]);
		if (err)
			return err;
	}
	return 0;
}

static int parse_chat(const json_t *root, struct http_chat_stats *c)
{
	const json_t *websockets = json_object_get(root, "websockets");
	const json_t *streams = json_object_get(root, "streams");

	if (get_u64(websockets, "open", &c->open) ||
	    get_u64(websockets, "messages_in", &c->messages[0]) ||
	    get_u64(websockets, "messages_out", &c->messages[1]) ||
	    get_u64(websockets, "turns", &c->turns) || get_u64(streams, "ended", &c->streams) ||
	    get_u64(streams, "aborted", &c->streams_aborted))
		return -EPROTO;
	return parse_histogram(json_object_get(websockets, "turn"), &c->turn);
}

static int parse_processes(const json_t *root, struct top_sample *s)
{
	const json_t *list = json_object_get(root, "processes");
	int err = top_process_parse_rest(json_object_get(root, "processes_rest"), &s->rest);

	return !err && list ? top_process_parse(list, &s->processes, &s->n_processes) : err;
}

static int parse_head(const json_t *root, struct top_sample *s)
{
	const json_t *up = json_object_get(root, "service_up");

	if (!json_is_boolean(up) || get_u64(root, "monotonic_ns", &s->monotonic_ns) ||
	    get_u64(root, "since_ns", &s->since_ns) || get_u64(root, "in_flight", &s->in_flight) ||
	    get_u64(root, "connections", &s->connections) ||
	    get_u64(root, "records_lost", &s->records_lost))
		return -EPROTO;
	s->service_up = json_is_true(up);
	return get_string(root, "service", &s->service);
}

int top_sample_parse(const char *json, size_t len, struct top_sample **ret)
{
	_cleanup_(top_sample_freep) struct top_sample *s = calloc(1, sizeof(*s));
	_cleanup_(free_json) json_t *root = json_loadb(json, len, 0, NULL);
	int err;

	if (!s)
		return -ENOMEM;
	if (!json_is_object(root))
		return -EPROTO;
	err = parse_head(root, s);
	if (!err)
		err = parse_chat(root, &s->chat);
	if (!err)
		err = parse_processes(root, s);
	if (!err)
		err = parse_routes(json_object_get(root, "routes"), s);
	if (err)
		return err;
	*ret = take(s);
	return 0;
}

/* Like the daemon, passes over a route of which nothing is known. */
static int take_route(const struct http_metrics *m, size_t i, struct top_sample *s)
{
	struct top_route *r = &s->routes[s->n_routes];
	struct http_route_stats stats;

	http_metrics_route(m, i, &stats);
	if (!stats.requests && !stats.aborts)
		return 0;
	r->requests = stats.requests;
	r->client_errors = stats.client_errors;
	r->server_errors = stats.server_errors;
	r->aborts = stats.aborts;
	memcpy(r->max_ns, stats.max_ns, sizeof(r->max_ns));
	r->duration = stats.duration;
	r->queue = stats.queue;
	r->route = strdup(stats.route);
	if (!r->route)
		return -ENOMEM;
	s->n_routes++;
	return 0;
}

static void take_totals(const struct http_totals *t, struct top_sample *s)
{
	s->in_flight = http_totals_in_flight(t);
	s->connections = http_totals_open_connections(t);
	s->records_lost = t->records_lost;
}

int top_sample_take(const struct http_metrics *m, const struct top_sample *head,
		    struct top_sample **ret)
{
	_cleanup_(top_sample_freep) struct top_sample *s = calloc(1, sizeof(*s));
	size_t n = http_metrics_n_routes(m), i;

	if (!s)
		return -ENOMEM;
	*s = *head;
	s->n_routes = 0;
	s->processes = NULL;
	s->n_processes = 0;
	s->service = strdup(head->service);
	s->routes = calloc(n ? n : 1, sizeof(*s->routes));
	if (!s->service || !s->routes)
		return -ENOMEM;
	take_totals(http_metrics_totals(m), s);
	http_metrics_chat(m, &s->chat);
	for (i = 0; i < n; i++)
		if (take_route(m, i, s))
			return -ENOMEM;
	*ret = take(s);
	return 0;
}
