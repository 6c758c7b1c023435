/* SPDX-License-Identifier: MIT */
/* Backups in S3: PREFIX/FILE in the configured bucket. What the catalogue calls sent was asked for afterwards (aws/s3.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/backup_name.h"
#include "cmd/backup_cmd.h"

struct sending {
	struct backup_tool *t;
	struct catalogue_entry *e;
};

static const char *given(const char *text)
{
	return *text ? text : NULL;
}

static bool on_progress(uint64_t done, uint64_t total, void *ctx)
{
	const struct backup_progress p = backup_progress();

	(void)ctx;
	return p.fn("S3", done, total, p.ctx) == 0;
}

int backup_s3_open(struct backup_tool *t, struct backup_s3 *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
	const struct config *c = t->config;
	int err;

	*ret = (struct backup_s3){ 0 };
	if (!*c->backup_s3_bucket) {
		backup_complain(t, "S3 needs s3_bucket in [backup] of the configuration", 0);
		return -ENXIO;
	}
	err = tool_aws_open(t->command, c, &ret->aws);
	if (err)
		return err;
	err = aws_session_s3(ret->aws.session, c, on_progress, &why, &ret->s3);
	if (err)
		backup_complain(t, buf_str(&why), err);
	return err;
}

void backup_s3_close(struct backup_s3 *s)
{
	s3_free(s->s3);
	lone_session_close(&s->aws);
	*s = (struct backup_s3){ 0 };
}

/* Where it is, or will be. */
static int set_place(const struct backup_tool *t, struct catalogue_entry *e)
{
	const char *prefix = t->config->backup_s3_prefix;
	size_t n = strlen(prefix);

	while (n && prefix[n - 1] == '/')
		n--;
	snprintf(e->bucket, sizeof(e->bucket), "%s", t->config->backup_s3_bucket);
	if ((size_t)snprintf(e->key, sizeof(e->key), "%.*s%s%s", (int)n, prefix, n ? "/" : "",
			     e->file) >= sizeof(e->key))
		return -ENAMETOOLONG;
	return 0;
}

/* --- sending */

static int on_begun(const char *upload_id, uint64_t part_bytes, void *ctx)
{
	struct sending *s = ctx;

	snprintf(s->e->upload_id, sizeof(s->e->upload_id), "%s", upload_id);
	s->e->part_bytes = part_bytes;
	return backup_remember(s->t, s->e, CATALOGUE_SENT);
}

/* The key is there: it is ours if what is there has the hash that we gave it when an answer got lost. */
static bool is_ours(struct backup_s3 *s, const struct catalogue_entry *e)
{
	struct s3_object there;

	return s3_head(s->s3, e->key, &there) == 0 && there.size == e->archive_bytes &&
	       *e->sha256 && strcmp(there.sha256, e->sha256) == 0;
}

/* An upload belongs to its bucket and key. */
static void forget_upload(struct catalogue_entry *e)
{
	e->upload_id[0] = '\0';
	e->part_bytes = 0;
}

/* Where the store cannot see to it that nothing is replaced, whoever asks first must be enough. */
static int put_new(struct backup_s3 *s, const struct s3_put *what)
{
	struct s3_put anyhow = *what;
	struct s3_object there;
	struct s3_sent sent;
	int err = s3_put_file(s->s3, what, &sent);

	if (err != -EOPNOTSUPP)
		return err;
	err = s3_head(s->s3, what->key, &there);
	if (err != -ENOENT)
		return err ? err : -EEXIST;
	anyhow.overwrite = true;
	return s3_put_file(s->s3, &anyhow, &sent);
}

/* on_begun() writes another id over that of the entry, while the old one is still read: hence the copy. */
static int put(struct backup_tool *t, struct backup_s3 *s, struct catalogue_entry *e, int fd)
{
	char upload_id[sizeof(e->upload_id)];
	struct sending sending = { t, e };
	const struct s3_put what = {
		.key = e->key,
		.fd = fd,
		.sha256 = given(e->sha256),
		.upload_id = upload_id,
		.part_bytes = e->part_bytes,
		.begun = on_begun,
		.ctx = &sending,
	};
	int err;

	snprintf(upload_id, sizeof(upload_id), "%s", e->upload_id);
	err = put_new(s, &what);
	backup_progress_clear();
	if (err == -EEXIST && is_ours(s, e))
		return 0;
	if (err == -EEXIST)
		fprintf(stderr,
			"%s: s3://%s/%s is there already, and is another one; hosts that share a "
			"bucket need an s3_prefix each\n",
			t->command, e->bucket, e->key);
	else if (err)
		backup_complain(t, s3_why(s->s3), err);
	if (err == -EEXIST || err == -EBADMSG)
		forget_upload(e);
	return err;
}

/* Of one that nobody has verified yet. */
static int hash(struct catalogue_entry *e, int fd)
{
	const struct backup_progress progress = backup_progress();
	uint64_t bytes;

	return *e->sha256 ? 0 : backup_hash(fd, &progress, e->sha256, &bytes);
}

int backup_s3_send(struct backup_tool *t, struct backup_s3 *s, struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(5000);
	_cleanup_(file_closep) int fd = -1;
	char bucket_before[sizeof(e->bucket)], key_before[sizeof(e->key)];
	int err;

	snprintf(bucket_before, sizeof(bucket_before), "%s", e->bucket);
	snprintf(key_before, sizeof(key_before), "%s", e->key);
	err = set_place(t, e);
	if (!err)
		err = buf_printf(&path, "%s/%s", t->config->backup_directory, e->file);
	if (!err) {
		fd = open(buf_str(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	}
	if (err) {
		backup_complain(t, e->file, err);
		return err;
	}
	if (strcmp(bucket_before, e->bucket) != 0 || strcmp(key_before, e->key) != 0)
		forget_upload(e);
	err = hash(e, fd);
	if (err)
		backup_complain(t, e->file, err);
	else
		err = put(t, s, e, fd);
	if (!err) {
		e->remote = BACKUP_SENT;
		e->sent_s = backup_now_s();
		forget_upload(e);
	} else {
		e->remote = BACKUP_TO_SEND;
	}
	return backup_remember(t, e, CATALOGUE_SENT) ?: err;
}

void backup_s3_abort(struct backup_tool *t, const struct catalogue_entry *e)
{
	struct backup_s3 s = { 0 };
	int err;

	if (!*e->upload_id || strcmp(e->bucket, t->config->backup_s3_bucket) != 0)
		return;
	err = backup_s3_open(t, &s);
	if (!err) {
		err = s3_abort(s.s3, e->key, e->upload_id);
		if (err)
			backup_complain(t, s3_why(s.s3), err);
	}
	backup_s3_close(&s);
	if (err)
		fprintf(stderr,
			"%s: parts of s3://%s/%s may be left, and cost money; a lifecycle rule of the "
			"bucket can abort such uploads\n",
			t->command, e->bucket, e->key);
}

/* --- listing */

struct listing {
	struct backup_tool *t;
	size_t prefix_len;
};

static int on_entry(const struct s3_entry *object, void *ctx)
{
	struct listing *l = ctx;
	struct catalogue_entry e = { 0 }, *known;

	if (!backup_name_parse(l->t->config->backup_name, object->key + l->prefix_len, &e))
		return 0;
	if (set_place(l->t, &e))
		return 0;
	known = backup_list_find(&l->t->list, e.file);
	if (known && known->archive_bytes == object->size) {
		known->remote = BACKUP_SENT;
		snprintf(known->bucket, sizeof(known->bucket), "%s", e.bucket);
		snprintf(known->key, sizeof(known->key), "%s", e.key);
		return 0;
	}
	if (known) /* another one of the same name */
		return 0;
	e.archive_bytes = object->size;
	e.remote = BACKUP_SENT;
	return backup_list_add(&l->t->list, &e);
}

/* What S3 does not have any more is not there, whatever the catalogue says. */
static void forget_remote(struct backup_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].remote == BACKUP_SENT)
			l->entries[i].remote = BACKUP_NOT_SENT;
}

static void drop_gone(struct backup_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].local || l->entries[i].remote == BACKUP_SENT)
			l->entries[n++] = l->entries[i];
	l->n = n;
}

int backup_s3_list(struct backup_tool *t, struct backup_s3 *s)
{
	struct catalogue_entry prefix = { 0 };
	struct listing l = { .t = t };
	int err;

	snprintf(prefix.file, sizeof(prefix.file), "%s-", t->config->backup_name);
	err = set_place(t, &prefix);
	if (err) {
		backup_complain(t, "[backup] s3_prefix", err);
		return err;
	}
	l.prefix_len = strlen(prefix.key) - strlen(prefix.file);
	forget_remote(&t->list);
	err = s3_list(s->s3, prefix.key, on_entry, &l);
	if (err)
		backup_complain(t, err == -E2BIG ? "S3 has too many backups" : s3_why(s->s3), err);
	drop_gone(&t->list);
	backup_list_sort(&t->list);
	return err;
}
