/* SPDX-License-Identifier: MIT */
/* jansson and our buffers. */
#include "base/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

void json_freep(json_t **j)
{
	json_decref(*j);
}

/* Of this thread: jansson did not get what it asked for. */
static _Thread_local bool starved;

static void *watched_malloc(size_t n)
{
	void *p = malloc(n);

	starved |= !p;
	return p;
}

void json_watch_memory(void)
{
	json_set_alloc_funcs(watched_malloc, free);
}

int json_parse(const char *text, size_t n, size_t flags, json_t **ret)
{
	starved = false;
	*ret = json_loadb(text, n, flags, NULL);
	if (*ret && !starved)
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return starved ? -ENOMEM : -EBADMSG;
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
