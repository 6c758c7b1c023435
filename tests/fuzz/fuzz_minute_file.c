/* SPDX-License-Identifier: MIT */
/*
 * A file of the present minute in which any words are changed, 12 bytes each: where, and what. It is used or begun anew,
 * and whatever happens then stays within it.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ship/datum.h"
#include "ship/minute_file.h"
#include "unit/minute_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(const struct datum *d, void *ctx)
{
	(void)ctx;
	assert(d->n_values <= DATUM_VALUES_MAX);
	return 0;
}

static int take_part(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	assert(id > 0 || start_s >= 0);
	assert(datum_decode(payload, n, check, ctx) == 0);
	return 0;
}

static void happen(struct minute *m)
{
	struct minute_request r = { .route = "/a", .answered = true, .duration_ns = 5 * MS };
	struct minute_look l = { .monotonic_ns = MS,
				 .has_processes = true,
				 .cpus = 1,
				 .memory_ratio = 0.5,
				 .logs = { .known = true, .counter = 1, .now = { 5, 4 } },
				 .jobs = { .known = true, .counter = 1, .now = 3, .overdue = 1 },
				 .probes = { { "http", true } },
				 .n_probes = 1 };

	minute_request(m, &r);
	minute_look(m, &l);
}

static void change(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert(fd >= 0);
	for (; size >= 12; data += 12, size -= 12) {
		uint32_t at;

		memcpy(&at, data, sizeof(at));
		at %= sizeof(struct minute_file) / 8;
		assert(pwrite(fd, data + 4, 8, (off_t)at * 8) == 8);
	}
	close(fd);
}

static struct minute *open_it(const char *path)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct minute *m = NULL;

	assert(minute_open(path, &all, START, &why, &m) == 0);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[300];
	const char *directory = getenv("TMPDIR");
	struct minute *m;

	snprintf(path, sizeof(path), "%s/isamon.minute.%d", directory ? directory : "/tmp",
		 (int)getpid());
	m = open_it(path);
	happen(m);
	minute_close(m);
	change(path, data, size);
	m = open_it(path);
	assert(minute_preview(m, take_part, NULL) == 0);
	happen(m);
	assert(minute_finish(m, START + 6000, take_part, NULL) == 0);
	happen(m);
	minute_close(m);
	unlink(path);
	return 0;
}
