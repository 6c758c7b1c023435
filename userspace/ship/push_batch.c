/* SPDX-License-Identifier: MIT */
/* A batch of minutes on its way. Invariant: an id leaves the batch only when the spool has taken the word about it. */
#include "ship/push_batch.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

/* Not one of ours, or made for a configuration with far fewer dimensions. */
static void drop(struct push_batch *b, int64_t id, int err)
{
	log_warning(
		"a minute in the spool cannot be pushed: %s; it is removed, and counted as rejected",
		err == -E2BIG ? "it is longer than a request may be" : "it is damaged");
	(void)spool_remove(b->spool, &id, 1, SPOOL_REJECTED);
}

int push_batch_fill(struct push_batch *b, const struct put_options *o,
		    const struct spool_minute *minutes, size_t n, struct put_request *ret)
{
	int err = put_begin(ret, o);
	bool full = err;

	for (size_t i = 0; i < n && i < PUSH_BATCH_MAX; i++) {
		const struct spool_minute *m = &minutes[i];
		int add_err = 0;

		if (!full)
			add_err = put_add(ret, o, m->start_s, m->payload, m->payload_len);
		if (add_err == -EINVAL || (add_err == -E2BIG && !b->n_sent)) {
			drop(b, m->id, add_err);
			continue;
		}
		full = full || add_err;
		err = add_err == -ENOMEM ? add_err : err;
		b->ids[b->n_taken++] = m->id;
		b->n_sent += !full;
	}
	return err ? err : put_end(ret);
}

static int tell_sent(struct push_batch *b)
{
	switch (b->end) {
	case PUSH_RETURNED: return spool_return(b->spool, b->ids, b->n_sent, false);
	case PUSH_MAYBE_SENT: return spool_return(b->spool, b->ids, b->n_sent, true);
	case PUSH_REJECTED: return spool_remove(b->spool, b->ids, b->n_sent, SPOOL_REJECTED);
	case PUSH_PUSHED_MAYBE_TWICE:
		/* Then the spool counts them so. */
		if (spool_return(b->spool, b->ids, b->n_sent, true))
			return -ENOMEM;
		break;
	case PUSH_PUSHED: break;
	}
	return spool_remove(b->spool, b->ids, b->n_sent, SPOOL_PUSHED);
}

bool push_batch_settle(struct push_batch *b)
{
	if (b->n_sent && tell_sent(b))
		return false;
	b->n_taken -= b->n_sent;
	memmove(b->ids, b->ids + b->n_sent, b->n_taken * sizeof(b->ids[0]));
	b->n_sent = 0;
	if (b->n_taken && spool_return(b->spool, b->ids, b->n_taken, false))
		return false;
	b->n_taken = 0;
	return true;
}

void push_batch_end(struct push_batch *b, enum push_end end)
{
	b->end = end;
	(void)push_batch_settle(b);
}
