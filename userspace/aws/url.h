/* SPDX-License-Identifier: MIT */
/* The parts of a URL that a request is sent to. */
#ifndef ISAMON_URL_H
#define ISAMON_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URL_HOST_MAX 255

/* Points into the text that was read. */
struct url {
	bool tls;
	const char *authority; /* host and port, as they stand */
	size_t authority_len;
	const char *host; /* without the brackets of an IPv6 address */
	size_t host_len;  /* 1 to URL_HOST_MAX */
	uint16_t port;    /* also if it is not written: 80 or 443 */
	const char *rest; /* path and query; "" or with '/' or '?' at its beginning */
};

/*
 * Reads "http://" or "https://", a host and perhaps a port, perhaps a path and a query. Strict, because parts of it stand in
 * headers and messages: printable ASCII without spaces, no user and password, no fragment; the host has only letters,
 * digits, '.', '-', '_', or is an IPv6 address in brackets. Returns 0, or -EINVAL with *ret as it was.
 */
int url_parse(const char *text, struct url *ret);

#endif
