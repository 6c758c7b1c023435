/* SPDX-License-Identifier: MIT */
/*
 * The HTTP state machine on anything: bytes, cuts, losses, repetitions, in any order of the two sides.
 *
 * The first bytes of an input set the scene; then each turn is an opcode, a length and that many bytes.
 * Whatever comes, nothing is in flight behind a close, every request ends once, and no query
 * string is in a record.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/http_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static unsigned int next_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void swapped(struct http_conn *c, struct __sk_buff *skb, const struct http_packet *whole)
{
	struct http_packet first = *whole, second = *whole;

	first.len = whole->len / 2;
	first.fin = first.rst = 0;
	second.len -= first.len;
	second.offset += first.len;
	second.seq += first.len;
	http_ingress(c, skb, &second);
	http_ingress(c, skb, &first);
}

static void turn(struct http_conn *c, struct input *in, uint32_t seq[2])
{
	unsigned int op = next_byte(in), len = next_byte(in) * (op & 0x40 ? 7 : 1);
	struct __sk_buff skb;
	struct http_packet p = { .offset = 0 };
	unsigned int side = op & 1;

	if (len > in->left)
		len = (unsigned int)in->left;
	skb.bytes = (const char *)in->at;
	skb.len = len;
	in->at += len;
	in->left -= len;
	p.seq = seq[side];
	if ((op & 6) == 2) /* lost: the hook sees what is behind */
		p.seq += next_byte(in);
	if ((op & 6) == 4) /* seen before */
		p.seq -= next_byte(in);
	if (side) /* half of the time the service says what it has */
		p.ack = op & 0x20 ? seq[0] : 0;
	p.len = len;
	p.fin = (op & 0x18) == 0x08;
	p.rst = (op & 0x18) == 0x10;
	seq[side] = p.seq + len;
	if (side)
		http_egress(c, &skb, &p);
	else if ((op & 6) == 6 && len > 1) /* the second half first */
		swapped(c, &skb, &p);
	else
		http_ingress(c, &skb, &p);
}

static void check(const struct http_conn *c)
{
	const struct http_totals *t = &user_env.totals;
	uint64_t ended = 0, requests = 0;

	for (int e = 0; e < HTTP_END_N; e++)
		ended += t->ended[e][0] + t->ended[e][1];
	assert(t->started == t->discarded + ended);
	assert(c->begun == c->ended);
	assert(c->held == 0);
	for (size_t i = 0; i < HTTP_HELD_N; i++)
		assert(!user_held[i].owner);
	assert(t->ws_opened == t->ws_closed);
	for (size_t i = 0; i < user_env.n_records; i++)
		requests += user_env.records[i].kind == HTTP_KIND_REQUEST;
	assert(requests <= ended && requests + t->records_lost >= ended);
	for (size_t i = 0; i < user_env.n_records; i++) {
		const struct http_record *r = &user_env.records[i];

		assert(r->path_len <= HTTP_PATH_MAX && r->method < HTTP_METHOD_N &&
		       r->end < HTTP_END_N);
		assert(!memchr(r->path, '?', r->path_len) && !memchr(r->path, '\n', r->path_len));
		assert(r->start_ns <= r->end_ns && r->status < 1000);
		assert(!r->first_byte_ns || r->first_byte_ns <= r->end_ns);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	static struct http_conn c;
	unsigned int scene = next_byte(&in);
	uint32_t seq[2] = { scene & 4 ? 0xffffff00 : 1, 1 };

	memset(&c, 0, sizeof(c));
	user_reset();
	http_conn_init(&c, 7, 8000, scene & 1, seq[0], seq[1]);
	c.watched = scene >> 1 & 1;
	while (in.left > 2)
		turn(&c, &in, seq);
	http_conn_close(&c);
	check(&c);
	return 0;
}
