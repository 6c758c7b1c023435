/* SPDX-License-Identifier: MIT */
/* The spool on a real file system that has not a block left: ext4 on a loop device, tmpfs of a fixed size; and one that became read-only. */
#include "store_fixture.h"

#include <errno.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "store/room.h"

#define DISK_BYTES (48l << 20)
/* A minute as a busy service has it, when packed: what cannot be packed is as long as it was. */
#define MINUTE_BYTES 6000

static char disk[300], image[300];

static int run(const char *const *argv)
{
	extern char **environ;
	posix_spawn_file_actions_t quiet;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, (char *const *)(uintptr_t)argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&quiet);
	return status;
}

static bool mount_ext4(void)
{
	const char *const make[] = { "mkfs.ext4", "-q", "-F", "-m", "0", image, NULL };
	const char *const loop[] = { "mount", "-o", "loop", image, disk, NULL };
	int fd = open(image, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, DISK_BYTES))
		abort();
	close(fd);
	return run(make) == 0 && run(loop) == 0;
}

static bool mount_tmpfs(void)
{
	return mount("none", disk, "tmpfs", 0, "size=48m") == 0;
}

static bool set_up_disk(bool (*do_mount)(void))
{
	set_up();
	snprintf(disk, sizeof(disk), "%s/disk", t.top);
	snprintf(image, sizeof(image), "%s/image", t.top);
	mkdir(disk, 0755);
	if (!do_mount()) {
		unit_skip("nothing can be mounted here: not tried on a full disk");
		tear_down();
		return false;
	}
	snprintf(t.dir, sizeof(t.dir), "%.200s/state", disk);
	snprintf(t.file, sizeof(t.file), "%s/isamon.db", t.dir);
	return true;
}

static void tear_down_disk(void)
{
	close_both();
	if (umount(disk))
		FAIL_CASE("cannot unmount %s: %s", disk, strerror(errno));
	tear_down();
}

/* To the last block, and the last byte. */
static void fill(void)
{
	static char bytes[65536];
	char path[320];
	size_t n = sizeof(bytes);
	int fd;

	memset(bytes, 'x', sizeof(bytes));
	snprintf(path, sizeof(path), "%s/filler", disk);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done <= 0)
			n /= 2;
	}
	fsync(fd);
	close(fd);
}

static void make_room(void)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/filler", disk);
	unlink(path);
}

/* (What statvfs() says is free may be the file system's own.) */
static bool is_full(void)
{
	char path[320];
	bool full;
	int fd;

	snprintf(path, sizeof(path), "%s/filler", disk);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	full = write(fd, "x", 1) < 0 && errno == ENOSPC;
	close(fd);
	return full;
}

static int add_minute(int64_t id, int64_t start_s)
{
	static unsigned int seed = 1;
	char bytes[MINUTE_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)rand_r(&seed);
	return add_bytes(id, start_s, bytes, sizeof(bytes));
}

/* --- the hour with a full disk, and the day behind it */

static void an_hour(int64_t base)
{
	for (int64_t i = 101; i <= 220; i++)
		EXPECT_INT(add_minute(i, base + 60 * i), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 220);
	EXPECT_INT(take_some(SPOOL_NEWEST_FIRST, 2, 1 << 20), 0);
	REQUIRE_UINT(got.n, 2);
	EXPECT_INT(got.ids[0], 220);
	EXPECT_INT(spool_return(t.spool, &got.ids[1], 1, true), 0);
	end_one(220, SPOOL_PUSHED);
	EXPECT_UINT(spool_stats(t.spool).minutes, 219);
	EXPECT_UINT(spool_stats(t.spool).dropped_full, 0);
}

static void a_day(int64_t base)
{
	struct spool_stats s;

	for (int64_t i = 221; i <= 1660; i++)
		REQUIRE_INT(add_minute(i, base + 60 * i), 0);
	s = spool_stats(t.spool);
	EXPECT(s.dropped_full > 0);
	EXPECT_UINT(s.minutes + s.dropped_full, 1659);
	EXPECT(s.minutes * MINUTE_BYTES > ROOM_LOW_BYTES / 2);
	/* The oldest went, nothing else. */
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1 << 20), 0);
	EXPECT_INT(got.ids[0], (int64_t)s.dropped_full + 2); /* 220 was pushed */
	EXPECT_INT(spool_return(t.spool, got.ids, 1, false), 0);
}

static void stays_full(bool (*do_mount)(void))
{
	int64_t base = now_s() - 60 * 1700;
	struct spool_stats s;

	if (!set_up_disk(do_mount))
		return;
	REQUIRE_INT(open_both(&wide), 0);
	for (int64_t i = 1; i <= 100; i++)
		EXPECT_INT(add_minute(i, base + 60 * i), 0);
	fill();
	EXPECT(is_full());
	an_hour(base);
	a_day(base);
	s = spool_stats(t.spool);
	EXPECT(is_full());
	/* It ends, and begins again, on the full disk. */
	close_both();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, s.minutes);
	EXPECT_UINT(spool_stats(t.spool).dropped_full, s.dropped_full);
	EXPECT_INT(add_minute(2000, base + 60 * 2000), 0);
	make_room();
	for (int64_t i = 2001; i <= 2500; i++)
		EXPECT_INT(add_minute(i, base + 60 * i), 0);
	EXPECT(spool_stats(t.spool).minutes > s.minutes + 400);
	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", NULL, 0), 0);
	tear_down_disk();
}

static void on_ext4(void)
{
	stays_full(mount_ext4);
}

static void on_tmpfs(void)
{
	stays_full(mount_tmpfs);
}

/* --- full before the first day */

static void full_at_birth(void)
{
	int err;

	if (!set_up_disk(mount_ext4))
		return;
	mkdir(t.dir, 0750);
	fill();
	err = open_both(&wide);
	EXPECT(err == -ENOSPC || err == 0);
	if (err == 0)
		EXPECT_INT(add_minute(1, now_s()), -ENOSPC);
	close_both();
	make_room();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add_minute(1, now_s()), 0);
	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", NULL, 0), 0);
	tear_down_disk();
}

/* --- read-only, as ext4 becomes after an error */

static bool remount(unsigned long flags)
{
	/* Files that are open for writing forbid a plain remount: this is what an error does. */
	return mount(NULL, disk, NULL, MS_REMOUNT | flags, flags ? "abort" : NULL) == 0;
}

static void becomes_read_only(void)
{
	if (!set_up_disk(mount_ext4))
		return;
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add_minute(1, now_s() - 60), 0);
	EXPECT_INT(add_minute(2, now_s()), 0);
	if (!remount(MS_RDONLY)) {
		remount(0);
		if (mount(NULL, disk, NULL, MS_REMOUNT, "abort") && add_minute(3, now_s()) == 0) {
			unit_skip("this kernel does not abort an ext4: not tried read-only");
			tear_down_disk();
			return;
		}
	}
	{
		int err = add_minute(3, now_s());

		EXPECT(err == -EROFS || err == -EIO);
	}
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1 << 20), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 1);
	end_one(1, SPOOL_PUSHED);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1 << 20), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 2);
	tear_down_disk();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an ext4 that is full for a day loses the oldest only", on_ext4 },
		{ "a tmpfs that is full for a day loses the oldest only", on_tmpfs },
		{ "a disk that is full from the first day", full_at_birth },
		{ "a disk that becomes read-only", becomes_read_only },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
