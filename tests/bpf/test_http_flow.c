/* SPDX-License-Identifier: MIT */
/* What real connections tell besides their requests: when the service read, WebSockets, resets, round trips. */
#include "bpf/http_pair.h"

#define LATE_MS 40
#define NS_PER_MS 1000000ull
#define WS_ASK "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#define WS_YES "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
#define WS_HELLO "\x81\x85\1\2\3\4hello"

/* Sends @text, and lets it wait before it is read. */
static void pass_late(int from, int to, const char *text)
{
	EXPECT_INT(send(from, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	poll(NULL, 0, LATE_MS);
	pass(from, to, "");
	{
		char in[1024];

		EXPECT_INT(recv(to, in, sizeof(in), 0), (ssize_t)strlen(text));
	}
}

static void expect_read(size_t i, unsigned int least_ms, unsigned int most_ms)
{
	const uint64_t waited = got[i].read_ns - got[i].start_ns;

	EXPECT(got[i].read_ns != 0);
	EXPECT(waited >= least_ms * NS_PER_MS);
	EXPECT(waited <= most_ms * NS_PER_MS);
	EXPECT_UINT(got[i].pid, (unsigned int)getpid());
}

/* Each of two requests of a connection waits for its own read. */
static void read_late(void)
{
	struct pair p;

	open_pair(&p, AF_INET, AF_INET);
	pass_late(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	pass_late(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	expect_records(3);
	expect_read(0, LATE_MS, LATE_MS + 25);
	expect_read(1, 0, 25);
	expect_read(2, LATE_MS, LATE_MS + 25);
	end(&p);
}

/* Two that arrive together are read together. */
static void read_together(void)
{
	struct pair p;

	open_pair(&p, AF_INET6, AF_INET6);
	pass_late(p.client, p.server, GET_A GET_A);
	pass(p.server, p.client, OK_2 OK_2);
	expect_records(2);
	expect_read(0, LATE_MS, LATE_MS + 25);
	expect_read(1, LATE_MS, LATE_MS + 25);
	end(&p);
}

/* What nobody read was not read. */
static void never_read(void)
{
	struct pair p;

	open_pair(&p, AF_INET, AF_INET);
	pass(p.client, -1, GET_A);
	pass(p.server, p.client, OK_2);
	expect_records(1);
	EXPECT_UINT(got[0].read_ns, 0);
	EXPECT_UINT(got[0].pid, 0);
	end(&p);
}

/* A turn, whose message waits, and what the end says. */
static void websocket(void)
{
	struct http_totals t;
	struct pair p;

	open_pair(&p, AF_INET, AF_INET);
	pass(p.client, p.server, WS_ASK);
	pass(p.server, p.client, WS_YES);
	pass_late(p.client, p.server, WS_HELLO);
	pass(p.server, p.client, "\x81\2ok\x81\4more");
	close(p.client);
	p.client = -1;
	close(p.server);
	p.server = -1;
	for (int i = 0; i < 1000 && n_got < 3; i++) {
		http_probe_drain(probe);
		poll(NULL, 0, 5);
	}
	EXPECT_UINT(n_got, 3);
	EXPECT_UINT(got[0].end, HTTP_END_UPGRADE);
	EXPECT_UINT(got[1].kind, HTTP_KIND_TURN);
	EXPECT_BYTES(got[1].path, got[1].path_len, "/ws", 3);
	expect_read(1, LATE_MS, LATE_MS + 25);
	EXPECT_UINT(got[2].kind, HTTP_KIND_WEBSOCKET);
	EXPECT_UINT(got[2].messages_in, 1);
	EXPECT_UINT(got[2].messages_out, 2);
	EXPECT_UINT(got[2].end, HTTP_END_ABORT_CLIENT);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT_UINT(since(t.ws_opened, before.ws_opened), 1);
	EXPECT_UINT(since(t.ws_closed, before.ws_closed), 1);
	EXPECT_UINT(since(t.ws_desyncs, before.ws_desyncs), 0);
	EXPECT_UINT(since(t.ws_bytes[1], before.ws_bytes[1]), 6);
	end(&p);
}

static uint64_t round_trips(const struct http_totals *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HTTP_RTT_N; i++)
		n += t->rtt[i];
	return n;
}

/* A reset is counted where it comes from, a round trip when the connection closes. */
static void reset_and_round_trip(void)
{
	const struct linger hard = { .l_onoff = 1 };
	struct http_totals t;
	struct pair p;

	open_pair(&p, AF_INET, AF_INET);
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	setsockopt(p.client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(p.client);
	p.client = -1;
	expect_records(1);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT_UINT(since(t.resets[0], before.resets[0]), 1);
	EXPECT_UINT(since(t.resets[1], before.resets[1]), 0);
	EXPECT_UINT(since(round_trips(&t), round_trips(&before)), 1);
	EXPECT(since(t.rtt_us, before.rtt_us) < 100 * 1000);
	EXPECT_UINT(since(t.retransmits, before.retransmits), 0);
	end(&p);
}

/* What is lost on its way is sent again, and counted. */
static void sent_again(void)
{
	struct http_totals t;
	struct pair p;

	open_pair(&p, AF_INET, AF_INET);
	pass(p.client, p.server, GET_A);
	dropper->bss->drop_all = 1;
	pass(p.server, -1, OK_2);
	poll(NULL, 0, 300);
	dropper->bss->drop_all = 0;
	pass(p.server, p.client, OK_2);
	expect_records(1);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT(since(t.retransmits, before.retransmits) >= 1);
	end(&p);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "requests that wait to be read", read_late },
		{ "requests that are read together", read_together },
		{ "a request that nobody reads", never_read },
		{ "a WebSocket", websocket },
		{ "a reset and a round trip", reset_and_round_trip },
		{ "a segment that is sent again", sent_again },
	};

	if (set_up() != 0)
		return unit_finish();
	EXPECT(http_probe_sees_reads(probe));
	unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	tear_down();
	return unit_finish();
}
