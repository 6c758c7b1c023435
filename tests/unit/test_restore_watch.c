/* SPDX-License-Identifier: MIT */
/* The daemon looks at its start, and again only while a restore is unfinished. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "care/restore.h"
#include "care/service_lock.h"
#include "care/update_app.h"
#include "cmd/restore_watch.h"

static char top[64], data[128], etc[128], work[128], journal[160];

static void begin(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%.40s/watch.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(top));
	snprintf(data, sizeof(data), "%s/data", top);
	snprintf(etc, sizeof(etc), "%s/no/such/etc", top);
	snprintf(work, sizeof(work), "%s/.data.isamon-restore", top);
	snprintf(journal, sizeof(journal), "%s/journal", work);
}

static void write_journal(const char *text)
{
	FILE *f;

	mkdir(work, 0700);
	f = fopen(journal, "we");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

#define JOURNAL(step, new_inode) \
	"{\"isamon_restore\": 1, \"id\": \"20260101-000000\", \"step\": \"" step \
	"\", \"target\": \"/t\", \"archive\": \"/a\", \"old_inode\": 1, \"new_inode\": " new_inode \
	"}"

static void watched(void)
{
	const struct config c = { .backup_data = data,
				  .backup_config = etc,
				  .state_directory = top };
	struct restore_watch w = { .n = 0 };
	int fd;

	restore_watch_look(&w, &c, 100);
	EXPECT_UINT(w.n, 0);
	write_journal(JOURNAL("start", "2"));
	restore_watch_second(&w, &c, UINT64_MAX);
	EXPECT_UINT(w.n, 0); /* nothing was unfinished: no look is due */
	restore_watch_look(&w, &c, 100);
	EXPECT_UINT(w.n, 1);
	EXPECT_STR(w.target, data);
	/* Somebody resumes it. */
	fd = open(work, O_RDONLY | O_CLOEXEC);
	EXPECT_INT(flock(fd, LOCK_EX), 0);
	restore_watch_second(&w, &c, 100 + 59 * NS_PER_SEC);
	EXPECT_UINT(w.n, 1);
	restore_watch_second(&w, &c, 100 + 60 * NS_PER_SEC);
	EXPECT_UINT(w.n, 0);
	EXPECT_STR(w.target, "");
	close(fd);
}

static void bad_journals(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"\xff",
		JOURNAL("start", "0"),
		JOURNAL("nonsense", "2"),
		JOURNAL("start", "\"2\""),
		"{\"isamon_restore\": 2, \"id\": \"1\", \"step\": \"start\", \"target\": \"/t\", \"archive\": \"/a\", "
		"\"old_inode\": 1, \"new_inode\": 2}",
		"{\"isamon_restore\": 1, \"id\": \"../../x\", \"step\": \"start\", \"target\": \"/t\", \"archive\": \"/a\", "
		"\"old_inode\": 1, \"new_inode\": 2}",
	};
	const struct config c = { .backup_data = data,
				  .backup_config = etc,
				  .state_directory = top };
	struct restore_status s;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct restore_watch w = { .n = 0 };

		write_journal(texts[i]);
		EXPECT_INT(restore_look(data, &s), -EBADMSG);
		restore_watch_look(&w, &c, 100);
		EXPECT_UINT(w.n, 0);
	}
	write_journal(JOURNAL("stage", "0"));
	EXPECT_INT(restore_look(data, &s), 0);
	EXPECT(s.unfinished);
	/* Not what anybody may have put there. */
	EXPECT_INT(chmod(work, 0770), 0);
	EXPECT_INT(restore_look(data, &s), -EPERM);
	EXPECT(!s.unfinished);
	EXPECT_INT(chmod(work, 0700), 0);
}

#define UPDATE(step, old_inode, from) \
	"{\"isamon_update\": 1, \"id\": \"20260101-000000\", \"step\": \"" step \
	"\", \"directory\": \"/app\", \"venv\": \"\", \"from\": \"" from \
	"\", \"to\": \"ab\", \"from_branch\": \"\", \"branch\": \"\", \"builds\": true, \"was_switched\": true, " \
	"\"old_inode\": " old_inode ", \"new_inode\": 2}"

static void write_update(const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/" UPDATE_JOURNAL, top);
	f = fopen(path, "we");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

static void update_watched(void)
{
	const struct config c = { .backup_data = etc,
				  .backup_config = etc,
				  .state_directory = top };
	struct restore_watch w = { .n = 0 };
	char path[160];

	restore_watch_look(&w, &c, 100);
	EXPECT(!w.update);
	write_update(UPDATE("start", "1", "ff"));
	restore_watch_look(&w, &c, 100);
	EXPECT(w.update);
	EXPECT_STR(w.app, "/app");
	/* Somebody is at it. */
	snprintf(path, sizeof(path), "%s/" SERVICE_LOCK, top);
	{
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		EXPECT_INT(flock(fd, LOCK_EX), 0);
		restore_watch_second(&w, &c, 100 + 60 * NS_PER_SEC);
		EXPECT(!w.update);
		close(fd);
	}
	restore_watch_look(&w, &c, 100);
	EXPECT(w.update);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" UPDATE_JOURNAL, top);
	unlink(path);
	restore_watch_second(&w, &c, 100 + 60 * NS_PER_SEC);
	EXPECT(!w.update);
	EXPECT_STR(w.app, "");
}

static void bad_updates(void)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[1]",
		"{\"isamon_update\": 1}",
		UPDATE("nonsense", "1", "ff"),
		UPDATE("start", "0", "ff"),
		UPDATE("start", "1", "--exec=x"),
		UPDATE("start", "1", ""),
	};
	struct update_status s;
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_update(texts[i]);
		EXPECT_INT(update_app_look(top, &s), -EBADMSG);
		EXPECT(!s.unfinished);
	}
	snprintf(path, sizeof(path), "%s/" UPDATE_JOURNAL, top);
	unlink(path);
	EXPECT_INT(update_app_look(top, &s), 0);
	EXPECT(!s.unfinished);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "looked for when it may be there", watched },
		{ "journals that are none", bad_journals },
		{ "an update, too", update_watched },
		{ "journals that are no update's", bad_updates },
	};
	int status;

	begin();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unlink(journal);
	rmdir(work);
	rmdir(top);
	return status;
}
