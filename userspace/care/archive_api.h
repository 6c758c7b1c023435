/* SPDX-License-Identifier: MIT */
/*
 * The functions of libarchive that isamon calls, found at run time (dlopen(3)), with their types from its own header.
 *
 * Not linked: it brings libxml2, ICU and libstdc++ with it, some MiB that the daemon, which makes no archives, does not pay for.
 * The oldest libarchive whose behaviour was tried for this is 3.6.2.
 */
#ifndef ISAMON_ARCHIVE_API_H
#define ISAMON_ARCHIVE_API_H

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include "base/buf.h"

/* clang-format off */
#define ARCHIVE_API_FUNCTIONS(X) \
	X(archive_errno) X(archive_error_string) \
	X(archive_write_new) X(archive_write_set_format_pax) X(archive_write_set_format_option) X(archive_write_add_filter_none) X(archive_write_open) \
	X(archive_write_header) X(archive_write_data) X(archive_write_finish_entry) X(archive_write_close) X(archive_write_free) \
	X(archive_read_new) X(archive_read_support_format_tar) X(archive_read_support_filter_none) X(archive_read_open) \
	X(archive_read_next_header) X(archive_read_data_block) X(archive_read_free) \
	X(archive_read_disk_new) X(archive_read_disk_set_standard_lookup) X(archive_read_disk_set_symlink_physical) \
	X(archive_read_disk_entry_from_file) \
	X(archive_entry_new) X(archive_entry_clear) X(archive_entry_free) \
	X(archive_entry_copy_pathname) X(archive_entry_copy_sourcepath) X(archive_entry_copy_symlink) X(archive_entry_copy_hardlink) \
	X(archive_entry_copy_stat) X(archive_entry_set_size) X(archive_entry_set_filetype) X(archive_entry_set_perm) \
	X(archive_entry_set_uid) X(archive_entry_set_gid) X(archive_entry_set_mtime) \
	X(archive_entry_set_dev) X(archive_entry_set_ino) X(archive_entry_set_nlink) \
	X(archive_entry_unset_atime) X(archive_entry_unset_ctime) X(archive_entry_unset_birthtime) X(archive_entry_set_fflags) \
	X(archive_entry_sparse_clear) X(archive_entry_sparse_add_entry) \
	X(archive_entry_pathname) X(archive_entry_symlink) X(archive_entry_hardlink) X(archive_entry_filetype) \
	X(archive_entry_perm) X(archive_entry_size) X(archive_entry_uid) X(archive_entry_gid) X(archive_entry_uname) \
	X(archive_entry_gname) X(archive_entry_mtime) X(archive_entry_mtime_nsec) \
	X(archive_entry_xattr_reset) X(archive_entry_xattr_next) X(archive_entry_acl_reset) X(archive_entry_acl_next)
#define ARCHIVE_API_MEMBER(f) __typeof__(&f) f;
/* clang-format on */

struct archive_api {
	void *library;
	locale_t utf8;
	ARCHIVE_API_FUNCTIONS(ARCHIVE_API_MEMBER)
};

/* Opens libarchive.so.13; a second time costs nothing, and it is never unloaded. Returns 0; -ENOENT: there is none, or one without a
 * function of ours, explained in @why; -ENOMEM. */
int archive_api_open(struct archive_api *api, struct buf *why);
/* Also one that was never opened, if it is all 0; for _cleanup_(). */
void archive_api_close(struct archive_api *api);

/*
 * libarchive takes names as text of this thread's locale. Between these two that is UTF-8, whatever the process has; names that are
 * not UTF-8 are then bytes (hdrcharset=BINARY).
 */
locale_t archive_api_enter(const struct archive_api *api);
void archive_api_leave(locale_t before);

#endif
