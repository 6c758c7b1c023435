/* SPDX-License-Identifier: MIT */
/* A few keys of an INI file. A value that cannot be taken whole is not taken. */
#include "care/supervisor_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

#define FILE_MAX (256 * 1024)
#define HERE "%(here)s"

struct reading {
	const char *path;
	struct supervisor_conf *conf;
};

static void copy(const char *value, char *to, size_t size)
{
	size_t n = strlen(value);

	if (n < size && !strstr(value, "%("))
		memcpy(to, value, n + 1);
}

/* The directory of the configuration, where the value begins with it. */
static void copy_path(const struct reading *r, const char *value, char *to, size_t size)
{
	const char *slash = strrchr(r->path, '/');
	char path[4096];
	int n;

	if (strncmp(value, HERE, sizeof(HERE) - 1) != 0) {
		copy(value, to, size);
		return;
	}
	n = snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash - r->path) : 0, r->path,
		     value + sizeof(HERE) - 1);
	if (n > 0 && (size_t)n < sizeof(path))
		copy(path, to, size);
}

static int on_key(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *r = ctx;
	struct supervisor_conf *c = r->conf;

	if (!value || strcmp(section, "unix_http_server") != 0)
		return 1;
	if (strcmp(name, "file") == 0)
		copy_path(r, value, c->socket, sizeof(c->socket));
	else if (strcmp(name, "username") == 0)
		copy(value, c->user, sizeof(c->user));
	else if (strcmp(name, "password") == 0 && strncmp(value, "{SHA}", 5) != 0)
		copy(value, c->password, sizeof(c->password));
	return 1;
}

void supervisor_conf_parse(const char *path, const char *text, struct supervisor_conf *ret)
{
	struct reading r = { .path = path, .conf = ret };

	memset(ret, 0, sizeof(*ret));
	ini_parse_string(text, on_key, &r);
}

/* Into a buffer that does not move, so that it can be wiped. Returns 0 or -errno. */
static int read_text(const char *path, char text[static FILE_MAX + 1])
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	n = pread(fd, text, FILE_MAX, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n == FILE_MAX ? -EFBIG : 0;
}

int supervisor_conf_read(const char *path, struct supervisor_conf *ret)
{
	char *text = malloc(FILE_MAX + 1);
	int err = text ? read_text(path, text) : -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	if (!err)
		supervisor_conf_parse(path, text, ret);
	if (text)
		explicit_bzero(text, FILE_MAX + 1);
	free(text);
	return err;
}

void supervisor_conf_wipe(struct supervisor_conf *c)
{
	explicit_bzero(c, sizeof(*c));
}
