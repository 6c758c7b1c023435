/* SPDX-License-Identifier: MIT */
/* Follows files by logs/follow.h and units by logs/journal.h, in one loop. Invariant: what the readers gave is not given again: each file
 * is taken over at its offset, a journal behind its cursor. */
#include "cmd/logs_follow.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "cmd/logs_cmd.h"
#include "logs/fingerprint.h"
#include "logs/follow.h"
#include "logs/journal_records.h"

#define BLOCK (64u * 1024)
#define WHY_MAX 4096
#define TURN_MS 100
/* A person waits less long than a shipper for what may belong to a record. */
#define WAIT_MS 250
#define SIGNALS 3

struct following;

struct followed_log {
	struct following *f;
	struct logs_source *source;
	struct config_log config; /* that of the source, but begun at the end */
	struct follow *follow;
	struct journal *journal;
	struct journal_records *journal_records;
};

struct followed_file {
	struct followed_log *log;
	struct followed *followed;
	struct records *records;
	int64_t before_ms;
};

struct following {
	struct logs_sources *s;
	struct event_base *base;
	struct event *signals[SIGNALS], *closed, *turn;
	struct followed_log *logs;
	struct followed_file **files;
	size_t n_files;
	bool printed;
	int err;
	char block[BLOCK];
};

static void end(struct following *f, int err)
{
	if (!f->err)
		f->err = err;
	event_base_loopbreak(f->base);
}

static void print(struct followed_log *l, const struct log_record *r)
{
	struct following *f = l->f;
	int err;

	if (!logs_filter_lets(&f->s->filter, r->time_ms, r->level, r->text, r->len))
		return;
	err = logs_sources_print(f->s, l->source, r);
	f->printed = true;
	if (err)
		end(f, err);
}

/* --- files */

static int on_record(const struct record *r, void *ctx)
{
	struct followed_file *file = ctx;
	struct log_record line = { .level = r->level, .text = r->text, .len = r->len };

	if (r->has_time)
		file->before_ms = r->time_ms;
	if (!r->shipped)
		return 0;
	line.time_ms = file->before_ms != LOGS_NO_TIME ? file->before_ms : r->time_ms;
	line.exception = r->exception;
	line.exception_len = r->exception ? r->exception_len : 0;
	print(file->log, &line);
	return 0;
}

static struct followed_file *file_new(struct followed_log *l, struct followed *d)
{
	struct following *f = l->f;
	struct followed_file **grown =
		reallocarray(f->files, f->n_files + 1, sizeof(struct followed_file *));
	struct followed_file *file = calloc(1, sizeof(*file));

	if (grown)
		f->files = grown;
	if (!grown || !file || records_new(l->source->rules, on_record, file, &file->records)) {
		free(file);
		return NULL;
	}
	file->log = l;
	file->followed = d;
	file->before_ms = LOGS_NO_TIME;
	f->files[f->n_files++] = file;
	followed_set_ctx(d, file);
	return file;
}

/* All that it has now. */
static void read_file(struct following *f, struct followed_file *file)
{
	uint64_t offset;
	ssize_t n;

	while (!f->err && (n = followed_read(file->followed, f->block, BLOCK, &offset)) > 0) {
		size_t taken;
		int err = records_feed(file->records, f->block, (size_t)n, offset, logs_now_ms(),
				       &taken);

		if (err)
			end(f, err);
		followed_done(file->followed, offset + (uint64_t)n);
	}
}

/* What was rotated away comes before what is written instead of it. */
static void finish_older(struct following *f, const struct followed_file *newer)
{
	for (size_t i = 0; i < f->n_files; i++) {
		struct followed_file *file = f->files[i];

		if (file == newer || file->log != newer->log || !followed_is_over(file->followed))
			continue;
		read_file(f, file);
		records_flush(file->records, logs_now_ms(), true);
	}
}

static void on_ready(struct followed *d, void *ctx)
{
	struct followed_log *l = ctx;
	struct followed_file *file = followed_ctx(d);

	if (!file)
		file = file_new(l, d);
	if (!file) {
		end(l->f, -ENOMEM);
		return;
	}
	if (!followed_is_over(d))
		finish_older(l->f, file);
	read_file(l->f, file);
}

static void on_gone(struct followed *d, void *ctx)
{
	struct followed_file *file = followed_ctx(d);
	struct following *f = ((struct followed_log *)ctx)->f;

	if (!file)
		return;
	records_flush(file->records, logs_now_ms(), true);
	records_free(file->records);
	for (size_t i = 0; i < f->n_files; i++)
		if (f->files[i] == file)
			f->files[i] = f->files[--f->n_files];
	free(file);
}

static void on_lost(struct followed *d, uint64_t bytes, void *ctx)
{
	struct followed_log *l = ctx;

	(void)d;
	fprintf(stderr, LOGS_COMMAND ": %s: was truncated; %llu bytes were not read before\n",
		l->source->c->name, (unsigned long long)bytes);
}

/* What a reader stands at, as if a shipper had read so far. */
static int position_of(const struct logs_stream *t, size_t id, struct position *ret)
{
	unsigned char head[FINGERPRINT_MAX];
	struct fingerprint print = { .len = 0 };
	struct log_end at;
	ssize_t n;

	if (log_reader_end(t->reader, &at))
		return -ENOENT;
	n = pread(at.fd, head, sizeof(head), 0);
	if (n < 0 || fingerprint_make(&print, head, (size_t)n))
		return -EIO;
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->log, sizeof(ret->log), "%s", t->source->c->name);
	snprintf(ret->path, sizeof(ret->path), "%s", at.path);
	ret->id = id + 1;
	ret->device = at.device;
	ret->inode = at.inode;
	ret->offset = at.offset;
	ret->fingerprint_len = print.len;
	memcpy(ret->fingerprint, print.hash, sizeof(ret->fingerprint));
	ret->seen_s = logs_now_ms() / 1000;
	return 0;
}

static int follow_files(struct followed_log *l)
{
	const struct follow_hooks hooks = { on_ready, on_gone, on_lost, l };
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct logs_sources *s = l->f->s;
	struct position *known = calloc(s->n_streams + 1, sizeof(*known));
	size_t n = 0;
	int err;

	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_streams; i++)
		if (s->streams[i].source == l->source &&
		    position_of(&s->streams[i], n, &known[n]) == 0)
			n++;
	l->config = *l->source->c;
	l->config.start = CONFIG_LOG_END;
	err = follow_new(l->f->base, &l->config, known, n, &hooks, &why, &l->follow);
	free(known);
	if (err && why.len)
		fprintf(stderr, LOGS_COMMAND ": %s: %s\n", l->source->c->name, buf_str(&why));
	return err;
}

/* --- the journal */

static int on_journal_record(const struct record *r, enum record_level level, const char *cursor,
			     void *ctx)
{
	const struct log_record line = { .time_ms = r->time_ms,
					 .level = level,
					 .text = r->text,
					 .len = r->len,
					 .exception = r->exception,
					 .exception_len = r->exception ? r->exception_len : 0 };

	(void)cursor;
	if (r->shipped)
		print(ctx, &line);
	return 0;
}

static void on_entry(void *ctx)
{
	struct followed_log *l = ctx;
	const struct journal_entry *e;

	while (!l->f->err && (e = journal_next(l->journal))) {
		int err = journal_records_add(l->journal_records, e);

		if (!err)
			err = journal_records_feed(l->journal_records);
		if (err)
			end(l->f, err);
	}
}

static int follow_journal(struct followed_log *l)
{
	const struct logs_sources *s = l->f->s;
	struct journal_options o = { .unit = l->source->c->unit,
				     .log = l->source->c->name,
				     .cursor = "" };
	int err;

	if (!child_find("journalctl", NULL))
		return 0;
	for (size_t i = 0; i < s->n_streams; i++)
		if (s->streams[i].source == l->source && s->streams[i].journal)
			o.cursor = journal_past_cursor(s->streams[i].journal);
	err = journal_records_new(l->source->rules, on_journal_record, l, &l->journal_records);
	return err ? err : journal_new(l->f->base, &o, on_entry, l, &l->journal);
}

/* --- the loop */

static void on_signal(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(((struct following *)ctx)->base);
}

/* The reader of our pipe has gone; otherwise that would show only with the next line, which may not come for hours. */
static void on_closed(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	end(ctx, -EPIPE);
}

static void flush_late(struct records *r, int64_t now_ms)
{
	int left_ms = records_wait_ms(r, now_ms);

	if (left_ms >= 0 && left_ms <= RECORD_WAIT_MS - WAIT_MS)
		records_flush(r, now_ms + RECORD_WAIT_MS, false);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct following *f = ctx;
	int64_t now_ms = logs_now_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < f->n_files && !f->err; i++)
		flush_late(f->files[i]->records, now_ms);
	for (size_t i = 0; i < f->s->n && !f->err; i++)
		if (f->logs[i].journal_records)
			flush_late(journal_records_of(f->logs[i].journal_records), now_ms);
	if (f->printed && fflush(stdout))
		end(f, -errno);
	f->printed = false;
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int add_events(struct following *f)
{
	static const int signals[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
	const struct timeval turn = { .tv_usec = TURN_MS * 1000 };

	for (size_t i = 0; i < SIGNALS; i++) {
		f->signals[i] = evsignal_new(f->base, signals[i], on_signal, f);
		if (!f->signals[i] || event_add(f->signals[i], NULL))
			return -ENOMEM;
	}
	f->turn = event_new(f->base, -1, EV_PERSIST, on_turn, f);
	if (!f->turn || event_add(f->turn, &turn))
		return -ENOMEM;
	if (!is_pipe(STDOUT_FILENO))
		return 0;
	f->closed = event_new(f->base, STDOUT_FILENO, EV_READ, on_closed, f);
	return f->closed && event_add(f->closed, NULL) == 0 ? 0 : -ENOMEM;
}

static void done(struct following *f)
{
	for (size_t i = 0; f->logs && i < f->s->n; i++) {
		follow_free(f->logs[i].follow);
		journal_free(f->logs[i].journal);
		journal_records_free(f->logs[i].journal_records);
	}
	for (size_t i = 0; i < f->n_files; i++) {
		records_free(f->files[i]->records);
		free(f->files[i]);
	}
	for (size_t i = 0; i < SIGNALS; i++)
		if (f->signals[i])
			event_free(f->signals[i]);
	if (f->closed)
		event_free(f->closed);
	if (f->turn)
		event_free(f->turn);
	if (f->base)
		event_base_free(f->base);
	free(f->files);
	free(f->logs);
	free(f);
}

/* At the end: what waits does no longer. */
static void flush_all(struct following *f)
{
	int64_t now_ms = logs_now_ms();

	for (size_t i = 0; i < f->n_files && !f->err; i++)
		records_flush(f->files[i]->records, now_ms, true);
	for (size_t i = 0; f->logs && i < f->s->n && !f->err; i++)
		if (f->logs[i].journal_records)
			records_flush(journal_records_of(f->logs[i].journal_records), now_ms, true);
}

int logs_follow(struct logs_sources *s)
{
	struct following *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->s = s;
	f->base = event_base_new();
	f->logs = calloc(s->n + 1, sizeof(*f->logs));
	err = f->base && f->logs ? add_events(f) : -ENOMEM;
	for (size_t i = 0; i < s->n && !err; i++) {
		f->logs[i].f = f;
		f->logs[i].source = &s->list[i];
		err = *s->list[i].c->unit ? follow_journal(&f->logs[i]) : follow_files(&f->logs[i]);
	}
	if (!err)
		event_base_dispatch(f->base);
	flush_all(f);
	err = err ? err : f->err;
	done(f);
	if (!err || err == -EPIPE)
		return 0;
	fprintf(stderr, LOGS_COMMAND ": %s\n", strerror(-err));
	return err;
}
