/* SPDX-License-Identifier: MIT */
/* Any bytes as a gzip file: read in pieces, and again from the middle, they give the same. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "logs/gunzip_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char text[1 << 16], again[1 << 16];

static size_t read_pieces(struct gunzip_reader *g, size_t piece)
{
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(text)) {
		got = gunzip_reader_pread(g, text + n,
					  piece < sizeof(text) - n ? piece : sizeof(text) - n, n);
		assert(got >= 0 || got == -EBADMSG || got == -ENOMEM);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("gz", MFD_CLOEXEC);
	struct gunzip_reader *g = NULL;
	ssize_t got;
	size_t n;

	if (fd < 0)
		return 0;
	if (size && write(fd, data, size) == (ssize_t)size && !gunzip_reader_new(fd, &g)) {
		n = read_pieces(g, 1 + data[size - 1] * 7u);
		got = gunzip_reader_pread(g, again, n - n / 2, n / 2);
		assert(n == 0 || got == (ssize_t)(n - n / 2));
		assert(n == 0 || memcmp(again, text + n / 2, n - n / 2) == 0);
	}
	gunzip_reader_free(g);
	close(fd);
	return 0;
}
