/* SPDX-License-Identifier: MIT */
#include "base/library.h"

#include <errno.h>
#include <stddef.h>

#include "unit.h"

struct maths {
	double (*round_up)(double x);
	double (*none)(double x);
};

static const struct library_symbol symbols[] = {
	{ "ceil", offsetof(struct maths, round_up) },
	{ "no_such_function", offsetof(struct maths, none) },
};

static void is_found(void)
{
	static const char *const names[] = { "libnot-there.so.0", "libm.so.6", NULL };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct maths maths = { 0 };
	void *library = NULL;

	REQUIRE_INT(library_open(names, symbols, 1, "libc", &maths, &why, &library), 0);
	EXPECT(library && maths.round_up(1.5) == 2.0);
	EXPECT_STR(buf_str(&why), "");
	library_close(library);
}

static void is_not_there(void)
{
	static const char *const names[] = { "libnot-there.so.0", NULL };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct maths maths = { 0 };
	void *library = NULL;

	EXPECT_INT(library_open(names, symbols, 1, "it", &maths, &why, &library), -ENOENT);
	EXPECT(strstr(buf_str(&why), "cannot load libnot-there.so.0: "));
	EXPECT(strstr(buf_str(&why), "; install it"));
	EXPECT(!library && !maths.round_up);
	library_close(library);
}

static void is_too_old(void)
{
	static const char *const names[] = { "libm.so.6", NULL };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct maths maths = { 0 };
	void *library = NULL;

	EXPECT_INT(library_open(names, symbols, 2, "libc", &maths, &why, &library), -ENOENT);
	EXPECT_STR(buf_str(&why), "libm.so.6 is too old: it has no no_such_function()");
	EXPECT(!library);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the first that there is", is_found },
		{ "none", is_not_there },
		{ "one without a function", is_too_old },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
