/* SPDX-License-Identifier: MIT */
/* What a daemon answers `isamon metrics`: any bytes. What is taken is written and read again the same; and any text can
 * be made readable, with nothing of it lost but space between. */
#include "cmd/cloudwatch_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(const struct cloudwatch_told *t)
{
	struct cloudwatch_told again;
	struct buf out = BUF_INIT(1 << 20);

	if (cloudwatch_json_write(t, &out) || cloudwatch_json_parse(buf_str(&out), &again, NULL) ||
	    memcmp(t, &again, sizeof(again)) != 0)
		abort();
	buf_done(&out);
}

static size_t length_without_space(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s != ' ' && *s != '\n';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct buf out = BUF_INIT(64 << 20);
	struct cloudwatch_told t;
	const char *rest;

	if (!text)
		return 0;
	if (cloudwatch_json_parse(text, &t, &rest) == 0) {
		if (rest < text || rest > text + strlen(text))
			abort();
		read_back(&t);
	}
	if (cloudwatch_json_pretty(text, &out) == 0 &&
	    length_without_space(buf_str(&out)) != length_without_space(text))
		abort();
	buf_done(&out);
	free(text);
	return 0;
}
