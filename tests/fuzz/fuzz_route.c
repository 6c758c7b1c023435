/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a path. The route is bounded, plain UTF-8, never "other"; the heuristic's route of
 * a route is itself; a configured pattern that matches is the route.
 *
 * First byte of the input: bit 0: cut; bit 1: with patterns.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "metrics/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct route_patterns *patterns(void)
{
	static char texts[][32] = { "/", "/api/files/{id}", "/static/{path...}", "/a/{b}/c/",
				    "/{one}" };
	char *list[ARRAY_SIZE(texts)];
	struct route_patterns *p = NULL;
	const char *why;
	size_t bad;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		list[i] = texts[i];
	assert(route_patterns_new(list, ARRAY_SIZE(list), &p, &bad, &why) == 0);
	return p;
}

static void check_plain(const struct buf *route)
{
	assert(route->len > 0 && route->len <= ROUTE_LENGTH_MAX);
	assert(utf8_is_plain(route->data, route->len));
	assert(strcmp(route->data, ROUTE_OTHER) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct route_patterns *configured;
	struct buf once = BUF_INIT(ROUTE_LENGTH_MAX), twice = BUF_INIT(ROUTE_LENGTH_MAX);
	const char *pattern;
	char *path;
	bool cut;

	if (!size)
		return 0;
	cut = data[0] & 1;
	path = malloc(size);
	if (!path)
		return 0;
	memcpy(path, data + 1, --size);
	if (data[0] & 2) {
		if (!configured)
			configured = patterns();
		pattern = route_configured(configured, path, size, cut);
		assert(route_of(configured, path, size, cut, &once) == 0);
		assert(!pattern || strcmp(pattern, once.data) == 0);
		check_plain(&once);
		buf_reset(&once);
	}
	assert(route_of(NULL, path, size, cut, &once) == 0);
	check_plain(&once);
	assert(route_of(NULL, once.data, once.len, false, &twice) == 0);
	assert(strcmp(once.data, twice.data) == 0);
	buf_done(&once);
	buf_done(&twice);
	free(path);
	return 0;
}
