/* SPDX-License-Identifier: MIT */
/* Opens the logs and merges them: each stream has its next record ready, and the oldest of these comes next. Of equal ones the first
 * in the configuration does. */
#include "cmd/logs_sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cmd/logs_cmd.h"

#define WHY_MAX 4096
#define STREAMS_MAX 1024
#define WINDOW_FIRST (64u << 10)
#define WINDOW_MAX (64u << 20)
#define WINDOW_GROWTH 8
/* Entries of a journal that are looked through besides: lines of tracebacks, and what does not pass. */
#define JOURNAL_MORE 20000

static const char *reason(int err)
{
	switch (err) {
	case -EACCES: return "only root, or its group, may read it; try it with sudo";
	case -ELOOP: return "a symbolic link in a directory where others than root may write";
	case -ESPIPE:
	case -EISDIR: return "no regular file";
	case -EBADMSG: return "no gzip file, or damaged";
	default: return strerror(-err);
	}
}

static void refused(const char *path, int err, void *ctx)
{
	struct logs_sources *s = ctx;
	char plain[512];

	utf8_make_plain(path, strlen(path), plain, sizeof(plain));
	fprintf(stderr, LOGS_COMMAND ": %s: cannot be read: %s\n", plain, reason(err));
	s->failed = true;
}

static void directory_passed(const char *path, void *ctx)
{
	(void)path;
	(void)ctx;
}

/* --- which */

static const struct config_log *find(const struct config *c, const char *name, size_t *ret_index)
{
	for (size_t i = 0; i < c->n_logs; i++) {
		if (strcmp(c->logs[i]->name, name) != 0)
			continue;
		*ret_index = i;
		return c->logs[i];
	}
	return NULL;
}

static int unknown(const struct config *c, const char *name)
{
	fprintf(stderr, LOGS_COMMAND ": there is no log \"%s\"; there are", name);
	for (size_t i = 0; i < c->n_logs; i++)
		fprintf(stderr, "%s %s", i ? "," : "", c->logs[i]->name);
	fputc('\n', stderr);
	return -EINVAL;
}

static int add_source(struct logs_sources *s, const struct config_log *c, size_t index)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct logs_source *source = &s->list[s->n];
	int err;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].c == c)
			return 0;
	*source = (struct logs_source){ .c = c, .index = index };
	err = record_rules_new(c, &why, &source->rules);
	if (err) {
		fprintf(stderr, LOGS_COMMAND ": [log \"%s\"] %s\n", c->name,
			why.len ? buf_str(&why) : strerror(-err));
		return err;
	}
	s->n++;
	return 0;
}

int logs_sources_init(struct logs_sources *s, const struct config *c, char *const *names, size_t n,
		      bool json)
{
	int err = 0, width = 0;

	s->c = c;
	s->n = 0;
	s->now_ms = logs_now_ms();
	s->list = calloc(c->n_logs + 1, sizeof(*s->list));
	if (!s->list)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++) {
		size_t index = 0;
		const struct config_log *l = find(c, names[i], &index);

		err = l ? add_source(s, l, index) : unknown(c, names[i]);
	}
	for (size_t i = 0; i < c->n_logs && !n && !err; i++)
		err = add_source(s, c->logs[i], i);
	if (err)
		return err;
	for (size_t i = 0; i < s->n; i++) {
		int columns = logs_columns(s->list[i].c->name, strlen(s->list[i].c->name));

		width = columns > width ? columns : width;
	}
	logs_printer_init(s->printer, json, s->n > 1 ? width : 0);
	return 0;
}

void logs_sources_done(struct logs_sources *s)
{
	for (size_t i = 0; i < s->n_streams; i++) {
		log_reader_free(s->streams[i].reader);
		journal_past_close(s->streams[i].journal);
		free(s->streams[i].head);
	}
	free(s->streams);
	for (size_t i = 0; i < s->n; i++)
		record_rules_free(s->list[i].rules);
	free(s->list);
	pattern_free(s->filter.grep);
	s->n = s->n_streams = 0;
	s->streams = NULL;
	s->list = NULL;
	s->filter.grep = NULL;
}

/* --- what passes */

bool logs_filter_lets(const struct logs_filter *f, int64_t time_ms, enum record_level level,
		      const char *text, size_t len)
{
	return time_ms >= f->since_ms && level >= f->level &&
	       (!f->grep || pattern_matches(f->grep, text, len));
}

int logs_sources_print(struct logs_sources *s, const struct logs_source *from,
		       const struct log_record *r)
{
	const struct logs_line l = {
		.source = from->c->name,
		.colour = from->index,
		.time_ms = r->time_ms,
		.level = r->level,
		.text = r->text,
		.len = r->len,
		.exception = r->exception_len ? r->exception : NULL,
		.exception_len = r->exception_len,
	};

	s->shown = true;
	return logs_print(s->printer, &l);
}

/* --- streams */

static struct logs_stream *add_stream(struct logs_sources *s, struct logs_source *source)
{
	struct logs_stream *grown = NULL;

	if (s->n_streams < STREAMS_MAX)
		grown = reallocarray(s->streams, s->n_streams + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	s->streams = grown;
	grown += s->n_streams++;
	*grown = (struct logs_stream){ .source = source };
	source->there = true;
	return grown;
}

/* The next one that passes becomes the head. */
static int advance(struct logs_sources *s, struct logs_stream *t)
{
	for (;;) {
		struct log_record *r = NULL;
		int err = t->reader ? log_reader_next(t->reader, &r) :
				      journal_past_next(t->journal, &r);

		if (err == -ENOMEM)
			return err;
		if (err) {
			refused(t->source->c->name, err, s);
			if (!t->reader)
				return 0;
			continue;
		}
		if (!r || logs_filter_lets(&s->filter, r->time_ms, r->level, r->text, r->len)) {
			t->head = r;
			return 0;
		}
		free(r);
	}
}

/* Goes so far back that there are @last records that pass, in steps that grow. */
static int go_back(struct logs_sources *s, struct logs_stream *t, uint64_t last)
{
	bool all = false;
	int err = 0;

	for (uint64_t window = WINDOW_FIRST; !err; window *= WINDOW_GROWTH) {
		uint64_t n = 0;

		err = log_reader_back(t->reader, window, &all);
		if (!err && (all || window >= WINDOW_MAX))
			return 0;
		do {
			free(take(t->head));
			err = err ? err : advance(s, t);
			n += t->head != NULL;
		} while (!err && t->head && n < last);
		free(take(t->head));
		if (!err && n >= last)
			return log_reader_back(t->reader, window, &all);
	}
	return err;
}

/* Those of one live name: a stream. */
static int open_files(struct logs_sources *s, struct logs_source *source,
		      const struct follow_name *const *names, size_t n, uint64_t last,
		      bool open_end)
{
	struct log_reader *reader;
	struct logs_stream *t;
	int64_t since_ms = s->filter.since_ms;
	int err = log_reader_new(source->rules, names, n, since_ms, s->now_ms, refused, s, &reader);

	if (err)
		return err == -ENOMEM ? err : 0;
	t = add_stream(s, source);
	if (!t) {
		log_reader_free(reader);
		return -ENOMEM;
	}
	t->reader = reader;
	log_reader_set_open_end(reader, open_end);
	if (since_ms != LOGS_NO_TIME)
		err = log_reader_find(reader, since_ms);
	else
		err = go_back(s, t, last);
	return err ? err : advance(s, t);
}

static int by_live(const void *a, const void *b)
{
	return strcmp((*(const struct follow_name *const *)a)->live,
		      (*(const struct follow_name *const *)b)->live);
}

static int open_source(struct logs_sources *s, struct logs_source *source, uint64_t last,
		       bool open_end)
{
	const struct follow_names_hooks hooks = { directory_passed, refused, s };
	_cleanup_(follow_names_done) struct follow_names names = { 0 };
	const struct follow_name **sorted;
	size_t end;
	int err = 0;

	for (size_t i = 0; i < source->c->n_paths && !err; i++)
		err = follow_names_add(&names, source->c->paths[i], source->c->olddir, &hooks);
	sorted = calloc(names.n + 1, sizeof(const struct follow_name *));
	if (err || !sorted) {
		free(sorted);
		return err ? err : -ENOMEM;
	}
	for (size_t i = 0; i < names.n; i++)
		sorted[i] = &names.list[i];
	qsort(sorted, names.n, sizeof(const struct follow_name *), by_live);
	for (size_t i = 0; i < names.n && !err; i = end) {
		for (end = i + 1; end < names.n && by_live(&sorted[i], &sorted[end]) == 0;)
			end++;
		err = open_files(s, source, sorted + i, end - i, last, open_end);
	}
	free(sorted);
	return err;
}

static int open_journal(struct logs_sources *s, struct logs_source *source, uint64_t last,
			bool open_end)
{
	struct journal_past *journal;
	struct logs_stream *t;
	int err = journal_past_open(source->c->unit, source->rules, s->filter.since_ms,
				    last ? last + JOURNAL_MORE : 0, open_end, &journal);

	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	t = add_stream(s, source);
	if (!t) {
		journal_past_close(journal);
		return -ENOMEM;
	}
	t->journal = journal;
	err = advance(s, t);
	source->there = t->head != NULL; /* journalctl has every unit, with nothing in it */
	return err;
}

int logs_sources_open(struct logs_sources *s, uint64_t last, bool open_end)
{
	int err = 0;

	for (size_t i = 0; i < s->n && !err; i++)
		err = *s->list[i].c->unit ? open_journal(s, &s->list[i], last, open_end) :
					    open_source(s, &s->list[i], last, open_end);
	if (err)
		fprintf(stderr, LOGS_COMMAND ": %s\n", strerror(-err));
	return err;
}

int logs_sources_each(struct logs_sources *s, logs_record_fn fn, void *ctx)
{
	int err = 0;

	while (!err) {
		struct logs_stream *next = NULL;

		for (size_t i = 0; i < s->n_streams; i++) {
			struct logs_stream *t = &s->streams[i];

			if (t->head && (!next || t->head->time_ms < next->head->time_ms))
				next = t;
		}
		if (!next)
			break;
		err = fn(s, next->source, take(next->head), ctx);
		if (!err)
			err = advance(s, next);
	}
	return err;
}
