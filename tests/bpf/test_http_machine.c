/* SPDX-License-Identifier: MIT */
/* The HTTP state machine, compiled for user space, on every case and every cut. */
#include "bpf/http_user.h"

#include "bpf/http_drive.h"

static struct http_conn conn;

static void start(bool synced, bool watched, uint32_t rx_next, uint32_t tx_next)
{
	memset(&conn, 0, sizeof(conn));
	memset(&user_env, 0, sizeof(user_env));
	http_conn_init(&conn, 7, 8000, synced, rx_next, tx_next);
	conn.watched = watched;
}

static void segment(bool in, uint32_t seq, const char *bytes, size_t len, char flags)
{
	struct __sk_buff skb = { .bytes = bytes, .len = (uint32_t)len };
	struct http_packet p = {
		.seq = seq,
		.len = (uint32_t)len,
		.fin = flags == 'F',
		.rst = flags == 'R',
	};

	if (in)
		http_ingress(&conn, &skb, &p);
	else
		http_egress(&conn, &skb, &p);
}

static void closed(void)
{
	http_conn_close(&conn);
}

static void silent(void)
{
	conn.client_done = 1;
}

static size_t records(struct http_record *to, size_t max)
{
	size_t n = user_env.n_records < max ? user_env.n_records : max;

	memcpy(to, user_env.records, n * sizeof(*to));
	return n;
}

static void totals(struct http_totals *to)
{
	*to = user_env.totals;
}

static const struct machine user_machine = { start, segment, closed, silent, records, totals };

static void all_cases(void)
{
	play_all(&user_machine);
}

/* 100 in one segment: 65 are kept with their paths, the rest counted. */
static void deep_pipeline(void)
{
	static char text[100 * 40];
	size_t len = 0, with_path = 0;

	start(true, true, 1, 1);
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "GET /%d HTTP/1.1\r\n\r\n",
					i);
	segment(true, 1, text, len, 0);
	EXPECT_UINT(user_env.totals.started, 100);
	len = 0;
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"HTTP/1.1 200 K\r\nContent-Length:0\r\n\r\n");
	segment(false, 1, text, len, 0);
	EXPECT_UINT(user_env.n_records, 100);
	for (size_t i = 0; i < user_env.n_records; i++)
		with_path += user_env.records[i].path_len > 0;
	EXPECT_UINT(with_path, HTTP_PIPELINE_MAX + 1);
	EXPECT_UINT(user_env.totals.pipeline_overflow, 100 - with_path);
	EXPECT_UINT(user_env.totals.ended[HTTP_END_COMPLETE][HTTP_PHASE_INSIDE], 100);
}

/* What the listener saw is the new socket's, counted when it is there and not before. */
static void adopted(void)
{
	static struct http_conn pending;

	start(true, true, 101, 501);
	memset(&pending, 0, sizeof(pending));
	memset(&user_env, 0, sizeof(user_env));
	pending.pending = 1;
	http_conn_init(&pending, 9, 8000, true, 101, 0);
	{
		struct __sk_buff skb = { .bytes = GET_A, .len = strlen(GET_A) };
		struct http_packet p = { .seq = 101, .len = skb.len };

		http_ingress(&pending, &skb, &p);
		http_ingress(&pending, &skb, &p); /* again: its ACK was lost */
	}
	EXPECT_UINT(user_env.totals.started, 0);
	EXPECT_UINT(user_env.totals.connections, 0);
	memset(&conn, 0, sizeof(conn));
	http_conn_init(&conn, 10, 8000, true, 101, 501);
	http_adopt(&conn, &pending);
	EXPECT_UINT(user_env.totals.started, 1);
	EXPECT_UINT(user_env.totals.connections, 1);
	segment(true, 101, GET_A, strlen(GET_A), 0); /* and again, for the socket */
	segment(false, 501, OK_5, strlen(OK_5), 0);
	EXPECT_UINT(user_env.totals.started, 1);
	EXPECT_UINT(user_env.n_records, 1);
	EXPECT_UINT(user_env.records[0].status, 200);
	EXPECT_UINT(user_env.records[0].path_len, 2);
}

/* Nothing is taken over but what the table of layouts says. */
static void layout(void)
{
	EXPECT_UINT(offsetof(struct http_slot, slack), sizeof(struct http_record));
	EXPECT(sizeof(struct http_conn) <= 1200);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, all_cases },
		{ "a hundred requests in one segment", deep_pipeline },
		{ "a request that the listener saw", adopted },
		{ "layout", layout },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
