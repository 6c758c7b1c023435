/* SPDX-License-Identifier: MIT */
/* The kernel wants the entries in the order of their tags, those of a tag in any. */
#include "care/archive_acl.h"

#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>

struct ace {
	unsigned int tag, perm;
	uint32_t id;
};

static int compare(const void *a, const void *b)
{
	const struct ace *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static unsigned int kernel_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ: return ACL_USER_OBJ;
	case ARCHIVE_ENTRY_ACL_USER: return ACL_USER;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ: return ACL_GROUP_OBJ;
	case ARCHIVE_ENTRY_ACL_GROUP: return ACL_GROUP;
	case ARCHIVE_ENTRY_ACL_MASK: return ACL_MASK;
	case ARCHIVE_ENTRY_ACL_OTHER: return ACL_OTHER;
	default: return 0;
	}
}

/* Whom a named entry is about: by name, as tar does, else by number. */
static int find_id(unsigned int tag, const char *name, int id, uint32_t *ret)
{
	const struct passwd *user = tag == ACL_USER && name && *name ? getpwnam(name) : NULL;
	const struct group *group = tag == ACL_GROUP && name && *name ? getgrnam(name) : NULL;

	if (user)
		*ret = user->pw_uid;
	else if (group)
		*ret = group->gr_gid;
	else if (tag != ACL_USER && tag != ACL_GROUP)
		*ret = (uint32_t)-1;
	else if (id >= 0)
		*ret = (uint32_t)id;
	else
		return -1;
	return 0;
}

static void put(unsigned char *to, uint32_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = (unsigned char)(v >> 8 * i);
}

size_t archive_acl_encode(const struct archive_api *api, struct archive_entry *e, int type,
			  unsigned char ret[ARCHIVE_ACL_MAX])
{
	struct ace aces[ARCHIVE_ACL_ENTRIES_MAX];
	int got_type, perm, tag, id;
	const char *name;
	size_t n = 0;

	if (api->archive_entry_acl_reset(e, type) <= 0)
		return 0;
	while (api->archive_entry_acl_next(e, type, &got_type, &perm, &tag, &id, &name) ==
	       ARCHIVE_OK) {
		struct ace *a = &aces[n];

		if (n == ARCHIVE_ACL_ENTRIES_MAX)
			return 0;
		a->tag = kernel_tag(tag);
		a->perm = (unsigned int)perm & 7; /* ARCHIVE_ENTRY_ACL_READ, WRITE, EXECUTE */
		if (a->tag && find_id(a->tag, name, id, &a->id) == 0)
			n++;
	}
	if (!n)
		return 0;
	qsort(aces, n, sizeof(*aces), compare);
	put(ret, POSIX_ACL_XATTR_VERSION, 4);
	for (size_t i = 0; i < n; i++) {
		put(ret + 4 + 8 * i, aces[i].tag, 2);
		put(ret + 6 + 8 * i, aces[i].perm, 2);
		put(ret + 8 + 8 * i, aces[i].id, 4);
	}
	return 4 + 8 * n;
}

mode_t archive_acl_mode(const struct archive_api *api, struct archive_entry *e)
{
	const int access = ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
	mode_t mode = api->archive_entry_perm(e) & 07777;
	int type, perm, tag, id;
	const char *name;

	if (api->archive_entry_acl_reset(e, access) <= 0)
		return mode;
	while (api->archive_entry_acl_next(e, access, &type, &perm, &tag, &id, &name) == ARCHIVE_OK)
		if (tag == ARCHIVE_ENTRY_ACL_MASK)
			mode = (mode & ~(mode_t)070) | ((mode_t)perm & 7) << 3;
	return mode;
}
