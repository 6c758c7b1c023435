/* SPDX-License-Identifier: MIT */
/* Files: read whole, directories with their parents, the lock. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static void reads_whole_files(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(1 << 20);
	_cleanup_(buf_done) struct buf small = BUF_INIT(10);

	EXPECT_INT(buf_add_str(&b, "before "), 0);
	EXPECT_INT(file_read("/proc/self/stat", &b), 0);
	EXPECT(b.len > 30 && strlen(b.data) == b.len);
	EXPECT_HAS(b.data, "before ");
	EXPECT_HAS(b.data, "(test_file)");
	EXPECT_INT(buf_add_str(&small, "abc"), 0);
	EXPECT_INT(file_read("/dev/zero", &small), -EFBIG);
	EXPECT_INT(file_read("/nowhere", &small), -ENOENT);
	EXPECT_INT(file_read("/proc", &small), -EISDIR);
	EXPECT_STR(buf_str(&small), "abc");
	EXPECT_INT(small.err, 0);
	EXPECT_INT(file_read("/dev/null", &small), 0);
}

/* A FIFO that nobody writes to must not hold anybody up. */
static void refuses_fifos(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(10);
	char top[] = "/tmp/test_file.XXXXXX", path[100];

	REQUIRE(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/fifo", top);
	EXPECT_INT(mkfifo(path, 0600), 0);
	EXPECT_INT(file_read(path, &b), -ESPIPE);
	unlink(path);
	rmdir(top);
}

static void writes_all(void)
{
	static char bytes[200000];
	_cleanup_(buf_done) struct buf b = BUF_INIT(1 << 20);
	char top[] = "/tmp/test_file.XXXXXX", path[100];
	int fd, full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	memset(bytes, 'x', sizeof(bytes));
	REQUIRE(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/file", top);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	EXPECT_INT(file_write(fd, "abcdef", 6), 0);
	EXPECT_INT(file_write(fd, NULL, 0), 0);
	EXPECT_INT(file_write_at(fd, "CD", 2, 2), 0);
	EXPECT_INT(file_write(fd, bytes, sizeof(bytes)), 0);
	EXPECT_INT(file_read(path, &b), 0);
	EXPECT_UINT(b.len, 6 + sizeof(bytes));
	EXPECT(strncmp(buf_str(&b), "abCDefxx", 8) == 0);
	EXPECT_INT(file_write(full, "a", 1), -ENOSPC);
	EXPECT_INT(file_write_at(full, "a", 1, 0), -ENOSPC);
	EXPECT_INT(file_write(-1, "a", 1), -EBADF);
	close(full);
	close(fd);
	unlink(path);
	rmdir(top);
}

/* A pipe takes what it has room for, and what is left when somebody reads. */
static void writes_into_a_pipe(void)
{
	static char bytes[1 << 20];
	size_t got = 0;
	int ends[2], status = -1;
	pid_t pid;

	REQUIRE_INT(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(file_write(ends[1], bytes, sizeof(bytes)) ? 1 : 0);
	}
	close(ends[1]);
	for (ssize_t n; (n = read(ends[0], bytes, 1000)) > 0;)
		got += (size_t)n;
	close(ends[0]);
	REQUIRE_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
	EXPECT_UINT(got, sizeof(bytes));
}

static void makes_directories(void)
{
	char top[] = "/tmp/test_file.XXXXXX", path[100];
	struct stat st = { 0 };

	REQUIRE(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/a//b/c/", top);
	EXPECT_INT(file_make_directory(path, 0750), 0);
	EXPECT_INT(file_make_directory(path, 0750), 0);
	EXPECT_INT(stat(path, &st), 0);
	EXPECT_UINT(st.st_mode & 0777, 0750);
	EXPECT_INT(file_make_directory("/proc/self/stat", 0750), -ENOTDIR);
	EXPECT_INT(file_make_directory("/proc/self/stat/x", 0750), -ENOTDIR);
	EXPECT_INT(file_make_directory("", 0750), -ENOENT);
	EXPECT_INT(file_make_directory("/", 0750), 0);
	for (const char *const *p = (const char *const[]){ "/a/b/c", "/a/b", "/a", "", NULL }; *p;
	     p++) {
		snprintf(path, sizeof(path), "%s%s", top, *p);
		EXPECT_INT(rmdir(path), 0);
	}
}

/* Locks @path in a child until it is told to go. Returns the child. */
static pid_t lock_in_child(const char *path, int *ret_go)
{
	int ready[2], go[2], fd;
	char byte = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		byte = file_lock(path, &fd, NULL) == 0;
		_exit(write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(go[0]);
	if (read(ready[0], &byte, 1) != 1)
		byte = 0;
	close(ready[0]);
	*ret_go = go[1];
	return byte ? pid : -1;
}

static void locks(void)
{
	char path[] = "/tmp/test_file.XXXXXX";
	_cleanup_(buf_done) struct buf text = BUF_INIT(100);
	int fd = mkstemp(path), go = -1, lock = -1, status;
	pid_t holder = 0, child;
	struct stat st;

	REQUIRE(fd >= 0);
	EXPECT_INT(write(fd, "12345678901234567890", 20), 20);
	close(fd);
	child = lock_in_child(path, &go);
	EXPECT(child > 0);
	EXPECT_INT(file_lock(path, &lock, &holder), -EBUSY);
	EXPECT_INT(holder, child);
	EXPECT_INT(lock, -1);
	close(go);
	if (child > 0)
		EXPECT_INT(waitpid(child, &status, 0), child);
	EXPECT_INT(file_lock(path, &lock, &holder), 0);
	EXPECT_INT(file_read(path, &text), 0);
	EXPECT_INT(sscanf(buf_str(&text), "%d", &holder), 1);
	EXPECT_INT(holder, getpid());
	close(lock);
	unlink(path);
	/* A new one is nobody else's to read: it may lie among secrets. */
	EXPECT_INT(file_lock(path, &lock, &holder), 0);
	EXPECT_INT(fstat(lock, &st), 0);
	EXPECT_INT(st.st_mode & 07777, 0600);
	EXPECT_INT(fchmod(lock, 0644), 0);
	close(lock);
	EXPECT_INT(file_lock(path, &lock, &holder), 0);
	EXPECT_INT(fstat(lock, &st), 0);
	EXPECT_INT(st.st_mode & 07777, 0600);
	close(lock);
	unlink(path);
	EXPECT_INT(file_lock("/nowhere/lock", &lock, NULL), -ENOENT);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a file is read whole, or nothing of it", reads_whole_files },
		{ "a FIFO is refused", refuses_fifos },
		{ "all is written, or why not", writes_all },
		{ "a pipe takes all of it, piece by piece", writes_into_a_pipe },
		{ "directories are made with their parents", makes_directories },
		{ "a lock names its holder, and goes with it", locks },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
