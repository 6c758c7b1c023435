/* SPDX-License-Identifier: MIT */
/* A request target taken apart: what route.c matches and names. A plain value. */
#ifndef ISAMON_ROUTE_PATH_H
#define ISAMON_ROUTE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define ROUTE_PATH_BYTES_MAX 512
#define ROUTE_PATH_SEGMENTS_MAX 64

enum route_path_form {
	ROUTE_PATH_SEGMENTS,  /* a path, as below */
	ROUTE_PATH_ASTERISK,  /* "*" */
	ROUTE_PATH_AUTHORITY, /* "host:port" */
	ROUTE_PATH_INVALID,   /* something that no request line may say */
};

struct route_segment {
	const char *text; /* decoded; points into struct route_path */
	size_t len;
	bool invalid; /* not plain text */
	bool unknown; /* its end was cut off */
};

struct route_path {
	enum route_path_form form;
	size_t n;
	bool slash; /* ends in one; true for "/" */
	bool more;  /* there were more segments than fit */
	struct route_segment segments[ROUTE_PATH_SEGMENTS_MAX];
	char bytes[ROUTE_PATH_BYTES_MAX];
};

/* Takes @len raw bytes apart, as route.h says. What is behind ROUTE_PATH_BYTES_MAX counts as
 * cut. */
void route_path_parse(const char *raw, size_t len, bool cut, struct route_path *ret);

#endif
