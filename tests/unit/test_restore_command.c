/* SPDX-License-Identifier: MIT */
/* isamon restore: which directories it may be of, and that a reader who has gone does not end it. */
#include "unit.h"

#include <errno.h>
#include <unistd.h>

#include "../../userspace/cmd/restore_source.c"

#define NONE CONFIG_BACKUP_NONE

static void targets(void)
{
	static struct {
		char data[8], config[8];
		bool only_data, only_config;
		const char *target, *expected[3];
	} rows[] = {
		{ "/d", "/c", false, false, NULL, { "/d", "/c" } },
		{ "/d", "/c", true, false, NULL, { "/d" } },
		{ "/d", "/c", false, true, NULL, { "/c" } },
		{ "/d", NONE, false, false, NULL, { "/d" } },
		{ NONE, "/c", false, false, NULL, { "/c" } },
		{ NONE, "/c", true, false, NULL, { NULL } },
		{ "/d", "/c", false, false, "/t", { "/t" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config config = { .backup_data = rows[i].data,
					 .backup_config = rows[i].config };
		struct restore_command c = { .tool = { .config = &config },
					     .data = rows[i].only_data,
					     .config = rows[i].only_config,
					     .target = rows[i].target };

		for (unsigned int k = 0; k < ARRAY_SIZE(rows[i].expected); k++) {
			const char *got = restore_nth_target(&c, k);

			EXPECT_STR(got ? got : "-",
				   rows[i].expected[k] ? rows[i].expected[k] : "-");
			if (!got)
				break;
		}
	}
}

static void target_of_a_kind(void)
{
	static char data[] = "/d", none[] = NONE;
	struct config config = { .backup_data = data, .backup_config = none };
	struct restore_command c = { .tool = { .config = &config }, .kind = BACKUP_DATA };

	EXPECT_STR(restore_find_target(&c), "/d");
	c.kind = BACKUP_CONFIG;
	EXPECT(!restore_find_target(&c));
	c.kind = -1;
	EXPECT(!restore_find_target(&c));
	c.target = "/t";
	EXPECT_STR(restore_find_target(&c), "/t");
}

/* Verdict, damaged databases, and whether it is here, of those that there are; and which is meant. */
static void newest(void)
{
	static const struct {
		const char *
			is; /* of each: Sound, Damaged, Unverified, sound with a Bad database, in s3 only: '3' */
		int expected;
	} rows[] = { { "", -1 },  { "S", 0 },  { "U", 0 }, { "D", -1 },   { "DS", 1 },
		     { "3S", 1 }, { "BS", 1 }, { "B", 0 }, { "DB3B", 1 }, { "BDUS", 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct catalogue_entry entries[4] = { 0 };
		struct restore_command c = { .data = true,
					     .tool = { .list = { .entries = entries,
								 .n = strlen(rows[i].is) } } };
		const struct catalogue_entry *found;
		bool ambiguous = true;

		for (size_t k = 0; k < c.tool.list.n; k++) {
			entries[k].local = rows[i].is[k] != '3';
			entries[k].n_damaged = rows[i].is[k] == 'B';
			entries[k].verdict = rows[i].is[k] == 'U' ? BACKUP_NOT_VERIFIED :
					     rows[i].is[k] == 'D' ? BACKUP_UNSOUND :
								    BACKUP_SOUND;
		}
		found = find_entry(&c, NULL, &ambiguous);
		EXPECT_INT(found ? (int)(found - entries) : -1, rows[i].expected);
		EXPECT(!ambiguous);
	}
}

/* As in "isamon restore ... 2>&1 | head -n 1": between stop and start it must not die of a line that it says. */
static void nobody_reads(void)
{
	int ends[2];

	backup_catch_signals();
	REQUIRE(pipe(ends) == 0);
	close(ends[0]);
	errno = 0;
	EXPECT_INT(write(ends[1], "x", 1), -1);
	EXPECT_INT(errno, EPIPE);
	EXPECT(!backup_is_stopped());
	close(ends[1]);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "of which directories it may be", targets },
		{ "of which directory a kind is", target_of_a_kind },
		{ "which one is the newest", newest },
		{ "nobody reads what it says", nobody_reads },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
