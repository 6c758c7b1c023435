/* SPDX-License-Identifier: MIT */
/* A file's bytes, packed or not. Nothing is kept between two calls but what the gzip reader keeps. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/follow_impl.h"
#include "logs/trusted_path.h"

void source_close(struct source *s)
{
	gunzip_reader_free(s->gz);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct source){ .fd = -1 };
}

int source_open(const char *path, bool is_gzip, struct source *ret, uint64_t *ret_device,
		uint64_t *ret_inode)
{
	struct source s = { .fd = -1 };
	struct stat st;
	int err;

	err = trusted_path_open(path, &s.fd, &st);
	if (!err && is_gzip)
		err = gunzip_reader_new(s.fd, &s.gz);
	if (err) {
		source_close(&s);
		return err;
	}
	*ret_device = st.st_dev;
	*ret_inode = st.st_ino;
	*ret = s;
	return 0;
}

ssize_t source_pread(const struct source *s, void *bytes, size_t n, uint64_t offset)
{
	size_t done = 0;

	if (s->gz)
		return gunzip_reader_pread(s->gz, bytes, n, offset);
	while (done < n) {
		ssize_t got = pread(s->fd, (char *)bytes + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return done ? (ssize_t)done : -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* RFC 1952, 2.3.1: the last four bytes are the size of the last member, modulo 2^32. */
static uint32_t gzip_size(const struct source *s)
{
	struct stat st;
	uint32_t n = 0;

	if (fstat(s->fd, &st) || st.st_size < 18 ||
	    pread(s->fd, &n, sizeof(n), st.st_size - (off_t)sizeof(n)) != sizeof(n))
		return 0;
	return le32toh(n);
}

uint64_t source_size(const struct source *s)
{
	struct stat st;

	if (s->gz)
		return gzip_size(s);
	return fstat(s->fd, &st) ? 0 : (uint64_t)st.st_size;
}

static bool tail_fits(const struct source *s, const struct mark *m)
{
	unsigned char hash[FINGERPRINT_BYTES];
	struct tail t = { .len = m->tail_len };
	char last;

	if (!m->offset)
		return true;
	if (!m->tail_len)
		return source_pread(s, &last, 1, m->offset - 1) == 1;
	return source_pread(s, t.bytes, t.len, m->offset - t.len) == (ssize_t)t.len &&
	       !tail_hash(&t, hash) && memcmp(hash, m->tail, sizeof(hash)) == 0;
}

bool source_fits(const struct source *s, const struct mark *m)
{
	unsigned char head[FINGERPRINT_MAX];
	ssize_t n;

	if (m->offset && !m->print.len)
		return false;
	n = source_pread(s, head, sizeof(head), 0);
	if (n < 0 || !fingerprint_fits(&m->print, head, (size_t)n))
		return false;
	/* The whole archive need not be unpacked to see that nothing is missing. */
	if (s->gz && m->print.len && m->offset && gzip_size(s) == (uint32_t)m->offset)
		return true;
	return tail_fits(s, m);
}

uint64_t source_begin(const struct source *s)
{
	off_t at;
	char first;

	if (s->gz || source_pread(s, &first, 1, 0) != 1 || first)
		return 0;
	at = lseek(s->fd, 0, SEEK_DATA);
	return at > 0 ? (uint64_t)at : 0;
}
