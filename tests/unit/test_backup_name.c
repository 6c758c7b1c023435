/* SPDX-License-Identifier: MIT */
/* Names of archives: ours, the guide's, and what is none. */
#include "unit.h"

#include <time.h>

#include "../../userspace/care/backup_name.c"

static void reads(void)
{
	static const struct {
		const char *file, *id; /* NULL: none */
		enum backup_kind kind;
		int64_t created_s;
	} rows[] = {
		{ "agent-isa-data-20261126-020000.tar.gz", "data-20261126-020000", BACKUP_DATA,
		  1795658400 },
		{ "agent-isa-config-20261126-235959.tar.gz", "config-20261126-235959",
		  BACKUP_CONFIG, 1795737599 },
		{ "agent-isa-data-20261126.tar.gz", "data-20261126", BACKUP_DATA, 1795651200 },
		{ "agent-isa-data-20240229.tar.gz", "data-20240229", BACKUP_DATA, 1709164800 },
		{ "agent-isa-data-20260229.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261301.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261126-240000.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261126-02000.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261126_020000.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-2026112x.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-logs-20261126.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isb-data-20261126.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261126.tar.gz.part", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261126.tar", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa.tar.gz", NULL, BACKUP_DATA, 0 },
		{ "agent-isa", NULL, BACKUP_DATA, 0 },
		{ "", NULL, BACKUP_DATA, 0 },
		{ "agent-isa-data-20261126-0200000000000000000000000000000000000.tar.gz", NULL,
		  BACKUP_DATA, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct catalogue_entry e = { 0 };

		unit_begin("the name \"%s\"", rows[i].file);
		if (!EXPECT_INT(backup_name_parse("agent-isa", rows[i].file, &e),
				rows[i].id != NULL) ||
		    !rows[i].id)
			continue;
		EXPECT_STR(e.id, rows[i].id);
		EXPECT_STR(e.file, rows[i].file);
		EXPECT_INT((int)e.kind, (int)rows[i].kind);
		EXPECT_INT(e.created_s, rows[i].created_s);
	}
}

static void makes(void)
{
	struct catalogue_entry e = { 0 };
	char file[256];

	EXPECT_INT(backup_name_make("a", BACKUP_CONFIG, 1795658400, file, sizeof(file)), 0);
	EXPECT_STR(file, "a-config-20261126-020000.tar.gz");
	EXPECT(backup_name_parse("a", file, &e));
	EXPECT_INT(e.created_s, 1795658400);
	EXPECT_INT(backup_name_make("a", BACKUP_DATA, 1795658400, file, 29), -ENAMETOOLONG);
	EXPECT_INT(backup_name_make("a", BACKUP_DATA, 1795658400, file, 30), 0);
}

static void means(void)
{
	struct catalogue_entry e = { .id = "data-20261126-020000",
				     .file = "a-data-20261126-020000.tar.gz" };

	EXPECT(backup_name_means("data-20261126-020000", &e));
	EXPECT(backup_name_means("20261126-020000", &e));
	EXPECT(backup_name_means("a-data-20261126-020000.tar.gz", &e));
	EXPECT(backup_name_means("/b/a-data-20261126-020000.tar.gz", &e));
	EXPECT(!backup_name_means("config-20261126-020000", &e));
	EXPECT(!backup_name_means("20261126", &e));
	EXPECT(!backup_name_means("data", &e));
	EXPECT(!backup_name_means("", &e));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, reads },
		{ "what is made is read", makes },
		{ "what a command line means", means },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
