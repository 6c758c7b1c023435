/* SPDX-License-Identifier: MIT */
/* Units, by the control groups that systemd makes for them. */
#include "care/process_unit.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"

#define CGROUP_MAX 65536

static bool is_unit(const char *name, size_t n)
{
	static const char *const ends[] = { ".service", ".scope", ".socket", ".mount" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const size_t m = strlen(ends[i]);

		if (n > m && memcmp(name + n - m, ends[i], m) == 0)
			return true;
	}
	return false;
}

bool process_unit_parse(const char *text, char *ret, size_t size)
{
	*ret = '\0';
	while (*text) {
		const size_t line = strcspn(text, "\n");
		const bool counts =
			strncmp(text, "0::", 3) == 0 || memmem(text, line, ":name=systemd:", 14);
		size_t n;

		for (size_t at = 0; counts && at < line; at += n + 1) {
			n = strcspn(text + at, "/\n");
			if (n < size && is_unit(text + at, n))
				utf8_make_plain(text + at, n, ret, size);
		}
		text += line + (text[line] == '\n');
	}
	return *ret;
}

bool process_unit(const char *proc, pid_t pid, char *ret, size_t size)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), text = BUF_INIT(CGROUP_MAX);

	*ret = '\0';
	return !buf_printf(&path, "%s/%d/cgroup", proc, (int)pid) &&
	       !file_read(buf_str(&path), &text) && process_unit_parse(buf_str(&text), ret, size);
}
