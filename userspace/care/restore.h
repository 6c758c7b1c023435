/* SPDX-License-Identifier: MIT */
/*
 * Puts a tree in the place of a directory, out of an archive, so that at every moment there is the whole old one or the whole new
 * one: verify, unpack beside it, check, stop the service, exchange, start, wait until it is healthy; if it does not become so, back.
 *
 * Beside the directory TARGET there is meanwhile .NAME.isamon-restore, 0700: what is unpacked, and the journal, which is written
 * (fsync, rename) before each step. Where the trees are is not told by the journal but by their inodes, which it knows: after a
 * power cut restore_resume() goes on and restore_abort() goes back from wherever they are. The directory that was replaced stays as
 * TARGET.isamon-before-ID until restore_forget().
 * The directory above TARGET is opened once, and everything is done from there, without following symbolic links. Refused: a TARGET that
 * is a symbolic link or a mount point (it cannot be renamed, and its children one by one would be no exchange), or with
 * something mounted in it (the mount would move with the old tree).
 * Everything blocks. One process at a time: the others get -EBUSY.
 */
#ifndef ISAMON_RESTORE_H
#define ISAMON_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define RESTORE_ID_MAX 24
#define RESTORE_PATH_MAX 4096

/* The service. All return 0 or -errno, explained in @why. */
struct restore_service {
	/* Whether it is to be started afterwards: it runs, or is meant to. */
	int (*runs)(bool *ret, struct buf *why, void *ctx);
	int (*stop)(struct buf *why, void *ctx);  /* 0: no process of it is left */
	int (*start)(struct buf *why, void *ctx); /* 0: it is healthy */
	void *ctx;
};

struct restore_options {
	const char *target;  /* an absolute path */
	const char *archive; /* the path of its file; for restore_begin() */
	/* The directory of backups, if there is one: a target that it lies in is refused, for it would go with the old tree. NULL */
	const char *backups;
	/* For archives without a manifest: everything gets the owner that TARGET has now, as the deployment guide's chown -R does. */
	bool owner_of_target;
	bool allow_setuid; /* files that are setuid or setgid are not refused */
	bool dry_run; /* everything up to where the service would be stopped; nothing of it stays */
	const struct restore_service *service; /* NULL: it is left alone */
	void (*say)(const char *line,
		    void *ctx); /* told of each step; NULL: nobody wants to know */
	/* Told now and then how far the reading of the archive is: in bytes of its file. NULL: nobody wants to know. */
	void (*far)(const char *what, uint64_t done, uint64_t total, void *ctx);
	bool (*stop_asked)(void *ctx); /* true: end it, as long as nothing was exchanged; NULL */
	void *ctx;                     /* of all three */
};

enum restore_end {
	RESTORE_NOTHING,     /* TARGET is as it was */
	RESTORE_DONE,        /* TARGET is the new one */
	RESTORE_ROLLED_BACK, /* it was the new one for a while, and is the old one again */
	RESTORE_UNFINISHED,  /* the journal is still there, or could not be read */
};

struct restore_result {
	enum restore_end end;
	bool service_down; /* it was to be started, and does not become healthy */
	bool not_started;  /* it was stopped before, and still is */
	char id[RESTORE_ID_MAX];
	char kept[RESTORE_PATH_MAX + 64]; /* where the old tree is; "" if there is none */
	uint64_t files, directories, links, databases, bytes;
	bool has_manifest;
};

/*
 * Return 0: RESTORE_DONE, or for a dry run, that it could be. Otherwise -errno, explained in @why, and @ret->end says how things stand:
 *   -EINVAL     the target cannot be restored to, or a path is not one
 *   -EBADMSG    the archive, or a database in it, is damaged
 *   -EPERM      something in the archive is refused
 *   -ENOSPC     there is not room for it
 *   -EBUSY      another restore of this target is under way, or one is unfinished
 *   -EHOSTDOWN, -ETIMEDOUT  the service could not be stopped, or did not become healthy with it
 *   -ECANCELED  stop_asked()
 *   -ESTALE     a directory was put in the target's place meanwhile: nothing was touched
 * @ret is filled in always.
 */
int restore_begin(const struct restore_options *o, struct buf *why, struct restore_result *ret);
/* Goes on with an unfinished one, where need be from its archive on; one that was on its way back goes on back. -ENOENT: there is none. */
int restore_resume(const struct restore_options *o, struct buf *why, struct restore_result *ret);
/* Brings the old tree back. 0: TARGET is as it was, or as somebody else made it before it was exchanged. -ENOENT: there is none. */
int restore_abort(const struct restore_options *o, struct buf *why, struct restore_result *ret);

struct restore_status {
	bool unfinished;
	bool working; /* a process is at it */
	char id[RESTORE_ID_MAX];
	char step[16]; /* "stage", "staged", "exchange", "start", "undo" */
	char archive[RESTORE_PATH_MAX];
};

/* Reads the journal of @target, if there is one. Returns 0 or -errno: -EBADMSG: it is none of ours; -EPERM:
 * its directory is another user's, or open to others. Root only. */
int restore_look(const char *target, struct restore_status *ret);

/*
 * Removes the trees TARGET.isamon-before-ID that have been there for at least @older_s (as the time of their inode says); not that of an unfinished one. What is
 * mounted in one is not gone into. Returns 0 or -errno of the first that could not be removed; *ret_n: how many were.
 */
#define RESTORE_KEEP_S 86400
int restore_forget(const char *target, int64_t now_s, int64_t older_s, struct buf *why,
		   unsigned int *ret_n);

#endif
