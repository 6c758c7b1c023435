/* SPDX-License-Identifier: MIT */
/* The rows of backups, one for each archive. Each call is one statement, or transaction, in the store's thread. */
#include "store/catalogue.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "store/sql.h"
#include "store/store.h"

#define SQL_COLUMNS \
	"created_s, archive_bytes, files, file_bytes, databases, skipped, changed, damaged," \
	" verdict, verified_s, remote, sent_s, part_bytes," \
	" file, sha256, host, note, why, bucket, s3_key, upload_id"
#define SQL_PUT \
	"INSERT OR REPLACE INTO backup (" SQL_COLUMNS ")" \
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define SQL_FORGET "DELETE FROM backup WHERE file = ?"
#define SQL_EACH "SELECT " SQL_COLUMNS " FROM backup ORDER BY file"
#define SQL_ONE "SELECT " SQL_COLUMNS " FROM backup WHERE file = ?"

#define NUMBERS 13
#define TEXTS 8

struct catalogue {
	struct event_base *base;
	struct store *store;
	char *path;
};

struct work {
	const struct catalogue_entry *entry;
	enum catalogue_part part;
	const char *file;
	int (*fn)(const struct catalogue_entry *e, void *ctx);
	void *ctx;
};

int catalogue_open(const char *state_directory, struct catalogue **ret)
{
	_cleanup_(catalogue_closep) struct catalogue *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	if (asprintf(&c->path, "%s/%s", state_directory, CATALOGUE_FILE) < 0) {
		c->path = NULL;
		return -ENOMEM;
	}
	c->base = event_base_new();
	if (!c->base)
		return -ENOMEM;
	err = store_begin_shared(c->base, state_directory, CATALOGUE_FILE, &c->store);
	if (err)
		return err;
	*ret = take(c);
	return 0;
}

void catalogue_close(struct catalogue *c)
{
	if (!c)
		return;
	store_close(c->store);
	if (c->base)
		event_base_free(c->base);
	free(c->path);
	free(c);
}

void catalogue_closep(struct catalogue **c)
{
	catalogue_close(*c);
}

static int explain(struct catalogue *c, int err, struct buf *why)
{
	_cleanup_(buf_done) struct buf told = BUF_INIT(4096);

	if (!err)
		return 0;
	store_why(c->store, &told);
	buf_printf(why, "the catalogue %s cannot be used: %s", c->path,
		   told.len ? buf_str(&told) : strerror(-err));
	return err;
}

/* --- in the store's thread */

static int put_entry(sqlite3 *db, const struct catalogue_entry *e)
{
	const int64_t numbers[NUMBERS] = {
		e->created_s,
		(int64_t)e->archive_bytes,
		(int64_t)e->files,
		(int64_t)e->file_bytes,
		(int64_t)e->databases,
		(int64_t)e->n_skipped,
		(int64_t)e->n_changed,
		(int64_t)e->n_damaged,
		e->verdict,
		e->verified_s,
		e->remote,
		e->sent_s,
		(int64_t)e->part_bytes,
	};
	const char *const texts[TEXTS] = { e->file, e->sha256, e->host, e->note,
					   e->why,  e->bucket, e->key,  e->upload_id };
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_PUT, &st), code = SQLITE_OK;

	if (err)
		return err;
	for (int i = 0; i < NUMBERS && code == SQLITE_OK; i++)
		code = sqlite3_bind_int64(st, 1 + i, numbers[i]);
	for (int i = 0; i < TEXTS && code == SQLITE_OK; i++)
		code = sqlite3_bind_text(st, 1 + NUMBERS + i, texts[i], -1, SQLITE_STATIC);
	err = sql_errno(db, code);
	return err ? err : sql_step(st);
}

static int put_row(sqlite3 *db, void *arg)
{
	return put_entry(db, ((struct work *)arg)->entry);
}

static int forget_row(sqlite3 *db, void *arg)
{
	struct work *w = arg;
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_FORGET, &st);

	if (!err)
		err = sql_errno(db, sqlite3_bind_text(st, 1, w->file, -1, SQLITE_STATIC));
	return err ? err : sql_step(st);
}

static void read_text(sqlite3_stmt *st, int at, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	snprintf(to, size, "%s", text ? text : "");
}

static uint64_t read_count(sqlite3_stmt *st, int at)
{
	const int64_t n = sqlite3_column_int64(st, at);

	return n > 0 ? (uint64_t)n : 0;
}

/* What nobody of ours has written is no verdict, and was not sent. */
static void read_row(sqlite3_stmt *st, struct catalogue_entry *e)
{
	const int64_t verdict = sqlite3_column_int64(st, 8), remote = sqlite3_column_int64(st, 10);

	memset(e, 0, sizeof(*e));
	e->created_s = sqlite3_column_int64(st, 0);
	e->archive_bytes = read_count(st, 1);
	e->files = read_count(st, 2);
	e->file_bytes = read_count(st, 3);
	e->databases = read_count(st, 4);
	e->n_skipped = read_count(st, 5);
	e->n_changed = read_count(st, 6);
	e->n_damaged = read_count(st, 7);
	if (verdict == BACKUP_SOUND || verdict == BACKUP_UNSOUND)
		e->verdict = (enum backup_verdict)verdict;
	e->verified_s = sqlite3_column_int64(st, 9);
	if (remote == BACKUP_TO_SEND || remote == BACKUP_SENT)
		e->remote = (enum backup_remote)remote;
	e->sent_s = sqlite3_column_int64(st, 11);
	e->part_bytes = read_count(st, 12);
	read_text(st, NUMBERS, e->file, sizeof(e->file));
	read_text(st, NUMBERS + 1, e->sha256, sizeof(e->sha256));
	read_text(st, NUMBERS + 2, e->host, sizeof(e->host));
	read_text(st, NUMBERS + 3, e->note, sizeof(e->note));
	read_text(st, NUMBERS + 4, e->why, sizeof(e->why));
	read_text(st, NUMBERS + 5, e->bucket, sizeof(e->bucket));
	read_text(st, NUMBERS + 6, e->key, sizeof(e->key));
	read_text(st, NUMBERS + 7, e->upload_id, sizeof(e->upload_id));
}

/* What @part says of @e into @known, which has the rest. */
static void merge(struct catalogue_entry *known, const struct catalogue_entry *e,
		  enum catalogue_part part)
{
	struct catalogue_entry all = part == CATALOGUE_FOUND ? *e : *known;
	const struct catalogue_entry *there = part == CATALOGUE_FOUND ? known : e;

	if (part == CATALOGUE_FOUND) {
		all.created_s = known->created_s;
		all.n_skipped = known->n_skipped;
		all.n_changed = known->n_changed;
		snprintf(all.note, sizeof(all.note), "%s", known->note);
	} else if (!*known->sha256) {
		snprintf(all.sha256, sizeof(all.sha256), "%s", e->sha256);
	}
	all.remote = there->remote;
	all.sent_s = there->sent_s;
	all.part_bytes = there->part_bytes;
	snprintf(all.bucket, sizeof(all.bucket), "%s", there->bucket);
	snprintf(all.key, sizeof(all.key), "%s", there->key);
	snprintf(all.upload_id, sizeof(all.upload_id), "%s", there->upload_id);
	*known = all;
}

/* 1: it is in @ret; 0: nothing is known of it. */
static int read_one(sqlite3 *db, const char *file, struct catalogue_entry *ret)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_ONE, &st);

	if (!err)
		err = sql_errno(db, sqlite3_bind_text(st, 1, file, -1, SQLITE_STATIC));
	if (!err)
		err = sql_step(st);
	if (err > 0)
		read_row(st, ret);
	return err;
}

static int update_row(sqlite3 *db, void *arg)
{
	const struct work *w = arg;
	struct catalogue_entry e;
	int err = sql_begin(db), there;

	if (err)
		return err;
	there = read_one(db, w->entry->file, &e);
	if (there > 0 && e.archive_bytes == w->entry->archive_bytes)
		merge(&e, w->entry, w->part);
	else
		e = *w->entry;
	return sql_end(db, there < 0 ? there : put_entry(db, &e));
}

static int each_row(sqlite3 *db, void *arg)
{
	struct work *w = arg;
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	struct catalogue_entry e;
	int err = sql_prepare(db, SQL_EACH, &st);

	while (!err) {
		int row = sql_step(st);

		if (row <= 0)
			return row;
		read_row(st, &e);
		err = w->fn(&e, w->ctx);
	}
	return err;
}

/* --- for others */

int catalogue_put(struct catalogue *c, const struct catalogue_entry *e, struct buf *why)
{
	struct work w = { .entry = e };

	return explain(c, store_wait(c->store, put_row, &w), why);
}

int catalogue_update(struct catalogue *c, const struct catalogue_entry *e, enum catalogue_part part,
		     struct buf *why)
{
	struct work w = { .entry = e, .part = part };

	return explain(c, store_wait(c->store, update_row, &w), why);
}

int catalogue_forget(struct catalogue *c, const char *file, struct buf *why)
{
	struct work w = { .file = file };

	return explain(c, store_wait(c->store, forget_row, &w), why);
}

int catalogue_each(struct catalogue *c, int (*fn)(const struct catalogue_entry *e, void *ctx),
		   void *ctx, struct buf *why)
{
	struct work w = { .fn = fn, .ctx = ctx };

	if (access(c->path, F_OK) && errno == ENOENT)
		return 0;
	return explain(c, store_wait(c->store, each_row, &w), why);
}
