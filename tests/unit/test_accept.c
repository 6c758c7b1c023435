/* SPDX-License-Identifier: MIT */
/* Accept-Encoding, as RFC 9110 12.5.3 has it. */
#include "serve/accept.h"

#include "unit.h"

static const struct {
	const char *header;
	enum accept_coding expected;
} rows[] = {
	{ NULL, ACCEPT_IDENTITY },
	{ "", ACCEPT_IDENTITY },
	{ "gzip", ACCEPT_GZIP },
	{ "GZIP", ACCEPT_GZIP },
	{ "x-gzip", ACCEPT_GZIP },
	{ "identity", ACCEPT_IDENTITY },
	{ "deflate, br", ACCEPT_IDENTITY },
	{ "gzip, deflate, br, zstd", ACCEPT_GZIP },
	{ "deflate,gzip", ACCEPT_GZIP },
	{ " \tgzip\t ", ACCEPT_GZIP },
	{ ",,gzip,,", ACCEPT_GZIP },
	{ "gzip;q=0", ACCEPT_IDENTITY },
	{ "gzip;q=0.000", ACCEPT_IDENTITY },
	{ "gzip;q=0.001", ACCEPT_GZIP },
	{ "gzip ; q=0.5", ACCEPT_GZIP },
	{ "gzip; Q=1.000", ACCEPT_GZIP },
	{ "gzip;q=0.5, identity", ACCEPT_IDENTITY },
	{ "gzip;q=0.5, identity;q=0.5", ACCEPT_GZIP },
	{ "gzip;q=0.5, identity;q=0.6", ACCEPT_IDENTITY },
	{ "identity;q=0", ACCEPT_NOTHING },
	{ "identity;q=0, gzip", ACCEPT_GZIP },
	{ "identity;q=0, gzip;q=0", ACCEPT_NOTHING },
	{ "*", ACCEPT_GZIP },
	{ "*;q=0", ACCEPT_NOTHING },
	{ "*;q=0, gzip", ACCEPT_GZIP },
	{ "*;q=0, identity", ACCEPT_IDENTITY },
	{ "*;q=0.3, gzip;q=0", ACCEPT_IDENTITY },
	{ "*;q=0.3, identity;q=0.1", ACCEPT_GZIP },
	/* broken elements are as good as absent */
	{ "gzip;q=2", ACCEPT_IDENTITY },
	{ "gzip;q=1.001", ACCEPT_IDENTITY },
	{ "gzip;q=0.1234", ACCEPT_IDENTITY },
	{ "gzip;q=", ACCEPT_IDENTITY },
	{ "gzip;q", ACCEPT_IDENTITY },
	{ "gzip;", ACCEPT_IDENTITY },
	{ "gzip;level=9", ACCEPT_IDENTITY },
	{ "gzip deflate", ACCEPT_IDENTITY },
	{ "gzip;q=-1", ACCEPT_IDENTITY },
	{ "gzip;q=2, *", ACCEPT_GZIP },
	{ "gzipp, xgzip, gzi", ACCEPT_IDENTITY },
	{ "identity;q=abc", ACCEPT_IDENTITY },
	{ "\xff\xfe;q=1, gzip", ACCEPT_GZIP },
	{ ";;;,q=1;gzip", ACCEPT_IDENTITY },
};

static void follows_the_table(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("Accept-Encoding: %s", rows[i].header ? rows[i].header : "(none)");
		EXPECT_INT(accept_coding(rows[i].header), rows[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, follows_the_table } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
