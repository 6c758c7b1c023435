/* SPDX-License-Identifier: MIT */
/* A Unix socket on which a process listens is found, and none that it does not listen on. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check/service_unix.h"

static void make_socket(const char *directory, const char *name, bool listens,
			struct sockaddr_un *ret, int *ret_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", directory, name);
	REQUIRE(fd >= 0);
	REQUIRE_INT(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	if (listens)
		REQUIRE_INT(listen(fd, 1), 0);
	*ret_fd = fd;
}

static void finds_it(void)
{
	char directory[80], path[SERVICE_UNIX_PATH_MAX] = "";
	struct sockaddr_un bound, listens;
	int other = -1, fd = -1;

	snprintf(directory, sizeof(directory), "%.60s/u.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	REQUIRE(mkdtemp(directory));
	make_socket(directory, "bound", false, &bound, &other);
	EXPECT(!service_unix_find("/proc", getpid(), path));
	make_socket(directory, "a b", true, &listens, &fd);
	EXPECT(service_unix_find("/proc", getpid(), path));
	EXPECT_STR(path, listens.sun_path);
	EXPECT(!service_unix_find("/proc", 0, path));
	EXPECT(!service_unix_find("/nonexistent", getpid(), path));
	close(fd);
	EXPECT(!service_unix_find("/proc", getpid(), path));
	close(other);
	unlink(bound.sun_path);
	unlink(listens.sun_path);
	rmdir(directory);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the socket on which it listens", finds_it },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
