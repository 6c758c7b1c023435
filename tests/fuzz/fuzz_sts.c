/* SPDX-License-Identifier: MIT */
/* Any bytes as an answer of STS: keys that can stand in a header, or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_plain(const char *s)
{
	for (; *s; s++)
		require(*s > ' ' && *s < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct keys k = { 0 };

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	if (sts_parse_keys(text, size, &k) == 0) {
		require(*k.id && *k.secret && k.token && k.expires >= 0);
		require_plain(k.id);
		require_plain(k.secret);
		require_plain(k.token);
	}
	keys_done(&k);
	free(text);
	return 0;
}
