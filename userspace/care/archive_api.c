/* SPDX-License-Identifier: MIT */
/* libarchive by dlopen(3). */
#include "care/archive_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

struct symbol {
	const char *name;
	size_t offset;
};

#define SYMBOL(f) { #f, offsetof(struct archive_api, f) },

static const struct symbol symbols[] = { ARCHIVE_API_FUNCTIONS(SYMBOL) };

static const char *find_symbols(struct archive_api *api)
{
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *f = dlsym(api->library, symbols[i].name);

		if (!f)
			return symbols[i].name;
		memcpy((char *)api + symbols[i].offset, &f, sizeof(f));
	}
	return NULL;
}

int archive_api_open(struct archive_api *api, struct buf *why)
{
	const char *missing;

	*api = (struct archive_api){ 0 };
	api->library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!api->library) {
		buf_printf(
			why,
			"cannot load libarchive.so.13: %s; install libarchive (libarchive13 on Debian)",
			dlerror());
		return -ENOENT;
	}
	missing = find_symbols(api);
	if (missing) {
		buf_printf(why, "libarchive.so.13 is too old: it has no %s()", missing);
		archive_api_close(api);
		return -ENOENT;
	}
	api->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!api->utf8) {
		buf_add_str(why, "this system has no locale C.UTF-8");
		archive_api_close(api);
		return -ENOENT;
	}
	return 0;
}

void archive_api_close(struct archive_api *api)
{
	if (api->utf8)
		freelocale(take(api->utf8));
	if (api->library)
		dlclose(take(api->library));
}

locale_t archive_api_enter(const struct archive_api *api)
{
	return uselocale(api->utf8);
}

void archive_api_leave(locale_t before)
{
	uselocale(before);
}
