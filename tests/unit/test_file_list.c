/* SPDX-License-Identifier: MIT */
/* The walk of a tree: order, kinds, what is passed over, what cannot be read, memory. */
#include "nomem.h"
#include "unit.h"

#define FILE_LIST_NAMES_MAX 20000
#include "../../userspace/care/file_list.c"

#include <sys/socket.h>
#include <sys/un.h>

static char top[64];
static struct buf seen = BUF_INIT(1 << 20), why = BUF_INIT(10000);

static int note(const struct file_entry *e, void *ctx)
{
	const int *stop = ctx;

	buf_printf(&seen, "%c %s%s%s%s%s\n", "fdls"[e->kind], e -> path, e -> link ? " -> " : "",
		   e->link ? e->link : "", e->why ? ": " : "", e->why ? e->why : "");
	return stop ? *stop : 0;
}

static int walk(const struct file_list_options *o, int *stop)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	buf_reset(&seen);
	buf_reset(&why);
	err = file_list_walk(fd, o, note, stop, &why);
	close(fd);
	return err;
}

static void in(const char *name, char path[200])
{
	snprintf(path, 200, "%s/%s", top, name);
}

static void make_file(const char *name)
{
	char path[200];
	int fd;

	in(name, path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	EXPECT(fd >= 0);
	close(fd);
}

static void make_directory(const char *name)
{
	char path[200];

	in(name, path);
	EXPECT_INT(mkdir(path, 0700), 0);
}

static int remove_one(const struct file_entry *e, void *ctx)
{
	(void)ctx;
	if (e->kind != FILE_DIRECTORY)
		unlinkat(e->dir_fd, e->name, 0);
	return 0;
}

static int remove_directories(const struct file_entry *e, void *ctx)
{
	int *left = ctx;

	if (e->kind == FILE_DIRECTORY && e->dir_fd >= 0 && strcmp(e->path, ".") != 0) {
		if (unlinkat(e->dir_fd, e->name, AT_REMOVEDIR))
			(*left)++;
	}
	return 0;
}

static void begin(void)
{
	snprintf(top, sizeof(top), "/tmp/test_file_list.XXXXXX");
	EXPECT(mkdtemp(top));
}

/* Directories go a level at a time: one with something in it stays for the next round. */
static void end(void)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), left = 1;

	buf_reset(&why);
	file_list_walk(fd, NULL, remove_one, NULL, &why);
	for (int i = 0; left && i < 300; i++) {
		left = 0;
		file_list_walk(fd, NULL, remove_directories, &left, &why);
	}
	close(fd);
	EXPECT_INT(rmdir(top), 0);
	buf_done(&seen);
	buf_done(&why);
}

static void tells_all_sorted(void)
{
	char path[200];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin();
	make_directory("b");
	make_file("b/\xff\xfe");
	make_file("b/z");
	make_directory("b/empty");
	make_file("b.");
	make_file("a");
	in("link", path);
	EXPECT_INT(symlink("/etc", path), 0);
	in("pipe", path);
	EXPECT_INT(mkfifo(path, 0600), 0);
	in("sock", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	EXPECT_INT(bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
	close(s);
	EXPECT_INT(walk(NULL, NULL), 0);
	EXPECT_STR(buf_str(&seen), "d .\nf a\nd b\nd b/empty\nf b/z\nf b/\xff\xfe\nf b.\n"
				   "l link -> /etc\ns pipe: a FIFO\ns sock: a socket\n");
	EXPECT_UINT(why.len, 0);
	end();
}

static void passes_over(void)
{
	static const char *const patterns[] = { "*.pyc", "cache/tmp*" };
	struct file_list_options o = { .exclude = patterns, .n_exclude = 2 };
	struct stat st;
	char path[200];

	begin();
	make_directory("cache");
	make_file("cache/tmp1");
	make_file("cache/kept.txt");
	make_file("cache/x.pyc");
	make_directory("backups");
	make_file("backups/x");
	make_file("tmp2");
	in("backups", path);
	REQUIRE_INT(stat(path, &st), 0);
	o.exclude_dev = st.st_dev;
	o.exclude_ino = st.st_ino;
	EXPECT_INT(walk(&o, NULL), 0);
	EXPECT_STR(buf_str(&seen), "d .\nd cache\nf cache/kept.txt\nf tmp2\n");
	end();
}

static void says_what_ends_it(void)
{
	int stop = -ECANCELED;

	begin();
	make_file("a");
	EXPECT_INT(walk(NULL, &stop), -ECANCELED);
	EXPECT_STR(buf_str(&seen), "d .\n");
	for (int i = 0; i < 400; i++) {
		char name[80];

		snprintf(name, sizeof(name), "a-name-that-is-rather-long-so-that-it-counts-%d", i);
		make_file(name);
	}
	EXPECT_INT(walk(NULL, NULL), -E2BIG);
	EXPECT_HAS(buf_str(&why), "cannot read .: ");
	buf_reset(&why);
	EXPECT_INT(file_list_walk(-1, NULL, note, NULL, &why), -EBADF);
	EXPECT_HAS(buf_str(&why), "cannot read .: Bad file descriptor");
	for (int i = 0; i < 400; i++) {
		char name[80], path[200];

		snprintf(name, sizeof(name), "a-name-that-is-rather-long-so-that-it-counts-%d", i);
		in(name, path);
		unlink(path);
	}
	end();
}

/* Made and entered one by one: the whole path is longer than any system call takes. */
static void nest(int levels, const char *name)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;

	for (int i = 0; i < levels && fd >= 0; i++) {
		mkdirat(fd, name, 0700);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	EXPECT(fd >= 0);
	close(fd);
}

static void remove_nested(int levels, const char *name)
{
	for (int i = levels; i > 0; i--) {
		int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;

		for (int k = 1; k < i; k++) {
			next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			close(fd);
			fd = next;
		}
		EXPECT_INT(unlinkat(fd, name, AT_REMOVEDIR), 0);
		close(fd);
	}
}

static void bounds_depth_and_length(void)
{
	char name[201];

	begin();
	nest(FILE_LIST_DEPTH_MAX + 5, "d");
	EXPECT_INT(walk(NULL, NULL), 0);
	EXPECT_HAS(buf_str(&seen), "d/d: too deep\n");
	remove_nested(FILE_LIST_DEPTH_MAX + 5, "d");
	memset(name, 'n', 200);
	name[200] = '\0';
	nest(25, name);
	EXPECT_INT(walk(NULL, NULL), 0);
	EXPECT_HAS(buf_str(&seen), "something in it has too long a path\n");
	remove_nested(25, name);
	end();
}

static void survives_no_memory(void)
{
	int err;

	begin();
	make_directory("d");
	make_file("d/a");
	make_file("b");
	for (unsigned int n = 1; nomem_again(n); n++) {
		err = walk(NULL, NULL);
		if (nomem_hit())
			EXPECT_INT(err, -ENOMEM);
		else
			EXPECT_INT(err, 0);
	}
	EXPECT_STR(buf_str(&seen), "d .\nf b\nd d\nf d/a\n");
	end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "everything is told, sorted by bytes, with its kind", tells_all_sorted },
		{ "patterns and the directory of the backups are passed over", passes_over },
		{ "what ends the walk is said", says_what_ends_it },
		{ "what is too deep or too long is named, not followed", bounds_depth_and_length },
		{ "no memory is an error, and nothing leaks", survives_no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
