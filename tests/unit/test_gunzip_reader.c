/* SPDX-License-Identifier: MIT */
/* The unpacked text from any place, of whole, joined, unfinished and damaged files. */
#include "nomem.h"

#include "../../userspace/logs/gunzip_reader.c"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"
#include "unit.h"

#define TEXT_BYTES 300000

static char text[TEXT_BYTES];

static void text_make(void)
{
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + (i * i / 7 + i / 300) % 26);
}

/* Appends a member with @n bytes of the text from @from on. */
static void member_add(int fd, size_t from, size_t n)
{
	static unsigned char out[TEXT_BYTES + 1000];
	z_stream z = { 0 };

	deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)text + from;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = sizeof(out);
	EXPECT_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	EXPECT(write(fd, out, z.total_out) == (ssize_t)z.total_out);
}

static int file_make(void)
{
	int fd = memfd_create("gz", MFD_CLOEXEC);

	text_make();
	EXPECT(fd >= 0);
	return fd;
}

static void expect_at(struct gunzip_reader *g, uint64_t offset, size_t size, size_t expected)
{
	static char bytes[TEXT_BYTES + 1];

	EXPECT_INT(gunzip_reader_pread(g, bytes, size, offset), (intmax_t)expected);
	EXPECT(memcmp(bytes, text + (expected ? offset : 0), expected) == 0);
}

static void any_place(void)
{
	static const struct {
		uint64_t offset;
		size_t size, expected;
	} rows[] = {
		{ 0, 10, 10 },
		{ 10, 5000, 5000 },
		{ 299990, 100, 10 },
		{ 5, 100, 100 },
		{ 300000, 100, 0 },
		{ 300001, 100, 0 },
		{ UINT64_MAX, 100, 0 },
		{ 99999, 2, 2 },
		{ 0, TEXT_BYTES, TEXT_BYTES },
		{ 7, 0, 0 },
	};
	struct gunzip_reader *g = NULL;
	int fd = file_make();

	member_add(fd, 0, 100000);
	member_add(fd, 100000, 0);
	member_add(fd, 100000, 200000);
	REQUIRE_INT(gunzip_reader_new(fd, &g), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_at(g, rows[i].offset, rows[i].size, rows[i].expected);
	expect_at(g, 300000, 1, 0);
	EXPECT(gunzip_reader_is_whole(g));
	gunzip_reader_free(g);
	close(fd);
}

/* As gzip(1): what follows, and is no member, is passed over. */
static void padding(void)
{
	struct gunzip_reader *g = NULL;
	int fd = file_make();

	member_add(fd, 0, 1000);
	EXPECT(write(fd, "\0\0\0\0garbage", 11) == 11);
	REQUIRE_INT(gunzip_reader_new(fd, &g), 0);
	expect_at(g, 0, 2000, 1000);
	expect_at(g, 1000, 100, 0);
	EXPECT(gunzip_reader_is_whole(g));
	gunzip_reader_free(g);
	close(fd);
}

static void goes_on(void)
{
	struct gunzip_reader *g = NULL;
	int whole = file_make(), fd = file_make();
	char bytes[200000];
	ssize_t n, half;
	size_t got = 0;

	member_add(whole, 0, TEXT_BYTES);
	n = pread(whole, bytes, sizeof(bytes), 0);
	half = n / 2;
	EXPECT(write(fd, bytes, (size_t)half) == half);
	REQUIRE_INT(gunzip_reader_new(fd, &g), 0);
	while ((n = gunzip_reader_pread(g, bytes, 1000, got)) > 0)
		got += (size_t)n;
	EXPECT_INT(n, 0);
	EXPECT(got > 1000 && got < TEXT_BYTES);
	EXPECT(!gunzip_reader_is_whole(g));
	n = pread(whole, bytes, sizeof(bytes), half);
	EXPECT(write(fd, bytes, (size_t)n) == n);
	expect_at(g, got, TEXT_BYTES, TEXT_BYTES - got);
	expect_at(g, TEXT_BYTES, 1, 0);
	EXPECT(gunzip_reader_is_whole(g));
	gunzip_reader_free(g);
	close(fd);
	close(whole);
}

static void damaged(void)
{
	struct gunzip_reader *g = NULL;
	char bytes[2000];
	int fd = file_make();

	EXPECT(write(fd, "no gzip at all", 14) == 14);
	REQUIRE_INT(gunzip_reader_new(fd, &g), 0);
	EXPECT_INT(gunzip_reader_pread(g, bytes, 10, 0), -EBADMSG);
	EXPECT_INT(gunzip_reader_pread(g, bytes, 10, 0), -EBADMSG);
	EXPECT(!gunzip_reader_is_whole(g));
	gunzip_reader_free(g);
	EXPECT(!ftruncate(fd, 0) && lseek(fd, 0, SEEK_SET) == 0);
	member_add(fd, 0, 1000);
	EXPECT(pwrite(fd, "\xff\xff\xff\xff", 4, lseek(fd, 0, SEEK_END) - 8) == 4);
	REQUIRE_INT(gunzip_reader_new(fd, &g), 0);
	EXPECT_INT(gunzip_reader_pread(g, bytes, 2000, 0), 1000);
	EXPECT_INT(gunzip_reader_pread(g, bytes, 2000, 1000), -EBADMSG);
	EXPECT(!gunzip_reader_is_whole(g));
	gunzip_reader_free(g);
	close(fd);
	REQUIRE_INT(gunzip_reader_new(-1, &g), 0);
	EXPECT_INT(gunzip_reader_pread(g, bytes, 10, 0), -EBADF);
	gunzip_reader_free(g);
}

static void no_memory(void)
{
	struct gunzip_reader *g;
	unsigned int n;
	int err;

	for (n = 1; nomem_again(n); n++) {
		g = NULL;
		err = gunzip_reader_new(-1, &g);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		gunzip_reader_free(g);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "any place of several members", any_place },
		{ "what follows the last member is passed over", padding },
		{ "a file that is still being written", goes_on },
		{ "a damaged file", damaged },
		{ "no memory", no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
