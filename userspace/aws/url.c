/* SPDX-License-Identifier: MIT */
/* URLs, strictly. */
#include "aws/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define IPV6_CHARS "0123456789abcdefABCDEF:."

static const char *skip_scheme(const char *text, bool *ret_tls)
{
	*ret_tls = !strncasecmp(text, "https://", 8);
	if (*ret_tls)
		return text + 8;
	return strncasecmp(text, "http://", 7) ? NULL : text + 7;
}

/* Returns what stands behind the host, NULL if there is none. */
static const char *parse_host(struct url *u)
{
	const bool bracket = *u->authority == '[';

	u->host = u->authority + bracket;
	u->host_len = strspn(u->host, bracket ? IPV6_CHARS : HOST_CHARS);
	if (!u->host_len || u->host_len > URL_HOST_MAX)
		return NULL;
	if (bracket && u->host[u->host_len] != ']')
		return NULL;
	return u->host + u->host_len + bracket;
}

/* @s: "" or ":8080", @n bytes of it. */
static int parse_port(const char *s, size_t n, struct url *u)
{
	char digits[8];
	uint64_t port;

	u->port = u->tls ? 443 : 80;
	if (!n)
		return 0;
	if (*s != ':' || n > 6)
		return -EINVAL;
	snprintf(digits, sizeof(digits), "%.*s", (int)n - 1, s + 1);
	if (number_parse_u64(digits, 1, UINT16_MAX, &port))
		return -EINVAL;
	u->port = (uint16_t)port;
	return 0;
}

int url_parse(const char *text, struct url *ret)
{
	struct url u = { 0 };
	const char *behind;

	u.authority = skip_scheme(text, &u.tls);
	for (const char *p = text; *p; p++)
		if (!isgraph((unsigned char)*p) || *p == '#')
			return -EINVAL;
	behind = u.authority ? parse_host(&u) : NULL;
	if (!behind)
		return -EINVAL;
	u.rest = behind + strcspn(behind, "/?");
	u.authority_len = (size_t)(u.rest - u.authority);
	if (parse_port(behind, (size_t)(u.rest - behind), &u))
		return -EINVAL;
	*ret = u;
	return 0;
}
