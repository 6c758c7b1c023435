/* SPDX-License-Identifier: MIT */
/* Who still runs what was replaced. */
#include "care/stale.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "care/process_unit.h"

#define MAPS_MAX (4u << 20)
#define TEXT_MAX 65536
#define DELETED " (deleted)"
#define PACKAGES_SHOWN 300

/* "START-END r-xp OFFSET DEV INODE      /usr/lib/libssl.so.3 (deleted)". What never was a file of a package does not count. */
static bool is_gone(const char *line, size_t n, const char **ret_path, size_t *ret_len)
{
	static const char *const made_up[] = { "/memfd:",   "/dev/", "/SYSV",  "/tmp/",
					       "/var/tmp/", "/run/", "/anon_", "/[aio]" };
	const size_t m = sizeof(DELETED) - 1;
	const char *space = memchr(line, ' ', n), *path = memchr(line, '/', n);

	if (n < m || !space || !path || memcmp(line + n - m, DELETED, m) != 0)
		return false;
	if (space + 3 >= line + n || space[3] != 'x')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(made_up); i++)
		if (strncmp(path, made_up[i], strlen(made_up[i])) == 0)
			return false;
	*ret_path = path;
	*ret_len = (size_t)(line + n - m - path);
	return true;
}

static bool find_gone(const char *maps, char ret[STALE_NAME_MAX])
{
	while (*maps) {
		size_t n = strcspn(maps, "\n"), len;
		const char *path;

		if (is_gone(maps, n, &path, &len)) {
			snprintf(ret, STALE_NAME_MAX, "%.*s",
				 (int)(len < STALE_NAME_MAX ? len : STALE_NAME_MAX - 1), path);
			return true;
		}
		maps += n + (maps[n] == '\n');
	}
	return false;
}

static void name_process(const char *proc, const char *pid, char ret[STALE_NAME_MAX])
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(TEXT_MAX);

	if (process_unit(proc, (pid_t)strtol(pid, NULL, 10), ret, STALE_NAME_MAX))
		return;
	buf_printf(&path, "%s/%s/comm", proc, pid);
	if (!path.err && !file_read(buf_str(&path), &text))
		snprintf(ret, STALE_NAME_MAX, "(%.*s)", (int)strcspn(buf_str(&text), "\n"),
			 buf_str(&text));
	else
		snprintf(ret, STALE_NAME_MAX, "(%.32s)", pid);
}

static void count(struct stale *s, const char *name, const char *library)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->units[i].name, name) != 0)
		i++;
	if (i == STALE_UNITS_MAX) {
		s->more = true;
		return;
	}
	if (i == s->n) {
		s->units[s->n++] = (struct stale_unit){ .n_processes = 0 };
		snprintf(s->units[i].name, sizeof(s->units[i].name), "%s", name);
		snprintf(s->units[i].library, sizeof(s->units[i].library), "%s", library);
	}
	s->units[i].n_processes++;
}

static int look_at(const char *proc, const char *pid, struct buf *maps, struct stale *s)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX);
	char library[STALE_NAME_MAX], name[STALE_NAME_MAX];
	int err = buf_printf(&path, "%s/%s/maps", proc, pid);

	buf_reset(maps);
	if (!err)
		err = file_read(buf_str(&path), maps);
	if (err)
		return err == -ENOMEM ? err : 0;
	if (!find_gone(buf_str(maps), library))
		return 0;
	name_process(proc, pid, name);
	count(s, name, library);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct stale_unit *)a)->name, ((const struct stale_unit *)b)->name);
}

int stale_find(const char *proc, struct stale *ret)
{
	_cleanup_(buf_done) struct buf maps = BUF_INIT(MAPS_MAX);
	const struct dirent *d;
	DIR *dir = opendir(proc);
	int err = 0;

	ret->n = 0;
	ret->more = false;
	if (!dir)
		return -errno;
	while (!err && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			err = look_at(proc, d->d_name, &maps, ret);
	closedir(dir);
	qsort(ret->units, ret->n, sizeof(ret->units[0]), by_name);
	return err;
}

/* --- reboot */

/* "6.1.0-18-cloud-amd64": "-cloud-amd64"; "6.1.79-99.amzn2023.x86_64": "" */
static const char *kind(const char *release)
{
	for (; *release; release++)
		if (*release == '+' || (*release == '-' && isalpha((unsigned char)release[1])))
			break;
	return release;
}

/* What is left of a removed kernel has no such file. */
static bool is_installed(int dir_fd, const char *name)
{
	char path[STALE_NAME_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/modules.order", name);
	return strlen(name) < STALE_NAME_MAX && fstatat(dir_fd, path, &st, 0) == 0;
}

static bool newer_kernel(const char *root, const char *running, char ret[STALE_NAME_MAX])
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX);
	const struct dirent *d;
	bool known = false;
	DIR *dir = buf_printf(&path, "%s/lib/modules", root) ? NULL : opendir(buf_str(&path));

	snprintf(ret, STALE_NAME_MAX, "%s", running);
	while (dir && (d = readdir(dir))) {
		if (!is_installed(dirfd(dir), d->d_name))
			continue;
		known |= strcmp(d->d_name, running) == 0;
		if (strcmp(kind(d->d_name), kind(running)) == 0 && strverscmp(d->d_name, ret) > 0)
			snprintf(ret, STALE_NAME_MAX, "%s", d->d_name);
	}
	if (dir)
		closedir(dir);
	/* A container has the modules of another kernel. */
	return known && strcmp(ret, running) != 0;
}

bool stale_reboot(const char *root, const char *running, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(TEXT_MAX);
	char kernel[STALE_NAME_MAX];

	buf_printf(&path, "%s/run/reboot-required", root);
	if (access(buf_str(&path), F_OK) == 0) {
		buf_add_str(why, "packages ask for it");
		buf_add_str(&path, ".pkgs");
		if (!path.err && !file_read(buf_str(&path), &text) && text.len) {
			for (size_t i = 0; i < text.len; i++)
				if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
					text.data[i] = ' ';
			buf_printf(why, ": %.*s", PACKAGES_SHOWN, buf_str(&text));
			while (why->len && why->data[why->len - 1] == ' ')
				why->data[--why->len] = '\0';
		}
		return true;
	}
	if (!newer_kernel(root, running, kernel))
		return false;
	buf_printf(why, "the kernel %s is installed, and %s runs", kernel, running);
	return true;
}
