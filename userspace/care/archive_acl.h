/* SPDX-License-Identifier: MIT */
/* POSIX ACLs of an archive's member, as the kernel has them: the value of system.posix_acl_access (include/uapi/linux/posix_acl_xattr.h). */
#ifndef ISAMON_ARCHIVE_ACL_H
#define ISAMON_ARCHIVE_ACL_H

#include <stddef.h>

#include "care/archive_api.h"

#define ARCHIVE_ACL_ENTRIES_MAX 512
#define ARCHIVE_ACL_MAX (4 + 8 * ARCHIVE_ACL_ENTRIES_MAX)

/* @type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT. Names are looked up here; who is not known is left out. Returns the length, 0 if it has
 * none beyond its mode, or too many entries. */
size_t archive_acl_encode(const struct archive_api *api, struct archive_entry *e, int type,
			  unsigned char ret[ARCHIVE_ACL_MAX]);
/* The permissions of @e as stat(2) has them: with an ACL the group's bits are its mask, which libarchive forgets. */
mode_t archive_acl_mode(const struct archive_api *api, struct archive_entry *e);

#endif
