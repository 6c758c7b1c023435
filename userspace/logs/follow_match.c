/* SPDX-License-Identifier: MIT */
/*
 * What the names are that belong to no file that is followed: a file that was followed by an earlier isamon; a copy, or an
 * archive, of one whose bytes are looked for; a new one; or one that came and was rotated away between two looks.
 * Invariant: a name that was found out has its file in user, and no file has two.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "logs/follow_impl.h"

#define S_NS ((int64_t)NS_PER_SEC)

static bool is_free(const struct follow *f, const struct follow_name *n)
{
	const uint64_t key[] = { n->device, n->inode };

	return !n->err && !n->user && !n->is_foreign && !table_get(f->by_inode, key, sizeof(key));
}

static bool same_live(const struct follow_name *n, const char *live)
{
	return strcmp(n->live, live) == 0;
}

/* Opens what @n names. False: it cannot be, or it is another file by now. */
static bool name_open(struct follow *f, const struct follow_name *n, struct source *ret)
{
	uint64_t device = 0, inode = 0;
	int err;

	err = source_open(n->path, n->is_gzip, ret, &device, &inode);
	if (err == -ENOENT || (!err && (device != n->device || inode != n->inode))) {
		if (!err)
			source_close(ret);
		follow_soon(f);
		f->incomplete = true;
		return false;
	}
	if (err) {
		f->incomplete |= err == -EMFILE || err == -ENFILE || err == -ENOMEM;
		f->unreadable++;
		follow_complain(f, n->path, err);
		return false;
	}
	follow_content(f, n->path);
	return true;
}

static int file_new(struct follow *f, struct follow_name *n, struct source *s, uint64_t id,
		    const struct mark *m, struct followed **ret)
{
	int err;

	if (f->n_files >= FOLLOW_FILES_MAX) {
		follow_say_full(f);
		return 0;
	}
	err = followed_new(f, n, s, id, m, ret);
	if (!err)
		n->user = *ret;
	return err;
}

/* --- of an earlier isamon */

static int known_follow(struct follow *f, struct known *k, struct follow_name *n, struct source *s)
{
	struct followed *d = NULL;
	int err;

	err = file_new(f, n, s, k->id, &k->mark, &d);
	if (err || !d)
		return err;
	d->seen_s = k->seen_s;
	follow_known_drop(f, k);
	return 0;
}

static bool has_inode(const struct known *k, const struct follow_name *n)
{
	return k->device == n->device && k->inode == n->inode;
}

/* Made at @since_s or later. Not every file system can say. */
static bool is_made_since(const struct source *s, int64_t since_s)
{
	struct statx st;

	return !statx(s->fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) && st.stx_mask & STATX_BTIME &&
	       st.stx_btime.tv_sec >= since_s;
}

/* A short beginning says little: a file that was made since, on the same inode or under the same name, may begin as the old one did. */
static bool is_another(const struct known *k, const struct source *s)
{
	return k->mark.print.len < FINGERPRINT_MAX && is_made_since(s, k->seen_s + 1);
}

/* The one that @s is the file of, which says most of it; NULL: none. One that was empty is not known again by its inode, which may be
 * another file's by now: whether such a file is read from its beginning is decided as for any new one. */
static struct known *known_of(struct follow *f, const struct follow_name *n, const struct source *s,
			      bool same_inode)
{
	struct known *best = NULL;

	for (size_t i = 0; i < f->n_known; i++) {
		struct known *k = &f->known[i];

		if (!k->mark.print.len ||
		    (same_inode ? !has_inode(k, n) : k->ended || !same_live(n, k->live)))
			continue;
		if (best && (best->mark.print.len > k->mark.print.len ||
			     (best->mark.print.len == k->mark.print.len &&
			      best->mark.offset >= k->mark.offset)))
			continue;
		if (source_fits(s, &k->mark) && !((same_inode || n->is_live) && is_another(k, s)))
			best = k;
	}
	return best;
}

static bool any_known(const struct follow *f, const struct follow_name *n, bool same_inode)
{
	for (size_t i = 0; i < f->n_known; i++) {
		const struct known *k = &f->known[i];

		if (k->mark.print.len &&
		    (same_inode ? has_inode(k, n) : !k->ended && same_live(n, k->live)))
			return true;
	}
	return false;
}

enum which_names { NAMES_ALL, NAMES_ROTATED, NAMES_LIVE };

static bool is_one_of(const struct follow_name *n, enum which_names which)
{
	return which == NAMES_ALL || n->is_live == (which == NAMES_LIVE);
}

static int match_known(struct follow *f, struct follow_names *names, enum which_names which,
		       bool same_inode)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		struct follow_name *n = &names->list[i];
		struct source s = { .fd = -1 };
		struct known *k;

		if (!is_one_of(n, which) || !is_free(f, n) || !any_known(f, n, same_inode) ||
		    !name_open(f, n, &s))
			continue;
		k = known_of(f, n, &s, same_inode);
		if (k)
			err = known_follow(f, k, n, &s);
		source_close(&s);
	}
	return err;
}

/* --- copies and archives */

static bool any_search(const struct follow *f, const struct follow_name *n)
{
	const struct followed *d;

	TAILQ_FOREACH(d, &f->files, entry)
	if (d->state == FOLLOWED_SEARCH && d->print.len && same_live(n, d->live))
		return true;
	return false;
}

/* A file that is looked for, and whose bytes are in @s. */
static struct followed *search_of(const struct follow *f, const struct follow_name *n,
				  const struct source *s)
{
	struct followed *d;
	struct mark m;

	TAILQ_FOREACH(d, &f->files, entry)
	{
		if (d->state != FOLLOWED_SEARCH || !d->print.len || !same_live(n, d->live))
			continue;
		m = followed_mark(d);
		if (source_fits(s, &m))
			return d;
	}
	return NULL;
}

static int match_search(struct follow *f, struct follow_names *names, bool is_gzip)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		struct follow_name *n = &names->list[i];
		struct source s = { .fd = -1 };
		struct followed *d;

		if (n->is_live || n->is_gzip != is_gzip || !is_free(f, n) || !any_search(f, n) ||
		    !name_open(f, n, &s))
			continue;
		d = search_of(f, n, &s);
		if (d) {
			err = followed_move(d, n, &s);
			n->user = d;
		}
		source_close(&s);
	}
	return err;
}

/* --- new files */

static bool was_followed(const struct follow *f, const struct follow_name *n)
{
	const struct followed *d;

	TAILQ_FOREACH(d, &f->files, entry)
	if (same_live(n, d->live))
		return true;
	for (size_t i = 0; i < f->n_known; i++)
		if (same_live(n, f->known[i].live))
			return true;
	return false;
}

/* Made since an earlier isamon looked last. */
static bool is_young(const struct follow *f, const struct source *s)
{
	return f->known_seen_s && is_made_since(s, f->known_seen_s);
}

static uint64_t begin_of(const struct follow *f, const struct follow_name *n,
			 const struct source *s, bool complained)
{
	if ((f->first || complained) && f->config->start == CONFIG_LOG_END && !was_followed(f, n) &&
	    !is_young(f, s))
		return source_size(s);
	return source_begin(s);
}

static int match_new(struct follow *f, struct follow_names *names)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		struct follow_name *n = &names->list[i];
		const bool complained = table_get(f->complaints, n->path, strlen(n->path));
		struct source s = { .fd = -1 };
		struct followed *d = NULL;
		struct mark m = { 0 };

		if (n->is_live && n->err) {
			f->unreadable++;
			follow_complain(f, n->path, n->err);
		}
		if (!n->is_live || !is_free(f, n) || !name_open(f, n, &s))
			continue;
		m.offset = begin_of(f, n, &s, complained);
		err = file_new(f, n, &s, 0, &m, &d);
		source_close(&s);
	}
	return err;
}

/* --- what came and went between two looks */

/* What was written since then, and is followed by nobody, is new. INT64_MAX: nothing is. */
static int64_t new_since_ns(const struct follow *f, const struct follow_name *n)
{
	const struct followed *d, *last = NULL;
	int64_t seen_s = 0;

	if (f->looked_ns)
		return f->looked_ns - S_NS;
	TAILQ_FOREACH(d, &f->files, entry)
	if (same_live(n, d->live) && d->seen_s > seen_s) {
		seen_s = d->seen_s;
		last = d;
	}
	for (size_t i = 0; i < f->n_known; i++)
		if (same_live(n, f->known[i].live) && f->known[i].seen_s > seen_s) {
			seen_s = f->known[i].seen_s;
			last = NULL;
		}
	if (!seen_s)
		return INT64_MAX;
	/* One that was empty then may have been written to and rotated since, and nothing says which it is. */
	for (size_t i = 0; i < f->n_known; i++)
		if (same_live(n, f->known[i].live) && !f->known[i].mark.print.len &&
		    f->known[i].seen_s < seen_s) {
			seen_s = f->known[i].seen_s;
			last = NULL;
		}
	return last && last->over && last->mtime_ns < seen_s * S_NS ? last->mtime_ns :
								      seen_s * S_NS;
}

/* Whether the @n bytes that @s begins with are those of a copy that is being made of @d. */
static bool is_copy_of(const struct followed *d, const unsigned char *head, size_t n)
{
	unsigned char own[FINGERPRINT_MAX];
	ssize_t got;

	if (d->print.len && fingerprint_fits(&d->print, head, n) &&
	    (d->print.len == FINGERPRINT_MAX || n <= d->print.len))
		return true;
	if (d->source.fd < 0)
		return false;
	got = source_pread(&d->source, own, sizeof(own), 0);
	return got >= (ssize_t)n && fingerprint_fits(&d->print, own, (size_t)got) &&
	       memcmp(own, head, n) == 0;
}

static bool is_copy(const struct follow *f, const struct follow_name *n, const struct source *s)
{
	unsigned char head[FINGERPRINT_MAX];
	ssize_t got = source_pread(s, head, sizeof(head), 0);
	const struct followed *d;

	/* One that is empty, or no gzip file yet, comes again when it has something. */
	if (got <= 0)
		return true;
	TAILQ_FOREACH(d, &f->files, entry)
	if (same_live(n, d->live) && is_copy_of(d, head, (size_t)got))
		return true;
	for (size_t i = 0; i < f->n_known; i++) {
		const struct known *k = &f->known[i];

		if (k->ended && same_live(n, k->live) && k->mark.print.len &&
		    fingerprint_fits(&k->mark.print, head, (size_t)got) &&
		    (k->mark.print.len == FINGERPRINT_MAX || (size_t)got <= k->mark.print.len))
			return true;
	}
	return false;
}

static int match_missed(struct follow *f, struct follow_names *names, bool is_gzip)
{
	int err = 0;

	for (size_t i = 0; i < names->n && !err; i++) {
		struct follow_name *n = &names->list[i];
		const struct mark m = { 0 };
		struct source s = { .fd = -1 };
		struct followed *d = NULL;

		if (n->is_live || n->is_gzip != is_gzip || !is_free(f, n) ||
		    n->mtime_ns < new_since_ns(f, n) || !name_open(f, n, &s))
			continue;
		if (!is_copy(f, n, &s))
			err = file_new(f, n, &s, 0, &m, &d);
		source_close(&s);
	}
	return err;
}

int follow_match(struct follow *f, struct follow_names *names, bool names_changed)
{
	int err;

	err = match_known(f, names, NAMES_ALL, true);
	if (!err)
		err = match_search(f, names, false);
	if (!err)
		err = match_search(f, names, true);
	/* What begins alike and is rotated is rather the one that was known than what is written now. */
	if (!err && names_changed)
		err = match_known(f, names, NAMES_ROTATED, false);
	if (!err && names_changed)
		err = match_known(f, names, NAMES_LIVE, false);
	if (!err)
		err = match_new(f, names);
	if (!err && names_changed)
		err = match_missed(f, names, false);
	if (!err && names_changed)
		err = match_missed(f, names, true);
	return err;
}
