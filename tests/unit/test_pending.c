/* SPDX-License-Identifier: MIT */
/* Finished minutes in files: what is there after a restart, what is dropped, what is not ours. */
#include "nomem.h"

#include "../../userspace/ship/pending.c"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "unit.h"

static struct {
	char top[200], dir[240];
	struct pending *pending;
	struct buf why;
	char seen[4000];
	int stop_at, n_seen;
} t = { .why = BUF_INIT(1000) };

static int open_it(void)
{
	buf_reset(&t.why);
	return pending_open(t.dir, &t.why, &t.pending);
}

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(t.top, sizeof(t.top), "%s/test_pending.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(t.top))
		abort();
	snprintf(t.dir, sizeof(t.dir), "%s/minutes", t.top);
}

static void tear_down(void)
{
	_cleanup_(dir_closep) DIR *d = opendir(t.dir);
	struct dirent *e;

	pending_close(take(t.pending));
	while (d && (e = readdir(d)))
		if (unlinkat(dirfd(d), e->d_name, 0))
			unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	rmdir(t.dir);
	rmdir(t.top);
	buf_done(&t.why);
}

static int see(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	size_t at = strlen(t.seen);

	(void)ctx;
	snprintf(t.seen + at, sizeof(t.seen) - at, "%lld@%lld=%.*s ", (long long)id,
		 (long long)start_s, (int)n, (const char *)payload);
	return ++t.n_seen == t.stop_at ? -ECANCELED : 0;
}

static const char *look(int stop_at, int expected)
{
	t.seen[0] = '\0';
	t.n_seen = 0;
	t.stop_at = stop_at;
	EXPECT_INT(pending_each(t.pending, see, NULL), expected);
	return t.seen;
}

static int add(int64_t id, int64_t start_s, const char *text)
{
	return pending_add(t.pending, id, start_s, text, strlen(text));
}

static void put_file(const char *name, const char *text)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void comes_and_goes(void)
{
	struct stat st = { 0 };
	char path[300];

	set_up();
	REQUIRE_INT(open_it(), 0);
	EXPECT_UINT(pending_count(t.pending), 0);
	EXPECT_STR(look(0, 0), "");
	EXPECT_INT(add(5, 180, "five"), 0);
	EXPECT_INT(add(INT64_MIN, 60, "least"), 0);
	EXPECT_INT(add(-1, 120, ""), 0);
	EXPECT_INT(add(7, 120, "seven"), 0);
	EXPECT_STR(look(0, 0), "-9223372036854775808@60=least -1@120= 7@120=seven 5@180=five ");
	EXPECT_STR(look(2, -ECANCELED), "-9223372036854775808@60=least -1@120= ");
	pending_close(take(t.pending));
	REQUIRE_INT(open_it(), 0);
	EXPECT_STR(look(0, 0), "-9223372036854775808@60=least -1@120= 7@120=seven 5@180=five ");
	pending_remove(t.pending, -1);
	pending_remove(t.pending, 99);
	EXPECT_UINT(pending_count(t.pending), 3);
	EXPECT_INT(add(7, 120, "SEVEN"), 0);
	EXPECT_INT(add(5, 30, "early"), 0);
	EXPECT_STR(look(0, 0), "5@30=early -9223372036854775808@60=least 7@120=SEVEN ");
	pending_close(take(t.pending));
	REQUIRE_INT(open_it(), 0);
	EXPECT_UINT(pending_count(t.pending), 3);
	snprintf(path, sizeof(path), "%s/120-7", t.dir);
	EXPECT_INT(stat(path, &st), 0);
	EXPECT_UINT(st.st_mode & 0777, 0600);
	tear_down();
}

static void refuses(void)
{
	set_up();
	REQUIRE_INT(open_it(), 0);
	EXPECT_INT(add(1, -1, "x"), -EINVAL);
	EXPECT_INT(pending_add(t.pending, 1, 0, "x", PENDING_BYTES_MAX + 1), -EFBIG);
	EXPECT_UINT(pending_count(t.pending), 0);
	tear_down();
}

static void leaves_strangers(void)
{
	set_up();
	REQUIRE_INT(open_it(), 0);
	put_file(".new", "half a min");
	put_file("120", "no dash");
	put_file("-120-7", "negative");
	put_file("120-7x", "no number");
	put_file("99999999999999999999-1", "too long");
	put_file("123456789012345678901234567890-1", "far too long");
	put_file("60-3", "ours");
	EXPECT_INT(symlinkat("60-3", t.pending->dir_fd, "60-4"), 0);
	EXPECT_INT(mkdirat(t.pending->dir_fd, "60-5", 0700), 0);
	pending_close(take(t.pending));
	REQUIRE_INT(open_it(), 0);
	EXPECT_STR(look(0, 0), "3@60=ours ");
	EXPECT_INT(faccessat(t.pending->dir_fd, ".new", F_OK, 0), -1);
	EXPECT_INT(faccessat(t.pending->dir_fd, "120", F_OK, 0), 0);
	/* Somebody takes it away. */
	unlinkat(t.pending->dir_fd, "60-3", 0);
	EXPECT_STR(look(0, 0), "");
	EXPECT_UINT(pending_count(t.pending), 0);
	tear_down();
}

static void drops_the_oldest(void)
{
	static char much[PENDING_BYTES_MAX / 4];

	memset(much, 'x', sizeof(much));
	set_up();
	REQUIRE_INT(open_it(), 0);
	for (int i = 0; i < PENDING_MAX + 60; i++)
		EXPECT_INT(add(i, 60 * i, "x"), 0);
	EXPECT_UINT(pending_count(t.pending), PENDING_MAX);
	EXPECT_UINT(pending_dropped(t.pending), 60);
	EXPECT_INT(look(1, -ECANCELED)[0], '6');
	for (int i = 2000; i < 2005; i++)
		EXPECT_INT(pending_add(t.pending, i, 60 * i, much, sizeof(much)), 0);
	EXPECT_UINT(pending_count(t.pending), 4);
	put_file("5-99999", "old");
	for (int i = 0; i < PENDING_MAX; i++) {
		char name[40];

		snprintf(name, sizeof(name), "9999999-%d", i);
		put_file(name, "y");
	}
	pending_close(take(t.pending));
	REQUIRE_INT(open_it(), 0);
	EXPECT_UINT(pending_count(t.pending), PENDING_MAX);
	EXPECT_UINT(pending_dropped(t.pending), 5);
	tear_down();
}

static int remove_all(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	pending_remove(ctx, id);
	return see(id, start_s, payload, n, ctx);
}

static void removes_on_the_way(void)
{
	set_up();
	REQUIRE_INT(open_it(), 0);
	for (int i = 1; i <= 3; i++)
		EXPECT_INT(add(i, i, "x"), 0);
	t.seen[0] = '\0';
	t.stop_at = 0;
	EXPECT_INT(pending_each(t.pending, remove_all, t.pending), 0);
	EXPECT_STR(t.seen, "1@1=x 2@2=x 3@3=x ");
	EXPECT_UINT(pending_count(t.pending), 0);
	tear_down();
}

/* As what somebody else has put there. */
static void passes_over(void)
{
	set_up();
	REQUIRE_INT(open_it(), 0);
	for (int i = 1; i <= 3; i++)
		EXPECT_INT(add(i, i, "x"), 0);
	EXPECT_INT(unlinkat(t.pending->dir_fd, "1-1", 0), 0);
	EXPECT_INT(symlinkat("3-3", t.pending->dir_fd, "1-1"), 0);
	EXPECT_STR(look(0, -ELOOP), "2@2=x 3@3=x ");
	EXPECT_STR(look(1, -ECANCELED), "2@2=x ");
	EXPECT_UINT(pending_count(t.pending), 3);
	tear_down();
}

static void cannot_open(void)
{
	FILE *f;

	set_up();
	f = fopen(t.dir, "w");
	REQUIRE(f);
	fclose(f);
	EXPECT_INT(open_it(), -ENOTDIR);
	EXPECT_HAS(buf_str(&t.why), t.dir);
	unlink(t.dir);
	EXPECT_INT(symlink("/tmp", t.dir), 0);
	EXPECT(open_it() != 0);
	unlink(t.dir);
	tear_down();
}

static void no_memory(void)
{
	set_up();
	for (unsigned int n = 1; nomem_again(n); n++) {
		int err = open_it();

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		pending_close(take(t.pending));
	}
	nomem.fail_at = 0;
	tear_down();
}

/* A child adds until it is killed: what it says it added is there, whole. */
static void killed(void)
{
	static char text[20000];
	int last = 0;

	set_up();
	for (int round = 0; round < 50; round++) {
		const struct timespec life = { .tv_nsec = 100000l * (round % 20) + 300000 };
		int fds[2], id = 0, status;
		pid_t pid;

		REQUIRE(pipe(fds) == 0);
		pid = fork();
		if (pid == 0) {
			if (open_it())
				_exit(1);
			for (id = last + 1;; id++) {
				memset(text, 'a' + id % 26, sizeof(text));
				if (pending_add(t.pending, id, id, text, sizeof(text)) ||
				    write(fds[1], &id, sizeof(id)) != sizeof(id))
					_exit(1);
			}
		}
		close(fds[1]);
		nanosleep(&life, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		while (read(fds[0], &id, sizeof(id)) == sizeof(id))
			last = id;
		close(fds[0]);
		REQUIRE_INT(open_it(), 0);
		for (size_t i = 0; i < t.pending->n; i++)
			EXPECT_UINT(t.pending->entries[i].size, sizeof(text));
		EXPECT(last == 0 || entry_find(t.pending, last) < t.pending->n);
		EXPECT_INT(faccessat(t.pending->dir_fd, NEW_NAME, F_OK, 0), -1);
		pending_close(take(t.pending));
	}
	EXPECT(last > 0);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "minutes come, stay and go", comes_and_goes },
		{ "refuses what cannot be a minute", refuses },
		{ "leaves strangers' files, removes its own halves", leaves_strangers },
		{ "drops the oldest", drops_the_oldest },
		{ "minutes may be removed on the way", removes_on_the_way },
		{ "one that cannot be read holds up none", passes_over },
		{ "says what cannot be opened", cannot_open },
		{ "without memory", no_memory },
		{ "killed, it has lost nothing and kept no half", killed },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
