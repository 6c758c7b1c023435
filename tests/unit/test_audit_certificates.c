/* SPDX-License-Identifier: MIT */
/* Of more certificates than are looked at it is said that there are more. */
#include "unit.h"

#include "base/file.h"

static int read_config(const char *path, struct buf *ret);
#define file_read(path, ret) read_config(path, ret)
#include "check/audit_certificates.c"
#undef file_read

static unsigned int n_named;

/* In place of nginx.conf: one that names so many certificates, none of which is there. */
static int read_config(const char *path, struct buf *ret)
{
	(void)path;
	for (unsigned int i = 0; i < n_named; i++)
		buf_printf(ret, "ssl_certificate_key /no/such/%u;\n", i);
	return 0;
}

static void tells_of_more(void)
{
	static const struct {
		unsigned int n;
		enum finding_result result;
	} rows[] = { { 0, FINDING_FINE },
		     { PATHS_MAX, FINDING_FINE },
		     { PATHS_MAX + 1, FINDING_UNKNOWN } };
	static const struct config c;
	const struct check_input in = { .config = &c };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings f = { 0 };

		unit_begin("%u keys", rows[i].n);
		n_named = rows[i].n;
		EXPECT_INT(audit_certificates(&in, &f), 0);
		REQUIRE_UINT(f.n, 1);
		EXPECT_INT(f.list[0].result, rows[i].result);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, tells_of_more } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
