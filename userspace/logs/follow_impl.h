/* SPDX-License-Identifier: MIT */
/*
 * What follow.c, follow_look.c, follow_match.c and followed.c share. For them only.
 *
 * A struct followed is a text that grows: it begins with a file, and may go on in the copy that was made of it, or in
 * the archive. What is written into its file after a truncation is another one.
 */
#ifndef ISAMON_FOLLOW_IMPL_H
#define ISAMON_FOLLOW_IMPL_H

#include <sys/queue.h>

#include "base/table.h"
#include "logs/fingerprint.h"
#include "logs/follow.h"
#include "logs/follow_names.h"
#include "logs/follow_watch.h"
#include "logs/gunzip_reader.h"

#define FOLLOW_POLL_MS 5000
#define FOLLOW_POLL_ALONE_MS 1000 /* without inotify */
#define FOLLOW_POLL_SEARCH_MS 200 /* while a copy is looked for */
#define FOLLOW_SEARCH_MS 5000     /* so long */
#define FOLLOW_LINGER_MS \
	10000 /* a file that lost its name may still be written to so long after it was at its end */
#define FOLLOW_SAY_AGAIN_MS 3600000
#define FOLLOW_KNOWN_MAX 4096

/* Where bytes come from. */
struct source {
	int fd;                   /* -1: not open */
	struct gunzip_reader *gz; /* NULL: they are not packed */
};

/* By what a text is known again. */
struct mark {
	struct fingerprint print;
	uint64_t offset;
	unsigned char tail[FINGERPRINT_BYTES];
	uint32_t tail_len;
};

/* One that is followed by nobody just now: of an earlier isamon, or gone. */
struct known {
	uint64_t id, device, inode;
	struct mark mark;
	int64_t seen_s;
	bool ended;    /* it was read to its end here: no copy of it is of interest */
	bool was_live; /* by the name it had when it was seen last */
	char *live;
};

/* Where its bytes are. */
enum followed_state {
	FOLLOWED_HERE,   /* in the file (device, inode) */
	FOLLOWED_SEARCH, /* its file is gone, or has other bytes now: a copy is looked for */
	FOLLOWED_DEAD,   /* nowhere: what was not read is lost */
};

struct followed {
	TAILQ_ENTRY(followed) entry;
	struct follow *follow;
	void *ctx;
	uint64_t id;
	char *path, *live;
	enum followed_state state;
	uint64_t device, inode;
	struct source source;
	bool is_gzip;
	struct fingerprint print;
	struct tail tail; /* before offset; none: not known */
	uint64_t offset, done,
		size; /* size: as far as it is known; of a gzip file, of what is in it */
	int64_t mtime_ns;
	int64_t seen_s; /* when an earlier isamon saw it last; 0: it did not */
	bool named;     /* it had a name at the last look */
	bool over;      /* and that was none of the log's own */
	bool cut;       /* its file has other bytes now; the next look sees to it */
	bool was_over;  /* so it was at the look before, too */
	bool was_cut;   /* that is why it is looked for */
	bool at_end;    /* there was nothing more when it was read, and it was not touched since */
	bool told;      /* ready() was called, and it was not read to its end since */
	bool failed;    /* cannot be read; told once */
	bool waited_for;
	struct followed *before;      /* until that one is at its end, this one is not told */
	uint64_t quiet_ns, search_ns; /* CLOCK_MONOTONIC: at its end since; searching since */
	uint64_t used;                /* the smaller, the longer ago */
};

TAILQ_HEAD(followed_list, followed);

struct follow {
	struct event_base *base;
	const struct config_log *config;
	struct follow_hooks hooks;
	struct followed_list files;
	size_t n_files, n_open, open_max;
	struct table *by_inode, *by_path;
	struct table *complaints; /* path: that it cannot be read */
	struct table *said;       /* path: that this was told, since said_ns */
	uint64_t said_ns;
	struct known *known;
	size_t n_known, known_room;
	int64_t known_seen_s; /* the latest */
	struct follow_watch *watch;
	bool watch_told, full_told, open_told;
	bool quiet; /* of what cannot be read */
	struct event *poll, *soon, *written;
	bool first;         /* no look was taken yet */
	int look_err;       /* of the last look; told once */
	bool incomplete;    /* this look could not open something, that may be new */
	int64_t looked_ns;  /* CLOCK_REALTIME, when the last whole one began; 0: none was */
	uint64_t names_sum; /* of the last look's */
	uint64_t use;
	uint64_t lost_bytes, unreadable;
};

/* --- source.c */
void source_close(struct source *s);
int source_open(const char *path, bool is_gzip, struct source *ret, uint64_t *ret_device,
		uint64_t *ret_inode);
ssize_t source_pread(const struct source *s, void *bytes, size_t n, uint64_t offset);
/* Whether it has everything that was read of the text with @m. */
bool source_fits(const struct source *s, const struct mark *m);
/* Bytes of the text; of a gzip file, what its last member says. */
uint64_t source_size(const struct source *s);
/* Where a file begins that was truncated under a writer that kept its place: behind the hole. */
uint64_t source_begin(const struct source *s);

/* --- followed.c */
/* Takes @s over, and whatever is in it goes to @ret, if it returns 0. @id 0: a new text. */
int followed_new(struct follow *f, const struct follow_name *at, struct source *s, uint64_t id,
		 const struct mark *mark, struct followed **ret);
void followed_free(struct followed *d);
void followed_let_go(struct followed *d); /* closes its file */
struct mark followed_mark(const struct followed *d);
/* It is at @at now, in @s, which is taken over. Returns 0 or -ENOMEM. */
int followed_move(struct followed *d, const struct follow_name *at, struct source *s);
int followed_rename(struct followed *d, const struct follow_name *at);
/* Its file is not its own any more. */
void followed_leave(struct followed *d);
/* Looks whether its file still begins as it did, and takes in what it has now. Returns false if it does not. */
bool followed_check(struct followed *d);
void followed_lose(struct followed *d);
/* Opens its file, if it is not. Returns 0; -ESTALE: its name is another file's; another -errno. */
int followed_open(struct followed *d);
void followed_tell(struct followed *d);

/* --- follow.c */
void follow_soon(struct follow *f);
/* Until follow_content(); told once in FOLLOW_SAY_AGAIN_MS. */
void follow_complain(struct follow *f, const char *path, int err);
void follow_say_full(struct follow *f);
void follow_content(struct follow *f, const char *path);
void follow_known_add(struct follow *f, const struct followed *d);
void follow_known_drop(struct follow *f, struct known *k);

/* --- follow_match.c */
/* Finds out what each name is. */
int follow_match(struct follow *f, struct follow_names *names, bool names_changed);

#endif
