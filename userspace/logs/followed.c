/* SPDX-License-Identifier: MIT */
/*
 * One text that is followed: its bytes and its place.
 * Invariant: whatever followed_read() gives stands behind bytes that were found unchanged after it was read (the beginning of the
 * file, and what is before the place): so it cannot be of a file that was truncated and written anew meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/log.h"
#include "logs/follow_impl.h"

struct inode_key {
	uint64_t device, inode;
};

static struct inode_key key_of(const struct followed *d)
{
	return (struct inode_key){ d->device, d->inode };
}

/* --- places */

static void index_drop(struct followed *d)
{
	const struct inode_key key = key_of(d);

	if (table_get(d->follow->by_inode, &key, sizeof(key)) == d)
		table_remove(d->follow->by_inode, &key, sizeof(key));
	if (d->path && table_get(d->follow->by_path, d->path, strlen(d->path)) == d)
		table_remove(d->follow->by_path, d->path, strlen(d->path));
}

static int index_put(struct followed *d)
{
	const struct inode_key key = key_of(d);
	int err;

	err = table_put(d->follow->by_inode, &key, sizeof(key), d);
	return err ? err : table_put(d->follow->by_path, d->path, strlen(d->path), d);
}

int followed_rename(struct followed *d, const struct follow_name *at)
{
	char *path, *live;

	if (d->path && strcmp(d->path, at->path) == 0 && strcmp(d->live, at->live) == 0 &&
	    table_get(d->follow->by_path, d->path, strlen(d->path)) == d)
		return 0;
	path = strdup(at->path);
	live = strdup(at->live);
	if (!path || !live) {
		free(path);
		free(live);
		return -ENOMEM;
	}
	index_drop(d);
	free(d->path);
	free(d->live);
	d->path = path;
	d->live = live;
	return index_put(d);
}

void followed_let_go(struct followed *d)
{
	if (d->source.fd >= 0)
		d->follow->n_open--;
	source_close(&d->source);
}

void followed_leave(struct followed *d)
{
	/* A closed file that is gone was at its end when it was looked at last, as far as is known: nobody has to wait for it. */
	d->at_end = !d->cut && d->size <= d->offset;
	followed_let_go(d);
	index_drop(d);
	d->state = FOLLOWED_SEARCH;
	d->was_cut = d->cut;
	d->cut = false;
	d->named = false;
	d->over = true;
	d->told = false;
	d->search_ns = clock_monotonic_ns();
}

/* FOLLOW_OPEN_MAX is ours; less than that is the system's limit. */
static void say_open_max(struct follow *f)
{
	if (f->open_told || f->open_max == FOLLOW_OPEN_MAX)
		return;
	f->open_told = true;
	log_warning(
		"log \"%s\": only %zu of its files are held open at once, and one that is deleted"
		" while it is closed is not read to its end; raise the limit of open files"
		" (LimitNOFILE=, systemctl edit isamon)",
		f->config->name, f->open_max);
}

/* Those that have a name can be opened again. */
static void make_room(const struct followed *but)
{
	struct follow *f = but->follow;
	struct followed *d, *oldest = NULL;

	if (f->n_open < f->open_max)
		return;
	say_open_max(f);
	TAILQ_FOREACH(d, &f->files, entry)
	if (d != but && d->source.fd >= 0 && d->named &&
	    (!oldest || d->at_end > oldest->at_end ||
	     (d->at_end == oldest->at_end && d->used < oldest->used)))
		oldest = d;
	if (oldest)
		followed_let_go(oldest);
}

int followed_move(struct followed *d, const struct follow_name *at, struct source *s)
{
	int err;

	followed_let_go(d);
	make_room(d);
	index_drop(d);
	d->device = at->device;
	d->inode = at->inode;
	d->is_gzip = at->is_gzip;
	d->mtime_ns = at->mtime_ns;
	d->over = !at->is_live;
	d->named = true;
	d->state = FOLLOWED_HERE;
	d->cut = false;
	d->source = *s;
	*s = (struct source){ .fd = -1 };
	d->follow->n_open++;
	d->size = source_size(&d->source);
	err = followed_rename(d, at);
	if (!err)
		err = index_put(d);
	if (d->is_gzip && d->size == (uint32_t)d->offset)
		d->size = d->offset;
	d->at_end = d->offset && d->size == d->offset;
	d->quiet_ns = clock_monotonic_ns();
	return err;
}

static void tail_load(struct followed *d)
{
	const uint32_t n = d->offset < TAIL_MAX ? (uint32_t)d->offset : TAIL_MAX;

	if (source_pread(&d->source, d->tail.bytes, n, d->offset - n) == (ssize_t)n)
		d->tail.len = n;
}

/* --- new and free */

int followed_new(struct follow *f, const struct follow_name *at, struct source *s, uint64_t id,
		 const struct mark *mark, struct followed **ret)
{
	struct followed *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->follow = f;
	d->source.fd = -1;
	d->id = id;
	while (!d->id && getrandom(&d->id, sizeof(d->id), 0) == sizeof(d->id))
		d->id &= INT64_MAX;
	d->print = mark->print;
	d->offset = d->done = mark->offset;
	TAILQ_INSERT_TAIL(&f->files, d, entry);
	f->n_files++;
	err = followed_move(d, at, s);
	if (err) {
		followed_free(d);
		return err;
	}
	if (d->offset && !d->is_gzip)
		tail_load(d);
	if (!d->is_gzip || !d->print.len)
		followed_check(d);
	d->at_end = false;
	*ret = d;
	return 0;
}

void followed_free(struct followed *d)
{
	struct followed *other;

	followed_let_go(d);
	index_drop(d);
	TAILQ_REMOVE(&d->follow->files, d, entry);
	d->follow->n_files--;
	TAILQ_FOREACH(other, &d->follow->files, entry)
	if (other->before == d)
		other->before = NULL;
	free(d->path);
	free(d->live);
	free(d);
}

/* --- what it is known by */

bool followed_check(struct followed *d)
{
	unsigned char head[FINGERPRINT_MAX];
	ssize_t n = source_pread(&d->source, head, sizeof(head), 0);

	return n < 0 || fingerprint_follow(&d->print, head, (size_t)n);
}

struct mark followed_mark(const struct followed *d)
{
	struct mark m = { .print = d->print, .offset = d->offset, .tail_len = d->tail.len };

	if (tail_hash(&d->tail, m.tail))
		m.tail_len = 0;
	return m;
}

/* --- opening */

int followed_open(struct followed *d)
{
	uint64_t device, inode;
	struct source s;
	int err;

	d->used = ++d->follow->use;
	if (d->source.fd >= 0)
		return 0;
	make_room(d);
	err = source_open(d->path, d->is_gzip, &s, &device, &inode);
	if (err)
		return err == -ENOENT ? -ESTALE : err;
	if (device != d->device || inode != d->inode) {
		source_close(&s);
		return -ESTALE;
	}
	d->source = s;
	d->follow->n_open++;
	return 0;
}

/* --- reading */

static void at_end(struct followed *d)
{
	d->told = false;
	d->at_end = true;
	d->quiet_ns = clock_monotonic_ns();
	if (!d->is_gzip)
		d->size = d->offset;
	if (d->waited_for)
		follow_soon(d->follow);
}

/* The file has other bytes, or none, where its own were. */
static ssize_t cut_off(struct followed *d)
{
	d->cut = true;
	d->told = false;
	follow_soon(d->follow);
	return 0;
}

static ssize_t fail(struct followed *d, int err)
{
	d->told = false;
	if (!d->failed)
		follow_complain(d->follow, d->path, err);
	d->failed = true;
	return err;
}

void followed_lose(struct followed *d)
{
	const uint64_t bytes = d->size > d->offset ? d->size - d->offset : 0;

	log_warning("log \"%s\": what was written to %s behind byte %llu is in no copy of it:"
		    " %llu bytes are lost%s",
		    d->follow->config->name, d->live, (unsigned long long)d->offset,
		    (unsigned long long)bytes, bytes ? ", or more" : ", if any");
	d->state = FOLLOWED_DEAD;
	d->follow->lost_bytes += bytes;
	d->follow->hooks.lost(d, bytes, d->follow->hooks.ctx);
	d->offset = d->size = d->offset + bytes;
	at_end(d);
}

static ssize_t plain_read(struct followed *d, void *bytes, size_t size)
{
	unsigned char before[TAIL_MAX];
	struct iovec v[] = { { before, 0 }, { bytes, size } };
	ssize_t n;

	if (!d->tail.len && d->offset) {
		tail_load(d);
		if (!d->tail.len)
			return cut_off(d);
	}
	v[0].iov_len = d->tail.len;
	do
		n = preadv(d->source.fd, v, 2, (off_t)(d->offset - d->tail.len));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(d, -errno);
	if (n < (ssize_t)d->tail.len || memcmp(before, d->tail.bytes, d->tail.len) != 0 ||
	    !followed_check(d))
		return cut_off(d);
	return n - (ssize_t)d->tail.len;
}

static ssize_t gzip_read(struct followed *d, void *bytes, size_t size)
{
	ssize_t n;

	/* So that one that was read before is not unpacked to see that. (Two members of the very same size could deceive it.) */
	if (d->offset && source_size(&d->source) == (uint32_t)d->offset)
		return 0;
	n = gunzip_reader_pread(d->source.gz, bytes, size, d->offset);
	if (n == -EBADMSG) {
		follow_complain(d->follow, d->path, n);
		followed_lose(d);
		return 0;
	}
	if (n < 0)
		return fail(d, (int)n);
	if (n == 0 && gunzip_reader_is_whole(d->source.gz))
		d->size = d->offset;
	return n;
}

/* Only whoever goes back comes here. */
static ssize_t dead_read(struct followed *d)
{
	if (d->offset < d->size)
		followed_lose(d);
	at_end(d);
	return 0;
}

ssize_t followed_read(struct followed *d, void *bytes, size_t size, uint64_t *ret_offset)
{
	ssize_t n;
	int err;

	*ret_offset = d->offset;
	if (d->state == FOLLOWED_DEAD)
		return dead_read(d);
	if (d->state == FOLLOWED_SEARCH || d->cut) {
		d->told = false;
		return 0;
	}
	err = followed_open(d);
	if (err == -ESTALE) {
		d->told = false;
		follow_soon(d->follow);
		return 0;
	}
	if (err)
		return fail(d, err);
	n = d->is_gzip ? gzip_read(d, bytes, size) : plain_read(d, bytes, size);
	if (n < 0 || d->cut || d->state == FOLLOWED_DEAD)
		return n;
	if (d->failed)
		follow_content(d->follow, d->path);
	d->failed = false;
	if (n == 0) {
		at_end(d);
		return 0;
	}
	tail_add(&d->tail, bytes, (size_t)n);
	d->offset += (uint64_t)n;
	if (d->size < d->offset)
		d->size = d->offset;
	return n;
}

void followed_seek(struct followed *d, uint64_t offset)
{
	const struct timeval now = { 0 };

	if (offset == d->offset)
		return;
	d->offset = offset;
	d->tail.len = 0;
	d->at_end = false;
	evtimer_add(d->follow->written, &now);
}

void followed_put_off(struct followed *d)
{
	d->told = false;
}

void followed_done(struct followed *d, uint64_t offset)
{
	if (offset > d->done)
		d->done = offset;
}

void followed_tell(struct followed *d)
{
	if (d->told || d->at_end || d->cut || d->state != FOLLOWED_HERE ||
	    (d->before && !d->before->at_end && !d->before->failed))
		return;
	d->told = true;
	d->follow->hooks.ready(d, d->follow->hooks.ctx);
}

/* --- for whoever follows */

/* The bytes before the place up to which it is done, if they are still there. */
static bool tail_at(const struct followed *d, uint64_t offset, struct tail *ret)
{
	unsigned char head[FINGERPRINT_MAX];
	ssize_t n;

	ret->len = offset < TAIL_MAX ? (uint32_t)offset : TAIL_MAX;
	if (d->is_gzip || d->source.fd < 0 || !offset ||
	    source_pread(&d->source, ret->bytes, ret->len, offset - ret->len) != (ssize_t)ret->len)
		return false;
	n = source_pread(&d->source, head, sizeof(head), 0);
	return n >= 0 && fingerprint_fits(&d->print, head, (size_t)n);
}

void followed_position(const struct followed *d, struct position *ret)
{
	struct tail before, *t = &before;
	struct mark m;

	*ret = (struct position){ .id = d->id, .device = d->device, .inode = d->inode };
	snprintf(ret->log, sizeof(ret->log), "%s", d->follow->config->name);
	snprintf(ret->path, sizeof(ret->path), "%s", d->path);
	memcpy(ret->fingerprint, d->print.hash, sizeof(ret->fingerprint));
	ret->fingerprint_len = d->print.len;
	ret->offset = d->done;
	ret->seen_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	if (d->done == d->offset) {
		m = followed_mark(d);
		memcpy(ret->tail, m.tail, sizeof(ret->tail));
		ret->tail_len = m.tail_len;
	} else if (tail_at(d, d->done, t) && !tail_hash(t, ret->tail)) {
		ret->tail_len = t->len;
	}
}

bool followed_is_over(const struct followed *d)
{
	return d->over;
}

void followed_set_ctx(struct followed *d, void *ctx)
{
	d->ctx = ctx;
}

void *followed_ctx(const struct followed *d)
{
	return d->ctx;
}
