/* SPDX-License-Identifier: MIT */
/* Any bytes as TOML: it comes to an end, with texts and paths that are bounded, and a line that is one of the file. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static int note(const char *path, enum toml_type type, const char *text, void *ctx)
{
	size_t *n = ctx;

	require(strlen(path) <= TOML_PATH_MAX && strlen(text) <= TOML_TEXT_MAX);
	require(type != TOML_OTHER || !*text);
	require(type != TOML_INTEGER || strspn(text, "-0123456789") == strlen(text));
	++*n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	unsigned int line = 0, lines = 1;
	size_t n = 0;
	int err;

	if (!text)
		return 0;
	memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	err = toml_parse(text, size, note, &n, &line);
	require(err == 0 ? line == 0 : line >= 1 && line <= lines);
	require(n <= lines);
	free(text);
	return 0;
}
