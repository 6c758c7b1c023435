/* SPDX-License-Identifier: MIT */
/*
 * A lane that reads files. Invariant: a file's next reading is behind the last byte that its records were given, and its
 * to[] is the end of the last record that the batch took: what is between them is in the records, and is read again after a kill.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "logs/log_push_impl.h"

static int on_record(const struct record *r, void *ctx)
{
	struct lane_file *f = ctx;
	struct log_lane *l = f->lane;
	struct lane_batch *b = log_lane_filling(l);
	int err;

	if (!f->to[l->filling] && b->n_files == LANE_BATCH_FILES)
		b->full = true;
	err = log_lane_take(l, r, r->level, r->from < f->maybe_to);
	if (err)
		return err;
	b->n_files += !f->to[l->filling];
	f->to[l->filling] = r->to;
	return 0;
}

/* --- files come and go */

static void file_free(struct lane_file *f)
{
	if (f->lane->held == f)
		f->lane->held = NULL;
	f->lane->push->memory -= f->memory;
	TAILQ_REMOVE(&f->lane->files, f, entry);
	if (f->records)
		log_lane_add_counts(&f->lane->counts, records_counts(f->records), &f->counted);
	records_free(f->records);
	if (f->followed)
		followed_set_ctx(f->followed, NULL);
	free(f);
}

static void find_known(struct lane_file *f)
{
	struct position *at = malloc(sizeof(*at));

	if (!at)
		return;
	followed_position(f->followed, at);
	for (size_t i = 0; i < f->lane->n_known; i++)
		if (f->lane->known[i].id == at->id) {
			f->maybe_to = f->lane->known[i].to;
			f->known = true;
		}
	free(at);
}

static struct lane_file *file_new(struct log_lane *l, struct followed *d)
{
	struct lane_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->lane = l;
	f->followed = d;
	TAILQ_INSERT_TAIL(&l->files, f, entry);
	if (records_new(l->rules, on_record, f, &f->records)) {
		f->followed = NULL;
		file_free(f);
		return NULL;
	}
	followed_set_ctx(d, f);
	find_known(f);
	return f;
}

static void on_ready(struct followed *d, void *ctx)
{
	struct log_lane *l = ctx;
	struct lane_file *f = followed_ctx(d);

	if (!f)
		f = file_new(l, d);
	if (!f) {
		followed_put_off(d);
		return;
	}
	f->ready = true;
	log_push_soon(l->push);
}

static void on_gone(struct followed *d, void *ctx)
{
	struct lane_file *f = followed_ctx(d);

	(void)ctx;
	if (f)
		file_free(f);
}

static void on_lost(struct followed *d, uint64_t bytes, void *ctx)
{
	struct log_lane *l = ctx;
	struct lane_file *f = followed_ctx(d);

	if (l->count != COUNT_ONLY)
		l->push->n[LOGS_LOST_BYTES] += bytes;
	if (f)
		f->ready = true;
	log_push_soon(l->push);
}

static void on_registered(int err, void *ctx)
{
	(void)err; /* told by the store; the next batch writes it, too */
	(void)ctx;
}

void log_files_register(struct log_lane *l)
{
	struct position *list = NULL;
	struct lane_file *f;
	size_t n = 0;

	TAILQ_FOREACH(f, &l->files, entry)
	n += !f->known;
	if (!n)
		return;
	n = n < LANE_BATCH_FILES ? n : LANE_BATCH_FILES;
	list = calloc(n, sizeof(*list));
	if (!list)
		return;
	n = 0;
	TAILQ_FOREACH(f, &l->files, entry)
	{
		if (f->known || n == LANE_BATCH_FILES)
			continue;
		followed_position(f->followed, &list[n]);
		memcpy(list[n++].log, l->key, sizeof(l->key));
		f->known = true;
	}
	(void)positions_put(l->push->positions, list, n, on_registered, l);
	free(list);
}

int log_files_open(struct log_lane *l, const struct position *known, size_t n, struct buf *why)
{
	const struct follow_hooks hooks = { on_ready, on_gone, on_lost, l };
	return follow_new(l->push->base, l->config, known, n, &hooks, why, &l->follow);
}

void log_files_close(struct log_lane *l)
{
	while (!TAILQ_EMPTY(&l->files))
		file_free(TAILQ_FIRST(&l->files));
	follow_free(l->follow);
	l->follow = NULL;
}

/* --- reading */

/* All that was read has arrived, empty lines and what was lost included. */
static void settle_end(struct lane_file *f, uint64_t offset)
{
	if (!f->to[LANE_A] && !f->to[LANE_B] &&
	    records_wait_ms(f->records, log_push_now_ms(f->lane->push)) < 0 &&
	    followed_is_over(f->followed))
		followed_done(f->followed, offset);
}

/* At its end for now. Returns 0, 1 (the batch is full), or -ENOMEM. */
static int read_end(struct lane_file *f, uint64_t offset)
{
	const uint64_t now = clock_monotonic_ns();
	bool over;
	int err;

	f->ready = false;
	if (!f->end_ns)
		f->end_ns = now;
	over = followed_is_over(f->followed) && now - f->end_ns >= LANE_OVER_MS * NS_PER_MS;
	err = records_flush(f->records, log_push_now_ms(f->lane->push), over);
	if (err == 1)
		f->lane->held = f;
	if (!err && over)
		settle_end(f, offset);
	return err;
}

/* Returns how many bytes were read; 0: there is nothing more to be had, or no more room; -ENOMEM. */
static ssize_t read_some(struct lane_file *f)
{
	struct log_push *p = f->lane->push;
	uint64_t offset;
	ssize_t n = followed_read(f->followed, p->chunk, sizeof(p->chunk), &offset);
	size_t taken = 0;
	int err;

	if (n < 0) {
		f->ready = false;
		return 0;
	}
	if (n == 0) {
		err = read_end(f, offset);
		return err == 1 ? 0 : err;
	}
	f->end_ns = 0;
	err = records_feed(f->records, p->chunk, (size_t)n, offset, log_push_now_ms(p), &taken);
	if (taken < (size_t)n)
		followed_seek(f->followed, offset + taken);
	if (err == 1)
		f->lane->held = f;
	return err < 0 ? err : err ? 0 : n;
}

static void memory_count(struct lane_file *f)
{
	const size_t memory = records_rest(f->records);

	f->lane->push->memory += memory - f->memory;
	f->memory = memory;
}

/* Many files with much that is not over yet. */
static void memory_bound(struct lane_file *f)
{
	struct log_push *p = f->lane->push;

	memory_count(f);
	if (p->memory <= LANES_MEMORY || f->memory <= LANE_FILE_MEMORY || f->lane->held)
		return;
	if (records_cut(f->records, log_push_now_ms(p)) == 1)
		f->lane->held = f;
	memory_count(f);
}

/* What was held comes first, so that no two files hold something. Returns whether it was taken. */
static bool give_held(struct log_lane *l)
{
	struct lane_file *f = l->held;

	if (!f)
		return true;
	if (records_flush(f->records, log_push_now_ms(l->push), false))
		return false;
	l->held = NULL;
	memory_count(f);
	return true;
}

static struct lane_file *next_ready(struct log_lane *l)
{
	struct lane_file *f;

	TAILQ_FOREACH(f, &l->files, entry)
	if (f->ready)
		return f;
	return NULL;
}

bool log_files_fill(struct log_lane *l)
{
	struct lane_file *f;
	size_t bytes = 0;

	if (!give_held(l))
		return false;
	while (!log_lane_filling(l)->full && bytes < LANE_TURN_BYTES && (f = next_ready(l))) {
		const ssize_t n = read_some(f);

		if (n < 0)
			return false; /* for lack of memory: the tick comes */
		bytes += (size_t)n;
		memory_bound(f);
		/* The others have their turn before it, unless it is in the middle of something long. */
		if (n && f->memory > LANE_FILE_LONG)
			continue;
		TAILQ_REMOVE(&l->files, f, entry);
		TAILQ_INSERT_TAIL(&l->files, f, entry);
	}
	return !log_lane_filling(l)->full && next_ready(l);
}

bool log_files_wait(struct log_lane *l)
{
	const int64_t now = log_push_now_ms(l->push);
	struct lane_file *f;

	TAILQ_FOREACH(f, &l->files, entry)
	if (records_wait_ms(f->records, now) >= 0)
		return true;
	return false;
}

void log_files_tick(struct log_lane *l)
{
	const int64_t now_ms = log_push_now_ms(l->push);
	const uint64_t now_ns = clock_monotonic_ns();
	struct lane_file *f;

	TAILQ_FOREACH(f, &l->files, entry)
	{
		const int wait_ms = records_wait_ms(f->records, now_ms);

		/* (a reading at the end flushes) */
		if (wait_ms == 0 || (f->end_ns && followed_is_over(f->followed) &&
				     now_ns - f->end_ns >= LANE_OVER_MS * NS_PER_MS))
			f->ready = true;
	}
}
