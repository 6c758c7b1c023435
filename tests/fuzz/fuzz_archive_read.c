/* SPDX-License-Identifier: MIT */
/* Any bytes as a tar archive (in a gzip of our making, whose checksum is right): nothing appears outside of the directory. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "care/archive_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[200], stage[220], scratch[220];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	if (strcmp(path, top) != 0)
		remove(path);
	return 0;
}

static void remove_top(void)
{
	rmdir(top);
}

static void begin(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	snprintf(top, sizeof(top), "%.100s/fuzz_archive.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert(mkdtemp(top));
	atexit(remove_top);
	snprintf(stage, sizeof(stage), "%s/stage", top);
	snprintf(scratch, sizeof(scratch), "%s/scratch", top);
}

/* What is in the top: the stage, the scratch, and nothing else. */
static void expect_nothing_outside(void)
{
	DIR *dir = opendir(top);
	const struct dirent *d;

	assert(dir);
	while ((d = readdir(dir)))
		assert(d->d_name[0] == '.' || strcmp(d->d_name, "stage") == 0 ||
		       strcmp(d->d_name, "scratch") == 0);
	closedir(dir);
	assert(rmdir(scratch) == 0); /* it is empty */
}

static int pack(const uint8_t *data, size_t size)
{
	int fd = memfd_create("tgz", MFD_CLOEXEC);
	size_t room = size + size / 1000 + 1000;
	unsigned char *out = malloc(room);
	z_stream z = { 0 };

	assert(fd >= 0 && out && deflateInit2(&z, 0, Z_DEFLATED, 31, 8, 0) == Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
	assert(write(fd, out, z.total_out) == (ssize_t)z.total_out);
	lseek(fd, 0, SEEK_SET);
	deflateEnd(&z);
	free(out);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive_read_options o = { .scratch = scratch,
					  .bytes_max = 1 << 20,
					  .members_max = 100 };
	struct buf why = BUF_INIT(10000);
	struct archive_was verified, extracted;
	int fd, dir, err, rc;

	begin();
	assert(mkdir(stage, 0700) == 0 && mkdir(scratch, 0700) == 0);
	fd = pack(data, size);
	dir = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	err = archive_verify(fd, &o, &why, &verified);
	assert(err <= 0 && (err != 0) == (why.len != 0));
	buf_reset(&why);
	lseek(fd, 0, SEEK_SET);
	rc = archive_extract(fd, dir, &o, &why, &extracted);
	assert(rc <= 0 && (!err || rc)); /* extracting is the stricter one */
	if (!rc)
		assert(extracted.files == verified.files && extracted.file_bytes <= o.bytes_max);
	close(dir);
	close(fd);
	expect_nothing_outside();
	nftw(top, remove_one, 20, FTW_DEPTH | FTW_PHYS);
	archive_was_done(&verified);
	archive_was_done(&extracted);
	buf_done(&why);
	return 0;
}
