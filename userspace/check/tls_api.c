/* SPDX-License-Identifier: MIT */
#include "check/tls_api.h"

#include "base/library.h"

#define SYMBOL(f) { #f, offsetof(struct tls_api, f) },

static const struct library_symbol symbols[] = { TLS_API_FUNCTIONS(SYMBOL) };

int tls_api_open(struct tls_api *api, struct buf *why)
{
	static const char *const names[] = { "libssl.so.3", NULL };

	*api = (struct tls_api){ 0 };
	return library_open(names, symbols, ARRAY_SIZE(symbols), "OpenSSL (libssl3 on Debian)", api,
			    why, &api->library);
}

void tls_api_close(struct tls_api *api)
{
	if (api->library)
		library_close(take(api->library));
}
