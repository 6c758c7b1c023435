/* SPDX-License-Identifier: MIT */
/*
 * Written straight into the buffer: a tree of values for it would cost the daemon megabytes for
 * a moment. Every string goes through write_string(), every other value is a number of ours.
 */
#include "metrics/top_json.h"

#include <string.h>

#include "base/utf8.h"

static void write_string(struct buf *out, const char *s)
{
	size_t left = strlen(s);

	buf_add_char(out, '"');
	while (left) {
		uint32_t c;
		size_t len = utf8_next(s, left, &c);

		if (!len)
			buf_add_str(out, "\\ufffd");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", (unsigned int)c);
		else if (c == '"' || c == '\\')
			buf_add(out, (char[]){ '\\', (char)c }, 2);
		else
			buf_add(out, s, len);
		s += len ? len : 1;
		left -= len ? len : 1;
	}
	buf_add_char(out, '"');
}

/* , "name": value */
static void write_number(struct buf *out, const char *name, uint64_t value)
{
	buf_add_str(out, ", \"");
	buf_add_str(out, name);
	buf_add_str(out, "\": ");
	buf_add_u64(out, value);
}

static void write_histogram(struct buf *out, const char *name, const struct histogram *h)
{
	const char *comma = "";

	buf_add_str(out, ", \"");
	buf_add_str(out, name);
	buf_add_str(out, "\": [");
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->counts[i])
			continue;
		buf_add_str(out, comma);
		buf_add_char(out, '[');
		buf_add_u64(out, i);
		buf_add_char(out, ',');
		buf_add_u64(out, h->counts[i]);
		buf_add_char(out, ']');
		comma = ",";
	}
	buf_add_char(out, ']');
}

static void write_route(struct buf *out, const struct http_route_stats *r)
{
	buf_add_str(out, "{\"route\": ");
	write_string(out, r->route);
	write_number(out, "requests", r->requests);
	write_number(out, "client_errors", r->client_errors);
	write_number(out, "server_errors", r->server_errors);
	write_number(out, "aborts", r->aborts);
	buf_printf(out, ", \"max_ns\": [%llu, %llu]", (unsigned long long)r->max_ns[0],
		   (unsigned long long)r->max_ns[1]);
	write_histogram(out, "histogram", &r->duration);
	write_histogram(out, "queue", &r->queue);
	buf_add_char(out, '}');
}

static void write_routes(struct buf *out, const struct http_metrics *m)
{
	const char *separator = "\n";

	buf_add_str(out, ", \"routes\": [");
	for (size_t i = 0; i < http_metrics_n_routes(m); i++) {
		struct http_route_stats r;

		http_metrics_route(m, i, &r);
		if (!r.requests && !r.aborts)
			continue;
		buf_add_str(out, separator);
		write_route(out, &r);
		separator = ",\n";
	}
	buf_add_char(out, ']');
}

static void write_chat(struct buf *out, const struct http_metrics *m)
{
	struct http_chat_stats c;

	http_metrics_chat(m, &c);
	buf_printf(out, ",\n \"websockets\": {\"open\": %llu", (unsigned long long)c.open);
	write_number(out, "messages_in", c.messages[0]);
	write_number(out, "messages_out", c.messages[1]);
	write_number(out, "turns", c.turns);
	write_histogram(out, "turn", &c.turn);
	buf_printf(out, "}, \"streams\": {\"ended\": %llu", (unsigned long long)c.streams);
	write_number(out, "aborted", c.streams_aborted);
	buf_add_char(out, '}');
}

static int write_processes(const struct top_source *s, struct buf *out)
{
	if (!s->processes)
		return 0;
	buf_add_str(out, ",\n \"processes\": ");
	return s->processes(out, s->processes_ctx);
}

int top_json_write(const struct top_source *s, struct buf *out)
{
	const struct http_totals *t = http_metrics_totals(s->metrics);
	int err;

	buf_add_str(out, "{\"service\": ");
	write_string(out, s->service);
	buf_add_str(out, ", \"service_up\": ");
	buf_add_str(out, s->service_up ? "true" : "false");
	write_number(out, "monotonic_ns", s->monotonic_ns);
	write_number(out, "since_ns", s->since_ns);
	write_number(out, "in_flight", http_totals_in_flight(t));
	write_number(out, "connections", http_totals_open_connections(t));
	write_number(out, "requests_started", t->started);
	write_number(out, "records_lost", t->records_lost);
	write_number(out, "non_http", t->non_http);
	write_chat(out, s->metrics);
	err = write_processes(s, out);
	if (err)
		return err;
	write_routes(out, s->metrics);
	return buf_add_str(out, "}\n");
}
