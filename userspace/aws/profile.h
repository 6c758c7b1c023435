/* SPDX-License-Identifier: MIT */
/*
 * A profile of the shared files ~/.aws/credentials and ~/.aws/config: its region, and how its keys are come by.
 *
 * Its keys, or a chain of roles (role_arn, source_profile) that ends in keys or in a credential_source. What the credentials
 * file says of a profile goes before what the configuration file says. Not supported, and told so: sso_*,
 * credential_process, web_identity_token_file, mfa_serial of a role.
 * Facts: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html, .../feature-assume-role-credentials.html
 */
#ifndef ISAMON_PROFILE_H
#define ISAMON_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/keys.h"
#include "base/buf.h"

#define PROFILE_ROLES_MAX 5

/* NULL or "": $AWS_PROFILE or "default"; $AWS_SHARED_CREDENTIALS_FILE, $AWS_CONFIG_FILE, or the two in .aws below
 * $HOME, or, without it, below the home of our user id. Owned by whoever calls. */
struct profile_options {
	const char *profile, *credentials_file, *config_file;
};

enum profile_base {
	PROFILE_NONE, /* it says nothing of keys */
	PROFILE_KEYS,
	PROFILE_ENVIRONMENT, /* the three of credential_source */
	PROFILE_IMDS,
	PROFILE_CONTAINER,
};

struct profile_role {
	char *arn, *session_name;
	char *external_id;       /* NULL: none */
	unsigned int duration_s; /* 0: as AWS has it, an hour */
};

struct profile {
	char *name;
	char *region; /* NULL: not given */
	enum profile_base base;
	struct keys keys; /* of PROFILE_KEYS */
	struct profile_role roles[PROFILE_ROLES_MAX];
	size_t n_roles; /* the last is assumed first, by the base; the first is what the profile means */
	bool unread; /* one of the files below the home is there, but not readable for us (as with ProtectHome=) */
};

/*
 * Reads the profile; blocks on local files. A profile that nobody asked for by name may be missing: PROFILE_NONE. Returns 0;
 * -EINVAL: it is missing or makes no sense; -ENOMEM; another -errno: a file cannot be read; explained in @why without secrets.
 */
int profile_read(const struct profile_options *o, struct profile *ret, struct buf *why);
/* Wipes and frees; it may be read into again. */
void profile_done(struct profile *p);

/* Wipes, frees, empties. */
void profile_role_done(struct profile_role *r);

/* Only its region, whatever else it says; *ret_region: NULL if there is none, else to be freed. Returns 0 or -ENOMEM: what cannot be
 * read has no region. */
int profile_read_region(const struct profile_options *o, char **ret_region);

/* Changes when one of the files is changed, comes or goes (time of modification, size, inode). */
uint64_t profile_stamp(const struct profile_options *o);

#endif
