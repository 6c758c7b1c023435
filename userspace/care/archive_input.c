/* SPDX-License-Identifier: MIT */
/* read(2), and one who listens. */
#include "care/archive_input.h"

#include <errno.h>
#include <unistd.h>

ssize_t archive_input_read(const struct archive_input *in, void *to, size_t n)
{
	ssize_t got;
	int err;

	do
		got = read(in->fd, to, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	err = got && in->fn ? in->fn(to, (size_t)got, in->ctx) : 0;
	return err ? err : got;
}

ssize_t archive_input_read_all(const struct archive_input *in, void *to, size_t n)
{
	size_t at = 0;
	ssize_t got = 1;

	while (at < n && got) {
		got = archive_input_read(in, (char *)to + at, n - at);
		if (got < 0)
			return got;
		at += (size_t)got;
	}
	return (ssize_t)at;
}
