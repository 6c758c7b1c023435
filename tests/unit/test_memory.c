/* SPDX-License-Identifier: MIT */
/* What is given back is what can be read again, and nothing else. */
#include "base/memory.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

#define SIZE 65536

/* A private mapping of a file of 'a's. */
static char *map_file(int mode)
{
	char path[] = "/tmp/isamon-unit.XXXXXX", bytes[SIZE];
	_cleanup_(file_closep) int fd = mkstemp(path);
	char *p;

	memset(bytes, 'a', sizeof(bytes));
	if (fd < 0 || unlink(path) || write(fd, bytes, SIZE) != SIZE)
		return NULL;
	p = mmap(NULL, SIZE, mode, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* In KiB; -1: there is no such mapping. */
static long resident(const void *at)
{
	_cleanup_(buf_done) struct buf smaps = BUF_INIT(16 << 20);
	char begin[32];
	const char *p;

	snprintf(begin, sizeof(begin), "\n%lx-", (unsigned long)(uintptr_t)at);
	if (file_read("/proc/self/smaps", &smaps))
		return -1;
	p = strstr(buf_str(&smaps), begin);
	p = p ? strstr(p, "\nRss:") : NULL;
	return p ? strtol(p + 5, NULL, 10) : -1;
}

static void clean(void)
{
	char *p = map_file(PROT_READ);
	long sum = 0;

	REQUIRE(p);
	for (size_t i = 0; i < SIZE; i += 4096)
		sum += ((volatile char *)p)[i];
	EXPECT_INT(sum, SIZE / 4096 * 'a');
	EXPECT_INT(resident(p), SIZE / 1024);
	memory_trim();
	EXPECT_INT(resident(p), 0);
	EXPECT_INT(p[SIZE / 2], 'a');
	munmap(p, SIZE);
}

/* As the addresses that the linker has written, and then made read-only. */
static void written(void)
{
	char *p = map_file(PROT_READ | PROT_WRITE);

	REQUIRE(p);
	p[SIZE / 2] = 'b';
	REQUIRE(mprotect(p, SIZE, PROT_READ) == 0);
	memory_trim();
	EXPECT_INT(p[SIZE / 2], 'b');
	EXPECT(resident(p) > 0);
	munmap(p, SIZE);
}

/* The kernel counts a page that was written to, and has been swapped out, in Swap only. */
static void swapped(void)
{
	static const struct {
		unsigned int anonymous, swap;
		char left;
	} cases[] = { { 0, 0, 'a' }, { 0, 4, 'b' }, { 4, 0, 'b' }, { 4, 4, 'b' } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *p = map_file(PROT_READ | PROT_WRITE), text[256];

		REQUIRE(p);
		p[SIZE / 2] = 'b';
		snprintf(text, sizeof(text),
			 "%lx-%lx r--p 00000000 fe:00 1234   /lib/x.so\nRss:   0 kB\n"
			 "Anonymous:   %u kB\nSwap:   %u kB\nSwapPss:   0 kB\n",
			 (unsigned long)(uintptr_t)p, (unsigned long)(uintptr_t)p + SIZE,
			 cases[i].anonymous, cases[i].swap);
		memory_let_go(text);
		EXPECT_INT(p[SIZE / 2], cases[i].left);
		munmap(p, SIZE);
	}
}

static void writable(void)
{
	char *p = map_file(PROT_READ | PROT_WRITE);
	char *heap = malloc(SIZE);

	REQUIRE(p && heap);
	memset(heap, 'h', SIZE);
	p[0] = 'b';
	memory_trim();
	EXPECT_INT(p[0], 'b');
	EXPECT_INT(heap[SIZE - 1], 'h');
	munmap(p, SIZE);
	free(heap);
}

/* --- one library */

/* Of SQLite's mappings with this @mode, as the kernel writes it, in KiB. */
static long sqlite_resident(const char *mode)
{
	_cleanup_(buf_done) struct buf smaps = BUF_INIT(16 << 20);
	const char *line, *end;
	bool ours = false;
	long sum = 0;

	if (file_read("/proc/self/smaps", &smaps))
		return -1;
	for (line = buf_str(&smaps); (end = strchr(line, '\n')); line = end + 1) {
		if (strchr("0123456789abcdef", *line)) {
			const char *at = strstr(line, mode), *name = strstr(line, "libsqlite3");

			ours = at && at < end && name && name < end;
		}
		if (ours && strncmp(line, "Rss:", 4) == 0)
			sum += strtol(line + 4, NULL, 10);
	}
	return sum;
}

static void use_sqlite(void)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
	EXPECT_INT(sqlite3_exec(db, "create table t(a); insert into t values (1)", NULL, NULL,
				NULL),
		   SQLITE_OK);
	EXPECT_INT(sqlite3_close(db), SQLITE_OK);
}

static void library(void)
{
	char *p = map_file(PROT_READ);

	REQUIRE(p);
	EXPECT_INT(p[0], 'a');
	use_sqlite();
	EXPECT(sqlite_resident(" r-xp ") > 200);
	memory_trim_library(sqlite3_libversion());
	EXPECT_INT(sqlite_resident(" r-xp "), 0);
	EXPECT_INT(resident(p), SIZE / 1024);
	use_sqlite();
	EXPECT(sqlite_resident(" r-xp ") > 0);
	munmap(p, SIZE);
}

/* As a debugger does. */
static void library_written(void)
{
	char *version = (char *)(uintptr_t)sqlite3_libversion();
	char *page = (char *)((uintptr_t)version & ~(uintptr_t)(getpagesize() - 1));

	REQUIRE(*version == '3');
	REQUIRE(mprotect(page, (size_t)getpagesize(), PROT_READ | PROT_WRITE) == 0);
	*version = '4';
	REQUIRE(mprotect(page, (size_t)getpagesize(), PROT_READ) == 0);
	memory_trim_library(sqlite3_libversion());
	EXPECT_INT(*version, '4');
}

static void no_library(void)
{
	char *p = map_file(PROT_READ);

	REQUIRE(p);
	memory_trim_library(p);
	EXPECT_INT(resident(p), SIZE / 1024);
	memory_trim_library(NULL);
	munmap(p, SIZE);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "pages that were only read go, and come back", clean },
		{ "pages that were written to stay", written },
		{ "pages that are in the swap stay", swapped },
		{ "what can be written to stays", writable },
		{ "of one library the pages go, and come back", library },
		{ "a library's page that was written to stays", library_written },
		{ "an address of no library", no_library },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
