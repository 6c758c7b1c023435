/* SPDX-License-Identifier: MIT */
/* What the service's user can do: what is not there is neither fine nor wrong. */
#include "unit.h"

#include "check/permission_checks.c"

static void needs(void)
{
	static char user[] = "root";
	static const struct {
		const char *path;
		unsigned int n_fine;
	} rows[] = { { "/", 1 }, { "/no/such/directory", 0 } };
	const struct config c = { .app_user = user };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(findings_done) struct findings f = { 0 };
		unsigned int n = 0;

		unit_begin("%s", rows[i].path);
		EXPECT_INT(try_need(&c, &(struct need){ rows[i].path, R_OK, "read" }, &n, &f), 0);
		EXPECT_UINT(n, rows[i].n_fine);
		EXPECT_UINT(f.n, 0);
	}
}

/* Looked at alone: nobody judges what is everybody's. */
static void system_directories(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	struct tree_limits limits = { .max = 10 };
	const struct tree tree = { TREE_DATA, "/var/lib" };
	const struct child_user user = { .uid = 4711 };

	EXPECT_INT(look_at_tree(&tree, &user, &limits, &f), 0);
	REQUIRE_UINT(f.n, 1);
	EXPECT_INT(f.list[0].result, FINDING_NOTE);
	EXPECT_STR(f.list[0].fix, "");
	EXPECT_HAS(f.list[0].evidence, "is a directory of the system");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, needs },
		{ "a directory of the system is not judged", system_directories },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
