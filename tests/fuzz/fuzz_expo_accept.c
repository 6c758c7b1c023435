/* SPDX-License-Identifier: MIT */
/* Any bytes as an Accept header: text, unless the header has a word that can mean OpenMetrics. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/expo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = malloc(size + 1);
	enum expo_format format;

	if (!header)
		return 0;
	memcpy(header, data, size);
	header[size] = '\0';
	format = expo_negotiate(header);
	assert(format == EXPO_TEXT_004 || format == EXPO_OPENMETRICS_1);
	assert(format == EXPO_TEXT_004 || strcasestr(header, "application/") ||
	       strstr(header, "*/*"));
	free(header);
	return 0;
}
