/* SPDX-License-Identifier: MIT */
/* Plays a case of http_cases.h against a machine, cut in a given way, and compares what comes out. */
#ifndef ISAMON_HTTP_DRIVE_H
#define ISAMON_HTTP_DRIVE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "http_cases.h"
#include "unit/unit.h"

#define DRIVE_RECORDS 64

/* The machine under test, in user space or in the kernel. */
struct machine {
	void (*start)(bool synced, bool watched, uint32_t rx_next, uint32_t tx_next);
	/* One segment that leaves acknowledges @ack; @flags: 'F' with FIN, 'R' with RST, 0. */
	void (*segment)(bool in, uint32_t seq, uint32_t ack, const char *bytes, size_t len,
			char flags);
	void (*closed)(void);
	void (*silent)(void);
	/* Records since the start, and totals of this case. */
	size_t (*records)(struct http_record *to, size_t max);
	void (*totals)(struct http_totals *to);
};

/* CUT_SWAPPED: in two, and the second arrives first; CUT_BACKWARDS: in pieces of .at bytes, the last one first. */
enum cut { CUT_WHOLE, CUT_TWO, CUT_BYTES, CUT_TWICE, CUT_SWAPPED, CUT_BACKWARDS };

struct play {
	const struct machine *m;
	enum cut cut;
	size_t at; /* CUT_TWO: where, counted over all the bytes of the case */
	size_t done;
	uint32_t client_seq, server_seq;
};

static void play_segment(struct play *p, bool in, const char *bytes, size_t len, size_t offset)
{
	uint32_t seq = (in ? p->client_seq : p->server_seq) + (uint32_t)offset;

	p->m->segment(in, seq, in ? p->server_seq : p->client_seq, bytes ? bytes + offset : NULL,
		      len, 0);
}

static void play_piece(struct play *p, bool in, const char *bytes, size_t len)
{
	play_segment(p, in, bytes, len, 0);
	if (p->cut == CUT_TWICE) /* as a whole once more, and its tail alone */
		play_segment(p, in, bytes, len, 0);
	if (p->cut == CUT_TWICE && len > 1)
		play_segment(p, in, bytes, len - len / 2, len / 2);
	*(in ? &p->client_seq : &p->server_seq) += (uint32_t)len;
}

static void play_backwards(struct play *p, const char *bytes, size_t len)
{
	for (size_t i = (len - 1) / p->at * p->at;; i -= p->at) {
		play_segment(p, true, bytes, len - i < p->at ? len - i : p->at, i);
		if (!i)
			break;
	}
	p->client_seq += (uint32_t)len;
}

static void play_bytes(struct play *p, bool in, const char *bytes, size_t len)
{
	size_t cut = p->at - p->done; /* wraps when it lies behind us: then nothing is cut here */

	if (p->cut == CUT_BYTES) {
		for (size_t i = 0; i < len; i++)
			play_piece(p, in, bytes + i, 1);
	} else if (p->cut == CUT_BACKWARDS && in && len) {
		play_backwards(p, bytes, len);
	} else if (p->cut == CUT_SWAPPED && in && cut > 0 && cut < len) {
		play_segment(p, in, bytes, len - cut, cut);
		play_segment(p, in, bytes, cut, 0);
		p->client_seq += (uint32_t)len;
	} else if (p->cut == CUT_TWO && cut > 0 && cut < len) {
		play_piece(p, in, bytes, cut);
		play_piece(p, in, bytes + cut, len - cut);
	} else {
		play_piece(p, in, bytes, len);
	}
	p->done += len;
}

static void play_flag(struct play *p, bool in, char flag)
{
	p->m->segment(in, in ? p->client_seq : p->server_seq, in ? p->server_seq : p->client_seq,
		      NULL, 0, flag);
}

static size_t turn_bytes(const struct http_turn *t)
{
	return t->n ? t->n : strlen(t->bytes);
}

static void play_turn(struct play *p, const struct http_turn *t)
{
	switch (t->kind) {
	case CLIENT:
	case SERVER: play_bytes(p, t->kind == CLIENT, t->bytes, turn_bytes(t)); break;
	case LOSE_OUT: p->server_seq += (uint32_t)strlen(t->bytes); break;
	case LOSE: p->client_seq += (uint32_t)strlen(t->bytes); break;
	case CLIENT_FIN:
	case CLIENT_RST: play_flag(p, true, t->kind == CLIENT_FIN ? 'F' : 'R'); break;
	case SERVER_FIN:
	case SERVER_RST: play_flag(p, false, t->kind == SERVER_FIN ? 'F' : 'R'); break;
	case CLOSED: p->m->closed(); break;
	case SILENT: p->m->silent(); break;
	case TURN_NONE: break;
	}
}

static size_t case_bytes(const struct http_case *c)
{
	size_t n = 0;

	for (size_t i = 0; i < HTTP_CASE_TURNS; i++)
		if (c->turns[i].kind == CLIENT || c->turns[i].kind == SERVER)
			n += turn_bytes(&c->turns[i]);
	return n;
}

static int differs(char *why, size_t size, const char *what, unsigned long long got,
		   unsigned long long expected)
{
	if (got == expected)
		return 0;
	snprintf(why, size, "%s: got %llu, expected %llu", what, got, expected);
	return 1;
}

static int record_differs(const struct http_case *c, size_t i, const struct http_record *r,
			  char *why, size_t size)
{
	__typeof__(&c->records[0]) e = &c->records[i];
	char what[160];

	snprintf(what, sizeof(what), "record %zu method", i);
	if (differs(why, size, what, r->method, e->method))
		return 1;
	if (r->path_len != strlen(e->path) || memcmp(r->path, e->path, r->path_len) != 0) {
		snprintf(why, size, "record %zu path: got \"%.*s\", expected \"%s\"", i,
			 r->path_len, r->path, e->path);
		return 1;
	}
	snprintf(what, sizeof(what), "record %zu status", i);
	if (differs(why, size, what, r->status, e->status))
		return 1;
	snprintf(what, sizeof(what), "record %zu end", i);
	if (differs(why, size, what, r->end, e->end))
		return 1;
	snprintf(what, sizeof(what), "record %zu phase", i);
	if (differs(why, size, what, r->phase, e->phase))
		return 1;
	snprintf(what, sizeof(what), "record %zu request bytes", i);
	if (differs(why, size, what, r->request_bytes, e->request_bytes))
		return 1;
	snprintf(what, sizeof(what), "record %zu response bytes", i);
	if (differs(why, size, what, r->response_bytes, e->response_bytes))
		return 1;
	snprintf(what, sizeof(what), "record %zu flags", i);
	if (differs(why, size, what, r->flags, e->flags))
		return 1;
	snprintf(what, sizeof(what), "record %zu kind", i);
	if (differs(why, size, what, r->kind, e->kind))
		return 1;
	snprintf(what, sizeof(what), "record %zu messages in", i);
	if (differs(why, size, what, r->messages_in, e->messages_in))
		return 1;
	snprintf(what, sizeof(what), "record %zu messages out", i);
	if (differs(why, size, what, r->messages_out, e->messages_out))
		return 1;
	if (r->start_ns > r->end_ns || (r->first_byte_ns && (r->first_byte_ns < r->start_ns ||
							     r->first_byte_ns > r->end_ns))) {
		snprintf(why, size, "record %zu: times out of order", i);
		return 1;
	}
	return 0;
}

static int outcome_differs(const struct machine *m, const struct http_case *c, char *why,
			   size_t size)
{
	struct http_record records[DRIVE_RECORDS];
	struct http_totals t;
	size_t n = m->records(records, DRIVE_RECORDS), expected = 0, requests = 0;
	unsigned long long ended = 0;

	while (expected < HTTP_CASE_RECORDS && c->records[expected].path)
		requests += c->records[expected++].kind == HTTP_KIND_REQUEST;
	if (differs(why, size, "records", n, expected))
		return 1;
	for (size_t i = 0; i < n; i++)
		if (record_differs(c, i, &records[i], why, size))
			return 1;
	m->totals(&t);
	for (int e = 0; e < HTTP_END_N; e++)
		ended += t.ended[e][0] + t.ended[e][1];
	return differs(why, size, "connections", t.connections, 1) ||
	       differs(why, size, "started", t.started, c->started ? c->started : requests) ||
	       differs(why, size, "ended", ended, requests) ||
	       differs(why, size, "discarded", t.discarded, c->discarded) ||
	       differs(why, size, "non-HTTP", t.non_http, c->non_http) ||
	       differs(why, size, "desyncs", t.desyncs, c->desyncs) ||
	       differs(why, size, "lost", t.records_lost, 0) ||
	       differs(why, size, "WebSockets", t.ws_opened, c->ws_opened) ||
	       differs(why, size, "WebSockets closed", t.ws_closed, c->ws_opened) ||
	       differs(why, size, "WebSockets desynced", t.ws_desyncs, c->ws_desyncs) ||
	       differs(why, size, "in flight", t.started - t.discarded - ended, 0);
}

static int play_case(const struct machine *m, const struct http_case *c, enum cut cut, size_t at,
		     uint32_t seq, char *why, size_t size)
{
	struct play p = {
		.m = m, .cut = cut, .at = at, .client_seq = seq, .server_seq = seq ^ 0x5a5a
	};

	m->start(!c->unsynced, !c->unwatched, p.client_seq, p.server_seq);
	for (size_t i = 0; i < HTTP_CASE_TURNS; i++)
		play_turn(&p, &c->turns[i]);
	return outcome_differs(m, c, why, size);
}

/* The case cut with @cut at every byte of it, the first that shows a difference in *ret_at. */
static int play_cuts(const struct machine *m, const struct http_case *c, enum cut cut,
		     size_t *ret_at, char *why, size_t size)
{
	size_t n = case_bytes(c);

	for (*ret_at = 1; *ret_at < n; ++*ret_at)
		if (play_case(m, c, cut, *ret_at, 1000, why, size))
			return 1;
	return 0;
}

/* One case in all its forms. Returns the name of the first that differs, NULL if none does. */
static const char *play_forms(const struct machine *m, const struct http_case *c, size_t *ret_at,
			      char *why, size_t size)
{
	*ret_at = 0;
	if (play_case(m, c, CUT_WHOLE, 0, 1000, why, size))
		return "whole";
	if (play_case(m, c, CUT_TWICE, 0, 1000, why, size))
		return "with retransmissions";
	if (play_case(m, c, CUT_WHOLE, 0, 0xfffffff0, why, size))
		return "over the wrap of sequence numbers";
	if (c->whole_only)
		return NULL;
	if (play_case(m, c, CUT_BYTES, 0, 1000, why, size))
		return "byte by byte";
	if (play_cuts(m, c, CUT_TWO, ret_at, why, size))
		return "cut in two";
	if (c->unsynced) /* nothing says that something came before the first segment */
		return NULL;
	if (play_cuts(m, c, CUT_SWAPPED, ret_at, why, size))
		return "cut in two, the second first";
	for (*ret_at = 5; *ret_at < 100; *ret_at *= 3)
		if (play_case(m, c, CUT_BACKWARDS, *ret_at, 0xfffffff0, why, size))
			return "backwards in pieces";
	return NULL;
}

/* Every case, whole, cut in two at every byte, byte by byte, with everything sent again, and in the wrong
 * order. Near the wrap of the sequence numbers, too. One verdict a case. */
static void play_all(const struct machine *m)
{
	char why[512];

	for (size_t i = 0; i < ARRAY_SIZE(http_cases); i++) {
		size_t at;
		const char *how;

		unit_begin("%s", http_cases[i].name);
		how = play_forms(m, &http_cases[i], &at, why, sizeof(why));
		if (how)
			FAIL_CASE("%s (%s, %zu)", why, how, at);
	}
}

#endif
