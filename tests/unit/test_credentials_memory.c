/* SPDX-License-Identifier: MIT */
/* Credentials without memory: who asks gets an answer or -ENOMEM, and the next one who asks is served. */
#include "credentials_fixture.h"

#include "nomem.h"

#include "aws/credentials.c"

/* @n: 1, credentials themselves; 2, whoever waits; 3, nothing any more. */
static void nth(unsigned int n)
{
	struct credentials_options o = { .imds_endpoint = IMDS };
	struct got g = { 0 }, second = { 0 };
	struct credentials *c = NULL;

	stub_begin();
	imds_token();
	imds_role(json(1, "2026-11-26T16:00:00Z"));
	nomem.fail_at = n;
	nomem.made = 0;
	EXPECT_INT(credentials_new(stub.base, NULL, &o, &c), n == 1 ? -ENOMEM : 0);
	if (c) {
		EXPECT_INT(credentials_get(c, on_got, &g), n == 2 ? -ENOMEM : 0);
		nomem.fail_at = 0;
		EXPECT_INT(credentials_get(c, on_got, &second), 0);
		stub_run(&second.done);
		EXPECT_INT(g.done, n != 2);
		EXPECT_STR(second.id, "ASIA1");
	}
	credentials_free(c);
	stub_end();
}

static void without_memory(void)
{
	for (unsigned int n = 1; n <= 3; n++)
		nth(n);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "no memory", without_memory },
	};

	return credentials_main(argc, argv, cases, ARRAY_SIZE(cases));
}
