/* SPDX-License-Identifier: MIT */
/* libcurl by dlopen(3). Never unloaded: a thread that resolves a name may outlive whoever asked for it. */
#include "aws/curl_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

struct symbol {
	const char *name;
	size_t offset;
};

#define SYMBOL(f) { "curl_" #f, offsetof(struct curl_api, f) },

static const struct symbol symbols[] = { CURL_API_FUNCTIONS(SYMBOL) };

static void *open_library(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

		if (library)
			return library;
	}
	return NULL;
}

static const char *find_symbols(struct curl_api *api)
{
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *f = dlsym(api->library, symbols[i].name);

		if (!f)
			return symbols[i].name;
		memcpy((char *)api + symbols[i].offset, &f, sizeof(f));
	}
	return NULL;
}

int curl_api_open(struct curl_api *api, struct buf *why)
{
	const char *missing;

	*api = (struct curl_api){ .library = open_library() };
	if (!api->library) {
		buf_printf(why,
			   "cannot load libcurl.so.4: %s; install libcurl (libcurl4 on Debian)",
			   dlerror());
		return -ENOENT;
	}
	missing = find_symbols(api);
	if (missing) {
		buf_printf(why, "libcurl.so.4 is too old: it has no %s()", missing);
		dlclose(take(api->library));
		return -ENOENT;
	}
	if (api->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		buf_add_str(why, "libcurl could not be initialized");
		dlclose(take(api->library));
		return -ENOMEM;
	}
	return 0;
}

void curl_api_close(struct curl_api *api)
{
	if (!api->library)
		return;
	api->global_cleanup();
	dlclose(take(api->library));
}
