/* SPDX-License-Identifier: MIT */
/* Between the subjects of advice, each of which is a file check/advice_SUBJECT.c. */
#ifndef ISAMON_ADVICE_IMPL_H
#define ISAMON_ADVICE_IMPL_H

#include "check/advice.h"
#include "check/advice_diff.h"

#define ADVICE_HOUR_S 3600
#define ADVICE_DAY_S 86400

typedef int (*advice_rule_fn)(const struct advice_case *c, struct advices *ret);

/* How much must have been watched. What weekdays decide wants a week; a day less, for restarts and the like. */
#define ADVICE_A_DAY (20 * ADVICE_HOUR_S)
#define ADVICE_A_WEEK (6 * ADVICE_DAY_S)

/* Whether there is enough in @m; if not, that is noted. */
bool advice_enough(struct advices *a, const char *subject, int64_t need_s,
		   const struct advice_minutes *m);

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

/* Between quotes of a shell, if it has anything that wants them. */
void advice_quoted(struct buf *out, const char *word);

/* Appends "4.2 GiB", of bytes; and "37 %", of a share. */
void advice_bytes(struct buf *out, double bytes);
void advice_percent(struct buf *out, double share);

/* Appends the diff that sets KEY = VALUE in a [SECTION] of the file @path, an INI file or a unit: the line of the key if there is one,
 * else a new one behind the section's head. @separator: " = " or "=". Returns 0; -ENOENT: it has no such section; -EALREADY: it has that
 * value; another -errno. */
int advice_set_key(const struct advice_host *h, const char *path, const char *section,
		   const char *key, const char *separator, const char *value, struct buf *out);

/* The lines of the section: its head, the one of the key (0: none), and the first behind the section. */
struct advice_place {
	size_t head, key, end;
};
/* Whether there is such a section in @text. */
bool advice_find_place(const char *text, const char *section, const char *key,
		       struct advice_place *ret);
/* The file that has the last word on a key of the unit that runs the service: a drop-in, or the unit's own. */
void advice_unit_file(const struct advice_host *h, const char *key, char *to, size_t size);
/* Whether it is a package's, whose next version replaces it. */
bool advice_is_packaged(const char *path);

/* As advice_set_key(), of the [Service] of the unit that runs the service: in the drop-in that has the key, or the unit's own file, or, if that is a package's,
 * a new drop-in. */
int advice_set_unit_key(const struct advice_host *h, const char *key, const char *value,
			struct buf *out);

/* The diff that puts @lines (without the last newline) at the end of the file. */
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
/* "--backlog", likewise; -EALREADY: it has that value; another -errno: there is no diff. */
int advice_change_backlog(const struct advice_case *c, unsigned int n, struct buf *change);
/* "gunicorn", "hypercorn", "uvicorn", by the command line; NULL: none of these, a shell's words, or it is not known. */
const char *advice_server(const struct advice_host *h);
/* The number that the command line gives to an option, "--keep-alive"; NaN: none. */
double advice_option(const struct advice_host *h, const char *name);
/* What makes a changed file count: "supervisorctl update NAME", ...; one line. */
void advice_restart(const struct advice_case *c, struct buf *out);

#endif
