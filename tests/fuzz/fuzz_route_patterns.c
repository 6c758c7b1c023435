/* SPDX-License-Identifier: MIT */
/* Any line as a configured pattern: refused with a reason, or a good label that matches itself. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "metrics/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct route_patterns *p = NULL;
	char *text = malloc(size + 1);
	const char *why = NULL;
	size_t bad = 1;
	int err;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err = route_patterns_new(&text, 1, &p, &bad, &why);
	if (err) {
		assert(err == -EINVAL && bad == 0 && why && *why);
	} else {
		assert(strlen(text) <= ROUTE_LENGTH_MAX && utf8_is_plain(text, strlen(text)));
		/* "{name}" is itself a segment like any other. */
		assert(route_configured(p, text, strlen(text), false));
	}
	route_patterns_free(p);
	free(text);
	return 0;
}
