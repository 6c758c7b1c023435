/* SPDX-License-Identifier: MIT */
/*
 * What apt-get and dnf say of packages that have a newer version, read: any text is taken, what is not understood is passed over.
 * Formats: apt-get(8) -s ("Inst NAME [OLD] (NEW ORIGIN:RELEASE/SUITE, ... [ARCH])"), as apt 2.6 writes it; dnf(8) check-update (three columns,
 * which may be broken into lines), as dnf 4 writes it. By their English words: LC_ALL=C.UTF-8.
 */
#ifndef ISAMON_PACKAGES_H
#define ISAMON_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKAGES_MAX 10000
#define PACKAGES_NAME_MAX 128
#define PACKAGES_VERSION_MAX 128

struct package {
	char name[PACKAGES_NAME_MAX];   /* dnf: NAME.ARCH */
	char old[PACKAGES_VERSION_MAX]; /* "": it is new, or dnf does not say */
	char new[PACKAGES_VERSION_MAX];
	bool security; /* closes holes, by whoever publishes it */
};

/* Zeroed is empty. */
struct packages {
	struct package *list;
	size_t n, size, n_security, n_removed;
	char release
		[32]; /* of the system, that is newer than the one it is locked to (Amazon Linux 2023); "" */
	bool knows_old; /* one without an old version is new */
	bool more;      /* there were more than PACKAGES_MAX */
};

/* Add what the text says. Return 0 or -ENOMEM. */
int packages_add_apt(struct packages *p, const char *text);
/* @security: of all of them; those that are there already are marked. */
int packages_add_dnf(struct packages *p, const char *text, bool security);
void packages_done(struct packages *p);

/* How much is to be fetched, and how much more of the disk is used afterwards (less: negative). */
struct packages_room {
	bool known;
	uint64_t fetch_bytes;
	int64_t disk_bytes;
};
void packages_room_apt(const char *text, struct packages_room *ret);
void packages_room_dnf(const char *text, struct packages_room *ret);

#endif
