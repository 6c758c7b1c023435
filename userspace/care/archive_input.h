/* SPDX-License-Identifier: MIT */
/* The bytes of an archive as they lie in its file, one after the other, and who else wants to know them. */
#ifndef ISAMON_ARCHIVE_INPUT_H
#define ISAMON_ARCHIVE_INPUT_H

#include <stddef.h>
#include <sys/types.h>

/* Told of all bytes of the file, in their order, before anything is made of them. An answer other than 0 ends the reading with that. */
typedef int (*archive_bytes_fn)(const void *bytes, size_t n, void *ctx);

struct archive_input {
	int fd;              /* read from its position on */
	archive_bytes_fn fn; /* NULL: nobody */
	void *ctx;
};

/* Returns how many of @n bytes there were, 0 at the end; or -errno. */
ssize_t archive_input_read(const struct archive_input *in, void *to, size_t n);
/* The same, and fewer than @n at the end of the file only. */
ssize_t archive_input_read_all(const struct archive_input *in, void *to, size_t n);

#endif
