/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is kept of a connection, and the environment its state machine runs in.
 *
 * Two sides work on a connection without a lock between them: rx (packets that arrive) owns .rx and
 * .next, tx (packets that leave, always under the socket's lock) owns .tx. Requests pass from rx to
 * tx through .begun and .ended: rx raises .begun when a request's first byte arrives, tx raises .ended
 * when its response is done. The request being answered stands in .now; those
 * that wait behind it (pipelining) stand in a map of the environment, by (id, number).
 *
 * The environment provides, before this file is included:
 *   env_load(skb, offset, to, n)   bytes of the packet; 0 on success
 *   env_now()                      CLOCK_MONOTONIC, ns
 *   env_emit(record, size)         to user space; counts what is lost
 *   env_totals()                   this CPU's counters, or NULL
 *   env_wait(id, number, record)   keep a waiting request; 0 on success
 *   env_fetch(id, number, record)  take it back; 0 on success
 *   env_held(i)                    the i-th of HTTP_HELD_N struct http_held, or NULL; shared by all
 *   env_reads(c)                   when the service read from the connection, or NULL if that is not known
 *   env_reads_end(c)               nobody will ask that any more
 *   env_loop(n, fn, ctx)           fn(i, ctx) until it returns 1
 *   env_word(at), env_store_word(at, w)  eight bytes, wherever they stand
 *   env_opaque(n), env_forget(),
 *   env_unroll                     what the verifier needs of the compiler
 *   env_global                     a function that the verifier looks at once, not at each call; its
 *                                  pointers may be NULL for all it knows
 */
#ifndef ISAMON_HTTP_CONN_BPF_H
#define ISAMON_HTTP_CONN_BPF_H

#include "http_abi.h"

/* Bytes of the packet that are looked at together; a power of two (the verifier wants a mask). */
#define HTTP_WINDOW 256
/* Room behind it: four words are looked at together from any byte on. */
#define HTTP_WINDOW_SLACK 32

enum http_state {
	HTTP_IDLE = 0,   /* between messages */
	HTTP_METHOD,     /* inside a method */
	HTTP_TARGET,     /* inside a request target */
	HTTP_STATUS,     /* inside "HTTP/1.1 200" */
	HTTP_SKIP,       /* to the end of the line, then .after */
	HTTP_NAME,       /* at the start of a header line */
	HTTP_NAME_CR,    /* behind a CR there */
	HTTP_MATCH,      /* inside a header name that may be one of ours */
	HTTP_LENGTH,     /* inside the value of Content-Length */
	HTTP_CODING,     /* inside the value of Transfer-Encoding */
	HTTP_TYPE,       /* inside the value of Content-Type */
	HTTP_SIZE,       /* inside a chunk's size */
	HTTP_CHUNK_END,  /* CR LF behind a chunk */
	HTTP_TRAILER,    /* at the start of a trailer line */
	HTTP_TRAILER_CR, /* behind a CR there */
	HTTP_FRAME,      /* inside the header of a WebSocket frame */
	/* From here on no byte is looked at. */
	HTTP_BODY,        /* .left bytes of body to come */
	HTTP_CHUNK,       /* .left bytes of chunk to come */
	HTTP_UNTIL_CLOSE, /* a body that the close of the connection ends */
	HTTP_SIZE_END,    /* behind a chunk's size line */
	HTTP_PAYLOAD,     /* .left bytes of a WebSocket frame to come */
};

enum http_half_flag {
	HTTP_HAS_LENGTH = 1 << 0,
	HTTP_HAS_CODING = 1 << 1,
	HTTP_CHUNKED = 1 << 2, /* the last transfer coding is chunked */
	HTTP_BAD_LENGTH = 1 << 3,
	HTTP_DIGITS = 1 << 4, /* a digit was seen where one is due */
	HTTP_EVENTS = 1 << 5, /* Content-Type is text/event-stream */
};

/* One direction of a connection. */
struct http_half {
	__u64 left;   /* bytes of body or chunk still to come */
	__u64 length; /* Content-Length, or a frame's; while inside a method, its first 8 letters */
	__u64 body;   /* bytes of body seen in this message */
	__u32 next;   /* sequence number that continues what was seen */
	__u32 lines_from, lines_have, lines_done; /* of http_lines(), while it runs */
	__u8 state;                               /* enum http_state */
	__u8 after;  /* where HTTP_SKIP goes on; a frame's second byte */
	__u8 flags;  /* enum http_half_flag */
	__u8 name;   /* HTTP_MATCH: which name; a frame's first byte */
	__u8 at;     /* how far inside a method, a status, a name, a word */
	__u8 resync; /* framing is not known: wait for what looks like the start of a message */
	__u8 busy;   /* rx: a request has begun and not all of it has arrived */
	__u8 pad;
	__u8 window[HTTP_WINDOW + HTTP_WINDOW_SLACK];
};

/* A record with room behind it, so that a path may be stored eight bytes at a time. */
struct http_slot {
	struct http_record r;
	__u64 slack;
};

/* When the service read from a socket: written where it reads, not by rx or tx. */
struct http_reads {
	__u64 first_ns; /* since the last request ended; 0: not yet */
	__u64 last_ns;
	__u32 pid; /* the process that read first */
	__u32 pad;
};

/* What follows a request that is over with 101. [0]: of the client, written by rx; [1]: of the service, by tx. */
struct http_ws {
	__u64 opened_ns;
	__u64 asked_ns; /* the first message of the client that no message of the service began behind; 0: none */
	__u64 asked_payload; /* ws.payload[0] before it */
	__u64 payload[2];    /* bytes, of whole messages */
	__u32 messages[2];   /* whole data messages */
	__u32 begun;         /* messages of the client */
	__u32 lost;          /* the framing is lost */
	__u8 inside[2];      /* between the frames of a message */
	__u8 closing;        /* who sent the first Close frame: 1 the client, 2 the service */
	__u8 answering; /* the message of the service that leaves answers what stands in now.r */
	__u32 answered; /* .begun when it began */
};

/* What .upgraded says. */
enum { HTTP_WEBSOCKET = 1, HTTP_TUNNEL = 2 };

struct http_conn {
	__u64 id;    /* names the connection in the map of waiting requests */
	__u32 begun; /* requests: written by rx */
	__u32 ended; /* requests: written by tx */
	__u32 claimed; /* where nobody tells of the close, rx ends requests, too: who is first, does */
	__u32 current; /* number of the request in .now */
	__u32 rx_lock;
	__u32 acked;      /* what the service's TCP has received at least, as its data says */
	__u32 generation; /* of its port, when it came into sight */
	__u16 reading;    /* index + 1 of the piece that rx reads; 0: a packet */
	__u16 port;
	__u8 synced;   /* both directions are known from their first byte, or HTTP was seen */
	__u8 watched;  /* the kernel will tell when the socket closes */
	__u8 pending;  /* no socket yet: nothing is counted (see http_adopt) */
	__u8 upgraded; /* what passes is not HTTP any more */
	__u8 non_http;
	__u8 closed;
	__u8 client_done; /* its FIN or RST was seen */
	__u8 server_done; /* our FIN or RST left */
	__u8 first_done;  /* which of them was first: enum http_end, 0: neither */
	__u8 gap;         /* rx missed bytes */
	__u8 held;        /* pieces of segments that arrived too early */
	__u8 in_next;     /* the request that rx is at stands in .next */
	__u64 sent_ns;    /* when tx last saw new bytes */
	__u64 socket;     /* names the socket to env_reads() */
	struct http_half rx;
	struct http_half tx;
	struct http_slot now;
	struct http_slot next;
	struct http_ws ws;
};

/* Pieces in the pool; pieces of one connection at most; bytes of a piece. Powers of two. */
#define HTTP_HELD_N 256
#define HTTP_HELD_MAX 128
#define HTTP_HELD_BYTES 4096

/* A piece of a segment that arrived too early (http_reorder.bpf.h). */
struct http_held {
	__u64 owner;    /* id of the connection */
	__u64 since_ns; /* 0: free */
	__u32 seq;
	__u32 len;
	__u8 bytes[HTTP_HELD_BYTES + HTTP_WINDOW]; /* with room behind it: read by the window */
};

#define HTTP_COUNT(c, field, n) \
	do { \
		struct http_totals *count_totals = env_totals(); \
\
		if (count_totals && !(c)->pending) \
			__sync_fetch_and_add(&count_totals->field, n); \
	} while (0)

/* What the state machine needs to know of a TCP segment. Sequence numbers in host order. */
struct http_packet {
	__u64 sent_ns; /* when TCP sends it; 0: not known, and for what arrives */
	__u32 seq;
	__u32 ack;
	__u32 offset; /* of the payload in the packet */
	__u32 len;    /* of the payload */
	__u8 fin;
	__u8 rst;
};

/* One pass over a segment's payload, and what was held behind it. */
struct http_scan {
	struct http_conn *c;
	struct __sk_buff *skb;
	__u64 now;
	__u32 offset;
	__u32 seq; /* of the payload's first byte */
	__u32 pos; /* of the payload */
	__u32 end;
	__u32 window_at;
	__u32 window_len;
};

#endif
