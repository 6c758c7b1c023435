/* SPDX-License-Identifier: MIT */
/* Reads the files of a log one after the other, through records.h. Invariant: files stand in the order of time, the live one last; at most
 * QUEUE_MAX records are held. */
#include "logs/log_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "logs/gunzip_reader.h"
#include "logs/lines.h"
#include "logs/record_rules.h"
#include "logs/time_format.h"
#include "logs/trusted_path.h"

#define BLOCK (64u * 1024)
#define QUEUE_MAX 64
#define FILES_MAX 256
/* Threads and processes that share a log do not write in the exact order of their stamps. */
#define DISORDER_MS 60000

struct reader_file {
	char *path;
	int fd;
	struct gunzip_reader *gz; /* NULL: it is not compressed */
	uint64_t size;            /* UINT64_MAX if it is compressed */
	uint64_t device, inode;
	int64_t mtime_ms;
	bool is_live;
};

struct log_reader {
	const struct record_rules *rules;
	struct records *records;
	struct reader_file files[FILES_MAX];
	size_t n, at;    /* the file that is read */
	uint64_t offset; /* of the next block */
	uint64_t given;  /* behind the last record of this file */
	int64_t now_ms, before_ms;
	bool partial; /* what comes first may be the end of a record */
	bool open_end;
	struct log_record *first, **last;
	size_t n_queued;
	size_t block_from, block_to; /* of the block, what was not fed */
	char block[BLOCK];
};

static void file_close(struct reader_file *f)
{
	gunzip_reader_free(f->gz);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
}

void log_reader_free(struct log_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		file_close(&r->files[i]);
	records_free(r->records);
	while (r->first) {
		struct log_record *next = r->first->next;

		free(r->first);
		r->first = next;
	}
	free(r);
}

static void log_reader_freep(struct log_reader **r)
{
	log_reader_free(*r);
}

/* --- which files */

static int file_open(const struct follow_name *name, struct reader_file *ret)
{
	struct reader_file f = { .fd = -1, .is_live = name->is_live };
	struct stat st;
	int err = trusted_path_open(name->path, &f.fd, &st);

	if (err)
		return err;
	f.path = strdup(name->path);
	if (!f.path)
		err = -ENOMEM;
	if (!err && name->is_gzip)
		err = gunzip_reader_new(f.fd, &f.gz);
	if (err) {
		file_close(&f);
		return err;
	}
	f.size = f.gz ? UINT64_MAX : (uint64_t)st.st_size;
	f.device = st.st_dev;
	f.inode = st.st_ino;
	f.mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / (int64_t)NS_PER_MS;
	*ret = f;
	return 0;
}

static bool is_open(const struct log_reader *r, const struct reader_file *f)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->files[i].device == f->device && r->files[i].inode == f->inode)
			return true;
	return false;
}

/* The live one first, then the newest: a rotation meanwhile then shows a file twice, and hides none. */
static int by_age(const void *a, const void *b)
{
	const struct follow_name *x = *(const struct follow_name *const *)a;
	const struct follow_name *y = *(const struct follow_name *const *)b;

	if (x->is_live != y->is_live)
		return x->is_live ? -1 : 1;
	if (x->mtime_ns != y->mtime_ns)
		return x->mtime_ns > y->mtime_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void turn_around(struct log_reader *r)
{
	for (size_t i = 0; i < r->n / 2; i++) {
		struct reader_file f = r->files[i];

		r->files[i] = r->files[r->n - 1 - i];
		r->files[r->n - 1 - i] = f;
	}
}

static int open_files(struct log_reader *r, const struct follow_name **names, size_t n,
		      int64_t since_ms, void (*refused)(const char *path, int err, void *ctx),
		      void *ctx)
{
	int first_err = 0;

	qsort(names, n, sizeof(const struct follow_name *), by_age);
	for (size_t i = 0; i < n && r->n < FILES_MAX; i++) {
		struct reader_file f;
		int err = names[i]->err;

		if (!names[i]->is_live && !err &&
		    (names[i]->is_foreign || names[i]->mtime_ns / (int64_t)NS_PER_MS < since_ms))
			continue;
		if (!err)
			err = file_open(names[i], &f);
		if (err == -ENOMEM)
			return err;
		if (err) {
			if (err != -ENOENT)
				refused(names[i]->path, err, ctx);
			first_err = first_err ? first_err : err;
		} else if (is_open(r, &f)) {
			file_close(&f);
		} else {
			r->files[r->n++] = f;
		}
	}
	turn_around(r);
	return r->n ? 0 : first_err ? first_err : -ENOENT;
}

/* --- records */

struct log_record *log_record_new(int64_t time_ms, enum record_level level, const char *text,
				  size_t len, const char *exception, size_t exception_len)
{
	struct log_record *l = malloc(sizeof(*l) + len + exception_len + 2);
	char *bytes;

	if (!l)
		return NULL;
	bytes = (char *)(l + 1);
	*l = (struct log_record){ .time_ms = time_ms,
				  .level = level,
				  .len = len,
				  .text = bytes,
				  .exception = bytes + len + 1,
				  .exception_len = exception_len };
	memcpy(bytes, text, len);
	bytes[len] = '\0';
	if (exception_len)
		memcpy(bytes + len + 1, exception, exception_len);
	bytes[len + 1 + exception_len] = '\0';
	return l;
}

static int on_record(const struct record *record, void *ctx)
{
	struct log_reader *r = ctx;
	struct log_record *l;

	if (r->n_queued == QUEUE_MAX)
		return -EAGAIN;
	if (record->has_time) {
		r->before_ms = record->time_ms;
		r->partial = false;
	}
	if (r->partial || !record->shipped) {
		r->given = record->to;
		return 0;
	}
	l = log_record_new(r->before_ms, record->level, record->text, record->len,
			   record->exception, record->exception ? record->exception_len : 0);
	if (!l)
		return -ENOMEM;
	r->given = record->to;
	*r->last = l;
	r->last = &l->next;
	r->n_queued++;
	return 0;
}

int log_reader_new(const struct record_rules *rules, const struct follow_name *const *names,
		   size_t n, int64_t since_ms, int64_t now_ms,
		   void (*refused)(const char *path, int err, void *ctx), void *ctx,
		   struct log_reader **ret)
{
	_cleanup_(log_reader_freep) struct log_reader *r = calloc(1, sizeof(*r));
	const struct follow_name **sorted = calloc(n + 1, sizeof(const struct follow_name *));
	int err = r && sorted ? 0 : -ENOMEM;

	if (!err) {
		r->rules = rules;
		r->now_ms = now_ms;
		r->last = &r->first;
		memcpy(sorted, names, n * sizeof(const struct follow_name *));
		err = open_files(r, sorted, n, since_ms, refused, ctx);
	}
	free(sorted);
	if (!err)
		err = records_new(rules, on_record, r, &r->records);
	if (err)
		return err;
	*ret = take(r);
	return 0;
}

/* --- where to begin */

struct place {
	const struct log_reader *r;
	const struct reader_file *f;
	int64_t before_ms;
};

static ssize_t file_pread(const struct reader_file *f, void *to, size_t n, uint64_t offset)
{
	ssize_t got;

	if (f->gz)
		return gunzip_reader_pread(f->gz, to, n, offset);
	if (offset >= f->size)
		return 0;
	if (n > f->size - offset)
		n = (size_t)(f->size - offset);
	do
		got = pread(f->fd, to, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static ssize_t place_pread(void *ctx, void *to, size_t n, uint64_t offset)
{
	return file_pread(((struct place *)ctx)->f, to, n, offset);
}

static int place_time(void *ctx, const char *line, size_t n, int64_t *ret_ms)
{
	struct place *p = ctx;
	struct time_stamp stamp;

	if (!p->r->rules->time ||
	    time_format_read(p->r->rules->time, line, n, p->r->now_ms, TIME_STAMP_NONE, &stamp))
		return -ENOENT;
	*ret_ms = stamp.ms;
	return 0;
}

static struct lines lines_of(struct place *p)
{
	return (struct lines){ place_pread, place_time, p, p->f->size };
}

static void forget(struct log_reader *r)
{
	records_reset(r->records);
	while (r->first) {
		struct log_record *next = r->first->next;

		free(r->first);
		r->first = next;
	}
	r->last = &r->first;
	r->n_queued = 0;
	r->block_from = r->block_to = 0;
}

/* Begins at @offset of a file, where a line begins. */
static int go_to(struct log_reader *r, size_t file, uint64_t offset)
{
	struct place p = { .r = r, .f = &r->files[file] };
	struct lines l = lines_of(&p);
	bool stamped;
	int err;

	forget(r);
	r->at = file;
	r->offset = r->given = offset;
	err = lines_first_time(&l, offset, &r->before_ms);
	if (err && err != -ENOENT)
		return err;
	stamped = !err;
	if (!stamped)
		r->before_ms = r->files[file].mtime_ms;
	r->partial = stamped && offset > 0;
	return 0;
}

int log_reader_find(struct log_reader *r, int64_t since_ms)
{
	size_t file = 0;
	uint64_t offset = 0;
	int err;

	while (file + 1 < r->n && r->files[file].mtime_ms < since_ms)
		file++;
	if (r->rules->time && !r->files[file].gz) {
		struct place p = { .r = r, .f = &r->files[file] };
		struct lines l = lines_of(&p);

		if (since_ms < INT64_MIN + DISORDER_MS)
			since_ms = INT64_MIN + DISORDER_MS;
		err = lines_find_time(&l, since_ms - DISORDER_MS, &offset);
		if (err)
			return err;
	}
	return go_to(r, file, offset);
}

int log_reader_back(struct log_reader *r, uint64_t bytes, bool *ret_all)
{
	size_t file = r->n - 1;
	struct place p = { .r = r };
	uint64_t start = 0;
	struct lines l;
	int64_t ms;
	int err;

	*ret_all = false;
	if (r->files[file].gz) {
		*ret_all = true;
		return go_to(r, file, 0);
	}
	while (bytes > r->files[file].size && file > 0 && !r->files[file - 1].gz)
		bytes -= r->files[file--].size;
	if (bytes >= r->files[file].size) {
		*ret_all = true;
		return go_to(r, file, 0);
	}
	p.f = &r->files[file];
	l = lines_of(&p);
	err = lines_start(&l, p.f->size - bytes, &start);
	if (!err &&
	    lines_first_time(&l, start, &ms) == -ENOENT) /* in the middle of the last record */
		err = lines_start(&l, start > LINES_NEAR ? start - LINES_NEAR : 0, &start);
	return err ? err : go_to(r, file, start);
}

void log_reader_set_open_end(struct log_reader *r, bool open_end)
{
	r->open_end = open_end;
}

/* --- reading */

/* The file is at its end, or cannot be read any further. */
static int end_file(struct log_reader *r)
{
	const struct reader_file *f = &r->files[r->at];
	int err;

	if (!(r->open_end && f->is_live && r->now_ms - f->mtime_ms < RECORD_WAIT_MS)) {
		err = records_flush(r->records, r->now_ms, true);
		if (err)
			return err == -EAGAIN ? 0 : err;
	}
	if (r->at + 1 == r->n) {
		r->at++;
		return 0;
	}
	records_reset(r->records);
	r->at++;
	r->offset = r->given = 0;
	r->partial = false;
	return 0;
}

/* One step: a block is read, or fed, or the file ended. */
static int step(struct log_reader *r)
{
	size_t taken = 0;
	ssize_t got;
	int err;

	if (r->block_from < r->block_to) {
		size_t n = r->block_to - r->block_from;

		err = records_feed(r->records, r->block + r->block_from, n, r->offset - n,
				   r->now_ms, &taken);
		r->block_from += taken;
		return err == -EAGAIN ? 0 : err;
	}
	got = file_pread(&r->files[r->at], r->block, sizeof(r->block), r->offset);
	if (got > 0) {
		r->block_from = 0;
		r->block_to = (size_t)got;
		r->offset += (uint64_t)got;
		return 0;
	}
	err = end_file(r);
	return err ? err : (int)got;
}

int log_reader_next(struct log_reader *r, struct log_record **ret)
{
	struct log_record *l;
	int err = 0;

	while (!r->first && r->at < r->n && !err)
		err = step(r);
	l = r->first;
	*ret = l;
	if (!l)
		return err;
	r->first = l->next;
	if (!r->first)
		r->last = &r->first;
	r->n_queued--;
	l->next = NULL;
	return 0;
}

int log_reader_end(const struct log_reader *r, struct log_end *ret)
{
	const struct reader_file *f = &r->files[r->n - 1];

	if (!f->is_live)
		return -ENOENT;
	*ret = (struct log_end){ f->fd, f->path, f->device, f->inode, r->given };
	return 0;
}
