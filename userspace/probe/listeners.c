/* SPDX-License-Identifier: MIT */
/* Reads the listening sockets off the head of /proc/net/tcp and tcp6. A row is
 * "   0: 0100007F:1F40 00000000:0000 0A ...": address and port of either end, then the state. */
#include "probe/listeners.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

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

/* Returns whether to go on: not behind the last listening socket. */
static bool row_take(const char *row, const uint16_t *ports, size_t n, bool *up)
{
	const char *at = row + strcspn(row, ":");
	uint32_t local, remote, state;

	if (!take_char(&at, ':') || !take_end(&at, &local) || !take_end(&at, &remote) ||
	    !take_hex(&at, &state))
		return true; /* the head of the table */
	if (state != STATE_LISTEN)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ports[i] == local)
			up[i] = true;
	return true;
}

static int table_read(const char *proc, const char *name, const uint16_t *ports, size_t n, bool *up)
{
	_cleanup_(file_close) FILE *f = NULL;
	char text[PATH_MAX];

	if (snprintf(text, sizeof(text), "%s/net/%s", proc, name) >= (int)sizeof(text))
		return -ENAMETOOLONG;
	f = fopen(text, "re");
	if (!f)
		return -errno;
	while (fgets(text, sizeof(text), f))
		if (!row_take(text, ports, n, up))
			return 0;
	return ferror(f) ? -EIO : 0;
}

int listeners_find(const char *proc, const uint16_t *ports, size_t n, bool *up)
{
	int err;

	memset(up, 0, n * sizeof(*up));
	err = table_read(proc, "tcp", ports, n, up);
	if (err)
		return err;
	err = table_read(proc, "tcp6", ports, n, up);
	return err == -ENOENT ? 0 : err; /* a kernel without IPv6 */
}
