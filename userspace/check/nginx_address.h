/* SPDX-License-Identifier: MIT */
/* An address in nginx's configuration: of proxy_pass, of a server of an upstream, or of listen. */
#ifndef ISAMON_NGINX_ADDRESS_H
#define ISAMON_NGINX_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define NGINX_TEXT_MAX 256 /* of a word of the configuration that is kept; a longer one is cut */

/* Where nginx goes, or listens. */
struct nginx_address {
	char host[NGINX_TEXT_MAX]; /* without brackets; "*" is every address */
	uint16_t port;
	bool unix_socket; /* host is its path */
	bool variable;    /* it has a variable: not known */
	bool tls;         /* https:// */
};

/* "http://HOST:PORT/...", "HOST:PORT", "PORT" (of @listen only), "unix:PATH". Returns whether it is one of these. */
bool nginx_address_parse(const char *text, bool listen, struct nginx_address *ret);

#endif
