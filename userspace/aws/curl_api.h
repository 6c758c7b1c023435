/* SPDX-License-Identifier: MIT */
/*
 * The functions of libcurl that isamon calls, found at run time (dlopen(3)), with their types from libcurl's own header.
 * The oldest libcurl whose behaviour was read for this is 7.76; what is newer than that is asked for and done without.
 */
#ifndef ISAMON_CURL_API_H
#define ISAMON_CURL_API_H

/* CURLOPT_PROTOCOLS is deprecated since 7.85, and what replaces it exists since then only. */
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>

#include "base/buf.h"

/* clang-format off */
#define CURL_API_FUNCTIONS(X) \
	X(global_init) X(global_cleanup) X(version_info) \
	X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_cleanup) X(easy_strerror) \
	X(multi_init) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle) X(multi_cleanup) \
	X(multi_socket_action) X(multi_info_read) X(multi_assign)
#define CURL_API_MEMBER(f) __typeof__(&curl_##f) f;
/* clang-format on */

/* Options that the header that we are compiled with may not know yet (7.80, 7.80, 7.87). */
#define CURL_API_PREREQFUNCTION ((CURLoption)(CURLOPTTYPE_FUNCTIONPOINT + 312))
#define CURL_API_PREREQDATA ((CURLoption)(CURLOPTTYPE_OBJECTPOINT + 313))
#define CURL_API_QUICK_EXIT ((CURLoption)(CURLOPTTYPE_LONG + 322))

struct curl_api {
	void *library;
	CURL_API_FUNCTIONS(CURL_API_MEMBER)
};

/* Opens libcurl.so.4, or its GnuTLS twin; a second time costs nothing. Returns 0; -ENOENT: there is none, or one without
 * a function of ours, explained in @why; -ENOMEM. */
int curl_api_open(struct curl_api *api, struct buf *why);
/* It stays in memory (threads of its resolver may still run); only its accounts are closed. */
void curl_api_close(struct curl_api *api);

#endif
