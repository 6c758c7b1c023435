/* SPDX-License-Identifier: MIT */
/* A list of marks and a table by id. Invariant: what is in the one is in the other. */
#include "store/spool_marks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/table.h"

int spool_marks_init(struct spool_marks *m)
{
	TAILQ_INIT(&m->list);
	m->by_id = table_new();
	return m->by_id ? 0 : -ENOMEM;
}

static void mark_drop(struct spool_marks *m, struct spool_mark *mark)
{
	table_remove(m->by_id, &mark->id, sizeof(mark->id));
	TAILQ_REMOVE(&m->list, mark, entry);
	free(mark);
}

void spool_marks_clear(struct spool_marks *m)
{
	struct spool_mark *mark;

	while ((mark = TAILQ_FIRST(&m->list)))
		mark_drop(m, mark);
}

void spool_marks_done(struct spool_marks *m)
{
	if (!m->by_id)
		return;
	spool_marks_clear(m);
	table_free(m->by_id, NULL);
	m->by_id = NULL;
}

static struct spool_mark *mark_get(const struct spool_marks *m, int64_t id)
{
	return table_get(m->by_id, &id, sizeof(id));
}

struct spool_mark *spool_marks_put(struct spool_marks *m, int64_t id)
{
	struct spool_mark *mark = mark_get(m, id);

	if (mark)
		return mark;
	mark = calloc(1, sizeof(*mark));
	if (!mark)
		return NULL;
	mark->id = id;
	if (table_put(m->by_id, &id, sizeof(id), mark)) {
		free(mark);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&m->list, mark, entry);
	return mark;
}

void spool_marks_written(struct spool_marks *m, struct spool_mark *mark)
{
	mark->dirty = false;
	if (mark->gone != SPOOL_STAYS || (!mark->under_way && !mark->unreadable))
		mark_drop(m, mark);
}

bool spool_marks_waits(const struct spool_marks *m, int64_t id)
{
	const struct spool_mark *mark = mark_get(m, id);

	return !mark || (!mark->under_way && !mark->unreadable && mark->gone == SPOOL_STAYS);
}
