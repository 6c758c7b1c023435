/* SPDX-License-Identifier: MIT */
/* isamon backup create, where nothing can be made: nothing that was not opened is closed, or removed. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "care/backup_place.h"

static int closed;

static void checked_close(struct backup_place *p)
{
	closed++;
	EXPECT_INT(p->lock_fd, -1);
	EXPECT_INT(p->dir_fd, -1);
	EXPECT_INT(p->part_fd, -1);
}

#define backup_place_close checked_close
#include "cmd/backup_create.c"
#undef backup_place_close

static char conf[100];

static void write_conf(const char *top)
{
	FILE *f;

	snprintf(conf, sizeof(conf), "%s/isamon.conf", top);
	f = fopen(conf, "we");
	REQUIRE(f);
	fprintf(f,
		"[daemon]\nstate_directory = %s\n[backup]\ndirectory = %s/backups\ndata = %s/no\nconfig = %s/none\n",
		top, top, top, top);
	fclose(f);
}

static void nothing_there(void)
{
	char *argv[] = { (char *)"create", (char *)"--config-file", conf, NULL };

	closed = 0;
	EXPECT_INT(backup_create_command(3, argv), CMD_FAILED);
	EXPECT_INT(closed, 1);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is to be kept is not there", nothing_there },
	};
	const char *dir = getenv("TMPDIR");
	char top[64];
	int status;

	snprintf(top, sizeof(top), "%.40s/command.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(top));
	write_conf(top);
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unlink(conf);
	rmdir(top);
	return status;
}
