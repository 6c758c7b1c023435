/* SPDX-License-Identifier: MIT */
/* HOST:PORT is taken in its forms, and nothing else is. */
#include "unit.h"

#include "base/host_port.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} rows[] = {
		{ "github.com:443", "github.com", 443 },
		{ "127.0.0.1:1", "127.0.0.1", 1 },
		{ "[::1]:65535", "::1", 65535 },
		{ "a_b-c.d:80", "a_b-c.d", 80 },
		{ "github.com", NULL, 0 },
		{ "github.com:", NULL, 0 },
		{ "github.com:0", NULL, 0 },
		{ "github.com:65536", NULL, 0 },
		{ "github.com:443/x", NULL, 0 },
		{ ":443", NULL, 0 },
		{ "::1:443", NULL, 0 },
		{ "[]:443", NULL, 0 },
		{ "[x]:443", NULL, 0 },
		{ "-oX:443", NULL, 0 },
		{ "a b:443", NULL, 0 },
		{ "https://github.com:443", NULL, 0 },
		{ "", NULL, 0 },
	};
	char longest[400];
	struct host_port at;

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("\"%s\"", rows[i].text);
		at = (struct host_port){ .port = 7 };
		EXPECT_INT(host_port_parse(rows[i].text, &at), rows[i].host ? 0 : -EINVAL);
		EXPECT_UINT(at.port, rows[i].host ? rows[i].port : 7);
		if (rows[i].host)
			EXPECT_STR(at.host, rows[i].host);
	}
	unit_begin("a host that is too long");
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + HOST_PORT_HOST_MAX, ":443", sizeof(":443"));
	EXPECT_INT(host_port_parse(longest, &at), -EINVAL);
	unit_begin("the longest host");
	memcpy(longest + HOST_PORT_HOST_MAX - 1, ":443", sizeof(":443"));
	EXPECT_INT(host_port_parse(longest, &at), 0);
	EXPECT_UINT(strlen(at.host), HOST_PORT_HOST_MAX - 1);
	return unit_finish();
}
