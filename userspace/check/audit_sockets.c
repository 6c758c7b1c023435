/* SPDX-License-Identifier: MIT */
/* The tables of /proc/net, and /proc/PID/fd for who is behind a socket. Invariant: one entry for each protocol and port. */
#include "check/audit_sockets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"
#include "check/audit_impl.h"

#define TABLE_MAX (16u << 20)
#define ROW_MAX 256
#define STATUS_MAX 16384
#define STATE_LISTEN 0x0a /* TCP_LISTEN and TCP_CLOSE, include/net/tcp_states.h */
#define STATE_CLOSE 0x07

/* The kernel prints each word of 32 bits as this machine has it: tcp4_seq_show(), tcp6_sock_info(). */
static bool address_parse(const char *hex, struct in6_addr *ret)
{
	const size_t n = strlen(hex);
	uint32_t words[4] = { 0, 0, htonl(0xffff), 0 };

	if (n != 8 && n != 32)
		return false;
	for (size_t i = 0; i < n; i += 8) {
		char word[9];

		memcpy(word, hex + i, 8);
		word[8] = '\0';
		words[n == 8 ? 3 : i / 8] = (uint32_t)strtoul(word, NULL, 16);
	}
	memcpy(ret, words, sizeof(*ret));
	return true;
}

static bool is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static bool is_wildcard(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a) || (IN6_IS_ADDR_V4MAPPED(a) && !a->s6_addr32[3]);
}

static struct audit_socket *entry_of(struct audit_sockets *s, bool udp, uint16_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].udp == udp && s->list[i].port == port)
			return &s->list[i];
	if (s->n == AUDIT_SOCKETS_MAX) {
		s->more = true;
		return NULL;
	}
	s->list[s->n] = (struct audit_socket){ .udp = udp, .port = port };
	return &s->list[s->n++];
}

static void entry_add(struct audit_socket *e, const struct in6_addr *a, uint64_t inode)
{
	char text[INET6_ADDRSTRLEN];
	size_t len = strlen(e->addresses);

	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, &a->s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, a, text, sizeof(text));
	e->wildcard = e->wildcard || is_wildcard(a);
	if (inode && e->n_inodes < AUDIT_SOCKET_INODES_MAX)
		e->inodes[e->n_inodes++] = inode;
	if (!strstr(e->addresses, text) && len + strlen(text) + 3 < sizeof(e->addresses))
		snprintf(e->addresses + len, sizeof(e->addresses) - len, "%s%s", len ? ", " : "",
			 text);
}

static void row_take(const char *row, bool udp, bool loopback, struct audit_sockets *s)
{
	unsigned int port, state;
	unsigned long long inode;
	struct in6_addr address;
	struct audit_socket *e;
	char hex[33];

	if (sscanf(row, " %*u: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*s %*s %*s %*u %*u %llu",
		   hex, &port, &state, &inode) != 4)
		return;
	if (state != (udp ? STATE_CLOSE : STATE_LISTEN) || !port || !address_parse(hex, &address) ||
	    (is_loopback(&address) && !loopback))
		return;
	e = entry_of(s, udp, (uint16_t)port);
	if (e)
		entry_add(e, &address, inode);
}

void audit_sockets_parse(const char *text, size_t len, bool udp, bool loopback,
			 struct audit_sockets *s)
{
	const char *const end = text + len;
	char row[ROW_MAX];

	while (audit_next_line(&text, end, row, sizeof(row)))
		row_take(row, udp, loopback, s);
}

int audit_sockets_read(bool loopback, struct audit_sockets *ret)
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp",
					      "/proc/net/udp6" };
	_cleanup_(buf_done) struct buf text = BUF_INIT(TABLE_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		int err;

		buf_reset(&text);
		err = file_read(tables[i], &text);
		if (err && (err != -ENOENT || i == 0))
			return err;
		audit_sockets_parse(buf_str(&text), text.len, i >= 2, loopback, ret);
	}
	return 0;
}

/* --- whose they are */

static bool is_unit(const char *name)
{
	static const char *const ends[] = { ".service", ".scope", ".socket" };
	const size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

void audit_unit_of_cgroup(const char *text, size_t len, char *unit, size_t size)
{
	const char *const end = text + len;
	char line[1024];

	*unit = '\0';
	while (!*unit && audit_next_line(&text, end, line, sizeof(line))) {
		char *at = strchr(line, '/'), *last = NULL;

		for (; at && *at; at += strcspn(at, "/")) {
			char *name = ++at, *stop = name + strcspn(name, "/"), keep = *stop;

			*stop = '\0';
			if (is_unit(name))
				last = name;
			*stop = keep;
		}
		if (last)
			utf8_make_plain(last, strcspn(last, "/"), unit, size);
	}
}

/* The second number is the effective one: proc_pid_status(5). */
static uid_t uid_of(const char *status)
{
	const char *line = strstr(status, "\nUid:");
	unsigned int uid;

	return line && sscanf(line, "\nUid: %*u %u", &uid) == 1 ? (uid_t)uid : (uid_t)-1;
}

static void describe(pid_t pid, struct audit_socket *e)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(STATUS_MAX);
	char path[64];

	e->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	(void)file_read(path, &text);
	e->uid = uid_of(buf_str(&text));
	buf_reset(&text);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	(void)file_read(path, &text);
	utf8_make_plain(buf_str(&text), strcspn(buf_str(&text), "\n"), e->name, sizeof(e->name));
	buf_reset(&text);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	(void)file_read(path, &text);
	audit_unit_of_cgroup(buf_str(&text), text.len, e->unit, sizeof(e->unit));
}

static void inode_take(struct audit_sockets *s, pid_t pid, uint64_t inode)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->list[i].n_inodes; k++)
			if (s->list[i].inodes[k] == inode && !s->list[i].pid)
				describe(pid, &s->list[i]);
}

static void directory_close(DIR **d)
{
	if (*d)
		closedir(*d);
}

static void process_look(struct audit_sockets *s, pid_t pid)
{
	_cleanup_(directory_close) DIR *d = NULL;
	struct dirent *e;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		char target[64];
		unsigned long long inode;
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (sscanf(target, "socket:[%llu]", &inode) == 1)
			inode_take(s, pid, inode);
	}
}

void audit_sockets_find_owners(struct audit_sockets *s)
{
	_cleanup_(directory_close) DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			process_look(s, (pid_t)strtol(e->d_name, NULL, 10));
}
