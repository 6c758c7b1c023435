/* SPDX-License-Identifier: MIT */
/* gzip that is unpacked on several cores, or not: what is in it, in every mixture; and what is wrong with it. */
#include "nomem.h"
#include "unit.h"

#include "deflate_fixture.h"

#include "../../userspace/care/archive_gunzip.c"
#include "../../userspace/care/gunzip_members.c"
#include "../../userspace/care/work_ring.c"

#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "care/gzip_parallel.h"

#define BLOCK 2000u
#define TEXT (40 * BLOCK + 77)

static unsigned char text[TEXT];

static void make_text(void)
{
	uint32_t x = 7;

	for (size_t i = 0; i < TEXT; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = i / 500 % 2 ? (unsigned char)(x >> 24) : (unsigned char)i;
	}
}

static int to_buf(const void *bytes, size_t n, void *ctx)
{
	return buf_add(ctx, bytes, n);
}

/* Ours, of @n bytes of the text. */
static void add_ours(struct buf *out, size_t n)
{
	struct gzip_parallel_options o = {
		.level = 6, .n_threads = 1, .block_bytes = BLOCK, .fn = to_buf, .ctx = out
	};
	struct gzip_parallel *g;

	REQUIRE_INT(gzip_parallel_new(&o, &g), 0);
	EXPECT_INT(gzip_parallel_add(g, text, n), 0);
	EXPECT_INT(gzip_parallel_finish(g), 0);
	gzip_parallel_free(g);
}

/* Anybody's, of @n bytes. */
static void add_plain(struct buf *out, size_t n)
{
	static unsigned char packed[TEXT + 1000];
	z_stream z = { .next_in = text,
		       .avail_in = (uInt)n,
		       .next_out = packed,
		       .avail_out = sizeof(packed) };

	REQUIRE_INT(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	EXPECT_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_add(out, packed, z.total_out);
	deflateEnd(&z);
}

static int to_file(const void *bytes, size_t n)
{
	int fd = memfd_create("gz", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	EXPECT_INT(write(fd, bytes, n), (ssize_t)n);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* All of it into @out. Returns 0 or what ended it; @why: then, and what was read of the file, if they are not NULL. */
static int unpack(const void *bytes, size_t n, struct buf *out, const char **why,
		  struct buf *ret_read)
{
	int fd = to_file(bytes, n), err;
	const struct archive_input in = { fd, ret_read ? to_buf : NULL, ret_read };
	struct archive_gunzip *g = NULL;
	const void *next;
	ssize_t got = archive_gunzip_new(&in, &g);

	for (err = (int)got; !err; err = buf_add(out, next, (size_t)got)) {
		got = archive_gunzip_next(g, &next);
		if (got <= 0) {
			err = (int)got;
			EXPECT_INT(archive_gunzip_next(g, &next), got); /* and once more */
			break;
		}
	}
	if (why) /* they are constants */
		*why = g ? archive_gunzip_why(g) : "";
	archive_gunzip_free(g);
	close(fd);
	return err;
}

static void unpacks_what_there_is(void)
{
	static const struct {
		const char *name, *parts; /* o: ours, p: plain, 0: zeros, e: ours of nothing */
	} t[] = {
		{ "ours", "o" },
		{ "plain", "p" },
		{ "ours of nothing", "e" },
		{ "ours, and of nothing", "eeoe" },
		{ "ours and zeros", "o0" },
		{ "ours, plain, ours", "opo" },
		{ "ours, zeros, plain", "o0p" },
		{ "plain, ours, zeros", "po0" },
	};
	static const size_t sizes[] = { 1, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK, TEXT };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		for (size_t k = 0; k < 2 * ARRAY_SIZE(sizes); k++) {
			struct buf gz = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20),
				   expected = BUF_INIT(1 << 20), seen = BUF_INIT(1 << 20);
			size_t n = sizes[k / 2];

			deflate_without = k % 2;
			unit_begin("%s, %zu bytes%s", t[i].name, n, k % 2 ? ", zlib" : "");
			for (const char *c = t[i].parts; *c; c++) {
				if (*c == 'o')
					add_ours(&gz, n);
				else if (*c == 'p')
					add_plain(&gz, n);
				else if (*c == 'e')
					add_ours(&gz, 0);
				else
					buf_add(&gz, (char[100]){ 0 }, 100);
				if (*c == 'o' || *c == 'p')
					buf_add(&expected, text, n);
			}
			EXPECT_INT(unpack(gz.data, gz.len, &out, NULL, &seen), 0);
			EXPECT_BYTES(buf_str(&out), out.len, buf_str(&expected), expected.len);
			EXPECT_BYTES(seen.data, seen.len, gz.data, gz.len);
			buf_done(&gz);
			buf_done(&out);
			buf_done(&expected);
			buf_done(&seen);
		}
	}
	deflate_without = false;
}

/* Cut anywhere but between two members, it ends early; and what was unpacked until then is right. */
static void knows_where_it_ends(void)
{
	struct buf gz = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	size_t first, second, bytes;
	const char *why;

	add_ours(&gz, 2 * BLOCK);
	REQUIRE(gzip_member_parse((unsigned char *)gz.data, &first, &bytes));
	REQUIRE(gzip_member_parse((unsigned char *)gz.data + first, &second, &bytes));
	REQUIRE(first + second == gz.len);
	for (size_t n = 0; n < gz.len; n++) {
		buf_reset(&out);
		EXPECT_INT(unpack(gz.data, n, &out, &why, NULL), n == first ? 0 : -EBADMSG);
		EXPECT_STR(why, n == first ? "" : "ends early");
		EXPECT_BYTES(buf_str(&out), out.len, text, n < first ? 0 : BLOCK);
	}
	buf_done(&gz);
	buf_done(&out);
}

/* A bit of any byte: an error, or one of those that gzip leaves unchecked, and then the bytes are the same. */
static void finds_each_flipped_bit(void)
{
	struct buf gz = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	size_t first, bytes, missed = 0;

	add_ours(&gz, BLOCK + 300);
	REQUIRE(gzip_member_parse((unsigned char *)gz.data, &first, &bytes));
	for (size_t i = 0; i < 8 * gz.len; i++) {
		int err;

		buf_reset(&out);
		gz.data[i / 8] = (char)(gz.data[i / 8] ^ 1 << i % 8);
		err = unpack(gz.data, gz.len, &out, NULL, NULL);
		gz.data[i / 8] = (char)(gz.data[i / 8] ^ 1 << i % 8);
		EXPECT(err == 0 || err == -EBADMSG);
		if (!err) {
			EXPECT_BYTES(out.data, out.len, text, BLOCK + 300);
			missed++;
		}
	}
	/* time, hint, system, flags of the head; the extra field, then passed over; bits that fill up the last byte of a stream */
	EXPECT(missed <= 8 * 2 * GZIP_MEMBER_HEAD + 14);
	buf_done(&gz);
	buf_done(&out);
}

static void put_32_at(struct buf *gz, size_t at, uint32_t v)
{
	put_32((unsigned char *)gz->data + at, v);
}

/* What a head says is compared with what is there. Beyond the limits it is nobody's, and read as plain gzip is. */
static void believes_no_head(void)
{
	struct buf gz = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	size_t n, bytes;

	add_ours(&gz, BLOCK);
	REQUIRE(gzip_member_parse((unsigned char *)gz.data, &n, &bytes));
	const struct {
		const char *name;
		uint32_t n, bytes;
		int err;
	} t[] = {
		{ "as it is", (uint32_t)n, BLOCK, 0 },
		{ "longer", (uint32_t)n + 1, BLOCK, -EBADMSG },
		{ "shorter", (uint32_t)n - 1, BLOCK, -EBADMSG },
		{ "more bytes", (uint32_t)n, BLOCK + 1, -EBADMSG },
		{ "fewer bytes", (uint32_t)n, BLOCK - 1, -EBADMSG },
		{ "no bytes", 40, 0, -EBADMSG },
		{ "no length", 0, BLOCK, 0 },
		{ "only head and tail", GZIP_MEMBER_HEAD + 8, BLOCK, 0 },
		{ "the longest length", UINT32_MAX, BLOCK, 0 },
		{ "the most bytes", (uint32_t)n, UINT32_MAX, 0 },
		{ "more than may be", (uint32_t)n, GZIP_MEMBER_BYTES_MAX + 1, 0 },
		{ "longer than it can be", GZIP_MEMBER_ROOM(BLOCK) + 1, BLOCK, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		for (int without = 0; without < 2; without++) {
			deflate_without = without;
			unit_begin("%s%s", t[i].name, without ? ", zlib" : "");
			buf_reset(&out);
			put_32_at(&gz, 16, t[i].n);
			put_32_at(&gz, 20, t[i].bytes);
			EXPECT_INT(unpack(gz.data, gz.len, &out, NULL, NULL), t[i].err);
			if (!t[i].err)
				EXPECT_BYTES(out.data, out.len, text, BLOCK);
		}
	}
	deflate_without = false;
	buf_done(&gz);
	buf_done(&out);
}

static void says_what_follows(void)
{
	struct buf gz = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	const char *why;

	add_ours(&gz, 3 * BLOCK);
	buf_add_str(&gz, "and a text that is long enough for a head");
	EXPECT_INT(unpack(gz.data, gz.len, &out, &why, NULL), -EBADMSG);
	EXPECT_STR(why, "damaged, or there is something behind its end");
	EXPECT_BYTES(out.data, out.len, text, 3 * BLOCK);
	buf_done(&gz);
	buf_done(&out);
}

static int refuse_bytes(const void *bytes, size_t n, void *ctx)
{
	(void)bytes;
	return (*(size_t *)ctx += n) > 9000 ? -ECANCELED : 0;
}

static void may_be_stopped(void)
{
	struct buf gz = BUF_INIT(1 << 20);
	size_t seen = 0;
	const void *next;
	int fd;

	add_ours(&gz, TEXT);
	fd = to_file(gz.data, gz.len);
	const struct archive_input in = { fd, refuse_bytes, &seen };
	struct archive_gunzip *g;
	ssize_t n;

	REQUIRE_INT(archive_gunzip_new(&in, &g), 0);
	do
		n = archive_gunzip_next(g, &next);
	while (n > 0);
	EXPECT_INT(n, -ECANCELED);
	EXPECT_INT(archive_gunzip_next(g, &next), -ECANCELED);
	archive_gunzip_free(g);
	close(fd);
	buf_done(&gz);
}

static void survives_no_memory(void)
{
	struct buf gz = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);

	deflate_without = true; /* libdeflate allocates where nothing fails */
	add_ours(
		&gz,
		BLOCK); /* one piece: no thread, so who allocates first is the same in each round */
	for (unsigned int n = 1; nomem_again(n); n++) {
		int err;

		buf_reset(&out);
		err = unpack(gz.data, gz.len, &out, NULL, NULL);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
	}
	deflate_without = false;
	buf_done(&gz);
	buf_done(&out);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, unpacks_what_there_is },
		{ "what ends early is found to", knows_where_it_ends },
		{ "each flipped bit is found, where it matters", finds_each_flipped_bit },
		{ NULL, believes_no_head },
		{ "what follows is named", says_what_follows },
		{ "who listens may stop it", may_be_stopped },
		{ "no memory is an error, and nothing leaks", survives_no_memory },
	};

	make_text();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
