/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets and the words for why there is none.
 *
 * Invariant of the Unix socket: between bind() and listen() it is nobody's stale one, because both
 * happen under a lock on its directory.
 */
#include "serve/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

#define SOCKET_BACKLOG 128
#define SOCKET_TYPE (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* "[::1]:9912" */
static void add_address(struct buf *why, const char *address, uint16_t port)
{
	bool v6 = strchr(address, ':') != NULL;

	buf_printf(why, "%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "", port);
}

static int explain_tcp(struct buf *why, const char *address, uint16_t port, int err)
{
	add_address(why, address, port);
	if (err == EADDRINUSE)
		buf_add_str(why, " is in use by another program; choose another with --listen or "
				 "[listen] port");
	else if (err == EADDRNOTAVAIL)
		buf_add_str(why, " cannot be listened on: this host has no such address; see "
				 "--listen and [listen] address");
	else if (err == EACCES)
		buf_add_str(why, " cannot be listened on: ports below 1024 are for root; choose "
				 "another with --listen or [listen] port");
	else
		buf_printf(why, " cannot be listened on: %s", strerror(err));
	return -err;
}

static int resolve(const char *address, uint16_t port, struct buf *why, struct addrinfo **ret)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, ret) == 0)
		return 0;
	buf_printf(why, "\"%s\" is not an IPv4 or IPv6 address; see --listen and [listen] address",
		   address);
	return -EINVAL;
}

static int bind_tcp(const struct addrinfo *at)
{
	_cleanup_(file_closep) int fd = socket(at->ai_family, SOCKET_TYPE, 0);
	const int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, SOCKET_BACKLOG))
		return -errno;
	return take_fd(&fd);
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return 0;
	memcpy(&v4, &ss, sizeof(v4));
	memcpy(&v6, &ss, sizeof(v6));
	return ntohs(ss.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
}

int socket_listen_tcp(const char *address, uint16_t port, struct buf *why, uint16_t *ret_port)
{
	struct addrinfo *at;
	int fd, err;

	err = resolve(address, port, why, &at);
	if (err)
		return err;
	fd = bind_tcp(at);
	freeaddrinfo(at);
	if (fd < 0)
		return explain_tcp(why, address, port, -fd);
	*ret_port = bound_port(fd);
	return fd;
}

static int unix_address(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!len)
		return -EINVAL;
	if (len >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, len);
	return 0;
}

int socket_connect_unix(const char *path)
{
	_cleanup_(file_closep) int fd = -1;
	struct sockaddr_un sa;
	int err;

	err = unix_address(path, &sa);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCKET_TYPE, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa)))
		return -errno;
	return take_fd(&fd);
}

/* 0 if @path is free now; -EADDRINUSE if somebody listens there; -ENOTSOCK if it is another file. */
static int remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket_connect_unix(path);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED && fd != -ENOENT)
		return fd;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

/* The mode that the file gets is that of the socket's inode: it is right before anybody sees it. */
static int bind_unix(const char *path, const struct sockaddr_un *sa, struct socket_file *ret_file)
{
	_cleanup_(file_closep) int fd = socket(AF_UNIX, SOCKET_TYPE, 0);
	struct stat st;

	if (fd < 0 || fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) ||
	    lstat(path, &st) || listen(fd, SOCKET_BACKLOG))
		return -errno;
	*ret_file = (struct socket_file){ st.st_dev, st.st_ino };
	return take_fd(&fd);
}

/* The lock of the directory that @path is in; gone when it is closed. */
static int lock_directory(const char *path)
{
	_cleanup_(file_closep) int fd = -1;
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = ".";

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	return take_fd(&fd);
}

static int listen_unix(const char *path, struct socket_file *ret_file)
{
	_cleanup_(file_closep) int lock = -1;
	struct sockaddr_un sa;
	int err;

	err = unix_address(path, &sa);
	if (err)
		return err;
	lock = lock_directory(path);
	if (lock < 0)
		return lock;
	err = remove_stale(path);
	if (err)
		return err;
	return bind_unix(path, &sa, ret_file);
}

int socket_listen_unix(const char *path, struct buf *why, struct socket_file *ret_file)
{
	int fd = listen_unix(path, ret_file);

	if (fd >= 0)
		return fd;
	buf_printf(why, "the control socket %s cannot be made: ", path);
	if (fd == -EADDRINUSE)
		buf_add_str(why, "another isamon answers there; stop it, or give this one another "
				 "[daemon] runtime_directory");
	else if (fd == -ENOTSOCK)
		buf_add_str(why, "a file that is no socket stands there; move it away");
	else if (fd == -ENAMETOOLONG)
		buf_printf(why,
			   "a socket's path has %zu characters at most; choose a shorter "
			   "[daemon] runtime_directory",
			   sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	else
		buf_add_str(why, strerror(-fd));
	return fd;
}

void socket_unlink(const char *path, const struct socket_file *file)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == file->dev && st.st_ino == file->ino)
		unlink(path);
}
