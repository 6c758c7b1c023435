/* SPDX-License-Identifier: MIT */
/* libcurl; a thread of it that resolves a name may outlive whoever asked for it. */
#include "aws/curl_api.h"

#include <errno.h>

#include "base/library.h"

#define SYMBOL(f) { "curl_" #f, offsetof(struct curl_api, f) },

static const struct library_symbol symbols[] = { CURL_API_FUNCTIONS(SYMBOL) };

int curl_api_open(struct curl_api *api, struct buf *why)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
	int err;

	*api = (struct curl_api){ 0 };
	err = library_open(names, symbols, ARRAY_SIZE(symbols), "libcurl (libcurl4 on Debian)", api,
			   why, &api->library);
	if (err)
		return err;
	if (api->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		buf_add_str(why, "libcurl could not be initialized");
		library_close(take(api->library));
		return -ENOMEM;
	}
	return 0;
}

void curl_api_close(struct curl_api *api)
{
	if (!api->library)
		return;
	api->global_cleanup();
	library_close(take(api->library));
}
