/* SPDX-License-Identifier: MIT */
/* jansson and our buffers. */
#include "base/json.h"

#include <errno.h>

void json_freep(json_t **j)
{
	json_decref(*j);
}

static int add_piece(const char *text, size_t n, void *out)
{
	return buf_add(out, text, n);
}

int json_add_text(const json_t *j, size_t flags, struct buf *out)
{
	if (j && json_dump_callback(j, add_piece, out, flags | JSON_ENCODE_ANY) == 0)
		return 0;
	return out->err ?: -ENOMEM;
}

const char *json_member_text(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ?: otherwise;
}
