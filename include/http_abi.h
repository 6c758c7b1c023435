/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What bpf/http.bpf.c and user space say to each other.
 *
 * Fixed widths, natural alignment, explicit padding; every number in host byte order.
 * Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef ISAMON_HTTP_ABI_H
#define ISAMON_HTTP_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Bytes of a request's path that are kept; a longer one is cut and flagged. */
#define HTTP_PATH_MAX 128
/* Requests of one connection that wait behind the one being answered, with their details. */
#define HTTP_PIPELINE_MAX 64

enum http_method {
	HTTP_METHOD_OTHER = 0, /* a method that RFC 9110 and RFC 5789 do not know */
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_POST,
	HTTP_METHOD_PUT,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_CONNECT,
	HTTP_METHOD_OPTIONS,
	HTTP_METHOD_TRACE,
	HTTP_METHOD_PATCH,
	HTTP_METHOD_N,
};

/* How a request ended. */
enum http_end {
	HTTP_END_COMPLETE = 0, /* the last byte of the response left the host */
	HTTP_END_UPGRADE,      /* 101, or 2xx to CONNECT: what follows is not HTTP */
	HTTP_END_ABORT_CLIENT, /* the client closed, reset, or fell silent first */
	HTTP_END_ABORT_SERVER, /* the service closed or reset before it was done */
	HTTP_END_N,
};

enum http_phase {
	HTTP_PHASE_BEFORE = 0, /* no byte of the response had left */
	HTTP_PHASE_INSIDE,     /* the response had begun */
	HTTP_PHASE_N,
};

enum http_record_flag {
	HTTP_FLAG_APPROX_START = 1 << 0, /* start_ns is later than the truth */
	HTTP_FLAG_PATH_CUT = 1 << 1,     /* the path was longer than HTTP_PATH_MAX */
	HTTP_FLAG_NO_PATH = 1 << 2,      /* method and path were not seen */
	HTTP_FLAG_PIPELINED = 1 << 3,    /* arrived before the response ahead of it had ended */
	HTTP_FLAG_CHUNKED = 1 << 4,      /* the response was chunked */
};

/* One finished request. In the ring buffer only the first path_len bytes of path follow the
 * fixed part, so a record is HTTP_RECORD_FIXED + path_len bytes long. */
struct http_record {
	__u64 start_ns;       /* first byte of the request reached the host */
	__u64 first_byte_ns;  /* first byte of the final response left; 0: none did */
	__u64 end_ns;         /* last byte of the response left, or the abort was seen */
	__u64 request_bytes;  /* body, without framing; what was seen of it if aborted */
	__u64 response_bytes; /* body, without framing; what was sent of it if aborted */
	__u16 status;         /* 0: none was sent */
	__u16 port;           /* the service's */
	__u16 flags;          /* enum http_record_flag */
	__u8 method;          /* enum http_method */
	__u8 end;             /* enum http_end */
	__u8 phase;           /* enum http_phase: how far an aborted request came */
	__u8 path_len;        /* bytes of path, without the query; raw, not decoded */
	__u8 pad[6];
	char path[HTTP_PATH_MAX];
};
#define HTTP_RECORD_FIXED 56

_Static_assert(sizeof(struct http_record) == HTTP_RECORD_FIXED + HTTP_PATH_MAX, "record size");
_Static_assert(__builtin_offsetof(struct http_record, path) == HTTP_RECORD_FIXED, "path offset");

/* Counters kept per CPU by the kernel side. They are exact even where records are lost. */
struct http_totals {
	__u64 connections; /* accepted, or first seen in the middle */
	__u64 connections_closed;
	__u64 started; /* requests whose first byte was seen */
	__u64 ended[HTTP_END_N][HTTP_PHASE_N];
	__u64 discarded;         /* begun like a request, then was none */
	__u64 non_http;          /* connections that speak something else */
	__u64 desyncs;           /* framing lost; detail of a request may be missing */
	__u64 pipeline_overflow; /* pipelined requests beyond HTTP_PIPELINE_MAX: counted, without path */
	__u64 records_lost;      /* ring buffer full: counted here, absent from the histograms */
};
/* in flight = started - discarded - sum(ended) */

#endif
