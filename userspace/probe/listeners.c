/* SPDX-License-Identifier: MIT */
/* The listening sockets by netlink, or off the head of /proc/net/tcp and tcp6. There a row is
 * "   0: 0100007F:1F40 00000000:0000 0A ...": address and port of either end, then the state. */
#include "probe/listeners.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "probe/sock_diag.h"

#define REFUSED_NS (60 * NS_PER_SEC)
#define STATE_LISTEN 0x0a /* TCP_LISTEN, include/net/tcp_states.h */

static void file_close(FILE **f)
{
	if (*f)
		fclose(*f);
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* Takes as many hexadecimal digits as there are, and returns the number of the last eight. */
static bool take_hex(const char **at, uint32_t *ret)
{
	const char *from = *at;

	for (*ret = 0; isxdigit((unsigned char)**at); (*at)++) {
		char c = **at;

		*ret = *ret << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | ' ') - 'a' + 10);
	}
	return *at > from;
}

/* "0100007F:1F40 ", with one or more spaces before it. */
static bool take_end(const char **at, uint32_t *ret_port)
{
	uint32_t address;

	*at += strspn(*at, " ");
	return take_hex(at, &address) && take_char(at, ':') && take_hex(at, ret_port) &&
	       take_char(at, ' ');
}

/* What is looked for, and what is found of it. */
struct search {
	const uint16_t *ports;
	size_t n;
	bool *up; /* NULL: inodes are wanted */
	uint64_t *inodes;
	size_t max, n_inodes;
};

static bool is_wanted(const struct search *s, uint32_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

static void take_up(struct search *s, uint32_t port)
{
	for (size_t i = 0; i < s->n; i++)
		s->up[i] |= s->ports[i] == port;
}

/* The sixth column behind the state. */
static void take_inode(const char *at, struct search *s)
{
	unsigned long long inode;

	/* tx_queue:rx_queue, tr:tm->when, retrnsmt, uid, timeout */
	if (s->n_inodes < s->max && sscanf(at, " %*s %*s %*s %*s %*s %llu", &inode) == 1 && inode)
		s->inodes[s->n_inodes++] = inode;
}

/* Returns whether to go on: not behind the last listening socket. */
static bool row_take(const char *row, struct search *s)
{
	const char *at = row + strcspn(row, ":");
	uint32_t local, remote, state;

	if (!take_char(&at, ':') || !take_end(&at, &local) || !take_end(&at, &remote) ||
	    !take_hex(&at, &state))
		return true; /* the head of the table */
	if (state != STATE_LISTEN)
		return false;
	if (s->up)
		take_up(s, local);
	else if (is_wanted(s, local))
		take_inode(at, s);
	return true;
}

static int table_read(const char *proc, const char *name, struct search *s)
{
	_cleanup_(file_close) FILE *f = NULL;
	char text[PATH_MAX];

	if (snprintf(text, sizeof(text), "%s/net/%s", proc, name) >= (int)sizeof(text))
		return -ENAMETOOLONG;
	f = fopen(text, "re");
	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f))
		if (!row_take(text, s))
			return 0;
	return ferror(f) ? -EIO : 0;
}

static int tables_read(const char *proc, struct search *s)
{
	int err = table_read(proc, "tcp", s);

	if (err)
		return err;
	err = table_read(proc, "tcp6", s);
	return err == -ENOENT ? 0 : err; /* a kernel without IPv6 */
}

static int diag_read(struct search *s)
{
	_cleanup_(listen_sockets_done) struct listen_sockets found = { 0 };
	int err = sock_diag_listening(s->ports, s->n, &found);

	if (err)
		return err;
	for (size_t i = 0; i < found.n; i++) {
		if (s->up)
			take_up(s, found.items[i].port);
		else if (s->n_inodes < s->max && found.items[i].inode)
			s->inodes[s->n_inodes++] = found.items[i].inode;
	}
	return 0;
}

static int sockets_read(const char *proc, struct search *s)
{
	static uint64_t refused_ns; /* what the kernel has not does not depend on who asks */
	const uint64_t now_ns = clock_monotonic_ns();

	if (strcmp(proc, "/proc") == 0 && (!refused_ns || now_ns >= refused_ns + REFUSED_NS)) {
		if (diag_read(s) == 0)
			return 0;
		refused_ns = now_ns;
	}
	return tables_read(proc, s);
}

int listeners_find(const char *proc, const uint16_t *ports, size_t n, bool *up)
{
	struct search s = { .ports = ports, .n = n, .up = up };

	memset(up, 0, n * sizeof(*up));
	return sockets_read(proc, &s);
}

int listeners_inodes(const char *proc, const uint16_t *ports, size_t n, uint64_t *inodes,
		     size_t max, size_t *ret_n)
{
	struct search s = { .ports = ports, .n = n, .inodes = inodes, .max = max };
	int err = sockets_read(proc, &s);

	*ret_n = s.n_inodes;
	return err;
}
