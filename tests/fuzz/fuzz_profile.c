/* SPDX-License-Identifier: MIT */
/* Any text as a shared file, read for three profiles in both manners: no fault, keys in lower case, values without white space around
 * them, and nothing of a profile that was not found. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/shared_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static int on_key(const char *key, const char *value, void *ctx)
{
	size_t n = strlen(value), *n_keys = ctx;

	require(*key && !strchr(key, '=') && !strchr(key, '\n') && !strchr(value, '\n'));
	for (const char *p = key; *p; p++)
		require(*p < 'A' || *p > 'Z');
	require(!n || (!strchr(" \t\r", value[0]) && !strchr(" \t\r", value[n - 1])));
	return ++*n_keys == 1000 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const profiles[] = { "default", "x", "a b" };

	for (size_t i = 0; i < 6; i++) {
		char *text = malloc(size + 1);
		size_t n_keys = 0;
		bool found = false;
		int err;

		if (!text)
			return 0;
		memcpy(text, data, size);
		text[size] = '\0';
		err = shared_file_read(text, i % 2 ? SHARED_CONFIG : SHARED_CREDENTIALS,
				       profiles[i / 2], on_key, &n_keys, &found);
		require(err == (n_keys == 1000 ? -1 : 0));
		require(found || !n_keys);
		free(text);
	}
	return 0;
}
