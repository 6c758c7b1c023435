/* SPDX-License-Identifier: MIT */
/*
 * The probe behind the HTTP metrics: loads bpf/http.bpf.c, attaches it to the root of the cgroup2 hierarchy,
 * hands out its records and counters.
 */
#ifndef ISAMON_HTTP_PROBE_H
#define ISAMON_HTTP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http_abi.h"

struct http_probe;

struct http_probe_options {
	size_t ring_bytes; /* a power of two, a multiple of the page size */
};

/* Gets each record, in the order in which requests ended. @r is valid during the call only. */
typedef void (*http_probe_fn)(const struct http_record *r, size_t size, void *ctx);

/*
 * Loads and attaches; afterwards nothing is traced until http_probe_set_ports(). On failure
 * returns -errno, and @why says in a few sentences what was refused, why, and what to do.
 * Blocks for the verifier: some tenths of a second.
 */
int http_probe_open(const struct http_probe_options *o, http_probe_fn fn, void *ctx,
		    struct buf *why, struct http_probe **ret_probe);
/* Detaches, then frees. Records that were not drained are lost. NULL is fine. */
void http_probe_close(struct http_probe *p);

/* The service's ports, from now on; connections of a port that goes are left alone. Never fails. */
void http_probe_set_ports(struct http_probe *p, const uint16_t *ports, size_t n);

/* Whether the ends of silent connections are seen (sock_ops attached): the probe "http_close". */
bool http_probe_sees_close(const struct http_probe *p);
/* Whether it is seen when the service reads (a raw tracepoint attached): the probe "queue". */
bool http_probe_sees_reads(const struct http_probe *p);

/* Readable when the ring is getting full before the timed drain: for the event loop. */
int http_probe_fd(const struct http_probe *p);
/* Hands every waiting record to the callback. Returns how many, or -errno. */
int http_probe_drain(struct http_probe *p);
/* The counters, summed over the CPUs. Returns 0 or -errno. */
int http_probe_totals(const struct http_probe *p, struct http_totals *ret_totals);

#endif
