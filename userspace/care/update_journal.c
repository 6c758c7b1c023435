/* SPDX-License-Identifier: MIT */
/* The journal of an update. Invariant: under its name there is always a whole one, the old or the new. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "care/service_lock.h"
#include "care/update_impl.h"

#define JOURNAL_BYTES_MAX 65536
#define VERSION 1

static const char *const words[] = { [UPDATE_AT_BUILD] = "build",
				     [UPDATE_AT_SWITCH] = "switch",
				     [UPDATE_AT_START] = "start",
				     [UPDATE_AT_UNDO] = "undo" };

static int journal_failed(struct update *u, int err)
{
	if (err && !u->why->len)
		buf_printf(u->why, "%s/" UPDATE_JOURNAL ": %s", u->o->state_directory,
			   err == -EBADMSG ? "is no journal of an update" : strerror(-err));
	return err;
}

static int name_it(const char *state_directory, const char *end, struct buf *path)
{
	buf_reset(path);
	return buf_printf(path, "%s/%s", state_directory, end);
}

static int sync_directory(const char *path)
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int put(const char *path, const struct buf *text)
{
	_cleanup_(file_closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : file_write(fd, text->data, text->len);

	if (!err && fsync(fd))
		err = -errno;
	return err;
}

static int to_text(const struct update *u, struct buf *text)
{
	_cleanup_(json_freep) json_t *j = json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:I, s:I}",
		"isamon_update", VERSION, "id", u->id, "step", words[u->step], "directory",
		u->directory, "venv", u->venv, "from", u->from, "to", u->to, "from_branch",
		u->from_branch, "branch", u->branch, "builds", u->builds, "was_switched",
		u->was_switched, "ran_known", u->ran_known, "ran", u->ran, "old_inode",
		(json_int_t)u->old_ino, "new_inode", (json_int_t)u->new_ino);
	int err = j ? json_add_text(j, JSON_INDENT(1), text) : -EINVAL;

	return err ? err : buf_add_char(text, '\n');
}

int update_write_journal(struct update *u, enum update_step step)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(JOURNAL_BYTES_MAX);
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX), new = BUF_INIT(PATH_MAX);
	int err;

	u->step = step;
	u->was_switched |= step == UPDATE_AT_SWITCH || step == UPDATE_AT_START;
	UPDATE_STEP();
	err = to_text(u, &text);
	if (!err)
		err = name_it(u->o->state_directory, UPDATE_JOURNAL, &path);
	if (!err)
		err = name_it(u->o->state_directory, UPDATE_JOURNAL ".new", &new);
	if (!err)
		err = put(buf_str(&new), &text);
	UPDATE_STEP();
	if (!err && rename(buf_str(&new), buf_str(&path)))
		err = -errno;
	if (!err)
		err = sync_directory(u->o->state_directory);
	UPDATE_STEP();
	return journal_failed(u, err);
}

int update_unlink_journal(const struct update *u)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_MAX);
	int err = name_it(u->o->state_directory, UPDATE_JOURNAL, &path);

	return !err && unlink(buf_str(&path)) && errno != ENOENT ? -errno : err;
}

int update_remove_journal(struct update *u)
{
	int err;

	UPDATE_STEP();
	err = update_unlink_journal(u);
	if (!err)
		err = sync_directory(u->o->state_directory);
	return journal_failed(u, err);
}

/* --- reading */

static int take_text(const json_t *j, const char *key, bool may_be_empty, char *to, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || (!*s && !may_be_empty) || strlen(s) >= size)
		return -EBADMSG;
	memcpy(to, s, strlen(s) + 1);
	return 0;
}

static int take_commit(const json_t *j, const char *key, char to[UPDATE_COMMIT_MAX])
{
	int err = take_text(j, key, false, to, UPDATE_COMMIT_MAX);

	return !err && strspn(to, "0123456789abcdef") != strlen(to) ? -EBADMSG : err;
}

static int take_step(const json_t *j, enum update_step *ret)
{
	const char *word = json_member_text(j, "step", "");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum update_step)i;
			return 0;
		}
	return -EBADMSG;
}

static int take_journal(const json_t *j, struct update *u)
{
	int err = json_integer_value(json_object_get(j, "isamon_update")) == VERSION ? 0 : -EBADMSG;

	if (!err)
		err = take_step(j, &u->step);
	if (!err)
		err = take_text(j, "id", false, u->id, sizeof(u->id));
	if (!err && strspn(u->id, "0123456789-") != strlen(u->id))
		err = -EBADMSG;
	if (!err)
		err = take_text(j, "directory", false, u->directory, sizeof(u->directory));
	if (!err)
		err = take_text(j, "venv", true, u->venv, sizeof(u->venv));
	if (!err)
		err = take_commit(j, "from", u->from);
	if (!err)
		err = take_commit(j, "to", u->to);
	if (!err)
		err = take_text(j, "from_branch", true, u->from_branch, sizeof(u->from_branch));
	if (!err)
		err = take_text(j, "branch", true, u->branch, sizeof(u->branch));
	u->builds = json_is_true(json_object_get(j, "builds"));
	u->was_switched = json_is_true(json_object_get(j, "was_switched"));
	u->ran_known = json_is_true(json_object_get(j, "ran_known"));
	u->ran = json_is_true(json_object_get(j, "ran"));
	u->old_ino = (ino_t)json_integer_value(json_object_get(j, "old_inode"));
	u->new_ino = (ino_t)json_integer_value(json_object_get(j, "new_inode"));
	/* Only what was built can be switched to. */
	if (!err && u->builds && u->was_switched && (!u->old_ino || !u->new_ino))
		err = -EBADMSG;
	return err;
}

int update_read_journal(struct update *u)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(JOURNAL_BYTES_MAX),
				       path = BUF_INIT(PATH_MAX);
	_cleanup_(json_freep) json_t *j = NULL;
	int err = name_it(u->o->state_directory, UPDATE_JOURNAL, &path);

	if (!err)
		err = file_read(buf_str(&path), &text);
	if (err == -ENOENT)
		return err;
	if (!err)
		err = json_parse(buf_str(&text), text.len, 0, &j);
	if (!err)
		err = take_journal(j, u);
	return journal_failed(u, err);
}

/* --- one at a time */

int update_lock(struct update *u)
{
	return service_lock_alone(u->o->state_directory, u->why, &u->lock_fd);
}

void update_unlock(struct update *u)
{
	file_closep(&u->lock_fd);
	u->lock_fd = -1;
}

int update_app_look(const char *state_directory, struct update_status *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192), path = BUF_INIT(PATH_MAX);
	const struct update_options o = { .state_directory = state_directory };
	struct update u = { .o = &o, .why = &why, .lock_fd = -1 };
	_cleanup_(file_closep) int fd = -1;
	int err = update_read_journal(&u);

	*ret = (struct update_status){ .unfinished = !err };
	if (err)
		return err == -ENOENT ? 0 : err;
	memcpy(ret->id, u.id, sizeof(ret->id));
	memcpy(ret->directory, u.directory, sizeof(ret->directory));
	snprintf(ret->step, sizeof(ret->step), "%s", words[u.step]);
	err = name_it(state_directory, SERVICE_LOCK, &path);
	fd = err ? -1 : open(buf_str(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ret->working = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	return 0;
}
