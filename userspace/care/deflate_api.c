/* SPDX-License-Identifier: MIT */
/* libdeflate, if there is one. */
#include "care/deflate_api.h"

#include "base/library.h"
#include "base/util.h"

#define SYMBOL(f) { "libdeflate_" #f, offsetof(struct deflate_api, f) },

/* clang-format off */
static const struct library_symbol symbols[] = {
	SYMBOL(alloc_compressor) SYMBOL(deflate_compress) SYMBOL(free_compressor)
	SYMBOL(alloc_decompressor) SYMBOL(deflate_decompress_ex) SYMBOL(free_decompressor)
	SYMBOL(crc32)
};
/* clang-format on */

bool deflate_api_open(struct deflate_api *api)
{
	static const char *const names[] = { "libdeflate.so.0", NULL };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	*api = (struct deflate_api){ 0 };
	return library_open(names, symbols, ARRAY_SIZE(symbols), "libdeflate", api, &why,
			    &api->library) == 0;
}

void deflate_api_close(struct deflate_api *api)
{
	library_close(take(api->library));
}
