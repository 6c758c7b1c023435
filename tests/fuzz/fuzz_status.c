/* SPDX-License-Identifier: MIT */
/* Any bytes as the daemon's answer: refused, or a status that can be judged, shown and written. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cmd/status_format.h"
#include "cmd/status_verdict.h"
#include "metrics/status_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1u << 20);
	_cleanup_(buf_done) struct buf json = BUF_INIT(1u << 20);
	struct status s, back;
	int err = status_json_parse((const char *)data, size, &s);

	assert(!err || err == -EPROTO || err == -ENOMEM);
	if (err)
		return 0;
	status_judge(&s);
	assert(status_format(&s, true, &text) == 0);
	assert(memchr(buf_str(&text), '\r', text.len) == NULL);
	assert(status_json_write(&s, &json) == 0);
	assert(status_json_parse(buf_str(&json), json.len, &back) == 0);
	return 0;
}
