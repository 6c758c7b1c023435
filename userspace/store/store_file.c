/* SPDX-License-Identifier: MIT */
/*
 * The file of the store's thread: begun, set aside when it is damaged, and what the log is told of its troubles.
 * Invariant: db is open if the last store_file_begin() succeeded and no store_file_set_aside() came after it.
 */
#include "store/store_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "store/room.h"
#include "store/set_aside.h"
#include "store/state_file.h"

/* The process before this one is ending still. */
#define OWN_WAIT_MS 200

#define LOOK_US 10000

int store_file_init(struct store_file *f, const char *directory, const char *name)
{
	f->reserved_fd = -1;
	f->wait_ms = OWN_WAIT_MS;
	f->directory = strdup(directory);
	f->name = strdup(name);
	return f->directory && f->name ? 0 : -ENOMEM;
}

void store_file_leave(struct store_file *f)
{
	state_file_close(take(f->db), false);
	file_closep(&f->reserved_fd);
	f->reserved_fd = -1;
}

void store_file_done(struct store_file *f)
{
	store_file_leave(f);
	free(f->path);
	free(f->directory);
	free(f->name);
}

/* --- what is told */

/* Of other errors only the job's owner knows what they mean. */
static bool is_trouble(int err)
{
	switch (err) {
	case 0:
	case -ENOSPC:
	case -EIO:
	case -EROFS:
	case -EACCES:
	case -EBUSY:
	case -EPROTO:
	case -EUCLEAN: return true;
	default: return false;
	}
}

static const char *what_is_wrong(int err)
{
	if (err == -EUCLEAN)
		return "it is damaged";
	if (err == -EPROTO)
		return "SQLite refuses what isamon asks of it, because somebody changed its tables, or by a "
		       "mistake of isamon's";
	return strerror(-err);
}

void store_file_tell(struct store_file *f, int err)
{
	/* What was never open is told by who wanted it. */
	if (err == f->trouble || !is_trouble(err) || !f->births)
		return;
	f->trouble = err;
	if (err)
		log_error(
			"%s: cannot be written: %s; what belongs there waits in memory, as far as "
			"there is room",
			f->path, what_is_wrong(err));
	else
		log_info("%s: is written again", f->path);
}

void store_file_keep_room(struct store_file *f)
{
	const int err = room_keep(f->db);
	const bool tight = err == -ENOSPC;
	uint64_t left = 0;

	if ((err && !tight) || tight == f->tight)
		return;
	f->tight = tight;
	if (!tight) {
		log_info("%s: there is room on the disk again", f->path);
		return;
	}
	room_left(f->db, &left);
	log_warning("%s: the disk is full; going on in %llu KiB that were set aside: make room",
		    f->path, (unsigned long long)left >> 10);
}

/* --- the file */

/* Returns 0 when it is out of the way. */
static int put_aside(const char *path, const char *why)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT(2 * 4096);
	int err;

	err = set_aside(path, &name);
	if (err)
		log_error("%s; it cannot be set aside: %s", why, strerror(-err));
	else if (name.len)
		log_error(
			"%s; it is set aside as %s, and a new one is begun: what waited in it is not "
			"sent",
			why, buf_str(&name));
	else
		log_error(
			"%s; it is deleted, because %d such files are there already, and a new one is "
			"begun: what waited in it is lost",
			why, SET_ASIDE_MAX);
	return err;
}

/* What SQLite's own locks say comes last: somebody may have opened the file with another program. */
static int open_reserved(struct store_file *f, struct buf *why)
{
	int err = 0;

	if (f->reserved_fd < 0)
		err = state_file_reserve(f->path, why, &f->reserved_fd);
	return err ? err : state_file_open(f->path, why, &f->db);
}

static int open_when_free(struct store_file *f, uint64_t end_ns, struct buf *why)
{
	int err;

	while ((err = open_reserved(f, why)) == -EBUSY && clock_monotonic_ns() < end_ns) {
		buf_reset(why);
		usleep(LOOK_US);
	}
	if (err)
		store_file_leave(f);
	return err;
}

static int open_file(struct store_file *f, struct buf *why)
{
	const uint64_t end_ns = clock_monotonic_ns() + f->wait_ms * NS_PER_MS;
	int err;

	err = open_when_free(f, end_ns, why);
	if (err != -EUCLEAN)
		return err;
	err = put_aside(f->path, buf_str(why));
	buf_reset(why);
	if (err) {
		buf_printf(why, "%s is damaged, and cannot be set aside: %s", f->path,
			   strerror(-err));
		return err;
	}
	return open_when_free(f, end_ns, why);
}

int store_file_begin(struct store_file *f, struct buf *why)
{
	int err = 0;

	if (!f->path)
		err = state_file_path(f->directory, f->name, why, &f->path);
	if (!err)
		err = open_file(f, why);
	if (!err)
		f->births++;
	else if (!why->len)
		buf_printf(why, "cannot open the state file: %s", strerror(-err));
	return err;
}

int store_file_set_aside(struct store_file *f)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1024);

	buf_printf(&why, "%s was found to be damaged", f->path);
	state_file_close(take(f->db), true);
	store_file_leave(f);
	return put_aside(f->path, buf_str(&why));
}
