/* SPDX-License-Identifier: MIT */
/* Any bytes as a record of the kernel's log: at most one thing is counted, and what is kept of it is plain. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check/kernel_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *record = malloc(size + 1);
	struct kernel_log log = { .records = 0 };
	uint64_t n = 0;
	bool is_one;

	if (!record)
		return 0;
	memcpy(record, data, size);
	record[size] = '\0';
	is_one = kernel_log_take(record, 1000, &log);
	assert(log.records == (is_one ? 1 : 0));
	for (size_t i = 0; i < KERNEL_TROUBLES; i++) {
		n += log.seen[i].n;
		assert(strlen(log.seen[i].last) < KERNEL_LOG_MESSAGE_MAX);
		for (const char *at = log.seen[i].last; *at; at++)
			assert(*at >= ' ' && *at < 0x7f);
	}
	assert(n <= log.records);
	free(record);
	return 0;
}
