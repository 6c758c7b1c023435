/* SPDX-License-Identifier: MIT */
/* zlib at its default level: a minute takes well under a millisecond. */
#include "store/spool_pack.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/util.h"

int spool_pack(const void *bytes, size_t n, void **ret, size_t *ret_n)
{
	uLongf room = compressBound((uLong)n);
	void *packed;

	if (n > SPOOL_PACK_MAX)
		return -EFBIG;
	packed = malloc(room);
	if (!packed)
		return -ENOMEM;
	if (compress(packed, &room, bytes, (uLong)n) != Z_OK) {
		free(packed);
		return -ENOMEM;
	}
	*ret = packed;
	*ret_n = room;
	return 0;
}

int spool_unpack(const void *bytes, size_t n, size_t size, void **ret)
{
	uLongf got = (uLongf)size;
	void *plain;
	int code;

	if (size > SPOOL_PACK_MAX)
		return -EBADMSG;
	plain = malloc(size ? size : 1);
	if (!plain)
		return -ENOMEM;
	code = uncompress(plain, &got, bytes, (uLong)n);
	if (code != Z_OK || got != size) {
		free(plain);
		return code == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
	}
	*ret = plain;
	return 0;
}
