/* SPDX-License-Identifier: MIT */
/* Messages to the service manager: each one datagram of KEY=VALUE lines, on a socket of its own. */
#include "base/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

#define NOTIFY_STATUS_MAX 240

/* "@name" is the abstract socket "\0name", whose length is not marked by a NUL. */
static int notify_address(const char *name, struct sockaddr_un *ret_address, socklen_t *ret_len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	*ret_address = address;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
	return 0;
}

static int notify_send(const char *message)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t address_len;
	int fd, err;

	if (!name || !*name)
		return 0;
	err = notify_address(name, &address, &address_len);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
		   address_len) < 0)
		err = -errno;
	close(fd);
	return err;
}

int notify_ready(void)
{
	return notify_send("READY=1");
}

int notify_reloading(void)
{
	char message[64];

	snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(clock_monotonic_ns() / 1000));
	return notify_send(message);
}

int notify_stopping(void)
{
	return notify_send("STOPPING=1");
}

int notify_watchdog(void)
{
	return notify_send("WATCHDOG=1");
}

int notify_status(const char *fmt, ...)
{
	char message[sizeof("STATUS=") + NOTIFY_STATUS_MAX] = "STATUS=";
	va_list args;

	va_start(args, fmt);
	vsnprintf(message + strlen(message), sizeof(message) - strlen(message), fmt, args);
	va_end(args);
	message[strcspn(message, "\n")] = '\0';
	return notify_send(message);
}

uint64_t notify_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t value;

	if (!usec || number_parse_u64(usec, 1, UINT64_MAX / 1000, &value))
		return 0;
	if (pid) {
		uint64_t whose;

		if (number_parse_u64(pid, 1, INT32_MAX, &whose) || whose != (uint64_t)getpid())
			return 0;
	}
	return value * 1000;
}
