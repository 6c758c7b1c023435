/* SPDX-License-Identifier: MIT */
/* The HTTP state machine, compiled for user space, on every case and every cut. */
#include "bpf/http_user.h"

#include "bpf/http_drive.h"

static struct http_conn conn;

static void start(bool synced, bool watched, uint32_t rx_next, uint32_t tx_next)
{
	memset(&conn, 0, sizeof(conn));
	user_reset();
	http_conn_init(&conn, 7, 8000, synced, rx_next, tx_next);
	conn.watched = watched;
}

static void segment(bool in, uint32_t seq, uint32_t ack, const char *bytes, size_t len, char flags)
{
	struct __sk_buff skb = { .bytes = bytes, .len = (uint32_t)len };
	struct http_packet p = {
		.seq = seq,
		.ack = ack,
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
	segment(true, 1, 1, text, len, 0);
	EXPECT_UINT(user_env.totals.started, 100);
	len = 0;
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"HTTP/1.1 200 K\r\nContent-Length:0\r\n\r\n");
	segment(false, 1, 1, text, len, 0);
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
	user_reset();
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
	segment(true, 101, 0, GET_A, strlen(GET_A), 0); /* and again, for the socket */
	segment(false, 501, 0, OK_5, strlen(OK_5), 0);
	EXPECT_UINT(user_env.totals.started, 1);
	EXPECT_UINT(user_env.n_records, 1);
	EXPECT_UINT(user_env.records[0].status, 200);
	EXPECT_UINT(user_env.records[0].path_len, 2);
}

static size_t held(void)
{
	size_t n = 0;

	for (size_t i = 0; i < HTTP_HELD_N; i++)
		n += user_held[i].owner != 0;
	return n;
}

#define UPLOAD_CHUNKS 60
#define UPLOAD_CHUNK 5000
static char upload[UPLOAD_CHUNKS * (UPLOAD_CHUNK + 16) + 200];

/* A chunked upload whose body is full of what looks like framing. Returns its length. */
static size_t make_upload(void)
{
	static const char decoy[] = "\r\n3\r\nGET /x HTTP/1.1\r\n0\r\n\r\n";
	size_t len = (size_t)snprintf(upload, sizeof(upload),
				      "POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");

	for (int i = 0; i < UPLOAD_CHUNKS; i++) {
		len += (size_t)snprintf(upload + len, sizeof(upload) - len, "%x\r\n", UPLOAD_CHUNK);
		for (size_t k = 0; k < UPLOAD_CHUNK; k++)
			upload[len++] = decoy[k % (sizeof(decoy) - 1)];
		len += (size_t)snprintf(upload + len, sizeof(upload) - len, "\r\n");
	}
	return len + (size_t)snprintf(upload + len, sizeof(upload) - len, "0\r\n\r\n");
}

/* Segments of all sizes, in the wrong order within runs of up to 60,000 bytes. */
static void upload_shuffled(void)
{
	size_t len = make_upload(), done;
	uint32_t seed = 1;

	for (int round = 0; round < 200; round++) {
		start(true, true, 1, 1);
		for (done = 0; done < len;) {
			size_t at[20], n = 0, k;

			at[0] = done;
			while (n < 15 && at[n] < len) {
				seed = seed * 1103515245 + 12345;
				at[n + 1] = at[n] + 1 + (seed >> 16) % 4000;
				if (at[n + 1] > len)
					at[n + 1] = len;
				n++;
			}
			for (size_t i = 0; i < n; i++) {
				k = round % 2 ? n - 1 - i : (i * 7 + (size_t)round) % n;
				if (!round || n % 7 == 0)
					k = i;
				segment(true, 1 + (uint32_t)at[k], 1, upload + at[k],
					at[k + 1] - at[k], 0);
			}
			done = at[n];
		}
		segment(false, 1, 1 + (uint32_t)len, OK_5, strlen(OK_5), 0);
		EXPECT_UINT(user_env.totals.desyncs, 0);
		EXPECT_UINT(user_env.n_records, 1);
		EXPECT_UINT(user_env.records[0].request_bytes, UPLOAD_CHUNKS * UPLOAD_CHUNK);
		EXPECT_UINT(held(), 0);
	}
}

/* What finds no room is a gap: said, and the next request is found. */
static void more_than_is_held(void)
{
	size_t len = make_upload();
	uint32_t seq = 1 + (uint32_t)len;

	start(true, true, 1, 1);
	segment(true, 1, 1, upload, 40, 0);
	for (size_t i = 0, at = 200; i <= HTTP_HELD_MAX; i++, at += 2000) {
		EXPECT_UINT(held(), i);
		EXPECT_UINT(user_env.totals.desyncs, 0);
		segment(true, 1 + (uint32_t)at, 1, upload + at, 2000, 0);
	}
	EXPECT_UINT(held(), 0);
	EXPECT_UINT(user_env.totals.desyncs, 1);
	segment(false, 1, seq, OK_5, strlen(OK_5), 0);
	segment(true, seq, 1, GET_B, strlen(GET_B), 0);
	segment(false, 1 + (uint32_t)strlen(OK_5), seq + (uint32_t)strlen(GET_B), OK_5,
		strlen(OK_5), 0);
	EXPECT_UINT(user_env.totals.started, 2);
	EXPECT_UINT(user_env.n_records, 2);
	EXPECT_UINT(user_env.records[1].path_len, 2);
}

/* Three GiB of which the service acknowledges nothing that we see: then two segments change places. */
static void upload_without_answers(void)
{
	static const char head[] =
		"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nc0000000\r\n";
	static const char tail[] = "\r\n5\r\nhello\r\n0\r\n\r\n";
	const uint32_t body = 1 + sizeof(head) - 1, end = body + 0xc0000000u;
	size_t len = sizeof(tail) - 1;

	start(true, true, 1, 1);
	segment(true, 1, 1, head, sizeof(head) - 1, 0);
	for (uint32_t at = 0x3fff0000u; at < 0xc0000000u; at += 0x3fff0000u)
		segment(true, body + at, 1, "inside", 6, 0);
	segment(true, end + 9, 1, tail + 9, len - 9, 0);
	segment(true, end, 1, tail, 9, 0);
	segment(false, 1, end + (uint32_t)len, OK_5, strlen(OK_5), 0);
	EXPECT_UINT(user_env.totals.desyncs, 0);
	EXPECT_UINT(user_env.n_records, 1);
	EXPECT_UINT(user_env.records[0].request_bytes, 0xc0000005u);
}

/* The first of three was not seen; the others wait for it in vain, and are answered. */
static void answers_to_what_waits(void)
{
	const uint32_t a = strlen(GET_A), b = strlen(GET_B);
	char answers[256];

	start(true, true, 1, 1);
	segment(true, 1 + a, 1, GET_B, b, 0);
	segment(true, 1 + a + b, 1, GET_A, a, 0);
	snprintf(answers, sizeof(answers), "%s%s%s", OK_5, OK_0, OK_5);
	segment(false, 1, 1 + a + b + a, answers, strlen(answers), 0);
	EXPECT_UINT(user_env.totals.started, 3);
	EXPECT_UINT(user_env.n_records, 3);
	segment(true, 1 + a + b + a, 1, GET_B, b, 0);
	segment(false, 1 + (uint32_t)strlen(answers), 1 + 2 * (a + b), OK_0, strlen(OK_0), 0);
	EXPECT_UINT(user_env.n_records, 4);
	EXPECT_UINT(user_env.records[3].path_len, 2);
	EXPECT_UINT(held(), 0);
}

/* The same early segment again and again takes one place. */
static void early_and_repeated(void)
{
	start(true, true, 1, 1);
	for (int i = 0; i < 2 * HTTP_HELD_MAX; i++)
		segment(true, 1 + 5, 1, &GET_A[5], strlen(GET_A) - 5, 0);
	EXPECT_UINT(held(), 1);
	segment(true, 1, 1, GET_A, 5, 0);
	segment(false, 1, 1 + (uint32_t)strlen(GET_A), OK_5, strlen(OK_5), 0);
	EXPECT_UINT(user_env.n_records, 1);
	EXPECT_UINT(user_env.totals.desyncs, 0);
}

/* Nothing stays behind when a connection ends; what is forgotten anyway is given away after its time. */
static void pool_is_given_back(void)
{
	start(true, true, 1, 1);
	segment(true, 101, 1, GET_A, strlen(GET_A), 0);
	EXPECT_UINT(held(), 1);
	closed();
	EXPECT_UINT(held(), 0);
	start(true, true, 1, 1);
	for (size_t i = 0; i < HTTP_HELD_N; i++)
		user_held[i] = (struct http_held){ .owner = 99, .since_ns = 1 };
	segment(true, 1 + 5, 1, &GET_A[5], strlen(GET_A) - 5, 0);
	EXPECT_UINT(conn.held, 0); /* no room */
	start(true, true, 1, 1);
	for (size_t i = 0; i < HTTP_HELD_N; i++)
		user_held[i] = (struct http_held){ .owner = 99, .since_ns = 1 };
	user_env.now = HTTP_HELD_STALE + 1;
	segment(true, 1 + 5, 1, &GET_A[5], strlen(GET_A) - 5, 0);
	EXPECT_UINT(conn.held, 1);
	segment(true, 1, 1, GET_A, 5, 0);
	segment(false, 1, 1 + (uint32_t)strlen(GET_A), OK_5, strlen(OK_5), 0);
	EXPECT_UINT(user_env.n_records, 1);
	EXPECT_UINT(user_env.records[0].path_len, 2);
	EXPECT_UINT(held(), HTTP_HELD_N - 1);
}

/* Nothing is taken over but what the table of layouts says. */
static void layout(void)
{
	EXPECT_UINT(offsetof(struct http_slot, slack), sizeof(struct http_record));
	EXPECT(sizeof(struct http_conn) <= 1280);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, all_cases },
		{ "a hundred requests in one segment", deep_pipeline },
		{ "a request that the listener saw", adopted },
		{ "an upload in the wrong order", upload_shuffled },
		{ "more comes early than is held", more_than_is_held },
		{ "an upload of three GiB without an answer", upload_without_answers },
		{ "answers to what waits for a segment in vain", answers_to_what_waits },
		{ "an early segment, repeated", early_and_repeated },
		{ "the pool of early segments", pool_is_given_back },
		{ "layout", layout },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
