/* SPDX-License-Identifier: MIT */
/* Any bytes as the JSON of the instance's metadata: keys or an explanation, never both; an identity that can be one; times that
 * exist. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds.h"
#include "aws/keys.h"
#include "aws/timestamp.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void fuzz_keys(const char *text, size_t size, bool wants_code)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct keys k = { 0 };
	int err = keys_parse_json(text, size, wants_code, &k, &why);

	require(!err == !!k.id && !err == !why.len);
	require(utf8_is_plain(buf_str(&why), why.len));
	keys_done(&k);
}

static void fuzz_time(const char *text)
{
	time_t t = -7;
	struct tm tm;
	char again[32];

	require(timestamp_parse_http(text, &t) ? t == -7 : t >= 0);
	t = -7;
	if (timestamp_parse(text, &t)) {
		require(t == -7);
		return;
	}
	require(gmtime_r(&t, &tm) && strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%S", &tm));
	require(!memcmp(again, text, strlen(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *region, *instance_id;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_keys(text, size, true);
	fuzz_keys(text, size, false);
	fuzz_time(text);
	if (imds_parse_identity(text, size, &region, &instance_id) == 0) {
		require(!region || imds_is_region(region));
		require(!instance_id || imds_is_instance_id(instance_id));
		free(region);
		free(instance_id);
	}
	free(text);
	return 0;
}
