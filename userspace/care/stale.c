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
#include <unistd.h>

#include "base/file.h"

#define MAPS_MAX (4u << 20)
#define CGROUP_MAX 65536
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

/* Of "0::/system.slice/nginx.service/app": the last part that is a unit; cgroup v1 has it in the line of its name=systemd. */
static bool find_unit(const char *text, char ret[STALE_NAME_MAX])
{
	static const char *const kinds[] = { ".service", ".scope", ".socket", ".mount" };
	bool found = false;

	while (*text) {
		size_t line = strcspn(text, "\n"), n = 0;
		bool counts =
			strncmp(text, "0::", 3) == 0 || memmem(text, line, ":name=systemd:", 14);

		for (size_t at = 0; counts && at < line; at += n + 1) {
			n = strcspn(text + at, "/\n");
			for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
				size_t m = strlen(kinds[k]);

				if (n <= m || n >= STALE_NAME_MAX ||
				    memcmp(text + at + n - m, kinds[k], m) != 0)
					continue;
				memcpy(ret, text + at, n);
				ret[n] = '\0';
				found = true;
			}
		}
		text += line + (text[line] == '\n');
	}
	return found;
}

static void name_process(const char *proc, const char *pid, char ret[STALE_NAME_MAX])
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(CGROUP_MAX);

	buf_printf(&path, "%s/%s/cgroup", proc, pid);
	if (!path.err && !file_read(buf_str(&path), &text) && find_unit(buf_str(&text), ret))
		return;
	buf_reset(&path);
	buf_reset(&text);
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

/* Kernels of one kind differ in numbers only: "6.1.0-18-amd64", but not "6.1.0-18-cloud-amd64". */
static bool same_kind(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return !*a && !*b;
}

static bool newer_kernel(const char *root, const char *running, char ret[STALE_NAME_MAX])
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX);
	const struct dirent *d;
	bool known = false;
	DIR *dir = buf_printf(&path, "%s/lib/modules", root) ? NULL : opendir(buf_str(&path));

	snprintf(ret, STALE_NAME_MAX, "%s", running);
	while (dir && (d = readdir(dir))) {
		known |= strcmp(d->d_name, running) == 0;
		if (strlen(d->d_name) < STALE_NAME_MAX && same_kind(d->d_name, running) &&
		    strverscmp(d->d_name, ret) > 0)
			snprintf(ret, STALE_NAME_MAX, "%s", d->d_name);
	}
	if (dir)
		closedir(dir);
	/* A container has the modules of another kernel. */
	return known && strcmp(ret, running) != 0;
}

bool stale_reboot(const char *root, const char *running, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(CGROUP_MAX);
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
