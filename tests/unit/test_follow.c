/* SPDX-License-Identifier: MIT */
/* What is done to a log's files, while it is followed and while it is not, and that each byte comes once. */
#include <dirent.h>
#include <spawn.h>
#include <sys/wait.h>

#include "follow_fixture.h"

/* --- begin */

static void begins_at_end(void)
{
	start("a.log");
	put("a.log", "old\n");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "new\n");
	got_text("new\n");
	stop();
}

static void begins_at_beginning(void)
{
	start("a.log");
	r.config.start = CONFIG_LOG_BEGINNING;
	put("a.log", "old\n");
	put("a.log.1", "older\n");
	REQUIRE_INT(begin(), 0);
	got_text("old\n");
	put("a.log", "new\n");
	got_text("old\nnew\n");
	stop();
}

/* It was not there: whatever comes is new. */
static void comes_later(void)
{
	start("sub/deep/a.log");
	REQUIRE_INT(begin(), 0);
	turn(20);
	mkdir(at("sub"), 0755);
	mkdir(at("sub/deep"), 0755);
	put("sub/deep/a.log", "1\n");
	got_text("1\n");
	unlink(at("sub/deep/a.log"));
	rmdir(at("sub/deep"));
	rmdir(at("sub"));
	turn(100);
	mkdir(at("sub"), 0755);
	mkdir(at("sub/deep"), 0755);
	put("sub/deep/a.log", "2\n");
	got_text("1\n2\n");
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

static void follows_a_glob(void)
{
	start("*/w-*.log");
	mkdir(at("x"), 0755);
	put("x/w-1.log", "old\n");
	put("x/other.log", "no\n");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("x/w-1.log", "a\n");
	got_text("a\n");
	put("x/w-2.log", "b\n");
	got_text("a\nb\n");
	mkdir(at("y"), 0755);
	put("y/w-9.log", "c\n");
	got_text("a\nb\nc\n");
	stop();
}

static void resumes(void)
{
	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	restart();
	put("a.log", "2\n");
	got_text("1\n2\n");
	keep_positions();
	end();
	put("a.log", "3\n");
	EXPECT_INT(begin(), 0);
	got_text("1\n2\n3\n");
	stop();
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

/* Only what has arrived counts. */
static void resumes_where_it_arrived(void)
{
	start("a.log");
	put("a.log", "");
	r.ack = false;
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "one\ntwo\n");
	got_text("one\ntwo\n");
	followed_done(r.files[0], 4);
	restart();
	got_text("one\ntwo\ntwo\n");
	followed_seek(r.files[0], 0);
	got_text("one\ntwo\ntwo\none\ntwo\n");
	stop();
}

/* --- rotation; first while it is followed, then while it is not */

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
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
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

/* --- truncation without a copy, and files that are strange */

static void truncated_without_copy(void)
{
	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	r.hold = true;
	put("a.log", "lost\n");
	follow_look(r.follow);
	EXPECT(!truncate(at("a.log"), 0));
	put("a.log", "2\n");
	r.hold = false;
	read_all(r.files[0]);
	until(&r.n_lost, 1);
	EXPECT_UINT(r.lost_bytes, 5);
	got_text("1\n2\n");
	stop();
}

/* Between two looks it was truncated, and is longer than before already. */
static void grown_past(void)
{
	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "short\n");
	got_text("short\n");
	put("a.log", "more\n");
	copy("a.log", "a.log.1");
	EXPECT(!truncate(at("a.log"), 0));
	put("a.log", "another one, and longer\n");
	got_text("short\nmore\nanother one, and longer\n");
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

/* The same beginning, over 1 KiB: only what is before the place tells. */
static void same_banner(void)
{
	char banner[1500], all[1600];

	memset(banner, '=', sizeof(banner));
	banner[sizeof(banner) - 2] = '\n';
	banner[sizeof(banner) - 1] = '\0';
	start("a.log");
	put("a.log", banner);
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	buf_reset(&r.text);
	copy("a.log", "a.log.1");
	EXPECT(!truncate(at("a.log"), 0));
	put("a.log", banner);
	put("a.log", "22222\n");
	snprintf(all, sizeof(all), "%s22222\n", banner);
	got_text(all);
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

/* A writer without O_APPEND goes on at its own place. */
static void truncated_under_a_writer(void)
{
	static char page[65536];
	int fd;

	memset(page, 'x', sizeof(page));
	start("a.log");
	put("a.log", "");
	fd = open(at("a.log"), O_WRONLY | O_CLOEXEC);
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	EXPECT(write(fd, page, sizeof(page)) == sizeof(page));
	while (r.text.len < sizeof(page))
		turn(20);
	copy("a.log", "a.log.1");
	EXPECT(!truncate(at("a.log"), 0));
	buf_reset(&r.text);
	EXPECT(write(fd, "more\n", 5) == 5);
	got_text("more\n");
	for (int i = 0; i < 2; i++) {
		copy("a.log", i ? "a.log.3" : "a.log.2");
		EXPECT(!truncate(at("a.log"), 0));
		buf_reset(&r.text);
		EXPECT(write(fd, "again\n", 6) == 6);
		turn(300);
		REQUIRE(r.text.len >= 6 && r.text.len < 4096 + 16);
		EXPECT_STR(r.text.data + r.text.len - 6, "again\n");
	}
	close(fd);
	stop();
}

static void strange_files(void)
{
	start("*.log");
	r.config.start = CONFIG_LOG_BEGINNING;
	mkfifo(at("fifo.log"), 0644);
	mkdir(at("dir.log"), 0755);
	chmod(r.dir, 0777);
	put("secret", "secret\n");
	EXPECT(!symlink("secret", at("link.log")));
	put("a.log", "1\n");
	REQUIRE_INT(begin(), 0);
	got_text("1\n");
	unlink(at("a.log"));
	EXPECT(!symlink("secret", at("a.log")));
	turn(200);
	got_text("1\n");
	stop();
}

static void unreadable(void)
{
	struct follow_stats s;

	if (geteuid() == 0) {
		/* Root reads everything; a link to itself nobody. */
		start("a.log");
		EXPECT(!symlink("a.log", at("a.log")));
		chmod(r.dir, 0777);
	} else {
		start("a.log");
		put("a.log", "old\n");
		chmod(at("a.log"), 0);
	}
	REQUIRE_INT(begin(), 0);
	follow_look(r.follow);
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.unreadable, 1);
	EXPECT_UINT(s.files, 0);
	unlink(at("a.log"));
	put("b.log", "old\n");
	rename(at("b.log"), at("a.log"));
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.unreadable, 0);
	stop();
}

static size_t n_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (EXPECT(d) && readdir(d))
		n++;
	closedir(d);
	return n;
}

static void few_are_open(void)
{
	char name[16], expected[200] = "";
	size_t before;

	start("*.log");
	REQUIRE_INT(begin(), 0);
	follow_set_open_max(r.follow, 2);
	follow_look(r.follow);
	before = n_descriptors();
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 9; i++) {
			snprintf(name, sizeof(name), "%d.log", i);
			put(name, "line\n");
			memcpy(expected + strlen(expected), "line\n", sizeof("line\n"));
			got_text(expected);
			EXPECT(n_descriptors() <= before + 2);
		}
	stop();
}

/* Whatever was not read yet when it lost its name. */
static void deleted_unread(void)
{
	struct follow_stats s;

	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	r.hold = true;
	put("a.log", "1\n");
	follow_look(r.follow);
	unlink(at("a.log"));
	put("a.log", "2\n");
	follow_look(r.follow);
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.files, 2);
	EXPECT_UINT(s.backlog_bytes, 4);
	EXPECT(followed_is_over(r.files[0]));
	r.hold = false;
	read_all(r.files[0]);
	got_text("1\n2\n");
	stop();
}

/* A device has another number after a boot. */
static void device_changed(void)
{
	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	keep_positions();
	end();
	r.known[0].device++;
	put("a.log", "2\n");
	REQUIRE_INT(begin(), 0);
	got_text("1\n2\n");
	stop();
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
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
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

static void many_files(void)
{
	const unsigned int n = 1000;
	struct follow_stats s;
	char name[32], text[32];

	start("*.log");
	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u.log", i);
		put(name, "old\n");
	}
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, n);
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.files, n);
	EXPECT(count_names("/proc/self/fd", "", NULL, 0) < 600);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u.log", i);
		snprintf(text, sizeof(text), "%04u\n", i);
		put(name, text);
	}
	for (int i = 0; i < 500 && r.text.len < 5 * n; i++)
		turn(20);
	EXPECT_UINT(r.text.len, 5 * n);
	EXPECT(count_names("/proc/self/fd", "", NULL, 0) < 600);
	stop();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "begins at the end", begins_at_end },
		{ "begins at the beginning, but not with what was rotated", begins_at_beginning },
		{ "a directory that comes later, and again", comes_later },
		{ "a glob", follows_a_glob },
		{ "resumes", resumes },
		{ "resumes at what has arrived", resumes_where_it_arrived },
		{ "empty when it was seen, then rotated", empty_rotated },
		{ "empty when it was seen, then rotated and compressed", empty_compressed },
		{ NULL, all_rotations },
		{ "what is truncated without a copy is told", truncated_without_copy },
		{ "truncated and longer than before", grown_past },
		{ "truncated, and the beginning is the same", same_banner },
		{ "truncated under a writer that keeps its place", truncated_under_a_writer },
		{ "a FIFO, a directory, links", strange_files },
		{ "a file that cannot be read", unreadable },
		{ "more files than may be open", few_are_open },
		{ "deleted before it was read", deleted_unread },
		{ "a device with another number", device_changed },
		{ NULL, real_logrotate },
		{ "Python's RotatingFileHandler", python_handler },
		{ "1,000 files", many_files },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
