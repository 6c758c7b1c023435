/* SPDX-License-Identifier: MIT */
/* Makes listening sockets. None of these blocks; all sockets are CLOEXEC and non-blocking. */
#ifndef ISAMON_SOCKET_H
#define ISAMON_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* Which file a Unix socket is, to know it again. */
struct socket_file {
	dev_t dev;
	ino_t ino;
};

/* Returns the socket, or -errno with the explanation in @why. @port 0: any; *ret_port is the one
 * that was bound. */
int socket_listen_tcp(const char *address, uint16_t port, struct buf *why, uint16_t *ret_port);

/* The same for a Unix socket of mode 0600; one that is there already is replaced if nobody answers. */
int socket_listen_unix(const char *path, struct buf *why, struct socket_file *ret_file);
/* Removes @path if it still is @file. */
void socket_unlink(const char *path, const struct socket_file *file);

/* Connects to a Unix socket without blocking. Returns the socket or -errno (-EAGAIN: its queue is full,
 * so somebody listens). */
int socket_connect_unix(const char *path);

#endif
