/* SPDX-License-Identifier: MIT */
/* Archives that are written and read in the fixture's directory. */
#ifndef ISAMON_ARCHIVE_READ_FIXTURE_H
#define ISAMON_ARCHIVE_READ_FIXTURE_H

#include "archive_fixture.h"

#include "care/archive_read.h"
#include "care/archive_write.h"

static struct buf why = BUF_INIT(10000);

/* Verifies it, or (@extract) unpacks it into "out"; of "scratch" nothing is left. */
UNIT_USED_ static int read_archive(const char *name, bool extract,
				   const struct archive_read_options *o, struct archive_was *ret)
{
	struct archive_read_options own = o ? *o : (struct archive_read_options){ 0 };
	int fd = fixture_open(name, O_RDONLY), out = fixture_open("out", O_RDONLY | O_DIRECTORY);
	char scratch[200];
	int err;

	snprintf(scratch, sizeof(scratch), "%s", fixture_path("scratch"));
	own.scratch = scratch;
	buf_reset(&why);
	err = extract ? archive_extract(fd, out, &own, &why, ret) :
			archive_verify(fd, &own, &why, ret);
	EXPECT((err != 0) == (why.len != 0));
	close(fd);
	close(out);
	EXPECT_INT(fixture_count("scratch"), 0);
	return err;
}

/* Without a result. */
UNIT_USED_ static int try(const char *name, bool extract, const struct archive_read_options *o)
{
	struct archive_was was;
	int err = read_archive(name, extract, o, &was);

	archive_was_done(&was);
	return err;
}

/* "in", as "a.tgz". */
UNIT_USED_ static void write_ours(archive_copy_fn copy)
{
	struct archive_write_options o = { .level = 6, .host = "here", .copy_database = copy };
	struct archive_written w;
	int fd = fixture_open("a.tgz", O_WRONLY | O_CREAT | O_TRUNC);

	o.scratch = fixture_path("scratch");
	buf_reset(&why);
	EXPECT_INT(archive_write_tree(fixture_path("in"), fd, &o, &why, &w), 0);
	archive_written_done(&w);
	close(fd);
}

/* As unit_main(), with nothing of the host's in what is made. */
UNIT_USED_ static int archive_main(int argc, char **argv, const struct unit_case *cases, size_t n)
{
	umask(022);
	setenv("LC_ALL", "C", 1);
	unit_main(argc, argv, cases, n);
	buf_done(&why);
	return unit_finish();
}

#endif
