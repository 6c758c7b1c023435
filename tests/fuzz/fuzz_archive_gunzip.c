/* SPDX-License-Identifier: MIT */
/* Any bytes as the gzip file of an archive: what is unpacked on several cores is what zlib makes of it, one member after the other. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "care/archive_gunzip.h"
#include "care/gzip_member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX (4u << 20)

static unsigned char text[TEXT_MAX], reference[TEXT_MAX];

/* Returns true at the end of a file that is as it should be; its bytes, as far as there is room, in text. */
static bool unpack(int fd, size_t *ret_n)
{
	const struct archive_input in = { fd, NULL, NULL };
	struct archive_gunzip *g;
	const void *next;
	ssize_t got;

	*ret_n = 0;
	if (archive_gunzip_new(&in, &g))
		return false;
	while ((got = archive_gunzip_next(g, &next)) > 0) {
		if ((size_t)got > TEXT_MAX - *ret_n)
			break;
		memcpy(text + *ret_n, next, (size_t)got);
		*ret_n += (size_t)got;
	}
	assert(got >= 0 || got == -EBADMSG || got == -ENOMEM);
	assert((got == -EBADMSG) == (*archive_gunzip_why(g) != '\0'));
	archive_gunzip_free(g);
	return got == 0;
}

/*
 * libdeflate takes some streams that RFC 1951 does not allow and zlib refuses, as the distance codes 30 and 31: these are held by the
 * checksum of the member alone. What surrounds the stream has to be as zlib wants it in any case.
 */
static bool is_of_the_stream(const char *msg)
{
	static const char *const surroundings[] = {
		"incorrect header check", "incorrect data check",     "incorrect length check",
		"header crc mismatch",    "unknown header flags set", "unknown compression method"
	};

	for (size_t i = 0; i < sizeof(surroundings) / sizeof(surroundings[0]); i++)
		if (strcmp(msg, surroundings[i]) == 0)
			return false;
	return true;
}

static bool says_its_length(const z_stream *z)
{
	size_t n, bytes;

	return z->avail_in >= GZIP_MEMBER_HEAD && gzip_member_parse(z->next_in, &n, &bytes);
}

/* The members of a file that was unpacked; false: one that only libdeflate takes, which gets those up to the first that does not say its length. */
static bool inflate_members(z_stream *z)
{
	bool of_libdeflate = true;

	while (z->avail_in && *z->next_in) { /* zeros may follow a member */
		int rc;

		of_libdeflate = of_libdeflate && says_its_length(z);
		rc = inflate(z, Z_FINISH);
		if (rc == Z_DATA_ERROR && of_libdeflate && is_of_the_stream(z->msg))
			return false;
		assert(rc == Z_STREAM_END);
		assert(inflateReset(z) == Z_OK);
		while (z->avail_in && !*z->next_in) {
			of_libdeflate = false;
			z->next_in++;
			z->avail_in--;
		}
	}
	assert(!z->avail_in);
	return true;
}

static void compare(const uint8_t *data, size_t size, size_t n)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)data,
		       .avail_in = (uInt)size,
		       .next_out = reference,
		       .avail_out = TEXT_MAX };
	size_t n_reference;
	bool whole;

	assert(inflateInit2(&z, 15 + 16) == Z_OK);
	whole = inflate_members(&z);
	n_reference = TEXT_MAX - z.avail_out;
	assert(whole ? n_reference == n : n_reference <= n);
	assert(memcmp(text, reference, n_reference) == 0);
	inflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("gz", MFD_CLOEXEC);
	size_t n;

	if (fd < 0)
		return 0;
	assert(write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	if (unpack(fd, &n))
		compare(data, size, n);
	close(fd);
	return 0;
}
