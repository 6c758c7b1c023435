/* SPDX-License-Identifier: MIT */
/* Files that logrotate moves to another directory (olddir): they are found there, and nowhere else is anything taken for theirs. */
#include <limits.h>

#include "base/file.h"
#include "follow_fixture.h"
#include "logs/follow_names.h"

static char old_absolute[PATH_ROOM];

/* olddir as in the configuration: NULL is the absolute path of the same directory. */
static void start_old(const char *pattern, const char *olddir)
{
	start(pattern);
	mkdir(at("old"), 0755);
	snprintf(old_absolute, sizeof(old_absolute), "%s/old/", r.dir);
	r.config.olddir = olddir ? (char *)(uintptr_t)olddir : old_absolute;
}

enum rotation {
	RENAME,
	SAME_NAME,
	DATED_WITHIN,
	RENAME_TWICE,
	RENAME_GZIP,
	COPYTRUNCATE,
	COPY_DELETE,
	ROTATIONS
};

static const char *const rotations[] = {
	"rename",       "the same name",   "the date before the extension",
	"rename twice", "rename and gzip", "copytruncate",
	"renamecopy",
};

/* Writes "2\n" before it, "3\n" behind it, and "between\n" into the one that came and went. */
static void rotate(enum rotation how)
{
	put("a.log", "2\n");
	switch (how) {
	case RENAME: rename(at("a.log"), at("old/a.log.1")); break;
	case SAME_NAME: rename(at("a.log"), at("old/a.log")); break;
	case DATED_WITHIN: rename(at("a.log"), at("old/a-20261126.log")); break;
	case RENAME_GZIP:
		rename(at("a.log"), at("old/a.log-20261126"));
		compress_file("old/a.log-20261126");
		break;
	case RENAME_TWICE:
		rename(at("a.log"), at("old/a.log.2"));
		put("a.log", "between\n");
		rename(at("a.log"), at("old/a.log.1"));
		break;
	case COPYTRUNCATE:
		copy("a.log", "old/a.log.1");
		EXPECT(!truncate(at("a.log"), 0));
		break;
	case COPY_DELETE:
		rename(at("a.log"), at("a.log.tmp"));
		copy("a.log.tmp", "old/a.log.1");
		unlink(at("a.log.tmp"));
		break;
	default: abort();
	}
	put("a.log", "3\n");
}

static void rotates(enum rotation how, const char *olddir, bool down)
{
	const char *all = how == RENAME_TWICE ? "1\n2\nbetween\n3\n" : "1\n2\n3\n";
	char after[64];

	start_old("a.log", olddir);
	put("a.log", "");
	put("old/b.log.1", "another's\n");
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
	got_text(all);
	/* What an earlier isamon read in there is known there again. */
	restart();
	turn(100);
	put("a.log", "4\n");
	snprintf(after, sizeof(after), "%s4\n", all);
	got_text(after);
	EXPECT_UINT(r.n_lost, 0);
	EXPECT_UINT(r.lost_bytes, 0);
	stop();
}

static void all_rotations(void)
{
	static const char *const olddirs[] = { "old", "./old/", NULL };
	char name[160];

	for (size_t i = 0; i < ARRAY_SIZE(olddirs); i++)
		for (int down = 0; down < 2; down++)
			for (int how = 0; how < ROTATIONS; how++) {
				snprintf(name, sizeof(name), "%s to %s%s", rotations[how],
					 olddirs[i] ? olddirs[i] : "an absolute path",
					 down ? " while isamon was down" : "");
				if (!unit_wanted(name))
					continue;
				unit_begin("%s", name);
				rotates((enum rotation)how, olddirs[i], down);
				unit_end();
			}
}

/* Read in part when isamon ended, and found in olddir: read from where it stood, also without its inode. */
static void goes_on_in_there(void)
{
	start_old("a.log", "old");
	put("a.log", "");
	r.ack = false;
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "one\ntwo\n");
	got_text("one\ntwo\n");
	followed_done(r.files[0], 4);
	rename(at("a.log"), at("old/a.log.1"));
	turn(300);
	/* It is known under its path in there now. */
	keep_positions();
	EXPECT_STR(strrchr(r.known[0].path, '/'), "/a.log.1");
	end();
	compress_file("old/a.log.1");
	put("a.log", "three\n");
	EXPECT_INT(begin(), 0);
	got_text("one\ntwo\ntwo\nthree\n");
	stop();
}

/* A directory that is not there yet, and a glob. */
static void comes_later(void)
{
	start("*.log");
	r.config.olddir = (char *)(uintptr_t) "later";
	put("a.log", "");
	put("b.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 2);
	put("a.log", "1\n");
	got_text("1\n");
	keep_positions();
	end();
	put("a.log", "2\n");
	mkdir(at("later"), 0755);
	rename(at("a.log"), at("later/a.log.1"));
	EXPECT_INT(begin(), 0);
	got_text("1\n2\n");
	put("b.log", "3\n");
	got_text("1\n2\n3\n");
	stop();
}

/* --- what is found nowhere */

static int stderr_to(const char *path)
{
	int before = dup(STDERR_FILENO), fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	EXPECT(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
	return before;
}

static void stderr_back(int before)
{
	dup2(before, STDERR_FILENO);
	close(before);
}

static unsigned int occurrences(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void missing(void)
{
	static const struct {
		const char *name, *olddir;
		bool rotate, remove, told;
	} rows[] = {
		{ "nothing was done", NULL, false, false, false },
		{ "it is in olddir", "old", true, false, false },
		{ "it is where nobody looks", "", true, false, true },
		{ "it was deleted", "old", false, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf said = BUF_INIT(100000);
		char path[PATH_ROOM];
		int before;

		unit_begin("a file that is missed at the start: %s", rows[i].name);
		start_old("a.log", rows[i].olddir);
		REQUIRE(begins_with_a_line());
		keep_positions();
		end();
		if (rows[i].rotate)
			rename(at("a.log"), at("old/a.log.1"));
		if (rows[i].remove)
			unlink(at("a.log"));
		put("a.log", "3\n");
		snprintf(path, sizeof(path), "%s", at("said"));
		before = stderr_to(path);
		EXPECT_INT(begin(), 0);
		got_text("1\n3\n");
		/* The one that is written now is known by then. */
		restart();
		turn(100);
		stderr_back(before);
		EXPECT_INT(file_read(path, &said), 0);
		EXPECT_UINT(occurrences(buf_str(&said), "is found under no name"), rows[i].told);
		EXPECT_UINT(r.n_lost, 0);
		stop();
		unit_end();
	}
}

/* --- names */

static void live_names(void)
{
	static const struct {
		const char *path, *pattern, *olddir, *live;
	} rows[] = {
		{ "/l/a.log.1", "/l/a.log", NULL, "/l/a.log" },
		{ "/l/a.log", "/l/a.log", NULL, NULL },
		{ "/l/old/a.log.1", "/l/a.log", NULL, NULL },
		{ "/l/old/a.log.1", "/l/a.log", "", NULL },
		{ "/l/old/a.log.1", "/l/a.log", "old", "/l/a.log" },
		{ "/l/old/a.log.1", "/l/a.log", "old//", "/l/a.log" },
		{ "/l/old/a.log", "/l/a.log", "old", "/l/a.log" },
		{ "/l/old/a-20261126.log.gz", "/l/a.log", "old", "/l/a.log" },
		{ "/l/old/b.log.1", "/l/a.log", "old", NULL },
		{ "/l/old/b.log.1", "/l/*.log", "old", "/l/b.log" },
		{ "/l/x/old/b.log.1", "/l/*/b.log", "old", "/l/x/b.log" },
		{ "/l/bold/a.log.1", "/l/a.log", "old", NULL },
		{ "/l/../old/a.log.1", "/l/a.log", "../old", "/l/a.log" },
		{ "/old/a.log.1", "/l/a.log", "/old", "/l/a.log" },
		{ "/old/a.log.1", "/l/a.log", "/old/", "/l/a.log" },
		{ "/x/old/a.log.1", "/l/a.log", "/old", NULL },
		{ "/old/a.log.1", "/a.log", "/old", "/a.log" },
		{ "/old/a.log.1", "/a.log", "old", "/a.log" },
		{ "/l/a.log.1", "/l/a.log", "old", "/l/a.log" },
		{ "nothing", "/l/a.log", "old", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char live[PATH_MAX] = "";
		bool is = follow_names_live(rows[i].path, rows[i].pattern, rows[i].olddir, live);

		unit_begin("%s of %s, olddir %s", rows[i].path, rows[i].pattern,
			   rows[i].olddir ? rows[i].olddir : "none");
		EXPECT_INT(is, rows[i].live != NULL);
		if (is && rows[i].live)
			EXPECT_STR(live, rows[i].live);
		unit_end();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, live_names },
		{ NULL, all_rotations },
		{ "it goes on in there where it stood", goes_on_in_there },
		{ "a directory that comes later", comes_later },
		{ NULL, missing },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
