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
	HTTP_FLAG_EVENTS = 1 << 5,       /* the response is text/event-stream */
	HTTP_FLAG_CLEAN = 1 << 6,        /* WEBSOCKET: a Close frame was seen before the end */
};

enum http_kind {
	HTTP_KIND_REQUEST = 0, /* a request that is over */
	HTTP_KIND_TURN,        /* WebSocket: a client's message and the first answer to it */
	HTTP_KIND_WEBSOCKET,   /* a WebSocket that was closed */
};

/*
 * Something that is over, by .kind. A turn begins with the first message of the client that has no answer, and
 * ends with the service's first message that began behind it. A turn and a WebSocket have the method, path
 * and port of the request that was upgraded, and status 101. In the ring buffer only the first path_len bytes
 * of path follow the fixed part, so a record is HTTP_RECORD_FIXED + path_len bytes long.
 */
struct http_record {
	/* First byte of the request (TURN: message) reached the host; WEBSOCKET: 101 left. */
	__u64 start_ns;
	/* First byte of the final response (TURN: answer) left; 0: none did. */
	__u64 first_byte_ns;
	/* Last byte of it left, or the abort was seen; WEBSOCKET: the connection was closed. */
	__u64 end_ns;
	/* REQUEST, TURN: the service read the first bytes of it; 0: not known. */
	__u64 read_ns;
	/* REQUEST: longest time between two segments of the response. */
	__u64 silence_ns;
	/* Bodies, without framing; of an aborted request what was seen. TURN, WEBSOCKET: payload of messages. */
	__u64 request_bytes;
	__u64 response_bytes;
	__u32 messages_in;  /* TURN: of the client, answered by it; WEBSOCKET: all */
	__u32 messages_out; /* TURN: 1; WEBSOCKET: all */
	__u32 pid;     /* of the process that read it, in the initial namespace; 0: not known */
	__u16 status;  /* 0: none was sent */
	__u16 port;    /* the service's */
	__u16 flags;   /* enum http_record_flag */
	__u8 method;   /* enum http_method */
	__u8 end;      /* enum http_end; WEBSOCKET: ABORT_CLIENT or _SERVER, who closed it */
	__u8 phase;    /* enum http_phase: how far an aborted request came */
	__u8 path_len; /* bytes of path, without the query; raw, not decoded */
	__u8 kind;     /* enum http_kind */
	__u8 pad;
	char path[HTTP_PATH_MAX];
};
#define HTTP_RECORD_FIXED 80

_Static_assert(sizeof(struct http_record) == HTTP_RECORD_FIXED + HTTP_PATH_MAX, "record size");
_Static_assert(__builtin_offsetof(struct http_record, path) == HTTP_RECORD_FIXED, "path offset");

/* Powers of four, microseconds, by which round trips are counted, and one more. */
#define HTTP_RTT_N 13

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
	__u64 ws_opened;         /* requests that became WebSockets */
	__u64 ws_closed;         /* those that ended, or whose framing was lost */
	__u64 ws_desyncs;        /* framing lost: a bug, or 101 to something else */
	__u64 ws_messages[2]; /* whole data messages: [0] of clients, [1] of the service */
	__u64 ws_bytes[2];    /* their payload as sent: compressed if that was agreed */
	__u64 resets[2];      /* RST segments: [0] that arrived, [1] that left */
	__u64 retransmits;    /* segments that the service's TCP sent again */
	/* Connections closed, by their smoothed round-trip time then: [i] up to 4^i us, the last beyond. */
	__u64 rtt[HTTP_RTT_N];
	__u64 rtt_us; /* the sum of these times */
};
/* in flight = started - discarded - sum(ended); WebSockets that are open = ws_opened - ws_closed */

#endif
