/* SPDX-License-Identifier: MIT */
/* HOST:PORT, as people write it. */
#ifndef ISAMON_HOST_PORT_H
#define ISAMON_HOST_PORT_H

#include <stdint.h>

#define HOST_PORT_HOST_MAX 254 /* with the NUL */

struct host_port {
	char host[HOST_PORT_HOST_MAX]; /* a name, or an address without brackets */
	uint16_t port;
};

/* "github.com:443", "127.0.0.1:8443", "[::1]:443". A host is made of letters, digits, . - and _, or is an IPv6 address in brackets.
 * Returns 0 or -EINVAL, with *ret as it was. */
int host_port_parse(const char *text, struct host_port *ret);

#endif
