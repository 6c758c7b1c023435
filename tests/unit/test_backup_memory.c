/* SPDX-License-Identifier: MIT */
/* Lack of memory: the list of backups, and what the catalogue needs, fail whole, and say so. */
#include "unit.h"

#include "nomem.h"

#include "../../userspace/care/backup_list.c"
#include "../../userspace/store/catalogue.c"
#include "base/buf.c"

#include <time.h>

static char top[100];

static void make_files(int n)
{
	for (int i = 0; i < n; i++) {
		char path[200];
		int fd;

		snprintf(path, sizeof(path), "%s/a-data-2026%02d%02d-020000.tar.gz", top,
			 i / 28 + 1, i % 28 + 1);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		EXPECT(fd >= 0);
		close(fd);
	}
}

static void remove_files(int n)
{
	for (int i = 0; i < n; i++) {
		char path[200];

		snprintf(path, sizeof(path), "%s/a-data-2026%02d%02d-020000.tar.gz", top,
			 i / 28 + 1, i % 28 + 1);
		unlink(path);
	}
}

static void list_survives(void)
{
	make_files(200);
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096), why_catalogue = BUF_INIT(4096);
		struct backup_list l;
		int err = backup_list_load(top, "a", NULL, &why, &why_catalogue, &l);

		if (nomem_hit())
			EXPECT(err == -ENOMEM || err == 0);
		else
			EXPECT_INT(err, 0);
		EXPECT(err || l.n == 200);
		backup_list_done(&l);
	}
	remove_files(200);
}

static void catalogue_survives(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct catalogue *c = NULL;
		int err = catalogue_open(top, &c);

		EXPECT(err == 0 || (nomem_hit() && err == -ENOMEM && !c));
		catalogue_close(c);
	}
}

static void too_many(void)
{
	struct backup_list l = { 0 };
	const struct catalogue_entry e = { 0 };

	for (int i = 0; i < BACKUP_LIST_MAX; i++)
		EXPECT_INT(backup_list_add(&l, &e), 0);
	EXPECT_INT(backup_list_add(&l, &e), -E2BIG);
	EXPECT_UINT(l.n, BACKUP_LIST_MAX);
	backup_list_done(&l);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the list without memory", list_survives },
		{ "the catalogue without memory", catalogue_survives },
		{ "more backups than a list has", too_many },
	};
	const char *dir = getenv("TMPDIR");
	int status;

	setenv("TZ", "UTC", 1);
	tzset();
	snprintf(top, sizeof(top), "%.60s/backup_memory.XXXXXX", dir ? dir : "/tmp");
	if (!mkdtemp(top))
		return 1;
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	rmdir(top);
	return status;
}
