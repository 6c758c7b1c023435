/* SPDX-License-Identifier: MIT */
#include "base/host_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
#define PORT_MAX 65535

int host_port_parse(const char *text, struct host_port *ret)
{
	const char *host = text, *colon = strrchr(text, ':');
	struct host_port parsed = { .port = 0 };
	struct in6_addr address;
	uint64_t port;
	size_t n;

	if (!colon || number_parse_u64(colon + 1, 1, PORT_MAX, &port))
		return -EINVAL;
	n = (size_t)(colon - text);
	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		host = text + 1;
		n -= 2;
	}
	if (!n || n >= sizeof(parsed.host))
		return -EINVAL;
	memcpy(parsed.host, host, n);
	if (host != text && inet_pton(AF_INET6, parsed.host, &address) != 1)
		return -EINVAL;
	if (host == text && parsed.host[strspn(parsed.host, NAME_CHARACTERS)])
		return -EINVAL;
	if (*parsed.host == '-')
		return -EINVAL;
	parsed.port = (uint16_t)port;
	*ret = parsed;
	return 0;
}
