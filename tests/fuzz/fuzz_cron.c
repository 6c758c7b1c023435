/* SPDX-License-Identifier: MIT */
/* A schedule: refused and explained, or it comes: after now, on a minute, and again. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "care/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = { "Europe/Madrid", "Australia/Lord_Howe",
					     "America/Havana", "UTC" };
	_cleanup_(buf_done) struct buf why = BUF_INIT(2000);
	int64_t t = 1767225600;
	struct cron c;
	char text[400];
	int err;

	if (size < 2 || size >= sizeof(text))
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	setenv("TZ", zones[data[0] % 4], 1);
	err = cron_parse(text, &why, &c);
	require(!why.err && (err == 0 ? !why.len : err == -EINVAL && why.len));
	for (int i = 0; !err && i < 3; i++) {
		const int64_t next = cron_next(&c, t);

		require(next > t && next % 60 == 0);
		t = next;
	}
	return 0;
}
