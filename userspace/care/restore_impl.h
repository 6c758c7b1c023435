/* SPDX-License-Identifier: MIT */
/* Between the files of restore. */
#ifndef ISAMON_RESTORE_IMPL_H
#define ISAMON_RESTORE_IMPL_H

#include <sys/types.h>

#include "care/restore.h"
#include "care/restore_tree.h"

/* Before everything that changes something: for tests that end the process there. */
#ifndef RESTORE_STEP
#define RESTORE_STEP() ((void)0)
#endif

#define RESTORE_JOURNAL "journal" /* in the work directory, as the stage */
#define RESTORE_STAGE "new"
#define RESTORE_BEFORE ".isamon-before-"
#define RESTORE_NAME_MAX 200

enum restore_step {
	RESTORE_AT_STAGE,
	RESTORE_AT_STAGED,
	RESTORE_AT_EXCHANGE,
	RESTORE_AT_START,
	RESTORE_AT_UNDO
};

struct restore {
	const struct restore_options *o;
	struct buf *why;
	struct restore_result *ret;
	int parent_fd, work_fd; /* -1: not open */
	char name[RESTORE_NAME_MAX + 1];
	char work[RESTORE_NAME_MAX + 32], before[RESTORE_NAME_MAX + 64]; /* names in the parent */
	/* The journal. */
	enum restore_step step;
	char id[RESTORE_ID_MAX];
	char archive[RESTORE_PATH_MAX];
	ino_t old_ino, new_ino; /* 0: there was no target; nothing is unpacked yet */
	bool owner_of_target, allow_setuid;
	bool alone;          /* without the service */
	bool ran_known, ran; /* whether it is to be started */
};

/* "WHAT: the error's text", unless something stands in @why. Returns @err. */
int restore_failed(struct restore *r, const char *what, int err);
/* Whether the one who ordered it wants it ended. */
bool restore_is_asked(const struct restore *r);
void restore_say(const struct restore *r, const char *line);

/* --- restore_place.c: names and descriptors */

/* Opens the directory above the target, and sets the names. Refuses paths that are none. */
int restore_open_parent(struct restore *r);
/* What may be exchanged: a directory, or nothing (r->old_ino is 0 then). */
int restore_look_at_target(struct restore *r);
/* The inode of a directory; 0: nothing has that name. -ENOTDIR: something else. */
int restore_inode(int dir_fd, const char *name, ino_t *ret);
/* Opens, @make: makes, and locks the work directory. -ENOENT: there is none. -EBUSY: another process. */
int restore_open_work(struct restore *r, bool make);
/* Removes what is in it but the journal; all of it, the journal last: 0 when that is gone. */
int restore_empty_work(struct restore *r);
int restore_remove_work(struct restore *r);
void restore_close(struct restore *r);

/* --- restore_journal.c */

int restore_write_journal(struct restore *r, enum restore_step step);
/* -ENOENT: there is none. */
int restore_read_journal(struct restore *r);

/* --- restore_stage.c */

/* Verifies the archive, unpacks it as the stage, and checks that; then it is on the disk. */
int restore_stage(struct restore *r);

/* --- restore_forget.c */

/* The time that the kept tree's day begins is now. Its own times stay; that of its inode says it. */
int restore_touch_kept(const struct restore *r);

/* --- restore_exchange.c: from wherever the trees are */

/* The new tree under the target's name, the old one kept. */
int restore_forward(struct restore *r);
/* The old tree under the target's name, the new one in the work directory. */
int restore_backward(struct restore *r);
/* Whether nothing of the target's is anywhere but where it was: the new tree is in the work directory, or not there yet. */
bool restore_is_untouched(const struct restore *r);
/* Whether the target is this tree now. */
bool restore_is_at_target(const struct restore *r, ino_t ino);

#endif
