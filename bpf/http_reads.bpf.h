/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When the service reads what has arrived: between a request's arrival and that it waits in the socket's queue,
 * for an event loop that is busy or a worker that is not there.
 *
 * The environment notes the first and the last read since a request ended. For a request that was read
 * together with one ahead of it (pipelining) the last one is the nearest that is known. Where the first is older than
 * the request (the rest of a body whose answer came early) it is not known.
 */
#ifndef ISAMON_HTTP_READS_BPF_H
#define ISAMON_HTTP_READS_BPF_H

#include "http_conn.bpf.h"

/* @r is over: says in it when it was first read and by whom, if that is known. */
static __always_inline void http_reads_take(struct http_conn *c, struct http_record *r)
{
	struct http_reads *reads = env_reads(c);
	__u64 read;

	if (!reads)
		return;
	read = reads->first_ns;
	if (read < r->start_ns && r->flags & HTTP_FLAG_PIPELINED)
		read = reads->last_ns;
	if (read >= r->start_ns && read <= r->end_ns) {
		r->read_ns = read;
		r->pid = reads->pid;
	}
	reads->first_ns = 0;
}

/* What is read from now on belongs to what has just arrived. */
static __always_inline void http_reads_reset(struct http_conn *c)
{
	struct http_reads *reads = env_reads(c);

	if (reads)
		reads->first_ns = 0;
}

#endif
