/* SPDX-License-Identifier: MIT */
/* The lock of the service. Who has it is told by the command line of the process that has signed it: since when, by the time of its signature. */
#include "care/service_lock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/file.h"
#include "base/utf8.h"

#define COMMAND_LINE_MAX 4096
#define SHOWN_MAX 120

/* "isamon update app --yes"; of a process that is none of isamon's (its id is of another namespace, or was given anew), only what it may be. */
static void name_holder(pid_t holder, char *to, size_t size)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(COMMAND_LINE_MAX);
	char path[32];
	const char *at;

	snprintf(to, size, "another update, restore, vacuum or order");
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)holder);
	if (holder <= 0 || file_read(path, &line) || !line.len)
		return;
	at = strrchr(buf_str(&line), '/');
	at = at ? at + 1 : buf_str(&line);
	if (strncmp(at, "isamon", 6) != 0)
		return;
	for (size_t i = 0; i + 1 < line.len; i++)
		if (!line.data[i])
			line.data[i] = ' ';
	utf8_make_plain(at, line.len - (size_t)(at - line.data), to, size);
}

static void tell_holder(const char *path, pid_t holder, struct buf *why)
{
	char name[SHOWN_MAX], since[40] = "";
	struct stat st;
	struct tm tm;

	name_holder(holder, name, sizeof(name));
	if (!stat(path, &st) && localtime_r(&st.st_mtim.tv_sec, &tm))
		strftime(since, sizeof(since), ", since %Y-%m-%d %H:%M:%S", &tm);
	buf_printf(why, "%s has the service in hand", name);
	if (holder)
		buf_printf(why, ", in process %d", (int)holder);
	buf_printf(
		why,
		"%s: wait until it has ended (isamon update app --status and isamon restore --status say how far it is)",
		since);
}

static int lock_by(const char *state_directory,
		   int (*lock)(const char *path, int *ret_fd, pid_t *ret_holder), struct buf *why,
		   int *ret_fd)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX);
	pid_t holder = 0;
	int err = file_make_directory(state_directory, 0750);

	if (!err)
		err = buf_printf(&path, "%s/" SERVICE_LOCK, state_directory);
	if (!err)
		err = lock(buf_str(&path), ret_fd, &holder);
	if (err == -EBUSY)
		tell_holder(buf_str(&path), holder, why);
	else if (err)
		buf_printf(why, "%s: %s", path.len ? buf_str(&path) : state_directory,
			   strerror(-err));
	return err;
}

int service_lock_alone(const char *state_directory, struct buf *why, int *ret_fd)
{
	return lock_by(state_directory, file_lock, why, ret_fd);
}

int service_lock_shared(const char *state_directory, struct buf *why, int *ret_fd)
{
	return lock_by(state_directory, file_lock_shared, why, ret_fd);
}
