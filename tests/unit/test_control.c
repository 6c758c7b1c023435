/* SPDX-License-Identifier: MIT */
/* Where the listener listens: TCP addresses and the control socket; and asking over the latter. */
#include <pthread.h>
#include <sys/stat.h>

#include "listener_fixture.h"
#include "serve/ask.h"

/* --- addresses */

static void address_in_use(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), expected = BUF_INIT(1000);
	struct listener *other = NULL;

	set_up(1);
	open_tcp();
	EXPECT_INT(listener_open_tcp(t.base, "127.0.0.1", listener_port(t.l), &t.limits, &t.source,
				     &why, &other),
		   -EADDRINUSE);
	buf_printf(&expected,
		   "127.0.0.1:%u is in use by another program; choose another with "
		   "--listen or [listen] port",
		   listener_port(t.l));
	EXPECT_STR(buf_str(&why), expected.data);
	EXPECT(!other);
	tear_down();
}

static void addresses(void)
{
	static const struct {
		const char *address;
		int err;
		const char *why;
	} rows[] = {
		{ "127.0.0.1", 0, "" },
		{ "::1", 0, "" },
		{ "::", 0, "" },
		{ "localhost", -EINVAL, "\"localhost\" is not an IPv4 or IPv6 address" },
		{ "", -EINVAL, "\"\" is not" },
		{ "192.0.2.1", -EADDRNOTAVAIL, "this host has no such address" },
		{ "2001:db8::1", -EADDRNOTAVAIL, "[2001:db8::1]:0 cannot be listened on" },
	};
	size_t i;

	set_up(1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct listener *l = NULL;

		EXPECT_INT(listener_open_tcp(t.base, rows[i].address, 0, &t.limits, &t.source, &why,
					     &l),
			   rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		listener_close(l);
	}
	tear_down();
}

static void unix_socket(void)
{
	struct stat st;
	struct buf b;

	set_up(1);
	open_unix();
	EXPECT_INT(lstat(t.path, &st), 0);
	EXPECT_UINT(st.st_mode, S_IFSOCK | 0600);
	b = ask(GET("/top") "\r\n");
	EXPECT_HAS(b.data, "Content-Type: application/json\r\n");
	EXPECT_HAS(b.data, "\r\n\r\n{\"service\": \"test\"}");
	buf_done(&b);
	b = ask(GET("/status") "\r\n");
	EXPECT_HAS(b.data, "Content-Type: application/json\r\n");
	EXPECT_HAS(b.data, "\r\n\r\n{\"status\": \"test\"}");
	buf_done(&b);
	b = ask(GET("/metrics") "\r\n");
	EXPECT_HAS(b.data, "lines_total");
	buf_done(&b);
	listener_close(take(t.l));
	EXPECT_INT(lstat(t.path, &st), -1);
	tear_down();
}

static int bind_only(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, path, strlen(path));
	EXPECT_INT(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void stale_socket(void)
{
	struct buf b;

	set_up(1);
	close(bind_only(t.path));
	open_unix();
	b = ask(GET("/-/healthy") "\r\n");
	EXPECT_HAS(b.data, "healthy\n");
	buf_done(&b);
	tear_down();
}

static void live_socket(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct listener *other = NULL;
	struct stat st;

	set_up(1);
	open_unix();
	EXPECT_INT(listener_open_unix(t.base, t.path, &t.limits, &t.source, &why, &other),
		   -EADDRINUSE);
	EXPECT_HAS(buf_str(&why), "another isamon answers there");
	EXPECT_INT(lstat(t.path, &st), 0);
	tear_down();
}

static void other_file(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct stat st;

	set_up(1);
	close(open(t.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	EXPECT_INT(listener_open_unix(t.base, t.path, &t.limits, &t.source, &why, &t.l), -ENOTSOCK);
	EXPECT_HAS(buf_str(&why), "a file that is no socket stands there");
	EXPECT_INT(lstat(t.path, &st), 0);
	tear_down();
}

static void foreign_socket_stays(void)
{
	struct stat st;
	int fd;

	set_up(1);
	open_unix();
	unlink(t.path);
	fd = bind_only(t.path);
	listener_close(take(t.l));
	EXPECT_INT(lstat(t.path, &st), 0);
	close(fd);
	tear_down();
}

static void long_path(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	char path[200];

	set_up(1);
	snprintf(path, sizeof(path), "/tmp/%0150d", 0);
	EXPECT_INT(listener_open_unix(t.base, path, &t.limits, &t.source, &why, &t.l),
		   -ENAMETOOLONG);
	EXPECT_HAS(buf_str(&why), "107 characters at most");
	tear_down();
}

/* --- asking */

struct asking {
	const char *target;
	int timeout_ms;
	struct buf body;
	int result;
	bool done;
};

static void *ask_thread(void *ctx)
{
	struct asking *a = ctx;

	a->result = ask_daemon(t.path, a->target, a->timeout_ms, &a->body);
	__atomic_store_n(&a->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Asks from another thread while this one turns the loop. */
static void ask_while_turning(struct asking *a)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, ask_thread, a))
		abort();
	while (!__atomic_load_n(&a->done, __ATOMIC_ACQUIRE)) {
		turn();
		poll(NULL, 0, 1);
	}
	pthread_join(thread, NULL);
}

static void asks(void)
{
	struct asking good = { "/top", 5000, BUF_INIT(1000), 1, false };
	struct asking wrong = { "/nothing", 5000, BUF_INIT(1000), 1, false };
	struct asking small = { "/metrics", 5000, BUF_INIT(1000), 1, false };
	struct asking large = { "/metrics", 5000, BUF_INIT(HEAR_MAX), 1, false };

	set_up(BIG_LINES);
	open_unix();
	ask_while_turning(&good);
	EXPECT_INT(good.result, 0);
	EXPECT_STR(buf_str(&good.body), "{\"service\": \"test\"}");
	ask_while_turning(&wrong);
	EXPECT_INT(wrong.result, -EPROTO);
	ask_while_turning(&small);
	EXPECT_INT(small.result, -EFBIG);
	ask_while_turning(&large);
	EXPECT_INT(large.result, 0);
	expect_page(large.body.data, large.body.len);
	buf_done(&good.body);
	buf_done(&wrong.body);
	buf_done(&small.body);
	buf_done(&large.body);
	tear_down();
}

static int write_target(struct buf *out, void *ctx)
{
	return buf_add_str(out, ctx);
}

/* On the control socket alone. */
static void further_targets(void)
{
	struct asking good = { "/more", 5000, BUF_INIT(1000), 1, false };
	struct asking wrong = { "/more/", 5000, BUF_INIT(1000), 1, false };
	char text[] = "{}";
	const struct listener_target target = { "/more", write_target, text };

	set_up(0);
	t.source.targets = &target;
	t.source.n_targets = 1;
	open_unix();
	ask_while_turning(&good);
	EXPECT_INT(good.result, 0);
	EXPECT_STR(buf_str(&good.body), "{}");
	ask_while_turning(&wrong);
	EXPECT_INT(wrong.result, -EPROTO);
	buf_done(&good.body);
	buf_done(&wrong.body);
	tear_down();
}

static void nobody_answers(void)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(1000);
	uint64_t start;
	int fd;

	set_up(1);
	EXPECT_INT(ask_daemon(t.path, "/top", 100, &body), -ENOENT);
	fd = bind_only(t.path);
	EXPECT_INT(ask_daemon(t.path, "/top", 100, &body), -ECONNREFUSED);
	EXPECT_INT(listen(fd, 1), 0);
	start = clock_monotonic_ns();
	EXPECT_INT(ask_daemon(t.path, "/top", 100, &body), -ETIMEDOUT);
	EXPECT_NEAR((double)(clock_monotonic_ns() - start) / 1e9, 0.15, 0.12);
	close(fd);
	tear_down();
}

/* The thread's result, of a listener that is not libevent's: it takes one connection, and closes it. */
static int ask_who_closes(int fd, bool hears)
{
	struct asking a = { "/top", 5000, BUF_INIT(1000), 1, false };
	char bytes[1000];
	pthread_t thread;
	int client;

	if (pthread_create(&thread, NULL, ask_thread, &a))
		abort();
	client = accept(fd, NULL, NULL);
	if (hears)
		EXPECT(recv(client, bytes, sizeof(bytes), 0) > 0);
	close(client);
	pthread_join(thread, NULL);
	buf_done(&a.body);
	return a.result;
}

static void broken_off(void)
{
	int fd, err;

	set_up(1);
	fd = bind_only(t.path);
	EXPECT_INT(listen(fd, 1), 0);
	EXPECT_INT(ask_who_closes(fd, true), -ECONNRESET);
	err = ask_who_closes(fd, false);
	EXPECT(err == -ECONNRESET || err == -EPIPE);
	close(fd);
	tear_down();
}

static int connect_only(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, t.path, strlen(t.path));
	EXPECT_INT(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void too_many(void)
{
	struct asking a = { "/top", 5000, BUF_INIT(1000), 1, false };
	int fd;

	set_up(1);
	t.limits.max_connections = 1;
	open_unix();
	fd = connect_only();
	ask_while_turning(&a);
	EXPECT_INT(a.result, -EBUSY);
	EXPECT_UINT(listener_stats(t.l).refused, 1);
	close(fd);
	buf_done(&a.body);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an address in use is explained", address_in_use },
		{ "addresses are literals", addresses },
		{ "the control socket is root's alone, and goes", unix_socket },
		{ "a stale socket is replaced", stale_socket },
		{ "a socket that answers is left alone", live_socket },
		{ "another file is left alone", other_file },
		{ "another's socket is not removed", foreign_socket_stays },
		{ "a path that is too long is explained", long_path },
		{ "asking the daemon", asks },
		{ "further targets", further_targets },
		{ "asking nobody", nobody_answers },
		{ "asking who breaks off", broken_off },
		{ "asking who has too many clients", too_many },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
