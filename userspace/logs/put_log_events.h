/* SPDX-License-Identifier: MIT */
/*
 * A request of PutLogEvents as it grows, event by event, within the API's limits.
 *
 * Facts: the API reference of PutLogEvents: at most 1,048,576 bytes, an event counting its UTF-8 and 26 more; 10,000 events; in the
 * order of time; no two of them more than 24 hours apart; no empty message. Events that were not added in the order of time are sorted
 * at the end, those of the same time staying as they came.
 */
#ifndef ISAMON_PUT_LOG_EVENTS_H
#define ISAMON_PUT_LOG_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PUT_LOGS_BYTES_MAX 1048576u
#define PUT_LOGS_EVENT_COST 26u
#define PUT_LOGS_EVENTS_MAX 10000u
#define PUT_LOGS_SPAN_MS ((int64_t)86400000)
/* Of the JSON, in which a control character takes six bytes: no more than this, unless a single event does. */
#define PUT_LOGS_BODY_AIM (2u << 20)
#define PUT_LOGS_BODY_MAX (8u << 20)

struct put_logs_event {
	int64_t time_ms;
	uint32_t at, len; /* of its JSON in the body */
};

struct put_logs {
	struct buf body; /* the request, whole after put_logs_end() */
	struct put_logs_event *events;
	size_t n, room;
	size_t cost; /* as the API counts it */
	size_t head_len;
	int64_t first_ms, last_ms; /* the least and the greatest time */
	bool in_order, one_day, ended;
};

/* @group and @stream are UTF-8. @one_day: events of two UTC days do not go together. put_logs_done() afterwards, whatever is
 * returned: 0 or -ENOMEM. */
int put_logs_begin(struct put_logs *p, const char *group, const char *stream, bool one_day);
/* Frees everything; also of memory that is all zero. */
void put_logs_done(struct put_logs *p);

/*
 * Adds an event; @text is UTF-8. @cost_max: of all events together, at most PUT_LOGS_BYTES_MAX; the first one is taken beyond it.
 * Returns 0; 1: not any more into this one; -EINVAL: into none (empty, longer than an event may be, or @time_ms negative); -ENOMEM.
 * Unless 0 is returned nothing has changed.
 */
int put_logs_add(struct put_logs *p, const char *text, size_t len, int64_t time_ms,
		 size_t cost_max);
/* Brings them into order; there is one at least. The body is ready then. Returns 0 or -ENOMEM. */
int put_logs_end(struct put_logs *p);
/* Appends the request of @n events from @from on. After put_logs_end(). Returns 0 or the buffer's error. */
int put_logs_part(const struct put_logs *p, size_t from, size_t n, struct buf *out);

#endif
