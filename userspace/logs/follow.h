/* SPDX-License-Identifier: MIT */
/*
 * The files of a log: which there are, and their bytes, in order, whatever is done to their names.
 *
 * A file is its device, inode and the hash of its first bytes, not its name. Renamed, it is read to its end under the new name,
 * and then the new one of the old name is begun; removed, it is read to its end as long as it is open here; truncated in
 * place (copytruncate), it is begun anew, and what was written between the last reading and the copy is read in the copy; compressed
 * (NAME.1.gz), it is read out of the archive from where it stood. inotify says when to look, a poll every few seconds
 * is the net below. Reads only when it is asked to, so nothing is buffered here. Links as logs/trusted_path.h has it.
 *
 * What rotation left is looked for in the directory of the log's own name and in olddir, if the configuration names one, under the names
 * that logs/rotated_name.h knows; elsewhere only a file that is open is still read to its end. Archives are gzip's; others are passed
 * over. Bytes that are not known: of a file that was deleted, or truncated without a copy, before they were read; that were written
 * between copytruncate's copy and its truncation. A rotated file that was never followed is read if it was last written to
 * after the log was looked at last; but not if the log was never there, nor if it begins (1 KiB) exactly as another one does. That the file which was written when an
 * earlier isamon ended is found nowhere is told once, at the start: how much of it was not read cannot be known.
 */
#ifndef ISAMON_FOLLOW_H
#define ISAMON_FOLLOW_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/log.h"
#include "store/positions.h"

#define FOLLOW_FILES_MAX 4096

struct follow;
struct followed; /* a file */

struct follow_hooks {
	/* A file has, or may have, bytes that were not read: at least once for each file, so that its position can be kept. It is not told
	 * again before followed_read() returned 0 or an error. It may be read in here. */
	void (*ready)(struct followed *f, void *ctx);
	/* It is done for good, and will be freed: gone from every name, and read to its end. */
	void (*gone)(struct followed *f, void *ctx);
	/* What was cut off by a truncation could not be found in any copy within some seconds: so many bytes, or more; 0: none that is known
	 * of. Also what is behind the damage of an archive. */
	void (*lost)(struct followed *f, uint64_t bytes, void *ctx);
	void *ctx;
};

/* @known: where files of this log stood (copied). @c must outlive it. The first look comes in the loop. What cannot be read is told
 * once (an hour, where it can be read in between), and tried again. Returns 0 or -errno, explained in @why. */
int follow_new(struct event_base *base, const struct config_log *c, const struct position *known,
	       size_t n_known, const struct follow_hooks *hooks, struct buf *why,
	       struct follow **ret);
void follow_free(struct follow *f);
/* At most so many files are held open, FOLLOW_OPEN_MAX unless less is said, but for those that have no name any more: they cannot be
 * opened again. A file that is deleted in a moment in which it is closed is not read to its end. */
#define FOLLOW_OPEN_MAX 512
void follow_set_open_max(struct follow *f, size_t n);
/* What cannot be read is not told: another one follows the same files, and tells it. */
void follow_set_quiet(struct follow *f);
/* Looks for files now: tools that do not follow, and tests. Not out of a hook. */
void follow_look(struct follow *f);

/* Reads at most @size bytes behind those read before. Returns how many, 0 at its end for now, or -errno. May block on the disk. */
ssize_t followed_read(struct followed *f, void *bytes, size_t size, uint64_t *ret_offset);
/* Goes back (or to): the next reading is at @offset; ready() is told by the loop, unless it was and was not answered yet. */
void followed_seek(struct followed *f, uint64_t offset);
/* For a ready() that could not be served: the next look tells it again. */
void followed_put_off(struct followed *f);
/* Bytes before @offset have arrived: the file may be let go when it is over. */
void followed_done(struct followed *f, uint64_t offset);
/* Fills in what is kept of it, but for under_way. */
void followed_position(const struct followed *f, struct position *ret);
/* No more will be written to it: it was rotated away. */
bool followed_is_over(const struct followed *f);
/* For whoever follows: a pointer of its own. */
void followed_set_ctx(struct followed *f, void *ctx);
void *followed_ctx(const struct followed *f);

struct follow_stats {
	size_t files;
	uint64_t backlog_bytes; /* that were not read yet */
	uint64_t lost_bytes, unreadable;
};
void follow_stats(const struct follow *f, struct follow_stats *ret);

#endif
