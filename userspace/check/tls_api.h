/* SPDX-License-Identifier: MIT */
/* The functions of libssl that isamon calls, found at run time (dlopen(3)), with their types from its own header: only `isamon doctor` and its
 * like do, and the daemon's memory does not pay for it. */
#ifndef ISAMON_TLS_API_H
#define ISAMON_TLS_API_H

#include <openssl/ssl.h>

#include "base/buf.h"

/* clang-format off */
#define TLS_API_FUNCTIONS(X) \
	X(TLS_client_method) X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_set_default_verify_paths) X(SSL_CTX_load_verify_file) \
	X(SSL_new) X(SSL_free) X(SSL_set_fd) X(SSL_ctrl) X(SSL_connect) X(SSL_get_error) X(SSL_get1_peer_certificate) \
	X(SSL_get_verify_result) X(SSL_get_version)
#define TLS_API_MEMBER(f) __typeof__(&f) f;
/* clang-format on */

struct tls_api {
	void *library;
	TLS_API_FUNCTIONS(TLS_API_MEMBER)
};

/* Opens libssl.so.3. Returns 0; -ENOENT: there is none, or one without a function of ours, explained in @why. */
int tls_api_open(struct tls_api *api, struct buf *why);
/* Also one that was never opened, if it is all 0; for _cleanup_(). */
void tls_api_close(struct tls_api *api);

#endif
