/* SPDX-License-Identifier: MIT */
/* Any bytes as an Accept-Encoding header: one of the three answers, nothing else happens. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = malloc(size + 1);
	enum accept_coding coding;

	if (!header)
		return 0;
	memcpy(header, data, size);
	header[size] = '\0';
	coding = accept_coding(header);
	assert(coding == ACCEPT_IDENTITY || coding == ACCEPT_GZIP || coding == ACCEPT_NOTHING);
	free(header);
	return 0;
}
