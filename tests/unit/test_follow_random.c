/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever is done to a log's files, in whichever order, with readers that end at any time and begin again at what had
 * arrived: each line once, in order. The writer stands still between the copy and the truncation, which is
 * copytruncate's own gap. The same seeds each time; ISAMON_TEST_SEED=N takes one, and tries anything new.
 */
#include "follow_fixture.h"

#define ROUNDS 4
#define STEPS 150

static struct {
	uint64_t seed;
	unsigned int next;    /* number of the line that is written next */
	unsigned int n_names; /* archives: a.log.1 to .N */
	bool gzip;
	bool late; /* the writer keeps the rotated file open for a while */
	bool failed;
	int fd;
} w;

static unsigned int dice(unsigned int n)
{
	w.seed = w.seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(w.seed >> 33) % n;
}

static void write_lines(unsigned int n)
{
	char line[300];

	if (w.fd < 0)
		w.fd = open(at("a.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	while (n--) {
		int len =
			snprintf(line, sizeof(line), "%07u %.*s\n", w.next++, (int)dice(200),
				 "the quick brown fox jumps over the lazy dog, "
				 "and over the lazy dog, and over the lazy dog, and once more over"
				 " the lazy dog, which does not mind it, or so it is said by those"
				 " who were there at that time, of whom few are left");

		EXPECT(write(w.fd, line, (size_t)len) == len);
	}
}

static void reopen(void)
{
	if (w.fd >= 0)
		close(w.fd);
	w.fd = -1;
}

/* a.log.1 becomes a.log.2, and so on; the last one goes. */
static void shift(void)
{
	char from[32], to[32];

	for (unsigned int i = w.n_names; i > 0; i--)
		for (int packed = 0; packed < 2; packed++) {
			snprintf(from, sizeof(from), "a.log.%u%s", i, packed ? ".gz" : "");
			snprintf(to, sizeof(to), "a.log.%u%s", i + 1, packed ? ".gz" : "");
			if (i == w.n_names)
				unlink(at(from));
			else
				rename(at(from), at(to));
		}
}

static void compress_one(unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "a.log.%u", i);
	if (w.gzip && access(at(name), F_OK) == 0)
		compress_file(name);
}

static void step_rename(void)
{
	if (access(at("a.log"), F_OK))
		return;
	compress_one(1);
	shift();
	rename(at("a.log"), at("a.log.1"));
	if (dice(2) && w.fd >= 0)
		write_lines(dice(20)); /* into the file that was rotated already */
	reopen();
	if (dice(3) == 0)
		compress_one(1);
}

static void step_copytruncate(void)
{
	if (access(at("a.log"), F_OK))
		return;
	shift();
	copy("a.log", "a.log.1");
	if (truncate(at("a.log"), 0))
		abort();
	if (dice(3) == 0)
		compress_one(1);
}

/* Only where the reader has it: whoever looks at nothing cannot read what is deleted. */
static void step_delete(void)
{
	if (!r.follow || r.n_files == 0 || r.hold)
		return;
	turn(150);
	unlink(at("a.log"));
	reopen();
}

static unsigned int n_live_lines(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < r.text.len; i++)
		n += r.text.data[i] == '\n';
	return n;
}

static void wait_all(void)
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;

	while (n_live_lines() < w.next && clock_monotonic_ns() < end_ns)
		turn(20);
	w.failed |= n_live_lines() != w.next;
}

static void check_lines(void)
{
	const char *at_line = buf_str(&r.text);
	unsigned int expected = 0;

	for (; *at_line; expected++) {
		const char *end_line = strchr(at_line, '\n');
		unsigned long number = strtoul(at_line, NULL, 10);

		if (!end_line || number != expected) {
			FAIL_CASE("line %u: got \"%.40s\" (seed %llu)", expected, at_line,
				  (unsigned long long)w.seed);
			return;
		}
		at_line = end_line + 1;
	}
	EXPECT_UINT(expected, w.next);
	EXPECT_UINT(r.n_lost, 0);
}

/* One archive more than rotations happen while nobody looks: nothing is dropped unread. */
static void one_step(unsigned int *rotated)
{
	switch (dice(10)) {
	case 0:
		if (*rotated < w.n_names - 2) {
			step_rename();
			++*rotated;
		}
		break;
	case 1:
		if (*rotated < w.n_names - 2) {
			step_copytruncate();
			++*rotated;
		}
		break;
	case 2:
		if (dice(4) == 0) {
			wait_all();
			*rotated = 0;
			step_delete();
		}
		break;
	case 3:
		if (r.follow) {
			keep_positions();
			end();
		} else {
			EXPECT_INT(begin(), 0);
			wait_all();
			*rotated = 0;
		}
		break;
	case 4:
		if (r.follow) {
			wait_all();
			*rotated = 0;
		}
		break;
	case 5:
		if (r.follow)
			turn((int)dice(80));
		break;
	default: write_lines(dice(40));
	}
}

static void round_of(uint64_t seed, bool packed)
{
	unsigned int rotated = 0;

	start("a.log");
	w.seed = seed;
	w.next = 0;
	w.failed = false;
	w.n_names = 8;
	w.gzip = packed;
	w.fd = -1;
	r.piece = 1 + dice(5000);
	put("a.log", "");
	EXPECT_INT(begin(), 0);
	until(&r.n_ready, 1);
	for (int i = 0; i < STEPS && !w.failed; i++)
		one_step(&rotated);
	if (!r.follow)
		EXPECT_INT(begin(), 0);
	if (!w.failed)
		wait_all();
	turn(150);
	check_lines();
	reopen();
	stop();
}

static void rounds(void)
{
	const char *given = getenv("ISAMON_TEST_SEED");
	const uint64_t first = given ? strtoull(given, NULL, 10) : 1;

	for (uint64_t i = 0; i < (given ? 1 : ROUNDS); i++) {
		unit_begin("random rotations, seed %llu", (unsigned long long)(first + i));
		round_of(first + i, (first + i) & 1);
		unit_end();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, rounds } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
