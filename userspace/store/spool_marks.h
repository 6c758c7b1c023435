/* SPDX-License-Identifier: MIT */
/*
 * What is known of minutes that is not, or maybe not, in the state file: which are under way, which are to leave the spool, which
 * may have arrived. The file learns of it as soon as it can be written; until then this is what counts. For the store's thread.
 */
#ifndef ISAMON_SPOOL_MARKS_H
#define ISAMON_SPOOL_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum spool_gone { SPOOL_STAYS, SPOOL_GONE_PUSHED, SPOOL_GONE_REJECTED, SPOOL_GONE_DAMAGED };

struct spool_mark {
	TAILQ_ENTRY(spool_mark) entry;
	int64_t id;
	enum spool_gone gone; /* it leaves the spool */
	bool under_way;
	bool unreadable; /* given to nobody any more: the disk does not give it */
	bool maybe_sent;
	bool dirty; /* the file does not know it yet */
};

TAILQ_HEAD(spool_mark_list, spool_mark);

struct spool_marks {
	struct table *by_id;
	struct spool_mark_list list;
};

/* Returns 0 or -ENOMEM. */
int spool_marks_init(struct spool_marks *m);
void spool_marks_done(struct spool_marks *m);
void spool_marks_clear(struct spool_marks *m);

/* The one that is there, or a new one; NULL: no memory. */
struct spool_mark *spool_marks_put(struct spool_marks *m, int64_t id);
/* The file knows it: a mark that says nothing more than the file is dropped. */
void spool_marks_written(struct spool_marks *m, struct spool_mark *mark);

/* Whether it may be given, or dropped to make room: it waits, as far as is known here. */
bool spool_marks_waits(const struct spool_marks *m, int64_t id);

#endif
