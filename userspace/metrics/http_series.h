/* SPDX-License-Identifier: MIT */
/*
 * The series of the four HTTP histogram families: one for each (method, route, status), made once,
 * never removed.
 *
 * What it costs: a series 600 bytes and its labels (some 90), and about 40 in the table: 0.75 KB.
 */
#ifndef ISAMON_HTTP_SERIES_H
#define ISAMON_HTTP_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "http_abi.h"
#include "metrics/expo.h"
#include "metrics/time_histogram.h"

/* Upper bounds; one more bucket is for what lies above. */
#define HTTP_SIZE_BOUNDS 12

enum http_time { HTTP_TIME_DURATION, HTTP_TIME_FIRST_BYTE, HTTP_TIME_N };
enum http_size { HTTP_SIZE_REQUEST, HTTP_SIZE_RESPONSE, HTTP_SIZE_N };

/* As they are printed. */
extern const char *const http_series_size_bounds[HTTP_SIZE_BOUNDS];

struct http_series {
	struct time_histogram times[HTTP_TIME_N];
	struct {
		uint64_t counts[HTTP_SIZE_BOUNDS + 1];
		uint64_t sum;
	} sizes[HTTP_SIZE_N];
	char labels[]; /* ready for the page */
};

struct http_series_slot;

struct http_series_set {
	struct http_series **all; /* in the order in which they were made */
	size_t n;
	size_t room;
	struct http_series_slot *slots;
	size_t n_slots;
};

/* The set's memory; the set may be used again. An all-zero set is an empty one. */
void http_series_done(struct http_series_set *s);

/* @status 0: unknown, the series has no such label. Returns NULL if there is none yet. */
struct http_series *http_series_find(const struct http_series_set *s, uint32_t route,
				     enum http_method method, unsigned int status);
/* Makes one that is not there yet. @route_name is copied. Returns NULL if there is no memory. */
struct http_series *http_series_add(struct http_series_set *s, uint32_t route,
				    const char *route_name, enum http_method method,
				    unsigned int status);

void http_series_add_time(struct http_series *s, enum http_time which, uint64_t ns);
void http_series_add_size(struct http_series *s, enum http_size which, uint64_t bytes);

#endif
