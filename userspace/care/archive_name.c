/* SPDX-License-Identifier: MIT */
/* Names of members: from strangers, and for people. */
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "care/archive_read_impl.h"

#define NAME_SIZE 4096

int archive_refuse(struct buf *why, const char *name, const char *what, int err)
{
	char plain[NAME_SIZE];

	if (why->len)
		return err;
	utf8_make_plain(name, strlen(name), plain, sizeof(plain));
	buf_printf(why, "%s: %s", plain, what);
	return err;
}

int archive_of_system(int err)
{
	switch (err) {
	case -EPERM: return -EACCES;
	case -EFBIG: return -ENOSPC;
	default: return err;
	}
}

const char *archive_clean_name(const char *raw, char *ret)
{
	size_t at = 0, n;

	if (!raw || !*raw)
		return "has no name";
	if (*raw == '/')
		return "an absolute name";
	for (; *raw; raw += n) {
		n = strcspn(raw, "/");
		if (n == 2 && memcmp(raw, "..", 2) == 0)
			return "its name has \"..\" in it";
		if (n > 255 || at + n + 2 > NAME_SIZE)
			return "its name is too long";
		if (n && !(n == 1 && *raw == '.')) {
			if (at)
				ret[at++] = '/';
			memcpy(ret + at, raw, n);
			at += n;
		}
		n += strspn(raw + n, "/");
	}
	if (!at)
		ret[at++] = '.';
	ret[at] = '\0';
	return NULL;
}
