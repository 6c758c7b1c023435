/* SPDX-License-Identifier: MIT */
/* Which ports somebody listens on: from made-up tables, and from this kernel, by netlink and by its own tables. */
#include "unit.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/listeners.h"

#define HEAD \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  " \
	"timeout inode\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
#define TABLES "/proc/." /* the same directory, but no name by which netlink would be asked */
#define ZERO6 "00000000000000000000000000000000"

/* Makes the directory @proc with net/tcp and net/tcp6 in it; a NULL table is not there. */
static void proc_make(char *proc, const char *tcp, const char *tcp6)
{
	const char *const tables[] = { tcp, tcp6 };
	char path[100];

	REQUIRE(mkdtemp(proc));
	snprintf(path, sizeof(path), "%s/net", proc);
	REQUIRE_INT(file_make_directory(path, 0700), 0);
	for (int i = 0; i < 2; i++) {
		FILE *f;

		if (!tables[i])
			continue;
		snprintf(path, sizeof(path), "%s/net/tcp%s", proc, i ? "6" : "");
		f = fopen(path, "we");
		REQUIRE(f);
		fputs(tables[i], f);
		fclose(f);
	}
}

static void proc_remove(const char *proc)
{
	static const char *const names[] = { "/net/tcp", "/net/tcp6", "/net", "" };
	char path[100];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", proc, names[i]);
		if (remove(path))
			continue;
	}
}

static void tables(void)
{
	static const struct {
		const char *name, *tcp, *tcp6;
		int err;
		bool up[3]; /* 80, 8000, 65535 */
	} rows[] = {
		{ "nobody listens where tables are empty", HEAD, HEAD, 0, { 0, 0, 0 } },
		{ "a listener of IPv4 is found",
		  HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST,
		  HEAD,
		  0,
		  { 0, 1, 0 } },
		{ "a listener of IPv6 is found",
		  HEAD,
		  HEAD "   0: " ZERO6 ":FFFF " ZERO6 ":0000 0A" REST,
		  0,
		  { 0, 0, 1 } },
		{ "several listeners are found",
		  HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST
		       " 123: 00000000:0050 00000000:0000 0A" REST,
		  HEAD,
		  0,
		  { 1, 1, 0 } },
		{ "a connection of the port is no listener",
		  HEAD "   0: 0100007F:1F40 0100007F:D431 01" REST,
		  HEAD,
		  0,
		  { 0, 0, 0 } },
		{ "reading ends at the first connection",
		  HEAD "   0: 0100007F:0050 00000000:0000 0A" REST
		       "   1: 0100007F:1F40 0100007F:D431 01" REST
		       "   2: 0100007F:1F40 00000000:0000 0A" REST,
		  HEAD,
		  0,
		  { 1, 0, 0 } },
		{ "a kernel without IPv6 has no second table",
		  HEAD "   0: 0100007F:1F40 00000000:0000 0A" REST,
		  NULL,
		  0,
		  { 0, 1, 0 } },
		{ "without the first table it is an error", NULL, HEAD, -ENOENT, { 0, 0, 0 } },
		{ "what is no table has no listener", "x\n\n0: 1:\n", "", 0, { 0, 0, 0 } },
	};
	static const uint16_t ports[] = { 80, 8000, 65535 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char proc[] = "/tmp/test_listeners.XXXXXX";
		bool up[3] = { true, true, true };

		unit_begin("%s", rows[i].name);
		proc_make(proc, rows[i].tcp, rows[i].tcp6);
		EXPECT_INT(listeners_find(proc, ports, 3, up), rows[i].err);
		for (size_t j = 0; j < 3; j++)
			EXPECT_INT(up[j], rows[i].up[j]);
		proc_remove(proc);
	}
}

/* Listens on loopback; returns the socket and its port. */
static int listen_on(int family, uint16_t *ret_port)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bool is_v6 = family == AF_INET6;
	struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = is_v6 ? sizeof(v6) : sizeof(v4);

	if (fd < 0)
		return -1;
	if (bind(fd, address, len) || listen(fd, 1) || getsockname(fd, address, &len)) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

static void sees_this_kernel(void)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		uint16_t port = 0;
		bool up = false;
		int fd;

		unit_begin("a real listener of %s comes and goes", i ? "IPv6" : "IPv4");
		fd = listen_on(families[i], &port);
		if (fd < 0) {
			unit_skip("cannot listen: %s", strerror(errno));
			continue;
		}
		EXPECT_INT(listeners_find("/proc", &port, 1, &up), 0);
		EXPECT(up);
		close(fd);
		EXPECT_INT(listeners_find("/proc", &port, 1, &up), 0);
		EXPECT(!up);
	}
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void same_inodes(const char *proc, const uint16_t *ports, size_t n, uint64_t a, uint64_t b)
{
	uint64_t found[4] = { 0 };
	size_t n_found = 0;

	EXPECT_INT(listeners_inodes(proc, ports, n, found, ARRAY_SIZE(found), &n_found), 0);
	if (!EXPECT_UINT(n_found, 2))
		return;
	EXPECT((found[0] == a && found[1] == b) || (found[0] == b && found[1] == a));
	EXPECT_INT(listeners_inodes(proc, ports, n, found, 1, &n_found), 0);
	EXPECT_UINT(n_found, 1);
	EXPECT_INT(listeners_inodes(proc, ports, 1, found, ARRAY_SIZE(found), &n_found), 0);
	EXPECT_UINT(n_found, 1);
	EXPECT_UINT(found[0], a);
}

static void tells_their_inodes(void)
{
	static const char *const ways[] = { "/proc", TABLES };
	uint16_t ports[2] = { 0, 0 };
	int fds[2] = { listen_on(AF_INET, &ports[0]), listen_on(AF_INET6, &ports[1]) };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		unit_begin("the inodes of real listeners %s", i ? "in the tables" : "by netlink");
		if (fds[0] < 0 || fds[1] < 0)
			unit_skip("cannot listen on both families");
		else
			same_inodes(ways[i], ports, 2, inode_of(fds[0]), inode_of(fds[1]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		file_closep(&fds[i]);
}

/* From now on, and for good: socket(AF_NETLINK) fails as RestrictAddressFamilies= has it. */
static bool refuse_netlink(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       socket(AF_NETLINK, SOCK_DGRAM, 0) < 0 && errno == EAFNOSUPPORT;
}

/* In a child. Exit status 0: found; 1: not; 2: netlink could not be refused. */
static int found_without_netlink(uint16_t port)
{
	bool up = false;
	int status = 1;
	pid_t child = fork();

	if (child == 0) {
		if (!refuse_netlink())
			_exit(2);
		_exit(listeners_find("/proc", &port, 1, &up) != 0 || !up);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

static void does_without_netlink(void)
{
	uint16_t port = 0;
	int fd = listen_on(AF_INET, &port), result;

	REQUIRE(fd >= 0);
	result = found_without_netlink(port);
	if (result == 2)
		unit_skip("no seccomp here");
	else
		EXPECT_INT(result, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, tables },
		{ NULL, sees_this_kernel },
		{ NULL, tells_their_inodes },
		{ "where netlink is refused the tables are read", does_without_netlink },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
