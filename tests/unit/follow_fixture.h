/* SPDX-License-Identifier: MIT */
/*
 * A log in a directory of its own, what is done to its files, and a reader that keeps all it was given, by file. A reader that is
 * torn down begins again at the positions that it kept.
 */
#ifndef ISAMON_TEST_FOLLOW_H
#define ISAMON_TEST_FOLLOW_H

#include "logs/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "store_fixture.h"

#define READERS_MAX 4096
#define PATH_ROOM 400

static struct {
	struct event_base *base;
	char dir[240];
	struct config_log config;
	struct follow *follow;
	struct position known[512];
	size_t n_known;
	struct buf text; /* all that was read, in the order in which it was */
	struct followed *files[READERS_MAX];
	size_t n_files;
	unsigned int n_ready, n_gone, n_lost;
	uint64_t lost_bytes;
	bool hold; /* nothing is read */
	bool ack;  /* what was read has arrived at once */
	size_t piece;
	struct buf why;
} r;

UNIT_USED_ static const char *at(const char *name)
{
	static char paths[8][PATH_ROOM];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_ROOM, "%s/%s", r.dir, name);
	return path;
}

/* --- what a service does */

UNIT_USED_ static void put_at(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
	size_t n = strlen(text);

	EXPECT(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	if (fd >= 0)
		close(fd);
}

UNIT_USED_ static void put(const char *name, const char *text)
{
	put_at(at(name), O_APPEND, text);
}

UNIT_USED_ static void copy(const char *from, const char *to)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(64u << 20);
	char piece[65536];
	int fd = open(at(from), O_RDONLY);
	ssize_t n;

	REQUIRE(fd >= 0);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(&b, piece, (size_t)n);
	close(fd);
	fd = open(at(to), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	EXPECT(fd >= 0 && write(fd, buf_str(&b), b.len) == (ssize_t)b.len);
	close(fd);
}

/* As gzip(1): the archive gets the file's time, the file goes. */
UNIT_USED_ static void compress_file(const char *name)
{
	char packed[PATH_ROOM], piece[65536];
	struct timespec times[2];
	struct stat st;
	gzFile z;
	ssize_t n;
	int fd = open(at(name), O_RDONLY);

	REQUIRE(fd >= 0);
	snprintf(packed, sizeof(packed), "%s.gz", at(name));
	z = gzopen(packed, "wb1");
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		gzwrite(z, piece, (unsigned int)n);
	gzclose(z);
	fstat(fd, &st);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	utimensat(AT_FDCWD, packed, times, 0);
	close(fd);
	unlink(at(name));
}

/* --- the reader */

static void read_all(struct followed *f)
{
	char bytes[65536];
	uint64_t offset = 0;
	ssize_t n;

	while ((n = followed_read(f, bytes, r.piece, &offset)) > 0) {
		buf_add(&r.text, bytes, (size_t)n);
		if (r.ack)
			followed_done(f, offset + (uint64_t)n);
	}
}

static void on_ready(struct followed *f, void *ctx)
{
	size_t i = 0;

	(void)ctx;
	r.n_ready++;
	while (i < r.n_files && r.files[i] != f)
		i++;
	if (i == r.n_files && i < READERS_MAX)
		r.files[r.n_files++] = f;
	if (!r.hold)
		read_all(f);
}

/* Nothing of one that is gone comes again. */
static void on_gone(struct followed *f, void *ctx)
{
	(void)ctx;
	r.n_gone++;
	for (size_t i = 0; i < r.n_files; i++)
		if (r.files[i] == f)
			r.files[i] = r.files[--r.n_files];
}

static void on_lost(struct followed *f, uint64_t bytes, void *ctx)
{
	(void)f;
	(void)ctx;
	r.n_lost++;
	r.lost_bytes += bytes;
}

UNIT_USED_ static int begin(void)
{
	const struct follow_hooks hooks = { on_ready, on_gone, on_lost, NULL };

	r.n_files = 0;
	buf_reset(&r.why);
	return follow_new(r.base, &r.config, r.known, r.n_known, &hooks, &r.why, &r.follow);
}

/* Positions of before stay, but for those that are known better. */
static void known_put(const struct position *p)
{
	size_t i = 0;

	while (i < r.n_known && r.known[i].id != p->id)
		i++;
	if (i == ARRAY_SIZE(r.known)) {
		memmove(&r.known[0], &r.known[1], sizeof(r.known) - sizeof(r.known[0]));
		i--;
	} else if (i == r.n_known) {
		r.n_known++;
	}
	r.known[i] = *p;
}

UNIT_USED_ static void keep_positions(void)
{
	static struct position p;

	for (size_t i = 0; i < r.n_files; i++) {
		followed_position(r.files[i], &p);
		known_put(&p);
	}
}

/* As by kill -9 behind the last keep_positions(). */
UNIT_USED_ static void end(void)
{
	follow_free(take(r.follow));
	r.n_files = 0;
}

UNIT_USED_ static void restart(void)
{
	keep_positions();
	end();
	EXPECT_INT(begin(), 0);
}

UNIT_USED_ static void remove_dir(void)
{
	remove_tree(r.dir);
}

UNIT_USED_ static void start_at(const char *where, const char *pattern)
{
	static char path[PATH_ROOM];

	snprintf(r.dir, sizeof(r.dir), "%s/test_follow.XXXXXX", where);
	if (!mkdtemp(r.dir))
		abort();
	snprintf(path, sizeof(path), "%s/%s", r.dir, pattern);
	r.base = event_base_new();
	buf_init(&r.text, 256u << 20);
	buf_init(&r.why, 4096);
	r.config = (struct config_log){
		.name = "application", .paths = { path }, .n_paths = 1, .start = CONFIG_LOG_END
	};
	r.n_known = r.n_ready = r.n_gone = r.n_lost = 0;
	r.lost_bytes = 0;
	r.hold = false;
	r.ack = true;
	r.piece = 65536;
}

UNIT_USED_ static void start(const char *pattern)
{
	const char *tmp = getenv("TMPDIR");

	start_at(tmp ? tmp : "/tmp", pattern);
}

UNIT_USED_ static void stop(void)
{
	end();
	event_base_free(r.base);
	buf_done(&r.text);
	buf_done(&r.why);
	remove_dir();
}

UNIT_USED_ static void turn(int ms)
{
	const struct timeval tick = { .tv_usec = ms * 1000 };

	event_base_loopexit(r.base, &tick);
	event_base_dispatch(r.base);
}

/* Until all of @text was read, and nothing else. */
UNIT_USED_ static bool got_text(const char *text)
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;

	while (strcmp(buf_str(&r.text), text) != 0 && r.text.len < strlen(text) + 1 &&
	       clock_monotonic_ns() < end_ns)
		turn(10);
	return EXPECT_STR(buf_str(&r.text), text);
}

UNIT_USED_ static bool until(const unsigned int *n, unsigned int wanted)
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;

	while (*n < wanted && clock_monotonic_ns() < end_ns)
		turn(10);
	return EXPECT_UINT(*n, wanted);
}

/* A log, a.log, that is followed from its beginning on, as it is empty. */
UNIT_USED_ static bool begins_empty(void)
{
	put("a.log", "");
	return EXPECT_INT(begin(), 0) && until(&r.n_ready, 1);
}

/* The same, and "1\n" was read of it. */
UNIT_USED_ static bool begins_with_a_line(void)
{
	if (!begins_empty())
		return false;
	put("a.log", "1\n");
	return got_text("1\n");
}

#endif
