/* SPDX-License-Identifier: MIT */
/* One daemon for each runtime directory: a lock in it, which the kernel takes away when the process ends. */
#include "cmd/daemon_impl.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/util.h"

/* What may be done about a file of the runtime directory that cannot be made. */
static const char *remedy(int err)
{
	if (err == -ENOSPC || err == -EDQUOT)
		return "make room there";
	if (err == -EACCES || err == -EPERM)
		return "run isamon as root";
	return "see to it that this can be written to";
}

int daemon_lock(struct daemon *d, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	const char *directory = d->config->runtime_directory;
	pid_t holder = 0;
	int err;

	err = file_make_directory(directory, 0755);
	if (err) {
		buf_printf(why,
			   "cannot make the runtime directory %s: %s; %s, or set "
			   "[daemon] runtime_directory to another",
			   directory, strerror(-err), remedy(err));
		return err;
	}
	err = buf_printf(&path, "%s/isamon.lock", directory);
	if (err)
		return err;
	err = file_lock(buf_str(&path), &d->lock_fd, &holder);
	if (err == -EBUSY)
		buf_printf(
			why,
			"isamon runs already (process %d); stop that one, or give this one another "
			"[daemon] runtime_directory",
			(int)holder);
	else if (err)
		buf_printf(why,
			   "cannot lock %s: %s; %s, or set [daemon] runtime_directory "
			   "to a directory of its own",
			   buf_str(&path), strerror(-err), remedy(err));
	return err;
}
