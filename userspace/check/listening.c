/* SPDX-License-Identifier: MIT */
/* The tables of /proc/net, and the owners by the inodes in /proc/PID/fd. */
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
#include "base/utf8.h"
#include "probe/proc.h"

#define TABLE_MAX (4u << 20)
#define STATE_LISTEN 0x0a /* TCP_LISTEN and TCP_CLOSE, include/net/tcp_states.h */
#define STATE_CLOSE 0x07
#define PIECE_BYTES 16384
#define STATUS_MAX 16384
#define SIZE_FIRST 32
#define FDS_MAX 65536 /* of one process that are looked at */

static int add(struct listening_list *l, const struct listening *item)
{
	if (l->n == LISTENING_MAX)
		return -E2BIG;
	if (l->n == l->size) {
		const size_t size = l->size ? 2 * l->size : SIZE_FIRST;
		struct listening *items = realloc(l->items, size * sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->size = size;
	}
	l->items[l->n++] = *item;
	return 0;
}

/* Words of 32 bits, each printed as the machine has it: what comes back is in network order. */
static bool parse_address(const char *hex, bool v6, struct in6_addr *ret)
{
	uint32_t words[4] = { 0, 0, htonl(0xffff), 0 };
	const size_t first = v6 ? 0 : 3;

	for (size_t i = first; i < 4; i++) {
		char word[9] = "";

		memcpy(word, hex + 8 * (i - first), 8);
		if (strspn(word, "0123456789ABCDEFabcdef") != 8)
			return false;
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	memcpy(ret, words, sizeof(words));
	return true;
}

static bool is_any(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a) ||
	       (IN6_IS_ADDR_V4MAPPED(a) && !memcmp(&a->s6_addr[12], "\0\0\0\0", 4));
}

static bool is_v6(enum listening_table table)
{
	return table == LISTENING_TCP6 || table == LISTENING_UDP6;
}

/* "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 ..." */
static bool parse_line(const char *line, bool v6, struct listening *ret, unsigned int *ret_state)
{
	char local[33], remote[33];
	unsigned int port;

	*ret = (struct listening){ .pid = 0 };
	if (sscanf(line,
		   " %*u: %32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%*4x %2x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
		   local, &port, remote, ret_state, &ret->inode) != 5 ||
	    strlen(local) != (v6 ? 32 : 8) || !parse_address(local, v6, &ret->address))
		return false;
	ret->port = (uint16_t)port;
	ret->any = is_any(&ret->address);
	return true;
}

int listening_parse(const char *text, enum listening_table table, struct listening_list *ret)
{
	const bool udp = table == LISTENING_UDP || table == LISTENING_UDP6;
	const char *line = strchr(text, '\n'); /* behind the heading */
	struct listening item;
	unsigned int state;
	int err = 0;

	while (!err && line && *++line && parse_line(line, is_v6(table), &item, &state)) {
		item.udp = udp;
		if (state == (udp ? STATE_CLOSE : STATE_LISTEN))
			err = add(ret, &item);
		else if (!udp)
			break;
		line = strchr(line, '\n');
	}
	return err;
}

/* Whether its last whole line, of TCP, is none of those that listen. */
static bool is_past_them(const struct buf *text, enum listening_table table)
{
	const char *end = memrchr(buf_str(text), '\n', text->len);
	const char *begin =
		end ? memrchr(buf_str(text), '\n', (size_t)(end - buf_str(text))) : NULL;
	struct listening item;
	unsigned int state;

	return begin && parse_line(begin + 1, is_v6(table), &item, &state) && state != STATE_LISTEN;
}

/* A host that is busy has many thousands of connections, which are behind those that listen: they are left where they are. */
static int read_lines(const char *path, enum listening_table table, struct buf *ret)
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	const bool tcp = table == LISTENING_TCP || table == LISTENING_TCP6;
	char piece[PIECE_BYTES];
	ssize_t n = -1;

	while (fd >= 0 && ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR))) {
		if (n > 0 && buf_add(ret, piece, (size_t)n))
			return ret->err;
		if (tcp && is_past_them(ret, table))
			return 0;
	}
	return n < 0 ? -errno : 0;
}

static int read_table(const char *proc, enum listening_table table, struct listening_list *ret)
{
	static const char *const names[LISTENING_TABLES] = { "tcp", "tcp6", "udp", "udp6" };
	_cleanup_(buf_done) struct buf text = BUF_INIT(TABLE_MAX);
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/net/%s", proc, names[table]);
	err = read_lines(path, table, &text);
	/* A kernel may be without IPv6. */
	if (err == -ENOENT && table != LISTENING_TCP)
		return 0;
	return err ? err : listening_parse(buf_str(&text), table, ret);
}

/* The oldest of those that share it: a server rather than its workers, whose numbers are mostly higher. */
static void owns(struct listening_list *l, uint64_t inode, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++) {
		struct listening *item = &l->items[i];

		if (item->inode == inode && (!item->pid || pid < item->pid))
			item->pid = pid;
	}
}

static void look_at_fds(DIR *fds, struct listening_list *l, pid_t pid)
{
	const struct dirent *e;

	for (int n = 0; n < FDS_MAX && (e = readdir(fds)); n++) {
		char target[64];
		ssize_t len = readlinkat(dirfd(fds), e->d_name, target, sizeof(target) - 1);
		uint64_t inode;

		if (len <= 0)
			continue;
		target[len] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
			owns(l, inode, pid);
	}
}

static void look_at_process(const char *proc, pid_t pid, struct listening_list *l)
{
	char path[512];
	DIR *fds;

	snprintf(path, sizeof(path), "%s/%d/fd", proc, (int)pid);
	fds = opendir(path);
	if (!fds)
		return;
	look_at_fds(fds, l, pid);
	closedir(fds);
}

/* The second number is the effective one (proc_pid_status(5)). Whose /proc/PID is does not tell: it is root's when the process changed its
 * user itself. */
static bool uid_of(const char *proc, pid_t pid, uid_t *ret)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(STATUS_MAX);
	const char *line;
	char path[512];
	unsigned int uid;

	snprintf(path, sizeof(path), "%s/%d/status", proc, (int)pid);
	if (file_read(path, &text))
		return false;
	line = strstr(buf_str(&text), "\nUid:");
	if (!line || sscanf(line, "\nUid: %*u %u", &uid) != 1)
		return false;
	*ret = uid;
	return true;
}

/* One that has ended meanwhile is not known. */
static void describe(const char *proc, struct listening *item)
{
	struct proc_stat stat;

	if (proc_read_stat(proc, item->pid, &stat) || !uid_of(proc, item->pid, &item->uid))
		item->pid = 0;
	else
		utf8_make_plain(stat.name, strlen(stat.name), item->name, sizeof(item->name));
}

static void find_owners(const char *proc, struct listening_list *l)
{
	const struct dirent *e;
	DIR *d = opendir(proc);

	while (d && (e = readdir(d))) {
		uint64_t pid;

		if (number_parse_u64(e->d_name, 1, INT32_MAX, &pid) == 0)
			look_at_process(proc, (pid_t)pid, l);
	}
	if (d)
		closedir(d);
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].pid)
			describe(proc, &l->items[i]);
}

static int read_tables(const char *proc, size_t n, struct listening_list *ret)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = read_table(proc, (enum listening_table)i, ret);
	if (err)
		listening_done(ret);
	else
		find_owners(proc, ret);
	return err;
}

int listening_read(const char *proc, struct listening_list *ret)
{
	return read_tables(proc, LISTENING_UDP, ret);
}

int listening_read_all(const char *proc, struct listening_list *ret)
{
	return read_tables(proc, LISTENING_TABLES, ret);
}

void listening_done(struct listening_list *l)
{
	free(l->items);
	*l = (struct listening_list){ .n = 0 };
}

bool listening_takes(const struct listening *l, const struct in6_addr *address, uint16_t port)
{
	if (l->port != port)
		return false;
	if (l->any)
		return IN6_IS_ADDR_UNSPECIFIED(&l->address) || IN6_IS_ADDR_V4MAPPED(address);
	return memcmp(&l->address, address, sizeof(*address)) == 0;
}

void listening_add_address(const struct in6_addr *address, uint16_t port, struct buf *out)
{
	const bool v4 = IN6_IS_ADDR_V4MAPPED(address);
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address->s6_addr[12] : address->s6_addr, text,
		  sizeof(text));
	buf_printf(out, v4 ? "%s:%u" : "[%s]:%u", text, port);
}

void listening_describe(const struct listening *l, struct buf *out)
{
	listening_add_address(&l->address, l->port, out);
	if (l->pid)
		buf_printf(out, " (%s, process %d)", l->name, (int)l->pid);
}
