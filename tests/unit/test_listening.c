/* SPDX-License-Identifier: MIT */
/* Who listens: from made-up tables, and our own socket. */
#include "unit.h"

#include "nomem.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "check/listening.c"

#define HEAD \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n"
#define ZERO6 "00000000000000000000000000000000"

static struct in6_addr address(const char *text)
{
	struct in6_addr a = { .s6_addr = { 0 } };

	if (strchr(text, ':'))
		inet_pton(AF_INET6, text, &a);
	else if (inet_pton(AF_INET, text, &a.s6_addr[12]) == 1)
		a.s6_addr[10] = a.s6_addr[11] = 0xff;
	return a;
}

static void reads_tables(void)
{
	static const struct {
		const char *name, *text;
		enum listening_table table;
		size_t n;
		const char *first;
	} rows[] = {
		{ "one", HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST, LISTENING_TCP, 1,
		  "127.0.0.1:8000" },
		{ "the first that is none ends it",
		  HEAD "   0: 00000000:0050 00000000:0000 0A" REST
		       "   1: 0100007F:1F40 0100007F:9999 01" REST
		       "   2: 0100007F:1F41 00000000:0000 0A" REST,
		  LISTENING_TCP, 1, "0.0.0.0:80" },
		{ "IPv6", HEAD "   0: " ZERO6 ":0050 " ZERO6 ":0000 0A" REST, LISTENING_TCP6, 1,
		  "[::]:80" },
		{ "IPv6 loopback",
		  HEAD "   0: 00000000000000000000000001000000:0050 " ZERO6 ":0000 0A" REST,
		  LISTENING_TCP6, 1, "[::1]:80" },
		{ "another family", HEAD "   0: " ZERO6 ":0050 " ZERO6 ":0000 0A" REST,
		  LISTENING_TCP, 0, "" },
		{ "nothing", "", LISTENING_TCP, 0, "" },
		{ "a heading without end", "  sl", LISTENING_TCP, 0, "" },
		{ "rubbish", HEAD "what is this\n", LISTENING_TCP, 0, "" },
		{ "UDP that is not connected",
		  HEAD "   0: 0100007F:1F40 0100007F:9999 01" REST
		       "   1: 00000000:0044 00000000:0000 07" REST,
		  LISTENING_UDP, 1, "0.0.0.0:68" },
		{ "no TCP in UDP's", HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST,
		  LISTENING_UDP, 0, "" },
		{ "UDP of IPv6", HEAD "   0: " ZERO6 ":0044 " ZERO6 ":0000 07" REST, LISTENING_UDP6,
		  1, "[::]:68" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct listening_list l = { .n = 0 };
		_cleanup_(buf_done) struct buf text = BUF_INIT(100);

		unit_begin("a table: %s", rows[i].name);
		EXPECT_INT(listening_parse(rows[i].text, rows[i].table, &l), 0);
		EXPECT_UINT(l.n, rows[i].n);
		if (l.n) {
			listening_add_address(&l.items[0].address, l.items[0].port, &text);
			EXPECT_STR(buf_str(&text), rows[i].first);
			EXPECT_UINT(l.items[0].inode, 4711);
			EXPECT_INT(l.items[0].udp, rows[i].table >= LISTENING_UDP);
		}
		listening_done(&l);
	}
}

static void takes_connections(void)
{
	static const struct {
		const char *listens, *to;
		bool takes;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", true }, { "0.0.0.0", "127.0.0.1", true },
		{ "::", "127.0.0.1", true },        { "::", "::1", true },
		{ "0.0.0.0", "::1", false },        { "127.0.0.1", "10.0.0.1", false },
		{ "::1", "127.0.0.1", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct listening l = { .address = address(rows[i].listens), .port = 80 };
		const struct in6_addr to = address(rows[i].to);

		unit_begin("what goes to %s %s taken by %s", rows[i].to,
			   rows[i].takes ? "is" : "is not", rows[i].listens);
		l.any = is_any(&l.address);
		EXPECT_INT(listening_takes(&l, &to, 80), rows[i].takes);
		EXPECT(!listening_takes(&l, &to, 81));
	}
}

static void find_ourselves(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct listening_list l = { .n = 0 };
	socklen_t size = sizeof(a);
	bool found = false;

	REQUIRE_INT(bind(fd, (const struct sockaddr *)&a, size), 0);
	if (type == SOCK_STREAM)
		REQUIRE_INT(listen(fd, 1), 0);
	REQUIRE_INT(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	if (type == SOCK_STREAM)
		REQUIRE_INT(listening_read("/proc", &l), 0);
	else
		REQUIRE_INT(listening_read_all("/proc", &l), 0);
	for (size_t i = 0; i < l.n; i++) {
		if (l.items[i].port != ntohs(a.sin_port) || l.items[i].udp != (type == SOCK_DGRAM))
			continue;
		found = true;
		EXPECT_INT(l.items[i].pid, getpid());
		EXPECT_UINT(l.items[i].uid, geteuid());
		EXPECT_STR(l.items[i].name, "test_listening");
	}
	EXPECT(found);
	listening_done(&l);
	close(fd);
}

static void finds_ourselves(void)
{
	find_ourselves(SOCK_STREAM);
	find_ourselves(SOCK_DGRAM);
}

static void survives_lack_of_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct listening_list l = { .n = 0 };
		int err = listening_parse(HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST,
					  LISTENING_TCP, &l);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		listening_done(&l);
	}
}

/* Of a busy host, whose connections would not find room. */
static void passes_connections_over(void)
{
	char proc[] = "/tmp/isamon-listening-XXXXXX", path[64];
	struct listening_list l = { .n = 0 };
	FILE *f;

	REQUIRE(mkdtemp(proc));
	snprintf(path, sizeof(path), "%s/net", proc);
	REQUIRE_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/net/tcp", proc);
	f = fopen(path, "w");
	REQUIRE(f);
	fputs(HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST, f);
	for (int i = 1; i < 60000; i++)
		fprintf(f, "%4d: 0100007F:1F40 0100007F:%04X 06" REST, i, i);
	fclose(f);
	EXPECT_INT(listening_read(proc, &l), 0);
	EXPECT_UINT(l.n, 1);
	listening_done(&l);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(proc);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, reads_tables },
		{ NULL, takes_connections },
		{ "connections without number", passes_connections_over },
		{ "our own socket is ours", finds_ourselves },
		{ "memory that runs out is told", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
