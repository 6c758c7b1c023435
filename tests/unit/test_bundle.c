/* SPDX-License-Identifier: MIT */
/* A bundle is a tar.gz that tar unpacks, bounded, masked, for root alone, and takes nobody's place. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "check/bundle.h"

static char directory[256], path[300];

static void tar(const char *how, const char *member, struct buf *out)
{
	const char *const argv[] = { "tar", how, path, member, NULL };

	buf_reset(out);
	EXPECT_INT(child_run(argv, 10000, out), 0);
}

static struct bundle *begin(const struct mask *m, bool force, int expected)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct bundle *b = NULL;

	EXPECT_INT(bundle_open(path, force, m, &why, &b), expected);
	EXPECT(expected == 0 || why.len);
	return b;
}

static void end(struct bundle *b)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	EXPECT_INT(bundle_finish(b, &why), 0);
	EXPECT_STR(buf_str(&why), "");
	bundle_free(b);
}

static void writes(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);
	_cleanup_(mask_done) struct mask m = { .n = 0 };
	struct bundle *b;
	struct stat st;

	mask_add(&m, "known-secret");
	b = begin(&m, false, 0);
	REQUIRE(b);
	EXPECT_INT(bundle_add(b, "a/one", NULL, "1 known-secret\n", 15), 0);
	EXPECT_INT(bundle_add(b, "two", NULL, "", 0), 0);
	bundle_miss(b, "three", "it holds known-secret");
	end(b);
	REQUIRE(stat(path, &st) == 0);
	EXPECT_UINT(st.st_mode & 07777, 0600);
	tar("-tzf", NULL, &out);
	EXPECT_STR(buf_str(&out),
		   "isamon-doctor/a/one\nisamon-doctor/two\nisamon-doctor/MISSING.txt\n");
	tar("-xzOf", "isamon-doctor/a/one", &out);
	EXPECT_STR(buf_str(&out), "1 ***\n");
	tar("-xzOf", "isamon-doctor/MISSING.txt", &out);
	EXPECT_STR(buf_str(&out), "three: it holds ***\n");
	begin(&m, false, -EEXIST);
	end(begin(&m, true, 0));
	unlink(path);
}

static void leaves_nothing_unfinished(void)
{
	const struct mask m = { .n = 0 };
	struct bundle *b = begin(&m, false, 0);
	char beside[340];

	REQUIRE(b);
	bundle_add(b, "a", NULL, "1", 1);
	bundle_free(b);
	EXPECT(access(path, F_OK) != 0);
	snprintf(beside, sizeof(beside), "%s.%d.new", path, (int)getpid());
	EXPECT(access(beside, F_OK) != 0);
}

/* What is there stays until another one is whole, and what came meanwhile is not replaced. */
static void replaces_by_a_whole_one(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), text = BUF_INIT(1000);
	const struct mask m = { .n = 0 };
	struct bundle *b;
	int fd;

	b = begin(&m, false, 0);
	REQUIRE(b);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	EXPECT_INT(file_write(fd, "old", 3), 0);
	file_closep(&fd);
	EXPECT_INT(bundle_finish(b, &why), -EEXIST);
	EXPECT_HAS(buf_str(&why), "is there already");
	bundle_free(b);
	b = begin(&m, true, 0);
	REQUIRE(b);
	bundle_free(b);
	EXPECT_INT(file_read(path, &text), 0);
	EXPECT_STR(buf_str(&text), "old");
	unlink(path);
}

static void takes_nobodys_place(void)
{
	const struct mask m = { .n = 0 };

	REQUIRE(symlink("/nonexistent/x", path) == 0);
	begin(&m, false, -EEXIST);
	begin(&m, true, -EEXIST);
	unlink(path);
	REQUIRE(mkdir(path, 0700) == 0);
	begin(&m, true, -EEXIST);
	rmdir(path);
}

static void is_bounded(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(64u << 20);
	const size_t n = BUNDLE_TEXT_MAX + 100;
	const struct mask m = { .n = 0 };
	char *text = malloc(n), name[32];
	struct bundle *b = begin(&m, false, 0);

	REQUIRE(b && text);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 50 == 49 ? '\n' : (char)('a' + i % 26);
	for (unsigned int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "%u", i);
		EXPECT_INT(bundle_add(b, name, NULL, text, n), 0);
	}
	EXPECT_INT(bundle_add(b, "last", NULL, "there is room\n", 14), 0);
	end(b);
	tar("-xzOf", "isamon-doctor/MISSING.txt", &out);
	EXPECT_HAS(buf_str(&out), "0: too long: only its end is there\n");
	EXPECT_HAS(buf_str(&out), "11: no room\n");
	EXPECT(!strstr(buf_str(&out), "last: no room"));
	tar("-xzOf", "isamon-doctor/0", &out);
	EXPECT(out.len <= BUNDLE_TEXT_MAX && out.len > BUNDLE_TEXT_MAX - 100);
	EXPECT(memcmp(buf_str(&out), text + n - out.len, out.len) == 0 &&
	       text[n - out.len - 1] == '\n');
	free(text);
	unlink(path);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is added is there, masked", writes },
		{ "one that is not finished leaves nothing", leaves_nothing_unfinished },
		{ "what is there is replaced by a whole one only", replaces_by_a_whole_one },
		{ "links and directories are not replaced", takes_nobodys_place },
		{ "texts and the whole have their bounds", is_bounded },
	};
	int status;

	snprintf(directory, sizeof(directory), "%s/isamon-test.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/b.tar.gz", directory);
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	rmdir(directory);
	return status;
}
