/* SPDX-License-Identifier: MIT */
/* Descriptors of the process are symbolic links to "socket:[INODE]"; which of these listen, and where, one table has. */
#include "check/service_unix.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define TABLE_MAX (4u << 20)
#define DESCRIPTORS_MAX 65536
#define LISTENS 0x10000u /* __SO_ACCEPTCON */

/* "0000: 00000002 00000000 00010000 0001 01 12345 /run/app.sock"; an abstract one begins with @. */
static bool read_line(const char *line, size_t n, unsigned long inode, char *path)
{
	char text[512];
	unsigned long flags, have;
	int at = 0;

	snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : sizeof(text) - 1), line);
	if (sscanf(text, "%*s %*s %*s %lx %*s %*s %lu %n", &flags, &have, &at) != 2 || !at)
		return false;
	if (!(flags & LISTENS) || have != inode || !text[at])
		return false;
	snprintf(path, SERVICE_UNIX_PATH_MAX, "%.*s", SERVICE_UNIX_PATH_MAX - 1, text + at);
	return true;
}

static bool find_inode(const struct buf *table, unsigned long inode, char *path)
{
	const char *at = buf_str(table), *end = at + table->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const size_t n = (size_t)((newline ? newline : end) - at);

		if (read_line(at, n, inode, path))
			return true;
		at += n + 1;
	}
	return false;
}

bool service_unix_find(const char *proc, pid_t pid, char path[static SERVICE_UNIX_PATH_MAX])
{
	_cleanup_(buf_done) struct buf table = BUF_INIT(TABLE_MAX);
	char name[300], link[64];
	struct dirent *e;
	bool found = false;
	unsigned int n = 0;
	DIR *d;

	snprintf(name, sizeof(name), "%s/net/unix", proc);
	if (pid <= 0 || file_read(name, &table))
		return false;
	snprintf(name, sizeof(name), "%s/%d/fd", proc, (int)pid);
	d = opendir(name);
	while (d && !found && n++ < DESCRIPTORS_MAX && (e = readdir(d))) {
		const ssize_t length = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
		unsigned long inode;

		if (length <= 0)
			continue;
		link[length] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) == 1)
			found = find_inode(&table, inode, path);
	}
	if (d)
		closedir(d);
	return found;
}
