/* SPDX-License-Identifier: MIT */
/* [doctor]: what is taken, and what is refused and why. */
#include "unit.h"

#include "config_sources.h"

static void sets_every_key(void)
{
	static const char text[] =
		"[doctor]\nendpoint = github.com:443\nendpoint = [::1]:8443\n"
		"certificate = agent.example.com:443\ncertificate = /etc/ssl/x.pem\n";
	_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
	_cleanup_(config_freep) struct config *c = NULL;

	EXPECT_INT(parse(text, sizeof(text) - 1, &c, &found), 0);
	EXPECT_STR(buf_str(&found), "");
	REQUIRE(c);
	REQUIRE_UINT(c->n_doctor_endpoints, 2);
	EXPECT_STR(c->doctor_endpoints[1], "[::1]:8443");
	REQUIRE_UINT(c->n_doctor_certificates, 2);
	EXPECT_STR(c->doctor_certificates[0], "agent.example.com:443");
}

static void refuses(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "[doctor]\nendpoint = github.com:443\nendpoint = github.com\n",
		  "t.conf:3: [doctor] endpoint = github.com: not a host and a port; write HOST:PORT, such as "
		  "github.com:443\n" },
		{ "[doctor]\ncertificate = x.pem\n",
		  "t.conf:2: [doctor] certificate = x.pem: neither a file nor a host and a port; write an "
		  "absolute path, or HOST:PORT\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf found = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = NULL;

		unit_begin("refuses: %.60s", strrchr(rows[i].expected, '=') - 12);
		EXPECT_INT(parse(rows[i].text, strlen(rows[i].text), &c, &found), -EINVAL);
		EXPECT_STR(buf_str(&found), rows[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "every key is set", sets_every_key },
		{ NULL, refuses },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
