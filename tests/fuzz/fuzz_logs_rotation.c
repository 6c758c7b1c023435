/* SPDX-License-Identifier: MIT */
/* Any text as a file of logrotate, and as its state: no fault, and only absolute paths come out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/logs_rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_rule(const struct rotation_rule *r, void *ctx)
{
	(void)ctx;
	if (r->path[0] != '/')
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	int64_t s;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (rotation_read(text, on_rule, NULL))
		abort();
	rotation_last(text, NULL, &s);
	rotation_last(text, "/var/log/a.log", &s);
	free(text);
	return 0;
}
