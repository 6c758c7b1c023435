/* SPDX-License-Identifier: MIT */
/* libarchive, and the locale that it needs. */
#include "care/archive_api.h"

#include <errno.h>

#include "base/library.h"

#define SYMBOL(f) { #f, offsetof(struct archive_api, f) },

static const struct library_symbol symbols[] = { ARCHIVE_API_FUNCTIONS(SYMBOL) };

int archive_api_open(struct archive_api *api, struct buf *why)
{
	static const char *const names[] = { "libarchive.so.13", NULL };
	int err;

	*api = (struct archive_api){ 0 };
	err = library_open(names, symbols, ARRAY_SIZE(symbols),
			   "libarchive (libarchive13 on Debian)", api, why, &api->library);
	if (err)
		return err;
	api->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (api->utf8)
		return 0;
	err = errno == ENOMEM ? -ENOMEM : -ENOENT;
	if (err == -ENOENT)
		buf_add_str(why, "this system has no locale C.UTF-8");
	archive_api_close(api);
	return err;
}

void archive_api_close(struct archive_api *api)
{
	if (api->utf8)
		freelocale(take(api->utf8));
	library_close(take(api->library));
}

locale_t archive_api_enter(const struct archive_api *api)
{
	return uselocale(api->utf8);
}

void archive_api_leave(locale_t before)
{
	uselocale(before);
}
