/* SPDX-License-Identifier: MIT */
/* What the log says of ends: which of them, how many, and with which names. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cmd/life_log.h"

/* What @say writes to standard error. */
static char *logged(void (*say)(struct life_log *l))
{
	static char text[1 << 16];
	_cleanup_(file_closep) int to = -1;
	_cleanup_(file_closep) int from = -1;
	struct life_log l = { 0 };
	int ends[2], before;
	ssize_t n;

	text[0] = '\0';
	if (!EXPECT(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0))
		return text;
	from = ends[0];
	to = ends[1];
	before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (dup2(to, STDERR_FILENO) >= 0)
		say(&l);
	dup2(before, STDERR_FILENO);
	close(before);
	n = read(from, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void end(struct life_log *l, uint32_t status, uint8_t flags, uint64_t at_s)
{
	const struct life_record r = { .kind = LIFE_EXIT,
				       .flags = flags,
				       .pid = 7,
				       .status = status,
				       .at_ns = at_s * NS_PER_SEC,
				       .comm = "worker" };

	life_log_exit(l, "shop", &r);
}

/* As when a service is stopped, and then some of it does badly. */
static void say_many(struct life_log *l)
{
	for (int i = 0; i < 20; i++)
		end(l, i % 2 ? SIGHUP : SIGINT, 0, 100);
	end(l, SIGKILL, 0, 101);
	end(l, SIGSEGV | 0x80, 0, 101);
	end(l, SIGABRT, 0, 102);
	end(l, SIGKILL, LIFE_FLAG_OOM, 103);
	end(l, 0, 0, 103);
	end(l, 3 << 8, LIFE_FLAG_MAIN, 104);
	life_log_look(l, "shop", 159 * NS_PER_SEC);
}

static void severe_ones_are_said(void)
{
	const char *text = logged(say_many);

	EXPECT_UINT(count(text, "Hangup"), 5);
	EXPECT_UINT(count(text, "Interrupt"), 5);
	EXPECT_HAS(text,
		   "isamon: warning: a process of shop ended: 7 (worker), signal 9 (Killed)\n");
	EXPECT_HAS(text, "a process of shop ended: 7 (worker), signal 11 (Segmentation fault)\n");
	EXPECT_HAS(text, "a process of shop ended: 7 (worker), signal 6 (Aborted)\n");
	EXPECT_HAS(
		text,
		"a process of shop was killed: 7 (worker), signal 9 (Killed), because memory ran out\n");
	EXPECT_HAS(text,
		   "the main process of shop ended unexpectedly: 7 (worker), exit status 3\n");
	EXPECT_UINT(count(text, "\n"), 15);
}

static void say_how_many(struct life_log *l)
{
	say_many(l);
	for (int i = 0; i < LIFE_LOG_SEVERE; i++)
		end(l, SIGKILL, 0, 110);
	life_log_look(l, "shop", 160 * NS_PER_SEC); /* nobody has to end for that */
	life_log_look(l, "shop", 161 * NS_PER_SEC);
	life_log_look(l, "shop", 500 * NS_PER_SEC);
	end(l, 1 << 8, 0, 501); /* a new minute */
	life_log_look(l, "shop", UINT64_MAX);
}

static void the_rest_is_counted(void)
{
	const char *text = logged(say_how_many);

	EXPECT_UINT(count(text, "more processes"), 2);
	EXPECT_HAS(text, "10 more processes of shop ended with an error or by a signal\n");
	EXPECT_HAS(text, "4 more processes of shop were killed or crashed\n");
	EXPECT_HAS(text, "exit status 1\n");
}

static void say_names(struct life_log *l)
{
	struct life_record r = { .kind = LIFE_EXIT, .pid = 7, .status = SIGKILL, .at_ns = 1 };

	memcpy(r.comm, "a\nisamon: \xff\x1b", 13);
	life_log_exit(l, "shop", &r);
	r.flags = LIFE_FLAG_MAIN;
	life_log_exit(l, "shop", &r);
	memcpy(r.comm, "0123456789abcdef", 16); /* no NUL */
	life_log_exit(l, "shop", &r);
}

static void names_are_safe(void)
{
	const char *text = logged(say_names);

	EXPECT_HAS(text, "ended: 7 (a?isamon: ?\?), signal");
	EXPECT_HAS(text, "unexpectedly: 7 (a?isamon: ?\?), signal");
	EXPECT_HAS(text, "(0123456789abcdef), signal");
	EXPECT_UINT(count(text, "\n"), 3);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "harmless ends do not hide severe ones", severe_ones_are_said },
		{ "how many had no line is said behind their minute", the_rest_is_counted },
		{ "a process's name cannot forge a line", names_are_safe },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
