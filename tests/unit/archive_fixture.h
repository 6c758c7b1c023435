/* SPDX-License-Identifier: MIT */
/* What the tests of archives have in common: a directory of their own, a shell in it, tar members made by hand. */
#ifndef ISAMON_ARCHIVE_FIXTURE_H
#define ISAMON_ARCHIVE_FIXTURE_H

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

static char fixture_top[64];

/* Runs @script in the fixture's directory. Returns its exit status. */
UNIT_USED_ static int shell(const char *script)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(fixture_top) == 0)
			execl("/bin/sh", "sh", "-ec", script, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

UNIT_USED_ static void fixture_begin(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(fixture_top, sizeof(fixture_top), "%.40s/archive.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(fixture_top));
	EXPECT_INT(shell("mkdir in out scratch"), 0);
}

UNIT_USED_ static void fixture_end(void)
{
	EXPECT_INT(shell("chmod -R u+rwx . && rm -rf in out scratch && rm -f -- *"), 0);
	EXPECT_INT(rmdir(fixture_top), 0);
}

UNIT_USED_ static const char *fixture_path(const char *name)
{
	static char path[4][200];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", fixture_top, name);
	return p;
}

UNIT_USED_ static int fixture_open(const char *name, int flags)
{
	int fd = open(fixture_path(name), flags | O_CLOEXEC, 0600);

	EXPECT(fd >= 0);
	return fd;
}

/* How many names the directory has. */
UNIT_USED_ static int fixture_count(const char *name)
{
	DIR *dir = opendir(fixture_path(name));
	int n = 0;

	for (const struct dirent *d; dir && (d = readdir(dir));)
		n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	if (dir)
		closedir(dir);
	return n;
}

/* --- tar by hand: ustar, POSIX.1-2017 pax, "ustar Interchange Format" */

struct tar_member {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' symbolic link, '3' device, '5' directory, '6' FIFO */
	const char *link;
	unsigned int mode;
	const char *text;
	uint64_t size; /* said, if not that of the text */
};

UNIT_USED_ static void tar_add(struct buf *tar, const struct tar_member *m)
{
	char h[512] = { 0 };
	size_t n = m->text ? strlen(m->text) : 0;
	unsigned int sum = 0;

	snprintf(h, 100, "%s", m->name);
	snprintf(h + 100, 8, "%07o", (m->mode ? m->mode : 0644) & 07777);
	snprintf(h + 108, 8, "%07o", getuid() & 07777777);
	snprintf(h + 116, 8, "%07o", getgid() & 07777777);
	snprintf(h + 124, 12, "%011llo", (unsigned long long)(m->size ? m->size : n));
	snprintf(h + 136, 12, "%011o", 1700000000u);
	memset(h + 148, ' ', 8);
	h[156] = m->type;
	if (m->link)
		snprintf(h + 157, 100, "%s", m->link);
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 7, "%06o", sum);
	h[155] = ' ';
	buf_add(tar, h, sizeof(h));
	if (n) {
		char block[512] = { 0 };

		memcpy(block, m->text, n < 512 ? n : 512);
		buf_add(tar, block, sizeof(block));
	}
}

/* Ends it, and writes it as gzip to "x.tgz". */
UNIT_USED_ static void tar_write(struct buf *tar)
{
	static const char end[1024];
	int fd = fixture_open("x.tar", O_WRONLY | O_CREAT | O_TRUNC);

	buf_add(tar, end, sizeof(end));
	EXPECT_INT(write(fd, tar->data, tar->len), (ssize_t)tar->len);
	close(fd);
	EXPECT_INT(shell("gzip -c x.tar > x.tgz"), 0);
}

#endif
