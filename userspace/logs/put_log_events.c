/* SPDX-License-Identifier: MIT */
/*
 * The body is written as the events come, so that a batch that is in order (nearly all are) is ready without being copied.
 * Invariant: events[i] says where in the body its object stands, one comma behind that of events[i - 1].
 */
#include "logs/put_log_events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull
#define DAY_MS ((int64_t)86400000)

/* Whether one of eight bytes is a control character, a quote or a backslash. May say so of others behind one that is. */
static bool has_special(uint64_t w)
{
	const uint64_t quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\');

	return (((w - ONES * ' ') & ~w) | ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash)) &
	       HIGHS;
}

static bool is_special(char c)
{
	return (unsigned char)c < ' ' || c == '"' || c == '\\';
}

/* How many bytes go into JSON as they are. */
static size_t plain_len(const char *s, size_t n)
{
	size_t i = 0;

	for (uint64_t w; i + sizeof(w) <= n; i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		if (has_special(w))
			break;
	}
	while (i < n && !is_special(s[i]))
		i++;
	return i;
}

static int add_special(struct buf *b, char c)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char u = (unsigned char)c;
	const char *known = memchr("\"\"\\\\\nn\tt\rr", c, 10);
	const char two[] = { '\\', known ? known[1] : '\0' };
	const char six[] = { '\\', 'u', '0', '0', hex[u >> 4], hex[u & 15] };

	return known && is_special(c) ? buf_add(b, two, sizeof(two)) : buf_add(b, six, sizeof(six));
}

static int add_json(struct buf *b, const char *s, size_t n)
{
	size_t len;

	for (;; s++, n--) {
		len = plain_len(s, n);
		buf_add(b, s, len);
		s += len;
		n -= len;
		if (!n)
			return b->err;
		add_special(b, *s);
	}
}

int put_logs_begin(struct put_logs *p, const char *group, const char *stream, bool one_day)
{
	*p = (struct put_logs){
		.body = BUF_INIT(PUT_LOGS_BODY_MAX),
		.in_order = true,
		.one_day = one_day,
	};
	buf_add_str(&p->body, "{\"logGroupName\":\"");
	add_json(&p->body, group, strlen(group));
	buf_add_str(&p->body, "\",\"logStreamName\":\"");
	add_json(&p->body, stream, strlen(stream));
	buf_add_str(&p->body, "\",\"logEvents\":[");
	p->head_len = p->body.len;
	return p->body.err;
}

void put_logs_done(struct put_logs *p)
{
	free(p->events);
	buf_done(&p->body);
	*p = (struct put_logs){ 0 };
}

static int grow(struct put_logs *p)
{
	const size_t room = p->room ? p->room * 2 : 64;
	struct put_logs_event *events;

	if (p->n < p->room)
		return 0;
	events = reallocarray(p->events, room, sizeof(*events));
	if (!events)
		return -ENOMEM;
	p->events = events;
	p->room = room;
	return 0;
}

/* Whether it goes with those that are there. */
static bool fits(const struct put_logs *p, size_t cost, int64_t time_ms, size_t cost_max)
{
	const int64_t first = time_ms < p->first_ms ? time_ms : p->first_ms;
	const int64_t last = time_ms > p->last_ms ? time_ms : p->last_ms;

	if (!p->n)
		return true;
	return p->n < PUT_LOGS_EVENTS_MAX && p->cost + cost <= cost_max &&
	       p->body.len + cost <= PUT_LOGS_BODY_AIM && last - first <= PUT_LOGS_SPAN_MS &&
	       (!p->one_day || first / DAY_MS == last / DAY_MS);
}

static void keep_time(struct put_logs *p, int64_t time_ms)
{
	if (!p->n || time_ms < p->first_ms)
		p->first_ms = time_ms;
	if (!p->n || time_ms >= p->last_ms)
		p->last_ms = time_ms;
	else
		p->in_order = false;
}

static int write_event(struct put_logs *p, const char *text, size_t len, int64_t time_ms)
{
	struct buf *b = &p->body;

	if (p->n)
		buf_add_char(b, ',');
	buf_add_str(b, "{\"timestamp\":");
	buf_add_u64(b, (uint64_t)time_ms);
	buf_add_str(b, ",\"message\":\"");
	add_json(b, text, len);
	return buf_add_str(b, "\"}");
}

int put_logs_add(struct put_logs *p, const char *text, size_t len, int64_t time_ms, size_t cost_max)
{
	const size_t before = p->body.len, cost = len + PUT_LOGS_EVENT_COST;
	int err;

	if (!len || cost > PUT_LOGS_BYTES_MAX || time_ms < 0)
		return -EINVAL;
	if (!fits(p, cost, time_ms, cost_max))
		return 1;
	err = grow(p);
	if (!err)
		err = write_event(p, text, len, time_ms);
	/* Longer than it looked; but the first one always has room, of which the headroom is six bytes a byte. */
	if (!err && p->n && p->body.len > PUT_LOGS_BODY_AIM)
		err = 1;
	if (err) {
		p->body.len = before;
		p->body.err = 0;
		p->body.data[before] = '\0';
		return err < 0 ? -ENOMEM : err;
	}
	keep_time(p, time_ms);
	p->cost += cost;
	p->events[p->n] = (struct put_logs_event){
		.time_ms = time_ms,
		.at = (uint32_t)(before + (p->n > 0)),
		.len = (uint32_t)(p->body.len - before - (p->n > 0)),
	};
	p->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct put_logs_event *x = a, *y = b;

	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int sort(struct put_logs *p)
{
	struct buf b = BUF_INIT(PUT_LOGS_BODY_MAX);

	qsort(p->events, p->n, sizeof(p->events[0]), compare);
	buf_add(&b, p->body.data, p->head_len);
	for (size_t i = 0; i < p->n; i++) {
		if (i)
			buf_add_char(&b, ',');
		buf_add(&b, p->body.data + p->events[i].at, p->events[i].len);
	}
	if (b.err) {
		buf_done(&b);
		return -ENOMEM;
	}
	for (size_t i = 0, at = p->head_len; i < p->n; at += p->events[i++].len + 1)
		p->events[i].at = (uint32_t)at;
	buf_done(&p->body);
	p->body = b;
	p->in_order = true;
	return 0;
}

int put_logs_end(struct put_logs *p)
{
	int err = 0;

	if (p->ended)
		return 0;
	if (!p->in_order)
		err = sort(p);
	if (!err)
		err = buf_add_str(&p->body, "]}");
	p->ended = !err;
	p->body.err = 0;
	return err;
}

int put_logs_part(const struct put_logs *p, size_t from, size_t n, struct buf *out)
{
	const struct put_logs_event *first = &p->events[from], *last = &p->events[from + n - 1];

	buf_add(out, p->body.data, p->head_len);
	buf_add(out, p->body.data + first->at, last->at + last->len - first->at);
	return buf_add_str(out, "]}");
}
