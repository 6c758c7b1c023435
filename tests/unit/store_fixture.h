/* SPDX-License-Identifier: MIT */
/*
 * A state file and a spool in a directory of their own, the loop that they are told in, and a file system that fails on demand (a VFS of
 * SQLite's before the real one).
 */
#ifndef ISAMON_TEST_STORE_H
#define ISAMON_TEST_STORE_H

#include "store/spool.h"
#include "store/store.h"

#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "unit.h"

#define DEADLINE_NS (20 * NS_PER_SEC)

static struct {
	struct event_base *base;
	char top[200];
	char dir[240];
	char file[260];
	struct store *store;
	struct spool *spool;
	struct buf why;
} t = { .why = BUF_INIT(4096) };

static const struct spool_limits wide = { .max_age_s = 14 * 86400, .max_bytes = 256u << 20 };

UNIT_USED_ static int64_t now_s(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_SEC);
}

/* --- files */

UNIT_USED_ static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	char name[600];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (unlink(name))
			remove_tree(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

/* For store_wait(): the file's bytes are others from now on, and none of them is remembered. */
UNIT_USED_ static int store_spoil(sqlite3 *db, void *job)
{
	char rubbish[4096];
	int fd = open(sqlite3_db_filename(db, "main"), O_WRONLY | O_CLOEXEC);
	int err = sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);

	(void)job;
	memset(rubbish, 'x', sizeof(rubbish));
	if (!err && (fd < 0 || write(fd, rubbish, sizeof(rubbish)) != sizeof(rubbish)))
		err = -EIO;
	sqlite3_db_release_memory(db);
	close(fd);
	return err;
}

/* How many names in the directory begin with @prefix; the last one in @ret (may be NULL). */
UNIT_USED_ static size_t count_names(const char *dir, const char *prefix, char *ret, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		if (ret)
			snprintf(ret, size, "%s", e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

UNIT_USED_ static off_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

/* --- a file system that fails */

enum fault_what { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_READ = 4 };

static struct {
	sqlite3_vfs vfs, *real;
	_Atomic int fail_at; /* the nth operation; 0: none */
	_Atomic int made;
	_Atomic int what;     /* fault_what */
	_Atomic int code;     /* SQLite's */
	_Atomic bool forever; /* and every one behind it */
	_Atomic int slow_ms;  /* how long opening and syncing take beyond their time */
} fault;

struct fault_file {
	sqlite3_file file;
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct fault_file *)f)->real;
}

static int fault_now(int what)
{
	int n;

	if (!(fault.what & what))
		return SQLITE_OK;
	n = ++fault.made;
	return fault.fail_at && (n == fault.fail_at || (fault.forever && n > fault.fail_at)) ?
		       fault.code :
		       SQLITE_OK;
}

static void fault_wait(void)
{
	int ms = fault.slow_ms;

	if (ms)
		poll(NULL, 0, ms);
}

static int fault_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int fault_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int code = fault_now(FAULT_READ);

	return code ? code : real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int fault_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int code = fault_now(FAULT_WRITE);

	return code ? code : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int code = fault_now(FAULT_WRITE);

	return code ? code : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int fault_sync(sqlite3_file *f, int flags)
{
	int code = fault_now(FAULT_SYNC);

	fault_wait();
	return code ? code : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int fault_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int fault_lock(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xLock(real_of(f), lock);
}

static int fault_unlock(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), lock);
}

static int fault_reserved(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int fault_control(sqlite3_file *f, int op, void *arg)
{
	int code = op == SQLITE_FCNTL_SIZE_HINT ? fault_now(FAULT_WRITE) : SQLITE_OK;

	return code ? code : real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int fault_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int fault_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret)
{
	/* No shared memory: isamon needs none. */
	static const sqlite3_io_methods methods = {
		1,
		fault_close,
		fault_read,
		fault_write,
		fault_truncate,
		fault_sync,
		fault_size,
		fault_lock,
		fault_unlock,
		fault_reserved,
		fault_control,
		fault_sector,
		fault_device,
		NULL,
		NULL,
		NULL,
		NULL,
		NULL,
		NULL,
	};
	struct fault_file *file = (struct fault_file *)f;
	int code;

	(void)vfs;
	fault_wait();
	file->real = (sqlite3_file *)(file + 1);
	f->pMethods = NULL;
	code = fault.real->xOpen(fault.real, name, file->real, flags, ret);
	if (file->real->pMethods)
		f->pMethods = &methods;
	return code;
}

/* From here on SQLite uses it. */
UNIT_USED_ static void fault_install(void)
{
	fault.real = sqlite3_vfs_find(NULL);
	fault.vfs = *fault.real;
	fault.vfs.zName = "fault";
	fault.vfs.szOsFile += (int)sizeof(struct fault_file);
	fault.vfs.xOpen = fault_open;
	sqlite3_vfs_register(&fault.vfs, 1);
}

UNIT_USED_ static void fault_set(int what, int fail_at, int code, bool forever)
{
	fault.what = what;
	fault.code = code;
	fault.forever = forever;
	fault.made = 0;
	fault.fail_at = fail_at;
}

UNIT_USED_ static bool fault_hit(void)
{
	return fault.fail_at && fault.made >= fault.fail_at;
}

/* --- set up */

UNIT_USED_ static void set_up_in(const char *tmp)
{
	snprintf(t.top, sizeof(t.top), "%s/test_store.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(t.top))
		abort();
	snprintf(t.dir, sizeof(t.dir), "%s/state", t.top);
	snprintf(t.file, sizeof(t.file), "%s/isamon.db", t.dir);
	t.base = event_base_new();
	buf_reset(&t.why);
}

UNIT_USED_ static void set_up(void)
{
	set_up_in(getenv("TMPDIR"));
}

UNIT_USED_ static int open_store(void)
{
	buf_reset(&t.why);
	return store_open(t.base, t.dir, &t.why, &t.store);
}

UNIT_USED_ static int open_both(const struct spool_limits *limits)
{
	int err = open_store();

	return err ? err : spool_open(t.store, limits, &t.why, &t.spool);
}

UNIT_USED_ static void close_both(void)
{
	spool_close(take(t.spool));
	store_close(take(t.store));
}

UNIT_USED_ static void tear_down(void)
{
	close_both();
	event_base_free(t.base);
	remove_tree(t.top);
	buf_done(&t.why);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

/* Turns the loop until *@n is @wanted. */
UNIT_USED_ static bool turn_until(const unsigned int *n, unsigned int wanted)
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;
	const struct timeval tick = { .tv_usec = 50000 };
	struct event *e = event_new(t.base, -1, EV_PERSIST, on_tick, NULL);

	event_add(e, &tick);
	while (*n < wanted && clock_monotonic_ns() < end_ns)
		event_base_loop(t.base, EVLOOP_ONCE);
	event_free(e);
	return EXPECT_UINT(*n, wanted);
}

/* --- the spool, waited for */

static struct {
	unsigned int told;
	int err;
	int64_t ids[2048];
	int64_t starts[2048];
	bool maybe[2048];
	char text[200]; /* the first payload */
	size_t n, bytes;
} got;

UNIT_USED_ static void on_added(int err, int64_t id, void *ctx)
{
	(void)ctx;
	got.told++;
	got.err = err;
	got.ids[0] = id;
}

UNIT_USED_ static int add_bytes(int64_t id, int64_t start_s, const void *bytes, size_t n)
{
	got.told = 0;
	if (spool_add(t.spool, id, start_s, bytes, n, on_added, NULL) || !turn_until(&got.told, 1))
		return -ETIMEDOUT;
	EXPECT_INT(got.ids[0], id);
	return got.err;
}

UNIT_USED_ static int add(int64_t id, int64_t start_s)
{
	char text[64];

	snprintf(text, sizeof(text), "minute %lld of %lld", (long long)id, (long long)start_s);
	return add_bytes(id, start_s, text, strlen(text));
}

UNIT_USED_ static void on_taken(int err, const struct spool_minute *m, size_t n, void *ctx)
{
	(void)ctx;
	got.told++;
	got.err = err;
	got.n = n;
	got.bytes = 0;
	for (size_t i = 0; i < n && i < ARRAY_SIZE(got.ids); i++) {
		got.ids[i] = m[i].id;
		got.starts[i] = m[i].start_s;
		got.maybe[i] = m[i].maybe_sent;
		got.bytes += m[i].payload_len;
	}
	if (n)
		snprintf(got.text, sizeof(got.text), "%.*s", (int)m[0].payload_len,
			 (const char *)m[0].payload);
}

/* What was given is in got. */
UNIT_USED_ static int take_some(enum spool_order order, size_t max, size_t max_bytes)
{
	got.told = 0;
	got.n = 0;
	if (spool_take(t.spool, order, max, max_bytes, on_taken, NULL) || !turn_until(&got.told, 1))
		return -ETIMEDOUT;
	return got.err;
}

static int do_nothing(sqlite3 *db, void *job)
{
	(void)db;
	(void)job;
	return 0;
}

/* Waits until everything handed over is done, and told. */
UNIT_USED_ static void settle(void)
{
	store_wait(t.store, do_nothing, NULL);
	event_base_loop(t.base, EVLOOP_NONBLOCK);
}

UNIT_USED_ static void end_one(int64_t id, enum spool_end how)
{
	EXPECT_INT(spool_remove(t.spool, &id, 1, how), 0);
	settle();
}

#endif
