/* SPDX-License-Identifier: MIT */
/* Any bytes as the daemon's answer: refused, or a sample that can be compared and printed. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "cmd/top_print.h"
#include "cmd/top_sample.h"
#include "cmd/top_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(top_sample_freep) struct top_sample *s = NULL;
	_cleanup_(top_view_freep) struct top_view *v = NULL;
	_cleanup_(buf_done) struct buf text = BUF_INIT(16u << 20);
	struct top_sample nothing = { 0 };
	int err = top_sample_parse((const char *)data, size, &s);

	assert(!err == (s != NULL));
	assert(!err || err == -EPROTO || err == -ENOMEM);
	if (err || top_view_new(&nothing, s, &v))
		return 0;
	assert(top_print_text(v, "daemon", &text) == 0);
	return 0;
}
