/* SPDX-License-Identifier: MIT */
/*
 * The checks that every archive goes through, and its hashes.
 * Invariant: a sink is given only names that archive_clean_name() made, and no data beyond the size of a member.
 */
#include "care/archive_read.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/table.h"
#include "care/archive_acl.h"
#include "care/archive_gunzip.h"
#include "care/archive_read_impl.h"
#include "care/archive_source.h"

#define NAME_SIZE 4096
#define BYTES_MAX (UINT64_C(1) << 40)
#define MEMBERS_MAX 10000000u
#define LINK_NAMES_MAX (64u << 20)
#define SEEN_FLUSH (64u << 10)
/* What one member may have before its data. A map of holes is held in memory, twelve times the size that it may have in the archive. */
#define HEADER_MAX (8u << 20)
#define GOING_STEP (16u << 20)

struct reader {
	const struct archive_api *api;
	const struct archive_read_options *o;
	const struct archive_sink *sink;
	struct buf *why;
	struct archive_was *ret;
	struct archive *tar;
	struct archive_gunzip *gzip;
	EVP_MD_CTX *hash;
	struct table *symlinks; /* their paths */
	size_t symlinks_bytes;
	struct buf seen; /* what is not in seen_fd yet */
	int seen_fd, manifest_fd;
	uint64_t members, bytes;
	uint64_t of_member, untold; /* bytes of the present one */
	size_t header_bytes;        /* of the member that is to come */
	bool in_header, in_manifest;
	char name[NAME_SIZE], target[NAME_SIZE];
};

static int refuse(struct reader *r, const char *what, int err)
{
	return archive_refuse(r->why, *r->name ? r->name : "the archive", what, err);
}

static int failed(struct reader *r, int err)
{
	return refuse(r, strerror(-err), err);
}

static la_ssize_t next_bytes(struct archive *a, void *ctx, const void **ret)
{
	struct reader *r = ctx;
	ssize_t n = archive_gunzip_next(r->gzip, ret);

	(void)a;
	if (n <= 0 || !r->in_header)
		return n;
	r->header_bytes += (size_t)n;
	return r->header_bytes > HEADER_MAX ? -1 : n;
}

/* What a call of libarchive that failed means: first what gzip said, which it passes on only as a failure. */
static int tar_failed(struct reader *r)
{
	const void *bytes;
	ssize_t n = archive_gunzip_next(r->gzip, &bytes);
	const char *text = r->api->archive_error_string(r->tar);

	if (r->header_bytes > HEADER_MAX)
		return archive_refuse(r->why, "the archive",
				      "a member has a header that is too large", -EFBIG);
	if (n == -EBADMSG) {
		_cleanup_(buf_done) struct buf what = BUF_INIT(2 * NAME_SIZE);

		/* A checksum is at the end: the member is where it was noticed, and need not be where it is. */
		buf_printf(&what, "%s%s%s", archive_gunzip_why(r->gzip),
			   *r->name ? ", found while reading " : "", r->name);
		return archive_refuse(r->why, "the archive", buf_str(&what), -EBADMSG);
	}
	if (n < 0)
		return failed(r, (int)n);
	if (r->api->archive_errno(r->tar) == ENOMEM)
		return failed(r, -ENOMEM);
	return refuse(r, text ? text : "no tar archive", -EBADMSG);
}

/* --- one member */

static bool goes_through_symlink(struct reader *r, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/'))
		if (table_get(r->symlinks, name, (size_t)(slash - name)))
			return true;
	return false;
}

static int remember_symlink(struct reader *r, const char *name)
{
	size_t n = strlen(name);

	r->symlinks_bytes += n + 64;
	if (r->symlinks_bytes > LINK_NAMES_MAX)
		return refuse(r, "too many symbolic links", -EFBIG);
	return table_put(r->symlinks, name, n, r);
}

static bool has_capability(struct reader *r, struct archive_entry *e)
{
	const char *name;
	const void *value;
	size_t size;

	r->api->archive_entry_xattr_reset(e);
	while (r->api->archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
		if (name && strcmp(name, "security.capability") == 0)
			return true;
	return false;
}

static int take_links(struct reader *r, struct archive_entry *e, struct archive_member *m)
{
	const char *hard = r->api->archive_entry_hardlink(e), *wrong;

	if (hard) {
		m->kind = ARCHIVE_HARDLINK;
		wrong = archive_clean_name(hard, r->target);
		if (wrong || goes_through_symlink(r, r->target) ||
		    table_get(r->symlinks, r->target, strlen(r->target)))
			return refuse(r, "a hard link out of the archive", -EPERM);
		m->target = r->target;
		return 0;
	}
	m->kind = ARCHIVE_SYMLINK;
	m->target = r->api->archive_entry_symlink(e);
	if (!m->target || !*m->target || strlen(m->target) >= NAME_SIZE)
		return refuse(r, "a symbolic link to nowhere", -EPERM);
	return remember_symlink(r, r->name);
}

static int take_file(struct reader *r, struct archive_entry *e, struct archive_member *m)
{
	uint64_t max = r->o->bytes_max ? r->o->bytes_max : BYTES_MAX;
	int64_t size = r->api->archive_entry_size(e);

	m->kind = ARCHIVE_FILE;
	if (size < 0 || (uint64_t)size > max - r->bytes)
		return refuse(r, "the archive unpacks to more than may be", -EFBIG);
	m->size = (uint64_t)size;
	r->bytes += m->size;
	if (!r->o->allow_setuid && (m->mode & (S_ISUID | S_ISGID)))
		return refuse(r, "a setuid or setgid file (isamon restore --allow-setuid takes it)",
			      -EPERM);
	if (!r->o->allow_setuid && has_capability(r, e))
		return refuse(r, "a file with capabilities", -EPERM);
	return 0;
}

static int take_kind(struct reader *r, struct archive_entry *e, struct archive_member *m)
{
	if (r->api->archive_entry_hardlink(e))
		return take_links(r, e, m);
	switch (r->api->archive_entry_filetype(e)) {
	case AE_IFREG: return take_file(r, e, m);
	case AE_IFDIR: m->kind = ARCHIVE_DIRECTORY; return 0;
	case AE_IFLNK: return take_links(r, e, m);
	case AE_IFBLK:
	case AE_IFCHR: return refuse(r, "a device", -EPERM);
	case AE_IFIFO: return refuse(r, "a FIFO", -EPERM);
	default: return refuse(r, "of no known kind", -EPERM);
	}
}

static int take_header(struct reader *r, struct archive_entry *e, struct archive_member *m)
{
	const char *raw = r->api->archive_entry_pathname(e), *wrong;

	*m = (struct archive_member){ .path = r->name,
				      .mode = archive_acl_mode(r->api, e),
				      .uid = (uint64_t)r->api->archive_entry_uid(e),
				      .gid = (uint64_t)r->api->archive_entry_gid(e),
				      .user = r->api->archive_entry_uname(e),
				      .group = r->api->archive_entry_gname(e),
				      .mtime_s = r->api->archive_entry_mtime(e),
				      .mtime_ns = r->api->archive_entry_mtime_nsec(e) };
	wrong = archive_clean_name(raw, r->name);
	if (wrong)
		return archive_refuse(r->why, raw ? raw : "a member", wrong, -EPERM);
	if (r->manifest_fd >= 0)
		return refuse(r, "is behind the manifest, which ends an archive", -EPERM);
	if (++r->members > (r->o->members_max ? r->o->members_max : MEMBERS_MAX))
		return refuse(r, "the archive has more members than may be", -EFBIG);
	if (goes_through_symlink(r, r->name) || table_get(r->symlinks, r->name, strlen(r->name)))
		return refuse(r, "goes through a symbolic link", -EPERM);
	return take_kind(r, e, m);
}

static int going(struct reader *r, uint64_t n)
{
	r->of_member += n;
	r->untold += n;
	if (!r->o->going || r->untold < GOING_STEP)
		return 0;
	r->untold = 0;
	return r->o->going(r->of_member, r->o->ctx);
}

/* A hole is hashed as the zeros that it is. */
static int hash_zeros(struct reader *r, uint64_t n)
{
	static const unsigned char zeros[65536];

	int err = 0;

	while (n && !err) {
		size_t step = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);

		if (!EVP_DigestUpdate(r->hash, zeros, step))
			return -ENOMEM;
		n -= step;
		err = going(r, step);
	}
	return err;
}

static int take_block(struct reader *r, const void *bytes, size_t n, uint64_t offset)
{
	int err = going(r, n);

	if (err)
		return err;
	if (!EVP_DigestUpdate(r->hash, bytes, n))
		return -ENOMEM;
	if (r->in_manifest)
		return archive_of_system(file_write(r->manifest_fd, bytes, n));
	r->ret->data_bytes += n;
	if (r->o->data_max && r->ret->data_bytes > r->o->data_max)
		return refuse(r, "the archive unpacks to more than may be", -EFBIG);
	return r->sink->data(bytes, n, offset, r->sink->ctx);
}

static int take_data(struct reader *r, struct archive_member *m)
{
	unsigned char hash[SHA256_BYTES];
	uint64_t at = 0;
	const void *bytes;
	la_int64_t offset;
	size_t n;
	int rc, err;

	r->of_member = r->untold = 0;
	err = EVP_DigestInit_ex(r->hash, EVP_sha256(), NULL) ? 0 : -ENOMEM;

	while (!err &&
	       (rc = r->api->archive_read_data_block(r->tar, &bytes, &n, &offset)) != ARCHIVE_EOF) {
		if (rc < ARCHIVE_WARN)
			return tar_failed(r);
		if (offset < 0 || (uint64_t)offset < at || (uint64_t)offset > m->size ||
		    n > m->size - (uint64_t)offset)
			return refuse(r, "has more bytes than it says", -EBADMSG);
		err = hash_zeros(r, (uint64_t)offset - at);
		if (!err && n)
			err = take_block(r, bytes, n, (uint64_t)offset);
		at = (uint64_t)offset + n;
	}
	if (!err)
		err = hash_zeros(r, m->size - at);
	if (!err && !EVP_DigestFinal_ex(r->hash, hash, NULL))
		err = -ENOMEM;
	if (!err)
		sha256_to_hex(hash, m->sha256);
	return err;
}

static int add_seen(struct reader *r, const struct archive_member *m)
{
	int err = archive_manifest_add(m, &r->seen);

	if (!err && r->seen.len > SEEN_FLUSH) {
		err = archive_of_system(file_write(r->seen_fd, r->seen.data, r->seen.len));
		buf_reset(&r->seen);
	}
	return err;
}

static void count(struct archive_was *was, const struct archive_member *m)
{
	was->files += m->kind == ARCHIVE_FILE;
	was->directories += m->kind == ARCHIVE_DIRECTORY;
	was->links += m->kind == ARCHIVE_SYMLINK || m->kind == ARCHIVE_HARDLINK;
	was->databases += m->database;
	was->file_bytes += m->kind == ARCHIVE_FILE ? m->size : 0;
}

static int take_manifest(struct reader *r, struct archive_member *m)
{
	int err;

	r->manifest_fd = archive_source_temporary(r->o->scratch);
	if (r->manifest_fd < 0)
		return archive_of_system(r->manifest_fd);
	r->in_manifest = true;
	err = take_data(r, m);
	r->in_manifest = false;
	return err;
}

/* What nobody wants to have: some archivers give hard links their data, too. */
static int pass_over_data(struct reader *r)
{
	const void *bytes;
	la_int64_t offset;
	size_t n;
	int rc;

	while ((rc = r->api->archive_read_data_block(r->tar, &bytes, &n, &offset)) != ARCHIVE_EOF)
		if (rc < ARCHIVE_WARN)
			return tar_failed(r);
	return 0;
}

static int take_member(struct reader *r, struct archive_entry *e)
{
	struct archive_member m;
	int err = take_header(r, e, &m);

	if (err)
		return err;
	if (m.kind == ARCHIVE_FILE && strcmp(r->name, ARCHIVE_MANIFEST) == 0)
		return take_manifest(r, &m);
	err = r->sink->begin(&m, e, r->sink->ctx);
	if (!err)
		err = m.kind == ARCHIVE_FILE ? take_data(r, &m) : pass_over_data(r);
	if (!err)
		err = r->sink->end(&m, r->sink->ctx);
	if (!err)
		err = add_seen(r, &m);
	if (!err && r->o->member)
		err = r->o->member(&m, r->o->ctx);
	count(r->ret, &m);
	return err;
}

/* --- the whole */

/* libarchive stops at tar's end: what is behind it belongs to the checksum, and may be zeros only. */
static int drain(struct reader *r)
{
	const unsigned char *bytes;
	const void *next;
	ssize_t n;

	while ((n = archive_gunzip_next(r->gzip, &next)) > 0) {
		bytes = next;
		if (bytes[0] || memcmp(bytes, bytes + 1, (size_t)n - 1) != 0)
			return refuse(r, "there is something behind the end of the archive",
				      -EBADMSG);
	}
	return n ? tar_failed(r) : 0;
}

static int next_header(struct reader *r, struct archive_entry **ret)
{
	int rc;

	r->in_header = true;
	r->header_bytes = 0;
	rc = r->api->archive_read_next_header(r->tar, ret);
	r->in_header = false;
	return rc;
}

static int read_all(struct reader *r)
{
	struct archive_entry *e;
	int rc, err = 0;

	if (r->api->archive_read_open(r->tar, r, NULL, next_bytes, NULL) != ARCHIVE_OK)
		return tar_failed(r);
	while (!err && (rc = next_header(r, &e)) != ARCHIVE_EOF) {
		err = rc < ARCHIVE_WARN ? tar_failed(r) : take_member(r, e);
		if (err)
			return failed(r, err);
	}
	if (!r->members)
		return refuse(r, "there is nothing in it", -EBADMSG);
	err = drain(r);
	if (!err && r->manifest_fd >= 0) {
		err = archive_of_system(file_write(r->seen_fd, buf_str(&r->seen), r->seen.len));
		if (!err)
			err = archive_manifest_compare(r->manifest_fd, r->seen_fd,
						       r->o->check_database != NULL, r->why,
						       r->ret);
	}
	return err;
}

static int open_reader(struct reader *r, int fd)
{
	const struct archive_input in = { fd, r->o->bytes, r->o->ctx };
	int err = archive_gunzip_new(&in, &r->gzip);

	if (err)
		return err;
	r->hash = EVP_MD_CTX_new();
	r->symlinks = table_new();
	r->tar = r->api->archive_read_new();
	if (!r->hash || !r->symlinks || !r->tar)
		return -ENOMEM;
	if (r->api->archive_read_support_filter_none(r->tar) != ARCHIVE_OK ||
	    r->api->archive_read_support_format_tar(r->tar) != ARCHIVE_OK)
		return -EIO;
	r->seen_fd = archive_source_temporary(r->o->scratch);
	return r->seen_fd < 0 ? archive_refuse(r->why, r->o->scratch, strerror(-r->seen_fd),
					       archive_of_system(r->seen_fd)) :
				0;
}

int archive_read_members(int fd, const struct archive_api *api,
			 const struct archive_read_options *o, const struct archive_sink *sink,
			 struct buf *why, struct archive_was *ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	locale_t before;
	int err;

	if (!r)
		return -ENOMEM;
	*r = (struct reader){ .api = api,
			      .o = o,
			      .sink = sink,
			      .why = why,
			      .ret = ret,
			      .seen = BUF_INIT(4 * SEEN_FLUSH),
			      .seen_fd = -1,
			      .manifest_fd = -1 };
	before = archive_api_enter(api);
	err = open_reader(r, fd);
	if (!err)
		err = read_all(r);
	if (r->tar)
		api->archive_read_free(r->tar);
	archive_api_leave(before);
	archive_gunzip_free(r->gzip);
	EVP_MD_CTX_free(r->hash);
	table_free(r->symlinks, NULL);
	buf_done(&r->seen);
	file_closep(&r->seen_fd);
	file_closep(&r->manifest_fd);
	free(r);
	return err;
}

void archive_was_done(struct archive_was *w)
{
	buf_done(&w->unsound);
}
