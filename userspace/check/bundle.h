/* SPDX-License-Identifier: MIT */
/*
 * A file of evidence, tar (pax) in gzip, for somebody who cannot look at the host. Everything in it went through a mask: secrets do not leave
 * the host. Bounded: BUNDLE_BYTES_MAX of texts in all, BUNDLE_TEXT_MAX each; what had no room, or could not be got, is named in it.
 */
#ifndef ISAMON_BUNDLE_H
#define ISAMON_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "check/mask.h"

#define BUNDLE_BYTES_MAX (16u << 20)
#define BUNDLE_TEXT_MAX (2u << 20)
#define BUNDLE_DIRECTORY "isamon-doctor"

struct bundle;

/* Makes the file, 0600, beside @path, whose name it gets when it is finished; one that is there is replaced only with @force, and only a regular one. @m must
 * outlive it. Returns 0; -EEXIST;
 * -ENOENT: there is no libarchive; another -errno; explained in @why. */
int bundle_open(const char *path, bool force, const struct mask *m, struct buf *why,
		struct bundle **ret);
/* One that was not finished is removed from the disk. NULL is fine. */
void bundle_free(struct bundle *b);
/* For _cleanup_(). */
void bundle_freep(struct bundle **b);

/* Adds a text as BUNDLE_DIRECTORY/@name, masked, of too long a one its end. @rules as for mask_text(). Returns 0, also if there was no room for it; or
 * -errno, after which nothing more can be added. */
int bundle_add(struct bundle *b, const char *name, const struct record_rules *rules,
	       const char *text, size_t n);
/* Notes what could not be got, and why. */
void bundle_miss(struct bundle *b, const char *name, const char *why);

/* Adds the list of what is missing, and brings all of it to the disk, under its name. Returns 0 or -errno (-EEXIST: somebody has made one of that name
 * meanwhile), explained in @why. */
int bundle_finish(struct bundle *b, struct buf *why);
/* Of the file, once it is finished. */
uint64_t bundle_size(const struct bundle *b);

#endif
