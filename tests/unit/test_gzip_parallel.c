/* SPDX-License-Identifier: MIT */
/* gzip by several threads: what zlib and gunzip make of it, sizes around the blocks, errors, memory. */
#include "nomem.h"
#include "unit.h"

#include "deflate_fixture.h"

#include "../../userspace/care/gzip_parallel.c"
#include "../../userspace/care/work_ring.c"

#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

#define BLOCK (32u << 10)

struct sink {
	struct buf bytes;
	unsigned int calls, fail_at;
};

static int sink_add(const void *bytes, size_t n, void *ctx)
{
	struct sink *s = ctx;

	if (++s->calls == s->fail_at)
		return -ENOSPC;
	return buf_add(&s->bytes, bytes, n);
}

/* Half of it repeats what is far back, as dictionaries must show. */
static unsigned char *make_text(size_t n)
{
	unsigned char *text = (malloc)(n + 1);
	uint32_t x = 12345;

	for (size_t i = 0; text && i < n; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = i >= 20000 && i / 5000 % 2 ? text[i - 20000] : (unsigned char)(x >> 24);
	}
	return text;
}

static int compress_all(const unsigned char *text, size_t n, size_t piece, unsigned int threads,
			struct sink *s)
{
	struct gzip_parallel_options o = {
		.level = 6, .n_threads = threads, .block_bytes = BLOCK, .fn = sink_add, .ctx = s
	};
	_cleanup_(gzip_parallel_freep) struct gzip_parallel *g = NULL;
	int err = gzip_parallel_new(&o, &g);

	for (size_t at = 0; !err && at < n; at += piece)
		err = gzip_parallel_add(g, text + at, piece < n - at ? piece : n - at);
	return err ? err : gzip_parallel_finish(g);
}

/* Members, whose checksums and lengths zlib compares itself; nothing behind them. Counted in @ret_members. */
static bool unpacks_to(const struct buf *gz, const unsigned char *text, size_t n,
		       size_t *ret_members)
{
	unsigned char *out = (malloc)(n + 1);
	z_stream z = { .next_in = (unsigned char *)gz->data,
		       .avail_in = (uInt)gz->len,
		       .next_out = out,
		       .avail_out = (uInt)n + 1 };
	bool same = out && inflateInit2(&z, 15 + 16) == Z_OK;

	*ret_members = 0;
	while (same && z.avail_in) {
		same = inflate(&z, Z_FINISH) == Z_STREAM_END && inflateReset(&z) == Z_OK;
		(*ret_members)++;
	}
	same = same && z.next_out == out + n && memcmp(out, text, n) == 0;
	inflateEnd(&z);
	free(out);
	return same;
}

static void unpacks(void)
{
	static const size_t sizes[] = {
		0,         1,         BLOCK - 1, BLOCK,         BLOCK + 1,
		2 * BLOCK, 3 * BLOCK, 4 * BLOCK, 9 * BLOCK + 7, 40 * BLOCK
	};
	static const size_t pieces[] = { 1000, BLOCK, 5 * BLOCK + 3 };
	unsigned char *text = make_text(40 * BLOCK);

	REQUIRE(text);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
			for (unsigned int threads = 1; threads <= 5; threads += 2) {
				struct sink s = { .bytes = BUF_INIT(4 << 20) };
				size_t members, blocks = (sizes[i] + BLOCK - 1) / BLOCK;

				deflate_without = threads == 3; /* as good as libdeflate */
				unit_begin("%zu bytes in pieces of %zu by %u threads", sizes[i],
					   pieces[k], threads);
				EXPECT_INT(compress_all(text, sizes[i], pieces[k], threads, &s), 0);
				EXPECT(unpacks_to(&s.bytes, text, sizes[i], &members));
				EXPECT_UINT(members, blocks ? blocks : 1);
				buf_done(&s.bytes);
			}
		}
	}
	deflate_without = false;
	free(text);
}

static void is_the_same(void)
{
	size_t n = 20 * BLOCK;
	unsigned char *text = make_text(n);
	struct sink one = { .bytes = BUF_INIT(4 << 20) }, many = { .bytes = BUF_INIT(4 << 20) };

	REQUIRE(text);
	EXPECT_INT(compress_all(text, n, 1000, 1, &one), 0);
	EXPECT_INT(compress_all(text, n, 7777, 4, &many), 0);
	EXPECT_BYTES(many.bytes.data, many.bytes.len, one.bytes.data, one.bytes.len);
	buf_done(&one.bytes);
	buf_done(&many.bytes);
	free(text);
}

/* What cannot be packed, in blocks of every small size and of the largest. */
static void has_room(void)
{
	const size_t n = GZIP_MEMBER_BYTES_MAX;
	unsigned char *text = make_text(2 * n), *out = (malloc)(GZIP_MEMBER_ROOM(n));
	uint32_t x = 1;

	REQUIRE(text && out);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (unsigned char)(x >> 24);
	}
	for (int level = 1; level <= 9; level++) {
		for (int without = 0; without < 2; without++) {
			struct gzip_packer *p;
			size_t packed, bytes, said;

			deflate_without = without;
			unit_begin("level %d%s", level, without ? " of zlib" : "");
			REQUIRE_INT(gzip_packer_new(level, &p), 0);
			for (size_t size = 0; size < 300; size++)
				EXPECT_INT(gzip_packer_pack(p, text, size, out, &packed), 0);
			EXPECT_INT(gzip_packer_pack(p, text, n, out, &packed), 0);
			EXPECT(packed > n && packed <= GZIP_MEMBER_ROOM(n));
			EXPECT(gzip_member_parse(out, &said, &bytes));
			EXPECT_UINT(said, packed);
			EXPECT_UINT(bytes, n);
			gzip_packer_free(p);
		}
	}
	deflate_without = false;
	free(text);
	free(out);
}

static void gunzip_reads_it(void)
{
	char path[] = "/tmp/test_gzip_parallel.XXXXXX";
	unsigned char *text = make_text(10 * BLOCK);
	struct sink s = { .bytes = BUF_INIT(4 << 20) };
	int fd = mkstemp(path), status = -1;
	pid_t pid;

	REQUIRE(text && fd >= 0);
	EXPECT_INT(compress_all(text, 10 * BLOCK, 4096, 2, &s), 0);
	EXPECT_INT(write(fd, s.bytes.data, s.bytes.len), (ssize_t)s.bytes.len);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDIN_FILENO);
		lseek(STDIN_FILENO, 0, SEEK_SET);
		execlp("gzip", "gzip", "-t", (char *)NULL);
		_exit(127);
	}
	EXPECT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
	close(fd);
	unlink(path);
	buf_done(&s.bytes);
	free(text);
}

static void tells_errors_of_writing(void)
{
	unsigned char *text = make_text(12 * BLOCK);

	REQUIRE(text);
	for (unsigned int threads = 1; threads <= 3; threads += 2) {
		for (unsigned int at = 1; at <= 12; at++) {
			struct sink s = { .bytes = BUF_INIT(4 << 20), .fail_at = at };

			unit_begin("write %u fails, %u threads", at, threads);
			EXPECT_INT(compress_all(text, 12 * BLOCK, 5000, threads, &s), -ENOSPC);
			EXPECT_UINT(s.calls, at);
			buf_done(&s.bytes);
		}
	}
	free(text);
}

static void may_be_given_up(void)
{
	struct sink s = { .bytes = BUF_INIT(4 << 20) };
	struct gzip_parallel_options o = {
		.level = 9, .n_threads = 4, .block_bytes = BLOCK, .fn = sink_add, .ctx = &s
	};
	unsigned char *text = make_text(6 * BLOCK);
	struct gzip_parallel *g;

	REQUIRE(text);
	REQUIRE_INT(gzip_parallel_new(&o, &g), 0);
	EXPECT_INT(gzip_parallel_add(g, text, 6 * BLOCK), 0);
	gzip_parallel_free(g);
	gzip_parallel_free(NULL);
	buf_done(&s.bytes);
	free(text);
}

static void survives_no_memory(void)
{
	unsigned char *text = make_text(5 * BLOCK);
	int err;

	REQUIRE(text);
	deflate_without = true; /* libdeflate allocates where nothing fails */
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct sink s = { .bytes = BUF_INIT(4 << 20) };

		/* one thread: who allocates first is the same in each round */
		err = compress_all(text, 5 * BLOCK, 5000, 1, &s);
		if (nomem_hit())
			EXPECT_INT(err, -ENOMEM);
		else
			EXPECT_INT(err, 0);
		buf_done(&s.bytes);
	}
	deflate_without = false;
	free(text);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, unpacks },
		{ "the bytes are the same with any number of threads", is_the_same },
		{ NULL, has_room },
		{ "gzip -t is content", gunzip_reads_it },
		{ NULL, tells_errors_of_writing },
		{ "a stream may be given up", may_be_given_up },
		{ "no memory is an error, and nothing leaks", survives_no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
