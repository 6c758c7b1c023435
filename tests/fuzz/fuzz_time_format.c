/* SPDX-License-Identifier: MIT */
/* "FORMAT\nLINE": refused and explained, or read; a stamp is within the line, of 1970 at the earliest. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "logs/time_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void read_line(struct time_format *f, const char *line, size_t n)
{
	static const int64_t befores[] = { TIME_STAMP_NONE, 0, 1792890000000, INT64_MAX / 4 };
	struct time_stamp s;

	for (size_t i = 0; i < ARRAY_SIZE(befores); i++) {
		int err = time_format_read(f, line, n, 1795460400000, befores[i], &s);

		require(err == 0 || err == -ENOENT);
		require(err ||
			(s.ms >= 0 && s.from < TIME_FORMAT_LOOK && s.from < s.to && s.to <= n));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	const size_t len = newline ? (size_t)(newline - data) : 0;
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct time_format *f = NULL;
	char format[200];
	int err;

	if (!newline || len >= sizeof(format))
		return 0;
	memcpy(format, data, len);
	format[len] = '\0';
	setenv("TZ", "Europe/Madrid", 1);
	err = time_format_new(format, false, &why, &f);
	require(err == 0 || (err == -EINVAL && why.len));
	if (!err)
		read_line(f, (const char *)newline + 1, size - len - 1);
	time_format_free(f);
	return 0;
}
