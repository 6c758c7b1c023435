/* SPDX-License-Identifier: MIT */
/* Addresses as nginx writes them: ngx_parse_url() takes more forms; what is none of these is told to be none. */
#include "check/nginx_address.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

static void set_host(struct nginx_address *a, const char *host)
{
	snprintf(a->host, sizeof(a->host), "%s", host);
}

static bool parse_port(const char *text, uint16_t *ret)
{
	uint64_t port;

	if (number_parse_u64(text, 1, 65535, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT */
static bool parse_host(char *text, struct nginx_address *ret)
{
	char *port = strrchr(text, ':'), *host = text;

	if (*text == '[') {
		char *end = strchr(text, ']');

		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 1 : NULL;
		*end = '\0';
		host = text + 1;
	} else if (port && strchr(text, ':') != port) {
		return false;
	}
	if (port) {
		*port = '\0';
		if (!parse_port(port + 1, &ret->port))
			return false;
	}
	set_host(ret, host);
	return *host != '\0';
}

bool nginx_address_parse(const char *text, bool listen, struct nginx_address *ret)
{
	char copy[NGINX_TEXT_MAX];

	*ret = (struct nginx_address){ .port = 80 };
	if (strncmp(text, "https://", 8) == 0) {
		ret->tls = true;
		ret->port = 443;
		text += 8;
	} else if (strncmp(text, "http://", 7) == 0) {
		text += 7;
	}
	if (strncmp(text, "unix:", 5) == 0) {
		set_host(ret, text + 5);
		ret->host[strcspn(ret->host, ":")] = '\0';
		ret->unix_socket = true;
		return *ret->host != '\0';
	}
	snprintf(copy, sizeof(copy), "%s", text);
	copy[strcspn(copy, "/?")] = '\0';
	if (strchr(copy, '$')) {
		ret->variable = true;
		return true;
	}
	if (listen && copy[strspn(copy, "0123456789")] == '\0') {
		set_host(ret, "*");
		return parse_port(copy, &ret->port);
	}
	return parse_host(copy, ret);
}
