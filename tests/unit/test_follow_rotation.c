/* SPDX-License-Identifier: MIT */
/* Files that are rotated, in every way, while they are followed and while they are not: each byte comes once. */
#include <spawn.h>
#include <sys/wait.h>

#include "follow_fixture.h"

enum rotation {
	RENAME,
	RENAME_TWICE,
	RENAME_GZIP,
	COPYTRUNCATE,
	COPYTRUNCATE_GZIP,
	COPYTRUNCATE_TWICE,
	DELETE,
	ROTATIONS
};

static const char *const rotations[] = {
	"rename",           "rename twice",       "rename and gzip", "copytruncate",
	"copytruncate, gz", "copytruncate twice", "delete",
};

/* Writes "2\n" before it, "3\n" behind it, and "between\n" into the one that came and went. */
static void rotate(enum rotation how)
{
	put("a.log", "2\n");
	switch (how) {
	case RENAME:
	case RENAME_GZIP:
		rename(at("a.log"), at("a.log.1"));
		if (how == RENAME_GZIP)
			compress_file("a.log.1");
		break;
	case RENAME_TWICE:
		rename(at("a.log"), at("a.log.2"));
		put("a.log", "between\n");
		rename(at("a.log"), at("a.log.1"));
		break;
	case COPYTRUNCATE:
	case COPYTRUNCATE_GZIP:
		copy("a.log", "a.log.1");
		EXPECT(!truncate(at("a.log"), 0));
		if (how == COPYTRUNCATE_GZIP)
			compress_file("a.log.1");
		break;
	case COPYTRUNCATE_TWICE:
		copy("a.log", "a.log.2");
		EXPECT(!truncate(at("a.log"), 0));
		put("a.log", "between\n");
		copy("a.log", "a.log.1");
		EXPECT(!truncate(at("a.log"), 0));
		break;
	case DELETE: unlink(at("a.log")); break;
	default: abort();
	}
	put("a.log", "3\n");
}

static void rotates(enum rotation how, bool down)
{
	const bool twice = how == RENAME_TWICE || how == COPYTRUNCATE_TWICE;
	const char *all = twice ? "1\n2\nbetween\n3\n" : "1\n2\n3\n";
	char after[64];

	start("a.log");
	REQUIRE(begins_with_a_line());
	if (down) {
		keep_positions();
		end();
		rotate(how);
		EXPECT_INT(begin(), 0);
	} else {
		rotate(how);
	}
	got_text(down && how == DELETE ? "1\n3\n" : all);
	put("a.log", "4\n");
	snprintf(after, sizeof(after), "%s4\n", down && how == DELETE ? "1\n3\n" : all);
	got_text(after);
	restart();
	turn(100);
	put("a.log", "5\n");
	snprintf(after, sizeof(after), "%s4\n5\n", down && how == DELETE ? "1\n3\n" : all);
	got_text(after);
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

static void all_rotations(void)
{
	char name[100];

	for (int down = 0; down < 2; down++)
		for (int how = 0; how < ROTATIONS; how++) {
			snprintf(name, sizeof(name), "%s%s", rotations[how],
				 down ? " while isamon was down" : "");
			if (!unit_wanted(name))
				continue;
			unit_begin("%s", name);
			rotates((enum rotation)how, down);
			unit_end();
		}
}

/* It was empty when its position was kept; what was written to it could not be sent before it was rotated, and the next one was seen. */
static void empty_then_rotated(bool compressed)
{
	struct timespec times[2];
	struct position empty;

	start("a.log");
	put("a.log", "");
	put("a.log.2", "of long ago\n");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	keep_positions();
	end();
	REQUIRE_UINT(r.n_known, 1);
	empty = r.known[0];
	empty.seen_s -= 10;
	put("a.log", "one\n");
	rename(at("a.log"), at("a.log.1"));
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= 5;
	times[1] = times[0];
	EXPECT_INT(utimensat(AT_FDCWD, at("a.log.1"), times, 0), 0);
	times[0].tv_sec -= 1000;
	times[1] = times[0];
	EXPECT_INT(utimensat(AT_FDCWD, at("a.log.2"), times, 0), 0);
	if (compressed)
		compress_file("a.log.1");
	put("a.log", "two\n");
	r.n_known = r.n_ready = 0;
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	keep_positions();
	end();
	known_put(&empty);
	REQUIRE_INT(begin(), 0);
	got_text("one\n");
	restart();
	turn(100);
	put("a.log", "three\n");
	got_text("one\nthree\n");
	stop();
}

static void empty_rotated(void)
{
	empty_then_rotated(false);
}

static void empty_compressed(void)
{
	empty_then_rotated(true);
}

/* --- the real ones */

extern char **environ;

/* Returns its exit status. */
static int run(const char *const *argv)
{
	int status = -1;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) ||
	    waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void rotates_really(const char *how)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT(4096);
	const char *argv[] = { "/usr/sbin/logrotate", "-f", "-s", NULL, NULL, NULL };
	char text[600], conf[PATH_ROOM], state[PATH_ROOM];

	if (access(argv[0], X_OK)) {
		unit_skip("logrotate is not here");
		return;
	}
	start("a.log");
	snprintf(text, sizeof(text), "%s {\nrotate 9\n%s\n}\n", at("a.log"), how);
	snprintf(conf, sizeof(conf), "%s", at("conf"));
	snprintf(state, sizeof(state), "%s", at("state"));
	argv[3] = state;
	argv[4] = conf;
	put("conf", text);
	REQUIRE(begins_empty());
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "line %d of %s\n", i, how);
		buf_add_str(&all, text);
		put("a.log", text);
		if (i == 3) {
			keep_positions();
			end();
		}
		EXPECT_INT(run(argv), 0);
		if (i == 5)
			EXPECT_INT(begin(), 0);
		if (i < 3 || i == 5)
			got_text(buf_str(&all));
	}
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

static void real_logrotate(void)
{
	static const char *const rows[] = {
		"create",       "create\ncompress",       "create\ncompress\ndelaycompress",
		"copytruncate", "copytruncate\ncompress",
	};
	char name[160];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(name, sizeof(name), "logrotate, %s", rows[i]);
		for (char *c = name; *c; c++)
			*c = *c == '\n' ? ' ' : *c;
		if (!unit_wanted(name))
			continue;
		unit_begin("%s", name);
		rotates_really(rows[i]);
		unit_end();
	}
}

/* 3,000 lines in files of 4 KB, none of which is deleted before it is read. */
static void python_handler(void)
{
	static const char program[] =
		"import logging, logging.handlers, sys, time\n"
		"h = logging.handlers.RotatingFileHandler(sys.argv[1], maxBytes=4000, backupCount=60)\n"
		"g = logging.getLogger(); g.addHandler(h)\n"
		"for i in range(3000):\n"
		"    g.error('%06d of three thousand', i)\n"
		"    if i % 100 == 0: time.sleep(0.01)\n";
	const char *argv[] = { "/usr/bin/python3", "-c", program, NULL, NULL };
	char path[PATH_ROOM], line[64];
	int status = -1;
	pid_t pid;

	if (access(argv[0], X_OK)) {
		unit_skip("python3 is not here");
		return;
	}
	start("a.log");
	snprintf(path, sizeof(path), "%s", at("a.log"));
	argv[3] = path;
	r.config.start = CONFIG_LOG_BEGINNING;
	REQUIRE_INT(begin(), 0);
	turn(50);
	REQUIRE_INT(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
				 environ),
		    0);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		turn(30);
		restart();
	}
	EXPECT_INT(status, 0);
	for (int i = 0; i < 500 && r.text.len < 3000 * 25; i++)
		turn(20);
	REQUIRE_UINT(r.text.len, 3000 * 25);
	for (int i = 0; i < 3000; i++) {
		snprintf(line, sizeof(line), "%06d of three thousand\n", i);
		if (memcmp(r.text.data + 25 * i, line, 25) != 0) {
			FAIL_CASE("line %d: got %.24s", i, r.text.data + 25 * i);
			break;
		}
	}
	stop();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, all_rotations },
		{ "empty when it was seen, then rotated", empty_rotated },
		{ "empty when it was seen, then rotated and compressed", empty_compressed },
		{ NULL, real_logrotate },
		{ "Python's RotatingFileHandler", python_handler },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
