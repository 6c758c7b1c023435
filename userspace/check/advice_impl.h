/* SPDX-License-Identifier: MIT */
/* Between the subjects of advice, each of which is a file check/advice_SUBJECT.c. */
#ifndef ISAMON_ADVICE_IMPL_H
#define ISAMON_ADVICE_IMPL_H

#include "check/advice.h"
#include "check/advice_diff.h"

#define ADVICE_HOUR_S 3600
#define ADVICE_DAY_S 86400

typedef int (*advice_rule_fn)(const struct advice_case *c, struct advices *ret);

/* One advice, in the making; its texts are emptied by advice_draft_done(). */
struct advice_draft {
	struct buf evidence, change, effect, undo;
};
#define ADVICE_DRAFT_INIT \
	{ \
		.evidence = BUF_INIT(ADVICE_TEXT_MAX), .change = BUF_INIT(ADVICE_TEXT_MAX), \
		.effect = BUF_INIT(ADVICE_TEXT_MAX), .undo = BUF_INIT(ADVICE_TEXT_MAX) \
	}
void advice_draft_done(struct advice_draft *d);
int advice_draft_add(struct advices *a, struct advice_draft *d, const char *id, const char *title,
		     bool applies);

/* Appends "4.2 GiB", of bytes; and "37 %", of a share. */
void advice_bytes(struct buf *out, double bytes);
void advice_percent(struct buf *out, double share);

/* Appends the diff that sets KEY = VALUE in a [SECTION] of the file @path, an INI file or a unit: the line of the key if there is one,
 * else a new one behind the section's head. @separator: " = " or "=". Returns 0; -ENOENT: it has no such section; another -errno. */
int advice_set_key(const struct advice_host *h, const char *path, const char *section,
		   const char *key, const char *separator, const char *value, struct buf *out);

/* Likewise the one that puts @lines (without the last newline) at the end of the file. */
int advice_append(const struct advice_host *h, const char *path, const char *lines,
		  struct buf *out);

/* workers: more, fewer. */
int advice_workers_more(const struct advice_case *c, struct advices *ret);
int advice_workers_fewer(const struct advice_case *c, struct advices *ret);
/* memory: growth, shortage. */
int advice_memory_grows(const struct advice_case *c, struct advices *ret);
int advice_memory_short(const struct advice_case *c, struct advices *ret);
/* proxy: keep-alive, buffering, connections. */
int advice_proxy_keepalive(const struct advice_case *c, struct advices *ret);
int advice_proxy_buffering(const struct advice_case *c, struct advices *ret);
int advice_proxy_connections(const struct advice_case *c, struct advices *ret);
/* limits: open files; the queue of connections. */
int advice_limits_files(const struct advice_case *c, struct advices *ret);
int advice_limits_backlog(const struct advice_case *c, struct advices *ret);
/* database: the journal; free pages, and a log that grew. */
int advice_database_journal(const struct advice_case *c, struct advices *ret);
int advice_database_space(const struct advice_case *c, struct advices *ret);
/* cost, with advice_cost_lifecycle() */
int advice_cost_retention(const struct advice_case *c, struct advices *ret);
int advice_cost_metrics(const struct advice_case *c, struct advices *ret);
int advice_cost_instance(const struct advice_case *c, struct advices *ret);
int advice_cost_reserved(const struct advice_case *c, struct advices *ret);
int advice_cost_schedule(const struct advice_case *c, struct advices *ret);
int advice_cost_scaling(const struct advice_case *c, struct advices *ret);

/* The command line of the service with its number of workers @n, in the line of the manager's file; "change" gets the diff, or what to do by hand. */
int advice_change_workers(const struct advice_case *c, unsigned int n, struct buf *change);
/* The same with the option that replaces a worker after so many requests: --max-requests of gunicorn and hypercorn. Returns -ENOENT: it has none. */
int advice_change_recycle(const struct advice_case *c, unsigned int requests, struct buf *change);
/* "--backlog", likewise. */
int advice_change_backlog(const struct advice_case *c, unsigned int n, struct buf *change);
/* "gunicorn", "hypercorn", "uvicorn", by the command line; NULL: none of these, or it is not known. */
const char *advice_server(const struct advice_host *h);
/* What makes a changed file count: "supervisorctl update NAME", ...; one line. */
void advice_restart(const struct advice_case *c, struct buf *out);

#endif
