/* SPDX-License-Identifier: MIT */
/*
 * Series by (route, method, status): an open-addressed table over an array that only grows.
 *
 * Invariant: n_slots is 0 or a power of two; at most half of the slots are used; a slot is free
 * when its series is NULL. A series never moves, so a page that is half written can go on by
 * index.
 */
#include "metrics/http_series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define SLOTS_FIRST 64
#define ROOM_FIRST 32
#define LABELS_BYTES_MAX 1024

struct http_series_slot {
	uint64_t key;
	struct http_series *series;
};

/* OpenMetrics' canonical numbers: Go's %g with ".0" behind what looks like an integer. */
const char *const http_series_size_bounds[HTTP_SIZE_BOUNDS] = {
	"0.0",          "256.0",         "1024.0",        "4096.0",
	"16384.0",      "65536.0",       "262144.0",      "1.048576e+06",
	"4.194304e+06", "1.6777216e+07", "6.7108864e+07", "2.68435456e+08",
};

static const uint64_t size_bounds[HTTP_SIZE_BOUNDS] = {
	0, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456,
};

static const char *const method_names[HTTP_METHOD_N] = {
	[HTTP_METHOD_OTHER] = "_OTHER",    [HTTP_METHOD_GET] = "GET",
	[HTTP_METHOD_HEAD] = "HEAD",       [HTTP_METHOD_POST] = "POST",
	[HTTP_METHOD_PUT] = "PUT",         [HTTP_METHOD_DELETE] = "DELETE",
	[HTTP_METHOD_CONNECT] = "CONNECT", [HTTP_METHOD_OPTIONS] = "OPTIONS",
	[HTTP_METHOD_TRACE] = "TRACE",     [HTTP_METHOD_PATCH] = "PATCH",
};

static uint64_t key_of(uint32_t route, enum http_method method, unsigned int status)
{
	return (uint64_t)route << 32 | (uint64_t)method << 16 | status;
}

/* The key's slot, or the free one where it would go. */
static struct http_series_slot *slot_of(struct http_series_slot *slots, size_t n_slots,
					uint64_t key)
{
	size_t i = (key * 0x9e3779b97f4a7c15ull >> 32) & (n_slots - 1);

	while (slots[i].series && slots[i].key != key)
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

void http_series_done(struct http_series_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->all[i]);
	free(s->all);
	free(s->slots);
	*s = (struct http_series_set){ 0 };
}

struct http_series *http_series_find(const struct http_series_set *s, uint32_t route,
				     enum http_method method, unsigned int status)
{
	if (!s->n_slots)
		return NULL;
	return slot_of(s->slots, s->n_slots, key_of(route, method, status))->series;
}

static int grow_slots(struct http_series_set *s)
{
	size_t n_slots = s->n_slots ? s->n_slots * 2 : SLOTS_FIRST;
	struct http_series_slot *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].series)
			*slot_of(slots, n_slots, s->slots[i].key) = s->slots[i];
	free(s->slots);
	s->slots = slots;
	s->n_slots = n_slots;
	return 0;
}

static int grow_room(struct http_series_set *s)
{
	size_t room = s->room ? s->room * 2 : ROOM_FIRST;
	struct http_series **all = realloc(s->all, room * sizeof(struct http_series *));

	if (!all)
		return -ENOMEM;
	s->all = all;
	s->room = room;
	return 0;
}

static int write_labels(struct buf *out, const char *route_name, enum http_method method,
			unsigned int status)
{
	char digits[8];

	expo_label(out, "http_request_method", method_names[method]);
	expo_label(out, "http_route", route_name);
	if (!status)
		return out->err;
	snprintf(digits, sizeof(digits), "%03u", status % 1000);
	return expo_label(out, "http_response_status_code", digits);
}

struct http_series *http_series_add(struct http_series_set *s, uint32_t route,
				    const char *route_name, enum http_method method,
				    unsigned int status)
{
	_cleanup_(buf_done) struct buf labels = BUF_INIT(LABELS_BYTES_MAX);
	uint64_t key = key_of(route, method, status);
	struct http_series *series;

	if (s->n == s->room && grow_room(s))
		return NULL;
	if (s->n * 2 >= s->n_slots && grow_slots(s))
		return NULL;
	if (write_labels(&labels, route_name, method, status))
		return NULL;
	series = calloc(1, sizeof(*series) + labels.len + 1);
	if (!series)
		return NULL;
	memcpy(series->labels, labels.data, labels.len);
	*slot_of(s->slots, s->n_slots, key) = (struct http_series_slot){ key, series };
	s->all[s->n++] = series;
	return series;
}

void http_series_add_time(struct http_series *s, enum http_time which, uint64_t ns)
{
	time_histogram_add(&s->times[which], ns);
}

void http_series_add_size(struct http_series *s, enum http_size which, uint64_t bytes)
{
	unsigned int i = 0;

	while (i < HTTP_SIZE_BOUNDS && bytes > size_bounds[i])
		i++;
	s->sizes[which].counts[i]++;
	s->sizes[which].sum += bytes;
}
