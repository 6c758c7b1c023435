/* SPDX-License-Identifier: MIT */
/* Any bytes as a request's head: parsed or refused; a path that is taken is printable and starts
 * with a slash. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = request_head_length((const char *)data, size);
	char *head = malloc(size ? size : 1);
	unsigned int status;
	struct request r;
	const char *p;

	assert(n <= size);
	if (!head)
		return 0;
	if (size)
		memcpy(head, data, size);
	status = request_parse(head, n ? n : size, &r);
	assert(!status || (status >= 400 && status <= 505));
	if (!status) {
		assert(r.path[0] == '/');
		for (p = r.path; *p; p++)
			assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	}
	request_done(&r);
	free(head);
	return 0;
}
