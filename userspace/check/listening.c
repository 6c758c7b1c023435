/* SPDX-License-Identifier: MIT */
/* The tables first, then one pass over the descriptors of all processes. Invariant: no more than LISTENING_MAX sockets are kept. */
#include "check/listening.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"

#define TABLE_MAX (8u << 20)
#define TCP_LISTEN 0x0A
#define UDP_UNCONNECTED 0x07
#define PROCESSES_MAX 100000u
#define FIRST_SIZE 32
#define WORDS_OF_V6 4

void listening_done(struct listening *l)
{
	free(l->list);
	*l = (struct listening){ 0 };
}

static int add(struct listening *l, const struct listening_socket *s)
{
	size_t size = l->size ? 2 * l->size : FIRST_SIZE;
	struct listening_socket *list;

	if (l->n == LISTENING_MAX) {
		l->more = true;
		return 0;
	}
	if (l->n == l->size) {
		list = realloc(l->list, size * sizeof(*list));
		if (!list)
			return -ENOMEM;
		l->list = list;
		l->size = size;
	}
	l->list[l->n++] = *s;
	return 0;
}

/* The words of an address, in the order in which the kernel prints them: each in the host's byte order. */
static bool parse_address(const char *hex, bool v6, struct listening_socket *s)
{
	const char *const whole_end = hex + (v6 ? WORDS_OF_V6 : 1) * 8;
	struct in6_addr six = IN6ADDR_ANY_INIT;
	struct in_addr four;
	char word[9] = "";
	char *end;

	if (strspn(hex, "0123456789ABCDEFabcdef") != (size_t)(whole_end - hex))
		return false;
	for (size_t i = 0; hex < whole_end; hex += 8, i++) {
		memcpy(word, hex, 8);
		four.s_addr = (in_addr_t)strtoul(word, &end, 16);
		memcpy(six.s6_addr + i * sizeof(four), &four, sizeof(four));
	}
	if (v6 && !IN6_IS_ADDR_V4MAPPED(&six)) {
		s->any = IN6_IS_ADDR_UNSPECIFIED(&six);
		s->loopback = IN6_IS_ADDR_LOOPBACK(&six);
		return inet_ntop(AF_INET6, &six, s->address, sizeof(s->address));
	}
	s->any = four.s_addr == htonl(INADDR_ANY);
	s->loopback = (ntohl(four.s_addr) >> 24) == 127;
	return inet_ntop(AF_INET, &four, s->address, sizeof(s->address));
}

/* "0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 33 0 4711 ..." */
static bool parse_line(const char *line, bool udp, bool v6, struct listening_socket *s)
{
	unsigned int port, remote_port, state, uid;
	char local[33], remote[33];
	uint64_t inode;

	if (sscanf(line,
		   " %*u: %32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%4x %2x %*x:%*x %*x:%*x %*x %u %*d %" SCNu64,
		   local, &port, remote, &remote_port, &state, &uid, &inode) != 7)
		return false;
	if (state != (udp ? UDP_UNCONNECTED : TCP_LISTEN) || remote_port || !port)
		return false;
	*s = (struct listening_socket){
		.udp = udp,
		.v6 = v6,
		.port = (uint16_t)port,
		.inode = inode,
		.uid = uid,
	};
	return parse_address(local, v6, s);
}

int listening_parse(const char *text, bool udp, bool v6, struct listening *into)
{
	struct listening_socket s;
	int err = 0;

	for (const char *line = text; line && *line && !err;
	     line = strchr(line, '\n'), line += line != NULL)
		if (parse_line(line, udp, v6, &s))
			err = add(into, &s);
	return err;
}

/* --- whose they are */

static void read_cgroup(const char *proc, pid_t pid, char ret[LISTENING_CGROUP_MAX])
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096), text = BUF_INIT(65536);
	const char *at;

	if (buf_printf(&path, "%s/%d/cgroup", proc, pid) || file_read(buf_str(&path), &text))
		return;
	at = strstr(buf_str(&text), "0::");
	if (!at || (at != buf_str(&text) && at[-1] != '\n'))
		return;
	at += strlen("0::");
	snprintf(ret, LISTENING_CGROUP_MAX, "%.*s", (int)strcspn(at, "\n"), at);
}

static void owned(struct listening *l, const char *proc, uint64_t inode, pid_t pid)
{
	struct proc_stat stat;

	for (size_t i = 0; i < l->n; i++) {
		struct listening_socket *s = &l->list[i];

		/* The first is the parent: processes come by their ids, mostly. */
		if (s->inode != inode || s->pid)
			continue;
		s->pid = pid;
		if (proc_read_stat(proc, pid, &stat) == 0)
			snprintf(s->name, sizeof(s->name), "%s", stat.name);
		read_cgroup(proc, pid, s->cgroup);
	}
}

static void look_at_process(struct listening *l, const char *proc, const char *pid)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	struct dirent *e;
	DIR *dir = NULL;

	if (buf_printf(&path, "%s/%s/fd", proc, pid) == 0)
		dir = opendir(buf_str(&path));
	while (dir && (e = readdir(dir))) {
		char target[64];
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		uint64_t inode;

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
			owned(l, proc, inode, (pid_t)strtol(pid, NULL, 10));
	}
	if (dir)
		closedir(dir);
}

static void find_owners(struct listening *l, const char *proc)
{
	DIR *dir = opendir(proc);
	unsigned int n = 0;
	struct dirent *e;
	uint64_t pid;

	while (dir && n < PROCESSES_MAX && (e = readdir(dir))) {
		if (number_parse_u64(e->d_name, 1, INT32_MAX, &pid))
			continue;
		n++;
		look_at_process(l, proc, e->d_name);
	}
	if (dir)
		closedir(dir);
}

static int by_port(const void *a, const void *b)
{
	const struct listening_socket *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->udp != y->udp)
		return x->udp ? 1 : -1;
	return strcmp(x->address, y->address);
}

/* What there is of a table, up to TABLE_MAX: the listening ones of TCP come first. */
static int read_table(const char *path, struct buf *text)
{
	char bytes[16384];
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (buf_add(text, bytes, (size_t)n))
			break;
	return n < 0 ? -errno : text->err == -ENOMEM ? -ENOMEM : 0;
}

int listening_look(const char *proc, struct listening *ret)
{
	static const struct {
		const char *name;
		bool udp, v6;
	} tables[] = {
		{ "tcp", false, false },
		{ "tcp6", false, true },
		{ "udp", true, false },
		{ "udp6", true, true },
	};

	*ret = (struct listening){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT(4096), text = BUF_INIT(TABLE_MAX);
		int err = buf_printf(&path, "%s/net/%s", proc, tables[i].name);

		err = err ?: read_table(buf_str(&path), &text);
		if (err == -ENOENT && tables[i].v6) /* no IPv6 */
			continue;
		err = err ?: listening_parse(buf_str(&text), tables[i].udp, tables[i].v6, ret);
		if (err)
			return err;
	}
	find_owners(ret, proc);
	if (ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_port);
	return 0;
}
