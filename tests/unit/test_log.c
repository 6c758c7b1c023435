/* SPDX-License-Identifier: MIT */
/* The log: what stands before a message, where standard error is a pipe, a file or the journal. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"

/* Runs @say with standard error leading to @fd. */
static void with_stderr(int fd, void (*say)(void))
{
	int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (dup2(fd, STDERR_FILENO) >= 0)
		say();
	dup2(before, STDERR_FILENO);
	close(before);
}

/* What @say writes into a pipe, which as far as the environment goes is (@journal) the
 * journal's. */
static void say_to_pipe(void (*say)(void), bool journal, char *text, size_t size)
{
	_cleanup_(file_closep) int from = -1;
	_cleanup_(file_closep) int to = -1;
	struct stat st = { 0 };
	int ends[2];
	char name[64];
	ssize_t n;

	text[0] = '\0';
	REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	from = ends[0];
	to = ends[1];
	EXPECT_INT(fstat(to, &st), 0);
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + !journal);
	setenv("JOURNAL_STREAM", name, 1);
	with_stderr(to, say);
	n = read(from, text, size - 1);
	text[n < 0 ? 0 : n] = '\0';
}

static void say_each_level(void)
{
	log_error("one %d", 1);
	log_warning("two");
	log_info("three");
	log_debug("four");
}

static void prefixes(void)
{
	char text[500];

	log_set_level(LOG_LEVEL_DEBUG);
	say_to_pipe(say_each_level, false, text, sizeof(text));
	EXPECT_STR(text, "isamon: error: one 1\nisamon: warning: two\nisamon: three\n"
			 "isamon: debug: four\n");
	say_to_pipe(say_each_level, true, text, sizeof(text));
	EXPECT_STR(text, "<3>one 1\n<4>two\n<6>three\n<7>four\n");
}

static void levels(void)
{
	char text[500];

	log_set_level(LOG_LEVEL_WARNING);
	say_to_pipe(say_each_level, true, text, sizeof(text));
	EXPECT_STR(text, "<3>one 1\n<4>two\n");
	log_set_level(LOG_LEVEL_INFO);
}

static void say_odd_things(void)
{
	log_info("a\nb\tc\x1b[31m\x7f\xc3\xa4\r\n");
	log_info("\xff\xe2\x80\xae\t\t\xc2\x9b.\t");
	log_info("%s", "");
	errno = ENOENT;
	log_info("%m");
	if (errno != ENOENT)
		log_info("errno is lost");
}

static void makes_lines_safe(void)
{
	char text[500];

	say_to_pipe(say_odd_things, true, text, sizeof(text));
	EXPECT_STR(
		text,
		"<6>a\n<6>b\tc?[31m?\xc3\xa4?\n<6>??\t\t?.\t\n<6>\n<6>No such file or directory\n");
}

static void say_much(void)
{
	log_info("%09000d", 1);
}

static void cuts(void)
{
	char text[9000];
	size_t n;

	say_to_pipe(say_much, true, text, sizeof(text));
	n = strlen(text);
	EXPECT_UINT(n, 3 + 8191 + 1);
	EXPECT_STR(text + n - 9, "00 [cut]\n");
}

static void dates_lines_in_files(void)
{
	char path[] = "/tmp/test_log.XXXXXX", zone;
	_cleanup_(buf_done) struct buf text = BUF_INIT(1000);
	_cleanup_(file_closep) int fd = mkstemp(path);
	int n[7], pid = 0, end = 0;

	REQUIRE(fd >= 0);
	unsetenv("JOURNAL_STREAM");
	with_stderr(fd, say_each_level);
	EXPECT_INT(file_read(path, &text), 0);
	unlink(path);
	EXPECT_INT(sscanf(buf_str(&text),
			  "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c isamon[%d]: error: one 1\n%n", &n[0],
			  &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &zone, &pid, &end),
		   9);
	EXPECT(end > 0 && zone == 'Z' && pid == getpid());
}

static void say_nothing_seen(void)
{
	log_error("into the void");
}

static void survives_a_closed_stderr(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0);
	with_stderr(fd, say_nothing_seen);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the journal gets priorities, a pipe the name", prefixes },
		{ "only what is important enough is written", levels },
		{ "each line has its prefix, and no control bytes", makes_lines_safe },
		{ "a long message is cut", cuts },
		{ "a file has time and process", dates_lines_in_files },
		{ "standard error that is full does no harm", survives_a_closed_stderr },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
