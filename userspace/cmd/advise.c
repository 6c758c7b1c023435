/* SPDX-License-Identifier: MIT */
/* isamon advise: reads the history and the host, and says what speaks for a change. Changes nothing but by --apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/number.h"
#include "cmd/advise_cmd.h"
#include "cmd/cmd.h"

static const char usage[] =
	"usage: isamon advise [--days N] [--offline] [--json] [--config FILE]\n"
	"       isamon advise --apply ID [--yes] [--config FILE]\n"
	"From what the daemon measured, a row a minute: workers, nginx, limits, the database, memory,\n"
	"and what it costs. Each advice with what was seen, the change as a diff, what to expect of it,\n"
	"and how to undo it. Run it as root. Nothing is changed without --apply.\n"
	"\n"
	"  --days N      look at the last N days (1 to 30, default 7)\n"
	"  --offline     do not ask AWS (the lifecycle of the backups' bucket, the log group)\n"
	"  --apply ID    do it; for cost.lifecycle: merges a rule into the bucket's, shown first\n"
	"  --yes         do not ask\n"
	"  --json        the same as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 nothing to advise; 1 there is advice; 2 wrong usage or configuration; 3 could\n"
	"not be done.\n";

#define OUTPUT_MAX (8u << 20)
#define APPLIES "cost.lifecycle"
#define DAYS_USUAL 7

struct advise_options {
	const char *days, *apply, *config_path;
	bool json, offline, yes;
	unsigned int n_days;
};

static int failed(const char *what, int err)
{
	fprintf(stderr, ADVISE ": %s: %s\n", what, strerror(-err));
	return CMD_FAILED;
}

/* --- the history */

struct history_read_ctx {
	struct advice_minutes all;
	int64_t from_s; /* of the days that were asked for */
	size_t before;  /* minutes that are older */
	int64_t watched_before_s;
};

static int take_minute(const struct history_minute *m, void *ctx)
{
	struct history_read_ctx *r = ctx;
	int err;

	err = advice_minutes_add(m, &r->all);
	if (m->start_s < r->from_s) {
		r->before = r->all.n;
		r->watched_before_s = r->all.watched_s;
	}
	return err;
}

/* A history that is not there has no minutes: that is said with what is lacking. */
static int read_history(const struct config *c, const struct advise_options *o, int64_t now_s,
			struct history_read_ctx *r)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int err;

	r->from_s = now_s - (int64_t)o->n_days * 86400;
	err = history_read(c->state_directory, now_s - (int64_t)HISTORY_DAYS * 86400,
			   now_s + HISTORY_MINUTE_S, take_minute, r, &why);
	if (!err || err == -ENOENT)
		return 0;
	fprintf(stderr, ADVISE ": %s\n", why.len ? buf_str(&why) : strerror(-err));
	return err;
}

/* --- saying it */

static int print(const struct advices *a, const struct advice_host *h,
		 const struct advise_span *span, bool json)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	_cleanup_(json_freep) json_t *j = NULL;
	int err;

	if (json) {
		j = advise_json(a, h, span);
		return j ? tool_print_json(ADVISE, j) : failed("the advice", -ENOMEM);
	}
	err = advise_format(a, h, span, &out);
	if (err)
		return failed("the advice", err);
	fputs(buf_str(&out), stdout);
	return CMD_OK;
}

static int give(const struct advice_case *c, const struct advise_options *o)
{
	const struct advice_minutes *m = c->minutes;
	const bool any = m->list && m->n;
	const struct advise_span span = {
		.from_s = any ? m->list[0].start_s : 0,
		.until_s = any ? m->list[m->n - 1].start_s + HISTORY_MINUTE_S : 0,
		.watched_s = m->watched_s,
		.days = o->n_days,
		.now_s = c->now_s,
	};
	struct advices a = { .n = 0 };
	int err = advise(c, &a), status;

	status = err ? failed("advice", err) : print(&a, c->host, &span, o->json);
	if (!status && a.n)
		status = CMD_NOT_OK;
	advices_done(&a);
	return status;
}

static int look(const struct config *c, const struct advise_options *o,
		const struct history_read_ctx *r, int64_t now_s)
{
	const struct advice_minutes last = {
		.list = r->all.list ? r->all.list + r->before : NULL,
		.n = r->all.n - r->before,
		.watched_s = r->all.watched_s - r->watched_before_s,
	};
	struct advice_host *h = calloc(1, sizeof(*h));
	struct advice_case one = {
		.config = c,
		.config_path = o->config_path ? o->config_path : CONFIG_DEFAULT_PATH,
		.minutes = &last,
		.all = &r->all,
		.host = h,
		.now_s = now_s,
	};
	int err, status;

	if (!h)
		return failed("the host", -ENOMEM);
	err = advice_host_look(c, "", h);
	if (!err)
		err = advice_host_ask_proxy(c, h);
	if (!err && !o->offline)
		advise_ask(c, h);
	status = err ? failed("the host", err) : give(&one, o);
	advice_host_done(h);
	free(h);
	return status;
}

int cmd_advise(int argc, char **argv)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct advise_options o = { .n_days = DAYS_USUAL };
	const struct tool_option options[] = {
		{ "days", NULL, &o.days }, { "apply", NULL, &o.apply },
		{ "json", &o.json, NULL }, { "offline", &o.offline, NULL },
		{ "yes", &o.yes, NULL },   { "config", NULL, &o.config_path },
	};
	struct history_read_ctx r = { .before = 0 };
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	const int64_t now_s = time(NULL);
	uint64_t days = DAYS_USUAL;
	int status;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong(ADVISE, usage, TOOL_UNEXPECTED, argv[first]);
	if (o.days && number_parse_u64(o.days, 1, HISTORY_DAYS, &days))
		return tool_wrong(ADVISE, usage, "--days is 1 to 30, not", o.days);
	if (o.apply && strcmp(o.apply, APPLIES) != 0)
		return tool_wrong(ADVISE, usage, "only " APPLIES " can be applied, not", o.apply);
	o.n_days = (unsigned int)days;
	err = tool_load(o.config_path, &c);
	if (err)
		return err;
	if (o.apply)
		return advise_apply_lifecycle(c, o.yes);
	if (geteuid() != 0)
		fputs(ADVISE ": not root, so nginx and much of the host cannot be looked at\n",
		      stderr);
	status = read_history(c, &o, now_s, &r) ? CMD_FAILED : look(c, &o, &r, now_s);
	advice_minutes_done(&r.all);
	return status;
}
