/* SPDX-License-Identifier: MIT */
/* Head and tail are written and read here; what is between them by libdeflate, or by zlib where there is none. */
#include "care/gzip_member.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "care/deflate_api.h"

#define TAIL 8u
#define WINDOW (-15) /* raw deflate */
#define MEMORY 8

/* magic, deflate, an extra field, no time, no hint, Unix: the same bytes for the same piece; the field, of 12 bytes */
static const unsigned char begin[16] = {
	0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 12, 0, 'I', 'M', 8, 0
};

struct gzip_packer {
	struct deflate_api api;
	struct libdeflate_compressor *fast; /* or NULL, and: */
	z_stream z;
};

struct gzip_unpacker {
	struct deflate_api api;
	struct libdeflate_decompressor *fast;
	z_stream z;
};

static void put_32(unsigned char *to, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (unsigned char)(v >> 8 * i);
}

static uint32_t get_32(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t checksum(const struct deflate_api *api, const void *bytes, size_t n)
{
	return api->library ? api->crc32(0, bytes, n) :
			      (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)n);
}

/* --- packing */

int gzip_packer_new(int level, struct gzip_packer **ret)
{
	struct gzip_packer *p = calloc(1, sizeof(*p));
	bool ready;

	if (!p)
		return -ENOMEM;
	if (deflate_api_open(&p->api)) {
		p->fast = p->api.alloc_compressor(level);
		ready = p->fast != NULL;
	} else {
		ready = deflateInit2(&p->z, level, Z_DEFLATED, WINDOW, MEMORY,
				     Z_DEFAULT_STRATEGY) == Z_OK;
	}
	if (!ready) {
		gzip_packer_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

void gzip_packer_free(struct gzip_packer *p)
{
	if (!p)
		return;
	if (p->fast)
		p->api.free_compressor(p->fast);
	deflateEnd(&p->z);
	deflate_api_close(&p->api);
	free(p);
}

/* Returns how many bytes it became; 0: it has no room. */
static size_t deflate_piece(struct gzip_packer *p, const void *in, size_t n, unsigned char *out,
			    size_t room)
{
	if (p->fast)
		return p->api.deflate_compress(p->fast, in, n, out, room);
	if (deflateReset(&p->z) != Z_OK)
		return 0;
	p->z.next_in = (z_const Bytef *)(uintptr_t)in;
	p->z.avail_in = (uInt)n;
	p->z.next_out = out;
	p->z.avail_out = (uInt)room;
	return deflate(&p->z, Z_FINISH) == Z_STREAM_END ? room - p->z.avail_out : 0;
}

int gzip_packer_pack(struct gzip_packer *p, const void *in, size_t n, unsigned char *out,
		     size_t *ret_n)
{
	size_t packed;

	assert(n <= GZIP_MEMBER_BYTES_MAX);
	packed = deflate_piece(p, in, n, out + GZIP_MEMBER_HEAD,
			       GZIP_MEMBER_ROOM(n) - GZIP_MEMBER_HEAD - TAIL);
	if (!packed)
		return -EIO;
	*ret_n = GZIP_MEMBER_HEAD + packed + TAIL;
	memcpy(out, begin, sizeof(begin));
	put_32(out + sizeof(begin), (uint32_t)*ret_n);
	put_32(out + sizeof(begin) + 4, (uint32_t)n);
	put_32(out + GZIP_MEMBER_HEAD + packed, checksum(&p->api, in, n));
	put_32(out + GZIP_MEMBER_HEAD + packed + 4, (uint32_t)n);
	return 0;
}

/* --- unpacking */

bool gzip_member_parse(const unsigned char head[GZIP_MEMBER_HEAD], size_t *ret_n, size_t *ret_bytes)
{
	size_t n = get_32(head + sizeof(begin)), bytes = get_32(head + sizeof(begin) + 4);

	if (memcmp(head, begin, sizeof(begin)) != 0 || bytes > GZIP_MEMBER_BYTES_MAX ||
	    n <= GZIP_MEMBER_HEAD + TAIL || n > GZIP_MEMBER_ROOM(bytes))
		return false;
	*ret_n = n;
	*ret_bytes = bytes;
	return true;
}

int gzip_unpacker_new(struct gzip_unpacker **ret)
{
	struct gzip_unpacker *u = calloc(1, sizeof(*u));
	bool ready;

	if (!u)
		return -ENOMEM;
	if (deflate_api_open(&u->api)) {
		u->fast = u->api.alloc_decompressor();
		ready = u->fast != NULL;
	} else {
		ready = inflateInit2(&u->z, WINDOW) == Z_OK;
	}
	if (!ready) {
		gzip_unpacker_free(u);
		return -ENOMEM;
	}
	*ret = u;
	return 0;
}

void gzip_unpacker_free(struct gzip_unpacker *u)
{
	if (!u)
		return;
	if (u->fast)
		u->api.free_decompressor(u->fast);
	inflateEnd(&u->z);
	deflate_api_close(&u->api);
	free(u);
}

/* Whether all of @in becomes exactly all of @out. */
static bool inflate_piece(struct gzip_unpacker *u, const unsigned char *in, size_t n, void *out,
			  size_t bytes)
{
	size_t used = 0, made = 0;

	if (u->fast)
		return u->api.deflate_decompress_ex(u->fast, in, n, out, bytes, &used, &made) ==
			       0 &&
		       used == n && made == bytes;
	if (inflateReset(&u->z) != Z_OK)
		return false;
	u->z.next_in = (z_const Bytef *)(uintptr_t)in;
	u->z.avail_in = (uInt)n;
	u->z.next_out = out;
	u->z.avail_out = (uInt)bytes;
	return inflate(&u->z, Z_FINISH) == Z_STREAM_END && !u->z.avail_in && !u->z.avail_out;
}

int gzip_unpacker_unpack(struct gzip_unpacker *u, const unsigned char *in, size_t n, void *out,
			 size_t bytes)
{
	const unsigned char *tail = in + n - TAIL;

	if (!inflate_piece(u, in + GZIP_MEMBER_HEAD, n - GZIP_MEMBER_HEAD - TAIL, out, bytes) ||
	    get_32(tail) != checksum(&u->api, out, bytes) || get_32(tail + 4) != bytes)
		return -EBADMSG;
	return 0;
}
