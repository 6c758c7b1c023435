/* SPDX-License-Identifier: MIT */
/*
 * The mapped file of the minutes. Invariant: at every instruction the file, with its noted change made if it has a length,
 * is the sums before the present change or behind it.
 * Nothing that is in a file is believed before it was checked: bounds, texts, numbers.
 */
#include "ship/minute_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAGIC 0x6574756e696d7369ull /* "isminute" */
#define VERSION 3
#define WITHOUT_ROUTES offsetof(struct minute_file, routes)

/* A test may stop here, before each store that another process could see. */
#ifndef MINUTE_FILE_STEP
#define MINUTE_FILE_STEP() ((void)0)
#endif

_Static_assert(sizeof(struct minute_file) % 8 == 0, "made of words");
_Static_assert(offsetof(struct minute_file, sums) % 8 == 0, "words are aligned");

/* Volatile stores stand where the program has them. */
static void store(uint64_t *word, uint64_t value)
{
	MINUTE_FILE_STEP();
	*(volatile uint64_t *)word = value;
}

/* --- changes */

void minute_file_note(struct minute_map *m, uint64_t *word, uint64_t value)
{
	struct minute_file *f = m->file;

	assert(m->n_noted < MINUTE_CHANGE_MAX);
	f->change[m->n_noted].at = (uint64_t)((char *)word - (char *)f);
	f->change[m->n_noted].value = value;
	m->n_noted++;
}

void minute_file_note_double(struct minute_map *m, double *word, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	minute_file_note(m, (uint64_t *)(void *)word, bits);
}

static void make_change(struct minute_file *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store((uint64_t *)(void *)((char *)f + f->change[i].at), f->change[i].value);
	store(&f->n_change, 0);
}

void minute_file_commit(struct minute_map *m)
{
	/* Whatever was written before, the notes among it, is written before the length. */
	atomic_signal_fence(memory_order_seq_cst);
	store(&m->file->n_change, m->n_noted);
	make_change(m->file, m->n_noted);
	atomic_signal_fence(memory_order_seq_cst);
	m->n_noted = 0;
}

/* --- texts */

void minute_file_text(const char *s, char to[MINUTE_TEXT_MAX])
{
	size_t n = 0;

	for (; *s && n + 4 <= MINUTE_TEXT_MAX; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = c >= ' ' && c < 0x7f && (n || (c != ' ' && c != ':'));

		if (plain)
			to[n++] = (char)c;
		else
			n += (size_t)snprintf(to + n, 4, "%%%02X", c);
	}
	if (!n)
		n = (size_t)snprintf(to, MINUTE_TEXT_MAX, "none");
	to[n] = '\0';
}

static bool text_valid(const char text[MINUTE_TEXT_MAX])
{
	size_t n = strnlen(text, MINUTE_TEXT_MAX);

	if (!n || n == MINUTE_TEXT_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* --- what a file may hold */

static bool gauge_valid(const struct minute_gauge *g)
{
	return isfinite(g->sum) && isfinite(g->min) && isfinite(g->max) && g->min <= g->max;
}

static bool interval_valid(uint64_t s)
{
	return s == 1 || s == 5 || s == 10 || s == 30 || s == 60;
}

static bool routes_valid(const struct minute_sums *s, const struct minute_route *routes)
{
	if (s->n_routes > MINUTE_ROUTES_MAX || s->has_other > 1)
		return false;
	if (!(s->wanted & MINUTE_ROUTES))
		return !s->n_routes && !s->has_other;
	for (size_t i = 0; i < s->n_routes; i++)
		if (!text_valid(routes[i].name) || !values_valid(&routes[i].times))
			return false;
	return !s->has_other || (text_valid(routes[MINUTE_ROUTES_MAX].name) &&
				 values_valid(&routes[MINUTE_ROUTES_MAX].times));
}

static bool sums_valid(const struct minute_sums *s, const struct minute_route *routes)
{
	if (!interval_valid(s->interval_s) || s->wanted > MINUTE_WANTED_ALL ||
	    s->id > INT64_MAX - MINUTE_PARTS_MAX || s->start_s < 0 ||
	    s->start_s > UINT32_MAX * 100ll || s->start_s % (int64_t)s->interval_s ||
	    s->n_probes > MINUTE_PROBES_MAX)
		return false;
	for (size_t i = 0; i < s->n_probes; i++)
		if (!text_valid(s->probes[i].name) || !gauge_valid(&s->probes[i].up))
			return false;
	return gauge_valid(&s->memory) && gauge_valid(&s->processes) &&
	       gauge_valid(&s->spool_age) && values_valid(&s->response) &&
	       values_valid(&s->queue) && values_valid(&s->turn) && routes_valid(s, routes);
}

static bool file_valid(const struct minute_file *f)
{
	unsigned int present = minute_file_present(f);

	return f->state <= (MINUTE_PRESENT | MINUTE_FINISHED) && f->given <= MINUTE_PARTS_MAX &&
	       sums_valid(&f->sums[present], f->routes[present]) &&
	       (!(f->state & MINUTE_FINISHED) ||
		sums_valid(&f->sums[!present], f->routes[!present]));
}

static bool change_valid(const struct minute_file *f, size_t allocated)
{
	if (f->n_change > MINUTE_CHANGE_MAX)
		return false;
	for (size_t i = 0; i < f->n_change; i++)
		if (f->change[i].at % 8 || f->change[i].at > allocated - 8 ||
		    f->change[i].at < offsetof(struct minute_file, state))
			return false;
	return true;
}

/* --- opening */

static int map_file(int fd, struct minute_file **ret)
{
	void *at = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return errno == ENODEV ? -ENODEV : -ENOMEM;
	*ret = at;
	return 0;
}

/* Memory for all that will be touched, so that no touch ends in SIGBUS. */
static int allocate(int fd, size_t size)
{
	return -posix_fallocate(fd, 0, (off_t)size);
}

static int make_empty(int fd, struct minute_file *f, size_t allocated)
{
	int err;

	if (ftruncate(fd, 0) || ftruncate(fd, sizeof(*f)))
		return -errno;
	err = allocate(fd, allocated);
	if (err)
		return err;
	f->version = VERSION;
	f->size = sizeof(*f);
	return 0;
}

static bool has_routes(const struct minute_file *f)
{
	return (f->sums[0].wanted | f->sums[1].wanted) & MINUTE_ROUTES;
}

/* Whether it was made, and not of another size or version; makes its unfinished change. */
static bool is_usable(int fd, struct minute_file *f, bool routes)
{
	if (f->magic != MAGIC || f->version != VERSION || f->size != sizeof(*f))
		return false;
	if (!routes && has_routes(f)) {
		if (allocate(fd, sizeof(*f)))
			return false;
		routes = true;
	}
	if (!change_valid(f, routes ? sizeof(*f) : WITHOUT_ROUTES))
		return false;
	make_change(f, f->n_change);
	return (routes || !has_routes(f)) && file_valid(f);
}

static int open_file(const char *path, off_t *ret_size)
{
	int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || fchmod(fd, 0600))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	if (err) {
		close(fd);
		return err;
	}
	*ret_size = st.st_size;
	return fd;
}

/* What is there is used, or else made empty. */
static int fill_map(int fd, off_t size, bool routes, struct minute_map *m, bool *ret_damaged)
{
	bool whole = size == (off_t)sizeof(*m->file), usable;
	int err;

	if (!whole && ftruncate(fd, sizeof(*m->file)))
		return -errno;
	err = allocate(fd, routes ? sizeof(*m->file) : WITHOUT_ROUTES);
	if (!err)
		err = map_file(fd, &m->file);
	if (err)
		return err;
	usable = whole && is_usable(fd, m->file, routes);
	*ret_damaged = !usable && size && (!whole || m->file->magic);
	if (usable)
		return 0;
	err = make_empty(fd, m->file, routes ? sizeof(*m->file) : WITHOUT_ROUTES);
	return err ? err : 1;
}

int minute_file_open(const char *path, bool routes, struct buf *why, struct minute_map *ret,
		     bool *ret_new)
{
	_cleanup_(file_closep) int fd = -1;
	struct minute_map m = { 0 };
	bool damaged = false;
	off_t size = 0;
	int err;

	fd = open_file(path, &size);
	err = fd < 0 ? fd : fill_map(fd, size, routes, &m, &damaged);
	if (err < 0) {
		minute_file_close(&m);
		buf_printf(why, "cannot keep the present minute in %s: %s", path, strerror(-err));
		return err;
	}
	if (damaged)
		buf_printf(why, "%s is damaged, or another version's; it is begun anew", path);
	*ret_new = err > 0;
	*ret = m;
	return 0;
}

void minute_file_made(struct minute_map *m)
{
	atomic_signal_fence(memory_order_seq_cst);
	store(&m->file->magic, MAGIC);
}

void minute_file_close(struct minute_map *m)
{
	if (m->file)
		munmap(m->file, sizeof(*m->file));
	m->file = NULL;
}
