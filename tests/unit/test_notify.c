/* SPDX-License-Identifier: MIT */
/* The service manager's side of sd_notify(3), played by a socket of ours. */
#include "unit.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/notify.h"

/* Binds a datagram socket to @name ("@" first: abstract) and sets NOTIFY_SOCKET. */
static int manager_open(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/')))) {
		close(fd);
		return -1;
	}
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_message(int fd, const char *expected)
{
	char text[512] = "";

	EXPECT(recv(fd, text, sizeof(text) - 1, 0) > 0);
	EXPECT_STR(text, expected);
}

static void says_all(int fd)
{
	EXPECT_INT(notify_ready(), 0);
	expect_message(fd, "READY=1");
	EXPECT_INT(notify_stopping(), 0);
	expect_message(fd, "STOPPING=1");
	EXPECT_INT(notify_watchdog(), 0);
	expect_message(fd, "WATCHDOG=1");
	EXPECT_INT(notify_status("watching %d ports\nand more", 2), 0);
	expect_message(fd, "STATUS=watching 2 ports");
}

static void talks_to_a_path(void)
{
	char directory[] = "/tmp/test_notify.XXXXXX", path[64];
	_cleanup_(file_closep) int fd = -1;

	REQUIRE(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/notify", directory);
	fd = manager_open(path);
	EXPECT(fd >= 0);
	says_all(fd);
	unlink(path);
	rmdir(directory);
	EXPECT_INT(notify_ready(), -ENOENT);
}

static void talks_to_an_abstract_name(void)
{
	_cleanup_(file_closep) int fd = -1;
	char name[64];

	snprintf(name, sizeof(name), "@isamon-test-%ld", (long)getpid());
	fd = manager_open(name);
	REQUIRE(fd >= 0);
	says_all(fd);
}

static void reload_has_the_time(void)
{
	_cleanup_(file_closep) int fd = -1;
	uint64_t before = clock_monotonic_ns() / 1000;
	unsigned long long usec = 0;
	char name[64], text[128] = "";

	snprintf(name, sizeof(name), "@isamon-test-%ld", (long)getpid());
	fd = manager_open(name);
	REQUIRE(fd >= 0);
	EXPECT_INT(notify_reloading(), 0);
	EXPECT(recv(fd, text, sizeof(text) - 1, 0) > 0);
	EXPECT_INT(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	EXPECT(usec >= before && usec <= clock_monotonic_ns() / 1000);
}

static void never_waits(void)
{
	_cleanup_(file_closep) int fd = -1;
	int err = 0;
	char name[64];

	snprintf(name, sizeof(name), "@isamon-test-%ld", (long)getpid());
	fd = manager_open(name);
	REQUIRE(fd >= 0);
	for (int i = 0; i < 100000 && err == 0; i++)
		err = notify_watchdog();
	EXPECT_INT(err, -EAGAIN);
}

static void cuts_long_status(void)
{
	_cleanup_(file_closep) int fd = -1;
	char name[64], text[512] = "";

	snprintf(name, sizeof(name), "@isamon-test-%ld", (long)getpid());
	fd = manager_open(name);
	REQUIRE(fd >= 0);
	EXPECT_INT(notify_status("%0300d", 1), 0);
	EXPECT_INT(recv(fd, text, sizeof(text) - 1, 0), 7 + 240);
}

static void is_silent_without_a_manager(void)
{
	unsetenv("NOTIFY_SOCKET");
	EXPECT_INT(notify_ready(), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	EXPECT_INT(notify_ready(), 0);
}

static void refuses_odd_addresses(void)
{
	char name[200];

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[199] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	EXPECT_INT(notify_ready(), -EINVAL);
	setenv("NOTIFY_SOCKET", "relative", 1);
	EXPECT_INT(notify_ready(), -EINVAL);
	setenv("NOTIFY_SOCKET", "@", 1);
	EXPECT_INT(notify_ready(), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
	EXPECT_INT(notify_ready(), -ENOENT);
}

static void watchdogs(void)
{
	char mine[24];
	const struct {
		const char *name, *usec, *pid;
		uint64_t ns;
	} rows[] = {
		{ "no watchdog", NULL, NULL, 0 },
		{ "a watchdog for anybody", "30000000", NULL, 30 * NS_PER_SEC },
		{ "a watchdog for this process", "500", mine, 500000 },
		{ "a watchdog for another process", "30000000", "1", 0 },
		{ "a watchdog for nobody", "30000000", "x", 0 },
		{ "a watchdog that is no number", "1s", NULL, 0 },
		{ "a watchdog of no time", "0", NULL, 0 },
	};

	snprintf(mine, sizeof(mine), "%ld", (long)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("%s", rows[i].name);
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (rows[i].usec)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		EXPECT_UINT(notify_watchdog_ns(), rows[i].ns);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "messages reach a path", talks_to_a_path },
		{ "messages reach an abstract name", talks_to_an_abstract_name },
		{ "a reload has the time with it", reload_has_the_time },
		{ "a manager that does not read is not waited for", never_waits },
		{ "a long status is cut", cuts_long_status },
		{ "without a manager nothing happens", is_silent_without_a_manager },
		{ "an address that is none is refused", refuses_odd_addresses },
		{ NULL, watchdogs },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
