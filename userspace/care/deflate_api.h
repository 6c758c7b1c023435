/* SPDX-License-Identifier: MIT */
/*
 * The functions of libdeflate that isamon calls, found at run time (dlopen(3)). It packs in little more than half the time that
 * zlib takes for the same size, and unpacks in a third; without it zlib does the same work.
 *
 * The types are those of libdeflate.h of 1.14 (https://github.com/ebiggers/libdeflate), written down here because not every system
 * that has the library has a package of its header; they are the same since 1.0.
 */
#ifndef ISAMON_DEFLATE_API_H
#define ISAMON_DEFLATE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct libdeflate_compressor;
struct libdeflate_decompressor;

struct deflate_api {
	void *library;
	struct libdeflate_compressor *(*alloc_compressor)(int level);
	/* Returns how many bytes it became; 0: more than @out_room. */
	size_t (*deflate_compress)(struct libdeflate_compressor *c, const void *in, size_t n,
				   void *out, size_t out_room);
	void (*free_compressor)(struct libdeflate_compressor *c);
	struct libdeflate_decompressor *(*alloc_decompressor)(void);
	/* Returns 0: unpacked, @ret_in bytes were it; another number: damaged, or more than @out_room. */
	int (*deflate_decompress_ex)(struct libdeflate_decompressor *d, const void *in, size_t n,
				     void *out, size_t out_room, size_t *ret_in, size_t *ret_out);
	void (*free_decompressor)(struct libdeflate_decompressor *d);
	uint32_t (*crc32)(uint32_t crc, const void *bytes, size_t n);
};

/* Opens libdeflate.so.0; a second time costs nothing, and it is never unloaded. False: there is none. */
bool deflate_api_open(struct deflate_api *api);
/* Also one that was never opened, if it is all 0. */
void deflate_api_close(struct deflate_api *api);

#endif
