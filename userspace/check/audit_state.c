/* SPDX-License-Identifier: MIT */
/* The state on the disk. Invariant: under its name there is always a whole one, or none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "check/audit_compare.h"

#define STATE_MAX (8u << 20)
#define STATE_NEW AUDIT_STATE_NAME ".new"

int audit_state_read(const char *directory, json_t **ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096), text = BUF_INIT(STATE_MAX);
	int err = buf_printf(&path, "%s/%s", directory, AUDIT_STATE_NAME);

	*ret = NULL;
	if (!err)
		err = file_read(buf_str(&path), &text);
	if (err)
		return err == -ENOENT ? 0 : err;
	*ret = json_loadb(buf_str(&text), text.len, 0, NULL);
	return json_is_object(*ret) ? 0 : -EPROTO;
}

static int put(int dir, const struct buf *text)
{
	_cleanup_(file_closep) int fd = -1;
	int err;

	if (unlinkat(dir, STATE_NEW, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, STATE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = file_write(fd, text->data, text->len);
	if (!err && fsync(fd))
		err = -errno;
	if (!err && renameat(dir, STATE_NEW, dir, AUDIT_STATE_NAME))
		err = -errno;
	if (err)
		unlinkat(dir, STATE_NEW, 0);
	if (!err && fsync(dir))
		err = -errno;
	return err;
}

int audit_state_write(const char *directory, const json_t *state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(STATE_MAX);
	_cleanup_(file_closep) int dir = -1;
	int err = json_add_text(state, JSON_INDENT(1), &text);

	if (!err)
		err = file_make_directory(directory, 0750);
	if (err)
		return err;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno : put(dir, &text);
}
