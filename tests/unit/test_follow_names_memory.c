/* SPDX-License-Identifier: MIT */
/* The names of a log and of its olddir without memory: each allocation fails once, and nothing is lost or freed twice. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "nomem.h"

#include "logs/follow_names.c"

#define NAMES 40 /* more than there is room for at first */

static char dir[200];

static void path_of(unsigned int i, char *ret, size_t n)
{
	snprintf(ret, n, "%s/%sa.log.%u", dir, i % 2 ? "old/" : "", i);
}

static void on_directory(const char *path, void *ctx)
{
	(void)path;
	(void)ctx;
}

static void on_refused(const char *path, int err, void *ctx)
{
	(void)ctx;
	EXPECT_STR(path, "nothing is refused");
	EXPECT_INT(err, 0);
}

static void no_memory(void)
{
	const struct follow_names_hooks hooks = { on_directory, on_refused, NULL };
	char pattern[300], path[300];
	unsigned int n, n_hit = 0;

	snprintf(dir, sizeof(dir), "%s/names.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	REQUIRE(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/old", dir);
	mkdir(path, 0755);
	for (unsigned int i = 0; i < NAMES; i++) {
		path_of(i, path, sizeof(path));
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	snprintf(pattern, sizeof(pattern), "%s/a.log", dir);
	for (n = 1; nomem_again(n); n++) {
		_cleanup_(follow_names_done) struct follow_names names = { 0 };
		int err = follow_names_add(&names, pattern, "old", &hooks);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		n_hit += nomem_hit();
		if (!err)
			EXPECT_UINT(names.n, NAMES);
	}
	EXPECT(n_hit >= 2);
	for (unsigned int i = 0; i < NAMES; i++) {
		path_of(i, path, sizeof(path));
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/old", dir);
	rmdir(path);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { "names without memory", no_memory } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
