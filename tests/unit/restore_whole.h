/* SPDX-License-Identifier: MIT */
/* Restores that nothing cuts off, in the fixture: at no step of theirs does the service run with the tree that is exchanged. */
#ifndef ISAMON_RESTORE_WHOLE_H
#define ISAMON_RESTORE_WHOLE_H

#include "restore_fixture.h"

static void step(void)
{
	ino_t tree = service_tree();

	if (tree && tree != target_inode())
		FAIL_CASE("exchanged while the service runs with it");
}

static struct buf why = BUF_INIT(8192);
static struct restore_result result;

UNIT_USED_ static int begin_with(const struct restore_options *o)
{
	buf_reset(&why);
	return restore_begin(o, &why, &result);
}

/* Nor left behind. */
UNIT_USED_ static bool nothing_was_done(void)
{
	return tree_is("p/data", &old_tree) && fixture_count("p") == 1 &&
	       service_tree() == target_inode();
}

#endif
