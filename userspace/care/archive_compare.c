/* SPDX-License-Identifier: MIT */
/* The manifest beside what was seen: both are lines in the order of the archive, so that neither need be held in memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "care/archive_read_impl.h"

struct comparison {
	FILE *manifest, *seen;
	char *line; /* of ARCHIVE_MANIFEST_LINE_MAX bytes */
	struct archive_manifest_line said, was;
	bool databases;
	struct buf *why;
};

/* Returns 1, 0 at the end, or -errno. */
static int next_line(struct comparison *c, FILE *f, struct archive_manifest_line *ret)
{
	size_t n;
	int err;

	if (!fgets(c->line, ARCHIVE_MANIFEST_LINE_MAX, f))
		return ferror(f) ? -EIO : 0;
	n = strlen(c->line);
	if (!n || c->line[n - 1] != '\n')
		return -EBADMSG;
	err = archive_manifest_parse(c->line, n - 1, ret);
	return err ? err : 1;
}

static const char *difference(const struct comparison *c)
{
	const struct archive_member *said = &c->said.member, *was = &c->was.member;

	if (said->kind != was->kind)
		return "is of another kind than the manifest says";
	if ((said->target || was->target) &&
	    (!said->target || !was->target || strcmp(said->target, was->target) != 0))
		return "points elsewhere than the manifest says";
	if (said->kind == ARCHIVE_FILE &&
	    (said->size != was->size || memcmp(said->sha256, was->sha256, SHA256_HEX) != 0))
		return "has other bytes than the manifest says";
	if (said->mode != was->mode || said->uid != was->uid || said->gid != was->gid)
		return "has another owner or mode than the manifest says";
	if (said->mtime_s != was->mtime_s || said->mtime_ns != was->mtime_ns)
		return "has another time than the manifest says";
	if (c->databases && said->database && !was->database)
		return "a database that is not sound, and was";
	return NULL;
}

static int compare_member(struct comparison *c)
{
	const char *what;
	int rc = next_line(c, c->seen, &c->was);

	if (rc < 0)
		return rc;
	if (!rc || strcmp(c->said.path, c->was.path) != 0)
		return archive_refuse(c->why, c->said.path, "is in the manifest, but not there",
				      -EBADMSG);
	what = difference(c);
	return what ? archive_refuse(c->why, c->said.path, what, -EBADMSG) : 0;
}

static int compare_lines(struct comparison *c, struct archive_was *ret)
{
	uint64_t n = 0;
	int rc = next_line(c, c->manifest, &c->said), err;

	if (rc <= 0 || c->said.what != ARCHIVE_LINE_BEGIN)
		return rc < 0 ? rc : -EBADMSG;
	memcpy(ret->host, c->said.host, sizeof(ret->host));
	ret->created_s = c->said.created_s;
	while ((rc = next_line(c, c->manifest, &c->said)) > 0 &&
	       c->said.what == ARCHIVE_LINE_MEMBER) {
		err = compare_member(c);
		if (err)
			return err;
		n++;
	}
	if (rc <= 0 || c->said.what != ARCHIVE_LINE_END || c->said.members != n)
		return rc < 0 ? rc : -EBADMSG;
	rc = next_line(c, c->seen, &c->was);
	if (rc > 0)
		return archive_refuse(c->why, c->was.path, "is not in the manifest", -EBADMSG);
	return rc < 0 || fgetc(c->manifest) == EOF ? rc : -EBADMSG;
}

static int open_again(int fd, FILE **ret)
{
	int again = fcntl(fd, F_DUPFD_CLOEXEC, 0), err;

	*ret = again >= 0 && lseek(again, 0, SEEK_SET) == 0 ? fdopen(again, "r") : NULL;
	err = *ret ? 0 : -errno;
	if (err && again >= 0)
		close(again);
	return err;
}

int archive_manifest_compare(int manifest_fd, int seen_fd, bool databases, struct buf *why,
			     struct archive_was *ret)
{
	struct comparison *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->databases = databases;
	c->why = why;
	c->line = malloc(ARCHIVE_MANIFEST_LINE_MAX);
	err = c->line ? open_again(manifest_fd, &c->manifest) : -ENOMEM;
	if (!err)
		err = open_again(seen_fd, &c->seen);
	if (!err)
		err = compare_lines(c, ret);
	if (err == -EBADMSG)
		archive_refuse(why, ARCHIVE_MANIFEST, "damaged", err);
	ret->has_manifest = err == 0;
	if (c->manifest)
		fclose(c->manifest);
	if (c->seen)
		fclose(c->seen);
	free(c->line);
	free(c);
	return err;
}
