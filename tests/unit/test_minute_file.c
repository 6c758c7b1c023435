/* SPDX-License-Identifier: MIT */
/* The file of the present minute, when it is not what it should be. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "unit/minute_play.h"

static void in_the_way(void)
{
	struct minute *m = NULL;

	unlink(path);
	EXPECT(symlink("elsewhere", path) == 0);
	buf_reset(&why);
	EXPECT_INT(minute_open(path, &five, START, &why, &m), -ELOOP);
	EXPECT_HAS(buf_str(&why), path);
	unlink(path);
	EXPECT(mkfifo(path, 0600) == 0);
	EXPECT_INT(minute_open(path, &five, START, &why, &m), -EINVAL);
	unlink(path);
	EXPECT(mkdir(path, 0700) == 0);
	EXPECT_INT(minute_open(path, &five, START, &why, &m), -EISDIR);
	rmdir(path);
}

static void write_at(size_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	EXPECT(fd >= 0 && pwrite(fd, bytes, n, (off_t)at) == (ssize_t)n);
	close(fd);
}

/* Uses whatever is there after an open: with the sanitizers this finds an index that was believed. */
static void use(struct minute *m)
{
	request(m, "/a", 10);
	request(m, "/b", 10);
	look(m, 1, 1);
	look(m, 2, 2);
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	EXPECT_INT(minute_finish(m, START + 600, truth_take, NULL), 0);
	minute_close(m);
}

static void damaged(void)
{
#define AT(member) offsetof(struct minute_file, member)
	static const struct {
		const char *what;
		size_t at;
		uint64_t value;
	} rows[] = {
		{ "magic", AT(magic), 1 },
		{ "version", AT(version), 9 },
		{ "size", AT(size), 8 },
		{ "state", AT(state), 4 },
		{ "given", AT(given), 1000 },
		{ "length of the change", AT(n_change), MINUTE_CHANGE_MAX + 1 },
		{ "interval", AT(sums[0].interval_s), 0 },
		{ "start", AT(sums[0].start_s), START + 1 },
		{ "negative start", AT(sums[0].start_s), (uint64_t)-60 },
		{ "wanted", AT(sums[0].wanted), 1 << 20 },
		{ "id", AT(sums[0].id), UINT64_MAX },
		{ "number of probes", AT(sums[0].n_probes), MINUTE_PROBES_MAX + 1 },
		{ "name of a probe", AT(sums[0].n_probes), 1 },
		{ "number of routes", AT(sums[0].n_routes), MINUTE_ROUTES_MAX + 1 },
		{ "name of a route", AT(sums[0].n_routes), 1 },
		{ "other route", AT(sums[0].has_other), 2 },
		{ "not a number", AT(sums[0].memory.sum), 0x7ff8000000000000 },
		{ "infinite", AT(sums[0].memory.max), 0x7ff0000000000000 },
		{ "count of times", AT(sums[0].response.count), 3 },
		{ "bucket", AT(sums[0].queue.buckets[9]), 3 },
		{ "the other one", AT(state), 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct minute *m = begin(&all);

		REQUIRE(m);
		minute_close(m);
		unit_begin("a file is begun anew if this is damaged: %s", rows[i].what);
		write_at(rows[i].at, &rows[i].value, 8);
		m = open_at(&all, START);
		REQUIRE(m);
		EXPECT_HAS(buf_str(&why), "damaged");
		use(m);
	}
}

static void damaged_change(void)
{
	static const uint64_t ats[] = { 0,
					8,
					24,
					4,
					AT(state) + 1,
					sizeof(struct minute_file) - 7,
					sizeof(struct minute_file),
					UINT64_MAX - 7 };

	for (size_t i = 0; i < ARRAY_SIZE(ats); i++) {
		struct minute *m = begin(&five);
		uint64_t n = 1;

		REQUIRE(m);
		minute_close(m);
		write_at(AT(change[0].at), &ats[i], 8);
		write_at(AT(n_change), &n, 8);
		m = open_at(&five, START);
		REQUIRE(m);
		EXPECT_HAS(buf_str(&why), "damaged");
		use(m);
	}
}

static void other_sizes(void)
{
	static const off_t sizes[] = {
		0,       1, 8, 4096, sizeof(struct minute_file) - 1, sizeof(struct minute_file) + 1,
		10 << 20
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct minute *m = begin(&five);

		REQUIRE(m);
		minute_close(m);
		EXPECT(truncate(path, sizes[i]) == 0);
		m = open_at(&five, START);
		REQUIRE(m);
		EXPECT(!sizes[i] == !*buf_str(&why));
		use(m);
	}
}

/* Random words all over the file. */
static void any_damage(void)
{
	srand(1);
	for (unsigned int round = 0; round < 400; round++) {
		struct minute *m = begin(&all);

		REQUIRE(m);
		request(m, "/a", 10);
		EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
		request(m, "/a", 10);
		minute_close(m);
		for (unsigned int i = 0; i < 1 + round % 3; i++) {
			size_t words = sizeof(struct minute_file) / (round % 2 ? 8 : 800);
			uint64_t value = (uint64_t)rand() % 8 << (rand() % 61);

			write_at((size_t)rand() % words * 8, &value, 8);
		}
		m = open_at(&all, START);
		if (m)
			use(m);
	}
}

static void goes_on(void)
{
	struct minute *m = begin(&all);
	struct stat st;

	REQUIRE(m);
	request(m, "/a", 10);
	EXPECT(stat(path, &st) == 0);
	EXPECT_UINT(st.st_mode & 07777, 0600);
	EXPECT_UINT((size_t)st.st_size, sizeof(struct minute_file));
	minute_close(m);
	m = open_at(&all, START + 30);
	REQUIRE(m);
	EXPECT_STR(buf_str(&why), "");
	request(m, "/a", 20);
	minute_close(m);
	m = open_at(&all, START + 500);
	REQUIRE(m);
	EXPECT_INT(minute_finish(m, START + 500, truth_take, NULL), 0);
	expect_value("RequestCount", "Count", 2);
	expect_set("ResponseTime", "Route=/a", "Milliseconds", 2, 30, 10, 20);
	EXPECT_INT(minute_start_s(m), START + 480);
	minute_close(m);
	minute_close(NULL);
}

static void other_options(void)
{
	struct minute_options seconds = all;
	struct minute *m = begin(&five);

	REQUIRE(m);
	request(m, "/a", 10);
	minute_close(m);
	seconds.interval_s = 5;
	m = open_at(&seconds, START + 30);
	REQUIRE(m);
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START + 59, truth_take, NULL), 0);
	EXPECT_UINT(truths.n_parts, 0);
	EXPECT_INT(minute_finish(m, START + 68, truth_take, NULL), 0);
	EXPECT_INT(minute_start_s(m), START + 65);
	expect_value("RequestCount", "Count", 2);
	EXPECT(!truth_get("QueueTime", ""));
	truth_forget();
	request(m, "/a", 10);
	EXPECT_INT(minute_finish(m, START + 70, truth_take, NULL), 0);
	expect_set("ResponseTime", "Route=/a", "Milliseconds", 1, 10, 10, 10);
	expect_set("QueueTime", "", "Milliseconds", 1, 1, 1, 1);
	minute_close(m);
	m = open_at(&five, START + 71);
	REQUIRE(m);
	minute_close(m);
	seconds.interval_s = 7;
	EXPECT_INT(minute_open(path, &seconds, START, &why, &m), -EINVAL);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the next isamon goes on", goes_on },
		{ "other options hold from the next minute on", other_options },
		{ "something else in its place is refused", in_the_way },
		{ NULL, damaged },
		{ "a change out of bounds is not made", damaged_change },
		{ "a file of another size is begun anew", other_sizes },
		{ "no damage is a crash", any_damage },
	};

	return minute_main(argc, argv, cases, ARRAY_SIZE(cases));
}
