/* SPDX-License-Identifier: MIT */
/* A few keys of an INI file. A value that cannot be taken whole is not taken. */
#include "care/supervisor_conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/util.h"

#define FILE_MAX (1u << 20)
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

int supervisor_conf_read(const char *path, struct supervisor_conf *ret)
{
	struct buf text = BUF_INIT(FILE_MAX);
	struct stat st;
	int err;

	memset(ret, 0, sizeof(*ret));
	err = file_read_stat(path, &text, &st);
	if (!err &&
	    ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH)))
		err = -EPERM;
	if (!err)
		supervisor_conf_parse(path, buf_str(&text), ret);
	if (text.data)
		explicit_bzero(text.data, text.size);
	buf_done(&text);
	return err;
}

void supervisor_conf_wipe(struct supervisor_conf *c)
{
	explicit_bzero(c, sizeof(*c));
}
