/* SPDX-License-Identifier: MIT */
/* The journal of a restore. Invariant: under its name there is always a whole one, the old or the new. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/restore_impl.h"

#define JOURNAL_NEW RESTORE_JOURNAL ".new"
#define JOURNAL_BYTES_MAX 65536
#define VERSION 1

static const char *const words[] = {
	[RESTORE_AT_STAGE] = "stage",       [RESTORE_AT_STAGED] = "staged",
	[RESTORE_AT_EXCHANGE] = "exchange", [RESTORE_AT_START] = "start",
	[RESTORE_AT_UNDO] = "undo",
};

static int put(const struct restore *r, const struct buf *text)
{
	_cleanup_(file_closep) int fd = -1;
	int err;

	RESTORE_STEP();
	fd = openat(r->work_fd, JOURNAL_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	RESTORE_STEP();
	err = file_write(fd, text->data, text->len);
	if (!err && fsync(fd))
		err = -errno;
	RESTORE_STEP();
	if (!err && renameat(r->work_fd, JOURNAL_NEW, r->work_fd, RESTORE_JOURNAL))
		err = -errno;
	RESTORE_STEP();
	if (!err && fsync(r->work_fd))
		err = -errno;
	RESTORE_STEP();
	return err;
}

static bool is_utf8(const char *s)
{
	uint32_t c;
	size_t n;

	for (size_t left = strlen(s); left; left -= n, s += n) {
		n = utf8_next(s, left, &c);
		if (!n)
			return false;
	}
	return true;
}

int restore_write_journal(struct restore *r, enum restore_step step)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(JOURNAL_BYTES_MAX);
	_cleanup_(json_freep) json_t *j = NULL;
	int err;

	r->step = step;
	j = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:b, s:b, s:b, s:b}",
		      "isamon_restore", VERSION, "id", r->id, "step", words[step], "target",
		      r->o->target, "archive", r->archive, "old_inode", (json_int_t)r->old_ino,
		      "new_inode", (json_int_t)r->new_ino, "owner_of_target", r->owner_of_target,
		      "allow_setuid", r->allow_setuid, "alone", r->alone, "ran_known", r->ran_known,
		      "ran", r->ran);
	if (!j && is_utf8(r->o->target) && is_utf8(r->archive))
		return restore_failed(r, "the journal", -ENOMEM);
	if (!j)
		return restore_failed(r, "a path is not UTF-8, and cannot be kept in the journal",
				      -EINVAL);
	err = json_add_text(j, JSON_INDENT(1), &text);
	if (!err)
		err = buf_add_char(&text, '\n');
	if (!err)
		err = put(r, &text);
	return restore_failed(r, "the journal", err);
}

static int take_text(const json_t *j, const char *key, char *to, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || !*s || strlen(s) >= size)
		return -EBADMSG;
	memcpy(to, s, strlen(s) + 1);
	return 0;
}

static int take_inode(const json_t *j, const char *key, ino_t *ret)
{
	const json_t *v = json_object_get(j, key);

	*ret = (ino_t)json_integer_value(v);
	return json_is_integer(v) ? 0 : -EBADMSG;
}

static int take_step(const char *word, enum restore_step *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum restore_step)i;
			return 0;
		}
	return -EBADMSG;
}

static int take_journal(const json_t *j, struct restore *r)
{
	char target[RESTORE_PATH_MAX], step[16];
	int err =
		json_integer_value(json_object_get(j, "isamon_restore")) == VERSION ? 0 : -EBADMSG;

	if (!err)
		err = take_text(j, "target", target, sizeof(target));
	if (!err)
		err = take_text(j, "step", step, sizeof(step));
	if (!err)
		err = take_step(step, &r->step);
	if (!err)
		err = take_text(j, "id", r->id, sizeof(r->id));
	if (!err && strspn(r->id, "0123456789-") != strlen(r->id))
		err = -EBADMSG;
	if (!err)
		err = take_text(j, "archive", r->archive, sizeof(r->archive));
	if (!err)
		err = take_inode(j, "old_inode", &r->old_ino);
	if (!err)
		err = take_inode(j, "new_inode", &r->new_ino);
	r->owner_of_target = json_is_true(json_object_get(j, "owner_of_target"));
	r->allow_setuid = json_is_true(json_object_get(j, "allow_setuid"));
	r->alone = json_is_true(json_object_get(j, "alone"));
	r->ran_known = json_is_true(json_object_get(j, "ran_known"));
	r->ran = json_is_true(json_object_get(j, "ran"));
	/* Only what has unpacked has something to exchange. */
	if (!err && r->step != RESTORE_AT_STAGE && r->step != RESTORE_AT_UNDO && !r->new_ino)
		err = -EBADMSG;
	return err;
}

int restore_read_journal(struct restore *r)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(JOURNAL_BYTES_MAX);
	_cleanup_(json_freep) json_t *j = NULL;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/" RESTORE_JOURNAL, r->work_fd);
	err = file_read(path, &text);
	if (err)
		return err == -ENOENT ? err : restore_failed(r, "the journal", err);
	j = json_loadb(buf_str(&text), text.len, 0, NULL);
	if (!j || take_journal(j, r)) {
		buf_printf(r->why,
			   "%s/" RESTORE_JOURNAL " beside the target is no journal of a restore",
			   r->work);
		return -EBADMSG;
	}
	snprintf(r->before, sizeof(r->before), "%s" RESTORE_BEFORE "%s", r->name, r->id);
	return 0;
}

int restore_look(const char *target, struct restore_status *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
	const struct restore_options o = { .target = target };
	struct restore r = { .o = &o, .why = &why, .parent_fd = -1, .work_fd = -1 };
	struct stat st = { 0 };
	int err;

	*ret = (struct restore_status){ .unfinished = false };
	err = restore_open_parent(&r);
	if (!err)
		r.work_fd = openat(r.parent_fd, r.work,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!err && (r.work_fd < 0 || fstat(r.work_fd, &st)))
		err = -errno;
	if (!err && (st.st_uid != geteuid() || (st.st_mode & 077)))
		err = -EPERM; /* whoever may write above the target could tell stories */
	if (!err)
		err = restore_read_journal(&r);
	if (!err) {
		ret->unfinished = true;
		ret->working = flock(r.work_fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
		memcpy(ret->id, r.id, sizeof(ret->id));
		memcpy(ret->archive, r.archive, sizeof(ret->archive));
		snprintf(ret->step, sizeof(ret->step), "%s", words[r.step]);
	}
	restore_close(&r);
	return err == -ENOENT ? 0 : err;
}
