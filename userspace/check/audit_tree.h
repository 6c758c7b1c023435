/* SPDX-License-Identifier: MIT */
/*
 * A directory and all below it, looked through for what is writable by all, belongs to a stranger, has the setuid bit, or is a secret
 * that all can read.
 *
 * No link is followed, no other file system entered. Bounded: AUDIT_TREE_ENTRIES_MAX entries and AUDIT_TREE_TEXT_MAX bytes of text for all
 * trees together, 30 levels, 20 findings of each kind for each tree; what was left out is a finding. Files are opened for reading only when
 * all can read them, and their text is wiped.
 */
#ifndef ISAMON_AUDIT_TREE_H
#define ISAMON_AUDIT_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "check/finding.h"

#define AUDIT_TREE_ENTRIES_MAX 300000
#define AUDIT_TREE_TEXT_MAX (64u << 20)
#define AUDIT_TREE_EACH_MAX 20

struct audit_tree {
	const char *user;             /* of the service, for messages */
	uid_t uid;                    /* who may own things, beside root */
	bool has_user;                /* there is such a user; otherwise owners are not judged */
	bool owners;                  /* owners and setuid bits are looked at, not secrets alone */
	uint64_t entries, text_bytes; /* looked at so far */
	uint64_t n_wrong;
};

/* Looks through @path. One that is not there is fine. Returns 0 or -ENOMEM. */
int audit_tree_look(struct audit_tree *t, const char *path, struct findings *out);

/* Whether all users can come to @path: each directory on the way lets them, and it itself, if it is one. */
bool audit_way_is_open(const char *path);

#endif
