/* SPDX-License-Identifier: MIT */
/* What is compressed in pieces unpacks to the same bytes, and each piece at once. */
#include "base/gzip.h"

#include <zlib.h>

#include "unit.h"

static struct buf unpack(const struct buf *packed)
{
	struct buf out = BUF_INIT(64u << 20);
	unsigned char step[4096];
	z_stream z = { 0 };
	int result;

	inflateInit2(&z, 15 + 16);
	z.next_in = (unsigned char *)packed->data;
	z.avail_in = (uInt)packed->len;
	do {
		z.next_out = step;
		z.avail_out = sizeof(step);
		result = inflate(&z, Z_NO_FLUSH);
		buf_add(&out, step, sizeof(step) - z.avail_out);
	} while (result == Z_OK && (z.avail_in || !z.avail_out));
	EXPECT_UINT(z.avail_in, 0);
	inflateEnd(&z);
	return out;
}

/* Text like a page's, or noise. */
static void fill(struct buf *b, size_t n, bool noise)
{
	uint32_t x = 2463534242u;

	while (b->len < n) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (noise)
			buf_add(b, &x, sizeof(x));
		else
			buf_printf(b, "http_bucket{le=\"%u\"} %u\n", x % 20, x % 1000);
	}
}

static void packs(size_t total, size_t piece, bool noise)
{
	_cleanup_(buf_done) struct buf in = BUF_INIT(64u << 20), out = BUF_INIT(64u << 20),
				       back = BUF_INIT(64u << 20);
	struct gzip *g;
	size_t at, n;

	unit_begin("%zu bytes of %s in pieces of %zu", total, noise ? "noise" : "text", piece);
	fill(&in, total, noise);
	REQUIRE_INT(gzip_new(&g), 0);
	for (at = 0; at < in.len; at += n) {
		n = in.len - at < piece ? in.len - at : piece;
		EXPECT_INT(gzip_add(g, in.data + at, n, at + n == in.len, &out), 0);
		if (at == 0) {
			back = unpack(&out);
			EXPECT_BYTES(back.data, back.len, in.data, n);
			buf_done(&back);
		}
	}
	if (!in.len)
		EXPECT_INT(gzip_add(g, "", 0, true, &out), 0);
	gzip_free(g);
	back = unpack(&out);
	EXPECT_BYTES(buf_str(&back), back.len, buf_str(&in), in.len);
	if (!noise && total > 100000)
		EXPECT(out.len * 3 < in.len);
}

static void all_sizes(void)
{
	static const size_t sizes[][2] = {
		{ 0, 1 }, { 1, 1 }, { 5000, 7 }, { 65536, 65536 }, { 3000000, 65536 }
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		packs(sizes[i][0], sizes[i][1], false);
		packs(sizes[i][0], sizes[i][1], true);
	}
}

static void full_buffer(void)
{
	_cleanup_(buf_done) struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1000);
	struct gzip *g;

	fill(&in, 100000, true);
	REQUIRE_INT(gzip_new(&g), 0);
	EXPECT_INT(gzip_add(g, in.data, in.len, true, &out), -EFBIG);
	gzip_free(g);
	gzip_free(NULL);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, all_sizes },
		{ "a full buffer is an error", full_buffer },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
