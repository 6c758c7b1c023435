/* SPDX-License-Identifier: MIT */
/*
 * Reads an archive for nothing but the checks; what begins as a SQLite database is unpacked beside, and looked at.
 * Archives of other makers have logs beside their databases, before or behind them: where there is one, all is read a second
 * time, and each database is looked at together with its log, as whoever restores it will open it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/table.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/archive_read_impl.h"

#define HEAD_BYTES 16
#define PAIRS_MAX 1000

/* The suffix of an index is not here: it means nothing in an archive. */
static const char *const log_suffixes[] = { "-wal", "-journal" };

/* A log, and the database that it is of: DIR/N, DIR/N-wal. */
struct pair {
	size_t n;
	const char *suffix;
	bool has_database, has_log;
};

struct verifier {
	const struct archive_read_options *o;
	struct archive_was *ret;
	struct buf *why;
	struct table *pairs; /* by the path of the database */
	bool second;         /* the pairs are all known */
	char dir[4096], path[4160];
	const char *name;
	struct pair *pair; /* of the member; NULL: none */
	bool is_log;
	int fd; /* of the copy of the member; -1 */
	size_t n_head;
	char head[HEAD_BYTES];
};

static void pair_path(const struct verifier *v, const struct pair *p, const char *suffix,
		      char *path, size_t size)
{
	snprintf(path, size, "%s/%zu%s", v->dir, p->n, suffix);
}

/* The length of the database's path if @path is that of a log; 0: it is not. */
static size_t database_of_log(const char *path, const char **ret_suffix)
{
	const size_t n = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(log_suffixes); i++) {
		const size_t tail = strlen(log_suffixes[i]);

		*ret_suffix = log_suffixes[i];
		if (n > tail && path[n - tail - 1] != '/' &&
		    strcmp(path + n - tail, log_suffixes[i]) == 0)
			return n - tail;
	}
	return 0;
}

static int remember_log(struct verifier *v, size_t n, const char *suffix)
{
	struct pair *p;
	int err;

	if (table_get(v->pairs, v->name, n))
		return 0;
	if (table_count(v->pairs) == PAIRS_MAX)
		return archive_refuse(v->why, v->name, "too many logs of databases", -EFBIG);
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct pair){ .n = table_count(v->pairs), .suffix = suffix };
	err = table_put(v->pairs, v->name, n, p);
	if (err)
		free(p);
	return err;
}

static int verify_begin(const struct archive_member *m, struct archive_entry *e, void *ctx)
{
	struct verifier *v = ctx;
	const char *suffix;
	size_t n;

	(void)e;
	v->name = m->path;
	v->pair = NULL;
	v->is_log = false;
	v->n_head = 0;
	if (m->kind != ARCHIVE_FILE || !m->size || !v->o->check_database)
		return 0;
	n = database_of_log(m->path, &suffix);
	if (n && !v->second)
		return remember_log(v, n, suffix);
	if (n)
		v->pair = table_get(v->pairs, m->path, n);
	v->is_log = v->pair && strcmp(v->pair->suffix, suffix) == 0;
	if (!v->is_log)
		v->pair = v->second ? table_get(v->pairs, m->path, strlen(m->path)) : NULL;
	return 0;
}

static int open_copy(struct verifier *v)
{
	if (v->pair)
		pair_path(v, v->pair, v->is_log ? v->pair->suffix : "", v->path, sizeof(v->path));
	else
		snprintf(v->path, sizeof(v->path), "%s/database", v->dir);
	v->fd = open(v->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (v->fd < 0 && errno == EEXIST)
		return archive_refuse(v->why, v->name, "is in the archive twice", -EBADMSG);
	return v->fd < 0 ?
		       archive_refuse(v->why, v->path, strerror(errno), archive_of_system(-errno)) :
		       0;
}

static int put_at(struct verifier *v, const void *bytes, size_t n, uint64_t offset)
{
	int err = file_write_at(v->fd, bytes, n, offset);

	return err ? archive_refuse(v->why, v->path, strerror(-err), archive_of_system(err)) : 0;
}

/* The first bytes, which may come one by one: a block ends where a piece of the gzip file does. */
static int look_at_head(struct verifier *v, const void *bytes, size_t n, uint64_t offset)
{
	static const char magic[HEAD_BYTES] = "SQLite format 3"; /* with the NUL */
	int err;
	size_t step = HEAD_BYTES - v->n_head < n ? HEAD_BYTES - v->n_head : n;

	if (offset != v->n_head || !step)
		return 0;
	memcpy(v->head + v->n_head, bytes, step);
	v->n_head += step;
	if (v->n_head < HEAD_BYTES || memcmp(v->head, magic, HEAD_BYTES) != 0)
		return 0;
	err = open_copy(v);
	return err ? err : put_at(v, v->head, HEAD_BYTES, 0);
}

static int verify_data(const void *bytes, size_t n, uint64_t offset, void *ctx)
{
	struct verifier *v = ctx;
	int err = 0;

	if (v->is_log && v->fd < 0)
		err = open_copy(v);
	else if (v->o->check_database && !v->is_log)
		err = look_at_head(v, bytes, n, offset);
	return err || v->fd < 0 ? err : put_at(v, bytes, n, offset);
}

static void note_unsound(struct verifier *v, const char *name, const char *text)
{
	char plain[4096];
	struct buf *b = &v->ret->unsound;

	v->ret->n_unsound++;
	utf8_make_plain(name, strlen(name), plain, sizeof(plain));
	if (b->len + strlen(plain) + strlen(text) + 4 < b->max)
		buf_printf(b, "%s: %s\n", plain, text);
}

/* A transaction that was cut off is undone by whoever opens the database for writing: that is no damage. */
static int check(struct verifier *v, const char *path, const char *name, bool *ret_sound)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4096);
	int err = v->o->check_database(path, &text, v->o->ctx);

	*ret_sound = !err || err == -EBUSY;
	if (err == -EBADMSG || err == -EUCLEAN)
		note_unsound(v, name, buf_str(&text));
	else if (!*ret_sound)
		return archive_refuse(v->why, name, text.len ? buf_str(&text) : strerror(-err),
				      archive_of_system(err));
	return 0;
}

static void remove_pair(struct verifier *v, struct pair *p)
{
	char path[sizeof(v->path)];

	pair_path(v, p, "", path, sizeof(path));
	unlink(path);
	pair_path(v, p, p->suffix, path, sizeof(path));
	unlink(path);
	pair_path(v, p, "-shm", path, sizeof(path));
	unlink(path);
}

/* SQLite wants an index beside a log; an empty one is enough. */
static int check_pair(struct verifier *v, struct pair *p, bool *ret_sound)
{
	char path[sizeof(v->path)], name[4096];
	int fd, err;

	pair_path(v, p, "-shm", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return archive_refuse(v->why, path, strerror(errno), archive_of_system(-errno));
	close(fd);
	pair_path(v, p, "", path, sizeof(path));
	snprintf(name, sizeof(name), "%.*s",
		 (int)(strlen(v->name) - (v->is_log ? strlen(p->suffix) : 0)), v->name);
	err = check(v, path, name, ret_sound);
	remove_pair(v, p);
	return err;
}

static int end_pair(struct verifier *v, struct archive_member *m)
{
	struct pair *p = v->pair;
	bool sound = false;
	int err;

	p->has_log |= v->is_log;
	p->has_database |= !v->is_log;
	if (!p->has_log || !p->has_database)
		return 0;
	err = check_pair(v, p, &sound);
	if (v->is_log)
		v->ret->databases += sound;
	else
		m->database = sound;
	return err;
}

static int verify_end(struct archive_member *m, void *ctx)
{
	struct verifier *v = ctx;
	int err;

	if (v->fd < 0)
		return 0;
	err = ftruncate(v->fd, (off_t)m->size) ? -errno : 0;
	file_closep(&v->fd);
	v->fd = -1;
	if (err)
		return archive_refuse(v->why, v->path, strerror(-err), archive_of_system(err));
	if (v->pair)
		return end_pair(v, m);
	err = check(v, v->path, v->name, &m->database);
	unlink(v->path);
	return err;
}

static void begin_was(struct archive_was *ret)
{
	*ret = (struct archive_was){ .unsound = BUF_INIT(ARCHIVE_UNSOUND_MAX) };
}

static int read_members(struct verifier *v, int fd, const struct archive_api *api)
{
	const struct archive_sink sink = {
		.begin = verify_begin, .data = verify_data, .end = verify_end, .ctx = v
	};
	const off_t from = lseek(fd, 0, SEEK_CUR);
	int err;

	if (from < 0)
		return archive_refuse(v->why, "the archive", strerror(errno), -errno);
	err = archive_read_members(fd, api, v->o, &sink, v->why, v->ret);
	if (err || !table_count(v->pairs))
		return err;
	v->second = true;
	archive_was_done(v->ret);
	begin_was(v->ret);
	if (lseek(fd, from, SEEK_SET) < 0)
		return archive_refuse(v->why, "the archive", strerror(errno), -errno);
	return archive_read_members(fd, api, v->o, &sink, v->why, v->ret);
}

static void remove_copies(struct verifier *v)
{
	char path[sizeof(v->path)];

	file_closep(&v->fd);
	snprintf(path, sizeof(path), "%s/database", v->dir);
	unlink(path);
	for (size_t n = 0; v->second && n < table_count(v->pairs); n++)
		for (size_t i = 0; i < ARRAY_SIZE(log_suffixes); i++)
			remove_pair(v, &(struct pair){ .n = n, .suffix = log_suffixes[i] });
	rmdir(v->dir);
}

static int verify(struct verifier *v, int fd)
{
	struct archive_api api = { 0 };
	int err = archive_api_open(&api, v->why);

	if (!err && !mkdtemp(v->dir))
		err = archive_refuse(v->why, v->o->scratch, strerror(errno),
				     archive_of_system(-errno));
	if (!err) {
		err = read_members(v, fd, &api);
		remove_copies(v);
	}
	archive_api_close(&api);
	return err;
}

int archive_verify(int fd, const struct archive_read_options *o, struct buf *why,
		   struct archive_was *ret)
{
	struct verifier *v = calloc(1, sizeof(*v));
	int err;

	begin_was(ret);
	if (!v)
		return archive_refuse(why, "the archive", strerror(ENOMEM), -ENOMEM);
	v->o = o;
	v->ret = ret;
	v->why = why;
	v->fd = -1;
	snprintf(v->dir, sizeof(v->dir), "%.4000s/verify.XXXXXX", o->scratch);
	v->pairs = table_new();
	err = v->pairs ? verify(v, fd) : -ENOMEM;
	table_free(v->pairs, free);
	free(v);
	return err ? archive_refuse(why, "the archive", strerror(-err), err) : 0;
}
