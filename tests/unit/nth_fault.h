/* SPDX-License-Identifier: MIT */
/*
 * Makes the nth allocation, or the nth system call of some kinds, fail, whoever makes it: the program, SQLite, libarchive, jansson,
 * OpenSSL, the C library. A test program includes this once, first. It defines the C library's symbols, which go before the library's own; so
 * nothing of the tested sources need be included.
 *
 *   const struct nth_kind k = { NTH_WRITE, ENOSPC };
 *   for (n = 1; nth_again(&k, n); n += ...) {
 *   	...prepare...
 *   	nth_arm();
 *   	...try it...
 *   	nth_disarm();	(nothing fails any more, and nothing is counted)
 *   	...expect an error if nth_hit(), or none; and nothing by halves...
 *   }
 *
 * The loop ends after the first round in which fewer than n calls were made. fsync and its like do nothing: thousands of them take minutes.
 */
#ifndef ISAMON_NTH_FAULT_H
#define ISAMON_NTH_FAULT_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum nth_calls {
	NTH_MEMORY = 1 << 0, /* what the program itself asks for */
	NTH_ALL_MEMORY =
		1
		<< 1, /* what anybody asks for but libarchive, which ends the process then (3.6.2) */
	NTH_OPEN = 1 << 2, /* files and directories */
	NTH_READ = 1 << 3,
	NTH_WRITE = 1 << 4, /* and truncate */
	NTH_SYNC = 1 << 5,
	NTH_NAME = 1 << 6,  /* rename, exchange, link, unlink, mkdir, rmdir */
	NTH_OWNER = 1 << 7, /* chown, chmod, times */
	NTH_STAT = 1 << 8,
	NTH_LIST = 1 << 9,     /* readdir */
	NTH_PROCESS = 1 << 10, /* fork, a thread, pipe, and execve in what was forked */
};

struct nth_kind {
	unsigned int calls; /* of enum nth_calls */
	int error;
	bool for_good; /* those after it, too */
};

static struct {
	struct nth_kind kind;
	unsigned int fail_at;
	atomic_uint made;
	atomic_bool armed;
} nth;

/* Begins a round in which call @n fails; false when the round before had fewer. */
static bool nth_again(const struct nth_kind *k, unsigned int n)
{
	bool again = n == 1 || nth.made >= nth.fail_at;

	nth.kind = *k;
	nth.fail_at = again ? n : 0;
	nth.made = 0;
	return again && n < 1000000;
}

/* Where the code of the libraries is that do not live through it: loaded once, they stay. */
static struct {
	const char *name, *begin, *end;
} nth_fragile[] = { { "libarchive.so", NULL, NULL }, { "libjansson.so", NULL, NULL } };

#define NTH_FRAGILE (sizeof(nth_fragile) / sizeof(nth_fragile[0]))

static int nth_look_at_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	for (size_t k = 0; k < NTH_FRAGILE; k++)
		for (int i = 0;
		     strstr(info->dlpi_name, nth_fragile[k].name) && i < info->dlpi_phnum; i++) {
			const ElfW(Phdr) *h = &info->dlpi_phdr[i];

			if (h->p_type != PT_LOAD || !(h->p_flags & PF_X))
				continue;
			nth_fragile[k].begin = (const char *)info->dlpi_addr + h->p_vaddr;
			nth_fragile[k].end = nth_fragile[k].begin + h->p_memsz;
		}
	return 0;
}

static void nth_arm(void)
{
	dl_iterate_phdr(nth_look_at_library, NULL);
	nth.armed = true;
}

static void nth_disarm(void)
{
	nth.armed = false;
}

/* Whether the call of this round has failed. */
static bool nth_hit(void)
{
	return nth.fail_at && nth.made >= nth.fail_at;
}

/* Called before the sanitizers are ready, too. */
#define NTH_EARLY_ __attribute__((no_sanitize("address", "undefined")))

NTH_EARLY_ static bool nth_fails(unsigned int calls)
{
	unsigned int made;

	if (!atomic_load_explicit(&nth.armed, memory_order_relaxed) || !(nth.kind.calls & calls))
		return false;
	made = ++nth.made;
	if (made != nth.fail_at && !(nth.kind.for_good && made > nth.fail_at))
		return false;
	errno = nth.kind.error;
	return true;
}

/* --- memory: by the sanitizer's allocator, if there is one, so that it sees leaks */

#if defined(__SANITIZE_ADDRESS__)
#define NTH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NTH_SANITIZED 1
#endif
#endif
#ifdef NTH_SANITIZED
#define NTH_REAL "__interceptor_"
#else
#define NTH_REAL "__libc_"
#endif

void *nth_real_malloc(size_t n) __asm__(NTH_REAL "malloc");
void *nth_real_calloc(size_t n, size_t size) __asm__(NTH_REAL "calloc");
void *nth_real_realloc(void *p, size_t n) __asm__(NTH_REAL "realloc");
void *nth_malloc(size_t n) __asm__("malloc");
void *nth_calloc(size_t n, size_t size) __asm__("calloc");
void *nth_realloc(void *p, size_t n) __asm__("realloc");
char *nth_strdup(const char *s) __asm__("strdup");

/* Whether the sanitizers have made this thread ready, for which they allocate, too. */
static __thread bool nth_ready;

extern const char nth_text_begin[] __asm__("__executable_start");
extern const char nth_text_end[] __asm__("etext");

NTH_EARLY_ static bool nth_memory_fails(const void *caller)
{
	const char *at = caller;

	for (size_t k = 0; k < NTH_FRAGILE; k++)
		if (at >= nth_fragile[k].begin && at < nth_fragile[k].end)
			return false;
	if (!nth_ready)
		return false;
	return nth_fails(at >= nth_text_begin && at < nth_text_end ? NTH_MEMORY | NTH_ALL_MEMORY :
								     NTH_ALL_MEMORY);
}

NTH_EARLY_ void *nth_malloc(size_t n)
{
	return nth_memory_fails(__builtin_return_address(0)) ? NULL : nth_real_malloc(n);
}

NTH_EARLY_ void *nth_calloc(size_t n, size_t size)
{
	return nth_memory_fails(__builtin_return_address(0)) ? NULL : nth_real_calloc(n, size);
}

NTH_EARLY_ void *nth_realloc(void *p, size_t n)
{
	return nth_memory_fails(__builtin_return_address(0)) ? NULL : nth_real_realloc(p, n);
}

NTH_EARLY_ char *nth_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = nth_memory_fails(__builtin_return_address(0)) ? NULL : nth_real_malloc(n);

	if (copy)
		memcpy(copy, s, n);
	return copy;
}

/* --- system calls */

/* clang-format off */
#define NTH_CALL_(name, also, calls, parameters, ...) \
	int nth_##name parameters __asm__(#name); \
	int nth_##name parameters \
	{ \
		return nth_fails(calls) ? -1 : (int)syscall(SYS_##also, __VA_ARGS__); \
	}
#define NTH_CALL(name, calls, parameters, ...) NTH_CALL_(name, name, calls, parameters, __VA_ARGS__)
#define NTH_BYTES(name, also, calls, parameters, ...) \
	ssize_t nth_##name parameters __asm__(#name); \
	ssize_t nth_##name parameters \
	{ \
		return nth_fails(calls) ? -1 : (ssize_t)syscall(SYS_##also, __VA_ARGS__); \
	}
#define NTH_NOTHING(name) \
	int nth_##name(int fd) __asm__(#name); \
	int nth_##name(int fd) \
	{ \
		(void)fd; \
		return nth_fails(NTH_SYNC) ? -1 : 0; \
	}

NTH_BYTES(read, read, NTH_READ, (int fd, void *p, size_t n), fd, p, n)
NTH_BYTES(pread, pread64, NTH_READ, (int fd, void *p, size_t n, off_t at), fd, p, n, at)
NTH_BYTES(pread64, pread64, NTH_READ, (int fd, void *p, size_t n, off_t at), fd, p, n, at)
NTH_BYTES(write, write, NTH_WRITE, (int fd, const void *p, size_t n), fd, p, n)
NTH_BYTES(pwrite, pwrite64, NTH_WRITE, (int fd, const void *p, size_t n, off_t at), fd, p, n, at)
NTH_BYTES(pwrite64, pwrite64, NTH_WRITE, (int fd, const void *p, size_t n, off_t at), fd, p, n, at)
NTH_CALL(ftruncate, NTH_WRITE, (int fd, off_t n), fd, n)
NTH_CALL_(ftruncate64, ftruncate, NTH_WRITE, (int fd, off_t n), fd, n)
NTH_NOTHING(fsync)
NTH_NOTHING(fdatasync)
NTH_NOTHING(syncfs)
NTH_CALL_(rename, renameat, NTH_NAME, (const char *a, const char *b), AT_FDCWD, a, AT_FDCWD, b)
NTH_CALL(renameat, NTH_NAME, (int a, const char *b, int c, const char *d), a, b, c, d)
NTH_CALL(renameat2, NTH_NAME, (int a, const char *b, int c, const char *d, unsigned int e), a, b, c, d, e)
NTH_CALL(linkat, NTH_NAME, (int a, const char *b, int c, const char *d, int e), a, b, c, d, e)
NTH_CALL(symlinkat, NTH_NAME, (const char *a, int b, const char *c), a, b, c)
NTH_CALL_(unlink, unlinkat, NTH_NAME, (const char *a), AT_FDCWD, a, 0)
NTH_CALL_(rmdir, unlinkat, NTH_NAME, (const char *a), AT_FDCWD, a, AT_REMOVEDIR)
NTH_CALL(unlinkat, NTH_NAME, (int a, const char *b, int c), a, b, c)
NTH_CALL_(mkdir, mkdirat, NTH_NAME, (const char *a, mode_t b), AT_FDCWD, a, b)
NTH_CALL(mkdirat, NTH_NAME, (int a, const char *b, mode_t c), a, b, c)
NTH_CALL(fchown, NTH_OWNER, (int a, uid_t b, gid_t c), a, b, c)
NTH_CALL(fchownat, NTH_OWNER, (int a, const char *b, uid_t c, gid_t d, int e), a, b, c, d, e)
NTH_CALL(fchmod, NTH_OWNER, (int a, mode_t b), a, b)
NTH_CALL_(chmod, fchmodat, NTH_OWNER, (const char *a, mode_t b), AT_FDCWD, a, b)
NTH_CALL_(futimens, utimensat, NTH_OWNER, (int a, const struct timespec *b), a, NULL, b, 0)
NTH_CALL(utimensat, NTH_OWNER, (int a, const char *b, const struct timespec *c, int d), a, b, c, d)
NTH_CALL_(fstat, newfstatat, NTH_STAT, (int a, struct stat *b), a, "", b, AT_EMPTY_PATH)
NTH_CALL_(fstat64, newfstatat, NTH_STAT, (int a, struct stat *b), a, "", b, AT_EMPTY_PATH)
NTH_CALL_(stat, newfstatat, NTH_STAT, (const char *a, struct stat *b), AT_FDCWD, a, b, 0)
NTH_CALL_(stat64, newfstatat, NTH_STAT, (const char *a, struct stat *b), AT_FDCWD, a, b, 0)
NTH_CALL_(lstat, newfstatat, NTH_STAT, (const char *a, struct stat *b), AT_FDCWD, a, b, AT_SYMLINK_NOFOLLOW)
NTH_CALL_(lstat64, newfstatat, NTH_STAT, (const char *a, struct stat *b), AT_FDCWD, a, b, AT_SYMLINK_NOFOLLOW)
NTH_CALL_(fstatat, newfstatat, NTH_STAT, (int a, const char *b, struct stat *c, int d), a, b, c, d)
NTH_CALL_(fstatat64, newfstatat, NTH_STAT, (int a, const char *b, struct stat *c, int d), a, b, c, d)
NTH_CALL(pipe2, NTH_PROCESS, (int *a, int b), a, b)
NTH_CALL(execve, NTH_PROCESS, (const char *a, char *const *b, char *const *c), a, b, c)
/* clang-format on */

static int nth_openat_now(int dir_fd, const char *path, int flags, mode_t mode)
{
	return nth_fails(NTH_OPEN) ? -1 : (int)syscall(SYS_openat, dir_fd, path, flags, mode);
}

/* clang-format off */
#define NTH_OPENS(name, parameters, dir_fd) \
	int nth_##name parameters __asm__(#name); \
	int nth_##name parameters \
	{ \
		mode_t mode = 0; \
		va_list args; \
		va_start(args, flags); \
		if (flags & (O_CREAT | __O_TMPFILE)) \
			mode = va_arg(args, mode_t); \
		va_end(args); \
		return nth_openat_now(dir_fd, path, flags, mode); \
	}

NTH_OPENS(open, (const char *path, int flags, ...), AT_FDCWD)
NTH_OPENS(open64, (const char *path, int flags, ...), AT_FDCWD)
NTH_OPENS(openat, (int dir_fd, const char *path, int flags, ...), dir_fd)
NTH_OPENS(openat64, (int dir_fd, const char *path, int flags, ...), dir_fd)
/* clang-format on */

/* The C library's own, found at the beginning: dlsym() allocates. */
static struct {
	struct dirent *(*readdir)(DIR *d);
	DIR *(*opendir)(const char *path);
	pid_t (*fork)(void);
	int (*create)(pthread_t *ret, const pthread_attr_t *a, void *(*run)(void *), void *arg);
} nth_real;

__attribute__((constructor)) static void nth_find(void)
{
	*(void **)&nth_real.readdir = dlsym(RTLD_NEXT, "readdir");
	*(void **)&nth_real.opendir = dlsym(RTLD_NEXT, "opendir");
	*(void **)&nth_real.fork = dlsym(RTLD_NEXT, "fork");
	*(void **)&nth_real.create = dlsym(RTLD_NEXT, "pthread_create");
	nth_ready = true;
}

struct dirent *nth_readdir(DIR *d) __asm__("readdir");
DIR *nth_opendir(const char *path) __asm__("opendir");
pid_t nth_fork(void) __asm__("fork");

struct dirent *nth_readdir(DIR *d)
{
	return nth_fails(NTH_LIST) ? NULL : nth_real.readdir(d);
}

DIR *nth_opendir(const char *path)
{
	return nth_fails(NTH_OPEN) ? NULL : nth_real.opendir(path);
}

/* In the child nothing fails but execve. */
pid_t nth_fork(void)
{
	pid_t pid = nth_fails(NTH_PROCESS) ? -1 : nth_real.fork();

	if (pid == 0)
		nth.kind.calls &= NTH_PROCESS;
	return pid;
}

struct nth_thread {
	void *(*run)(void *);
	void *arg;
};

static void *nth_thread_run(void *arg)
{
	const struct nth_thread t = *(struct nth_thread *)arg;

	free(arg);
	nth_ready = true;
	return t.run(t.arg);
}

int nth_thread_create(pthread_t *ret, const pthread_attr_t *a, void *(*run)(void *),
		      void *arg) __asm__("pthread_create");

int nth_thread_create(pthread_t *ret, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
	struct nth_thread *t = nth_real_malloc(sizeof(*t));
	int code = t && !nth_fails(NTH_PROCESS) ? 0 : EAGAIN;

	if (!code) {
		*t = (struct nth_thread){ run, arg };
		code = nth_real.create(ret, a, nth_thread_run, t);
	}
	if (code)
		free(t);
	return code;
}

/* --- what is left behind */

/* How many descriptors are open. */
static int nth_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Each of the first, then ever fewer, where there are thousands. */
static unsigned int nth_further(unsigned int n, unsigned int each, unsigned int share)
{
	return n < each ? 1 : 1 + n / share;
}

#endif
