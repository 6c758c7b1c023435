/* SPDX-License-Identifier: MIT */
/* The two shared files as they are: where they stand, and what they say of one profile. All of it blocks on local files only (and
 * on getpwuid(3), where there is no $HOME). */
#ifndef ISAMON_PROFILE_FILES_H
#define ISAMON_PROFILE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/shared_file.h"
#include "base/buf.h"

enum profile_key {
	KEY_ID,
	KEY_SECRET,
	KEY_TOKEN,
	KEY_REGION,
	KEY_ROLE,
	KEY_SOURCE_PROFILE,
	KEY_SOURCE,
	KEY_EXTERNAL_ID,
	KEY_SESSION_NAME,
	KEY_DURATION,
	KEY_MFA,
	KEY_WEB_IDENTITY,
	KEY_PROCESS,
	KEY_SSO, /* any that begins so; its value is the key's name */
	PROFILE_KEYS_MAX,
};

extern const char *const profile_key_names[PROFILE_KEYS_MAX];

/* What both files say of one profile; NULL: nothing. */
struct profile_text {
	char *v[PROFILE_KEYS_MAX];
	bool found; /* at least one of them has a section of it */
};

struct profile_options;

/* Both files, read. */
struct profile_files {
	struct buf paths[2]; /* by enum shared_file */
	struct buf texts[2];
	bool unread; /* one that nobody asked for by name is there, but not readable for us */
};

/* The name that @o means; *ret_given: whether somebody gave it. */
const char *profile_name(const struct profile_options *o, bool *ret_given);

/* One that is missing is like an empty one, unless the configuration names it. Returns 0; -ENOMEM; another -errno, explained in @why. */
int profile_files_read(const struct profile_options *o, struct profile_files *ret, struct buf *why);
/* Wipes. */
void profile_files_done(struct profile_files *f);

/* What the credentials file says goes first; id, secret and token are taken from one file together. Returns 0 or -ENOMEM; to
 * be freed in any case. */
int profile_files_find(const struct profile_files *f, const char *name, struct profile_text *ret);
void profile_text_done(struct profile_text *t);

#endif
