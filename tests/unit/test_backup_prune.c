/* SPDX-License-Identifier: MIT */
/* isamon backup prune: the last sound one stays, whatever becomes of the catalogue, and of the others while somebody is asked. */
#include "archive_fixture.h"

#include "care/backup_name.h"
#include "cmd/backup_cmd.h"

static void while_asked(void);

static int asked_confirm(const char *command, const char *question, bool yes)
{
	(void)command;
	(void)question;
	while_asked();
	return yes;
}

#define tool_confirm asked_confirm
#include "../../userspace/cmd/backup_prune.c"
#undef tool_confirm

#define DAY 86400
#define OLD "x-data-20250101-000000.tar.gz"
#define NEWER "x-data-20250201-000000.tar.gz"
#define NEWEST "x-data-20250301-000000.tar.gz"

static struct {
	char top[64], backups[80];
	struct config config;
	struct backup_tool tool;
	const char *found_bad; /* while somebody is asked */
} t;

static bool is_there(const char *file)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", t.backups, file);
	return access(path, F_OK) == 0;
}

static void remember(const char *file, enum backup_verdict verdict)
{
	struct catalogue_entry e = { .verdict = verdict, .archive_bytes = 1, .verified_s = 1 };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	EXPECT(backup_name_parse("x", file, &e));
	EXPECT_INT(catalogue_put(t.tool.catalogue, &e, &why), 0);
	EXPECT_STR(buf_str(&why), "");
}

static void put(const char *file, enum backup_verdict verdict)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t.backups, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	remember(file, verdict);
}

static void while_asked(void)
{
	if (t.found_bad)
		remember(t.found_bad, BACKUP_UNSOUND);
}

static void begin(void)
{
	static char name[] = "x", none[] = CONFIG_BACKUP_NONE;

	t.found_bad = NULL;
	t.config = (struct config){ .backup_directory = t.backups,
				    .backup_name = name,
				    .backup_data = none,
				    .backup_config = none,
				    .backup_keep_days = 1 };
	t.tool = (struct backup_tool){ .command = "test", .config = &t.config };
	REQUIRE_INT(catalogue_open(t.top, &t.tool.catalogue), 0);
	put(OLD, BACKUP_SOUND);
	put(NEWER, BACKUP_SOUND);
	put(NEWEST, BACKUP_UNSOUND);
}

static void end(void)
{
	backup_list_done(&t.tool.list);
	catalogue_close(t.tool.catalogue);
}

static void last_sound(void)
{
	begin();
	EXPECT_INT(backup_tool_list(&t.tool), CMD_OK);
	EXPECT_INT(backup_prune(&t.tool, false, true, NULL), CMD_OK);
	EXPECT(!is_there(OLD) && is_there(NEWER) && !is_there(NEWEST));
	end();
}

/* The one that was to stay is found to be damaged: then it is the one before. */
static void found_bad_meanwhile(void)
{
	begin();
	t.found_bad = NEWER;
	EXPECT_INT(backup_tool_list(&t.tool), CMD_OK);
	EXPECT_INT(backup_prune(&t.tool, false, true, NULL), CMD_OK);
	EXPECT(is_there(OLD));
	EXPECT(is_there(NEWER)); /* nobody was asked about it */
	EXPECT(!is_there(NEWEST));
	end();
}

static void no_catalogue(void)
{
	char path[100];

	begin();
	end();
	snprintf(path, sizeof(path), "%s/" CATALOGUE_FILE, t.top);
	REQUIRE_INT(unlink(path), 0);
	REQUIRE_INT(mkdir(path, 0700), 0);
	REQUIRE_INT(catalogue_open(t.top, &t.tool.catalogue), 0);
	EXPECT_INT(backup_tool_list(&t.tool), CMD_OK);
	EXPECT_UINT(t.tool.list.n, 3);
	EXPECT_INT(backup_prune(&t.tool, true, true, NULL), CMD_FAILED);
	EXPECT_INT(backup_prune(&t.tool, false, true, NULL), CMD_FAILED);
	EXPECT(is_there(OLD) && is_there(NEWER) && is_there(NEWEST));
	end();
	EXPECT_INT(rmdir(path), 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the last sound one stays", last_sound },
		{ "one is found to be damaged while somebody is asked", found_bad_meanwhile },
		{ "the catalogue cannot be read", no_catalogue },
	};
	int status;

	fixture_begin();
	snprintf(t.top, sizeof(t.top), "%s", fixture_top);
	snprintf(t.backups, sizeof(t.backups), "%s/b", fixture_top);
	EXPECT_INT(mkdir(t.backups, 0700), 0);
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	EXPECT_INT(shell("rm -rf b"), 0);
	fixture_end();
	return status;
}
