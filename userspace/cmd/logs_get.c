/* SPDX-License-Identifier: MIT */
/* isamon logs get: events of CloudWatch Logs, page by page. Invariant: at most --limit events are kept or printed, and a page that is
 * empty is not taken for the end, which only its token tells. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/logs_cmd.h"
#include "cmd/logs_print.h"
#include "cmd/tool.h"

#define COMMAND "isamon logs get"
#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 100000
#define PAGE_MAX 10000
#define PAGES_MAX 100000
#define HOUR_MS 3600000
#define WHY_MAX 2048

static const char usage[] =
	"usage: isamon logs get [GROUP] [STREAM] [--since WHEN] [--until WHEN] [--filter PATTERN]\n"
	"                       [--limit N] [--json] [--config FILE]\n"
	"\n"
	"Prints events of CloudWatch Logs: of one stream, or of all streams of a group.\n"
	"\n"
	"  GROUP            default: that of [logs] in the configuration\n"
	"  STREAM           without it all streams are read, in the order of time\n"
	"  --since WHEN     10m, 2h, 3d, 14:30, 2026-11-26T14:30 (local time), ...; default: the last\n"
	"                   events of STREAM; without STREAM, or with --filter, the last hour\n"
	"  --until WHEN     default: now\n"
	"  --filter PATTERN of CloudWatch Logs: ERROR, \"two words\", ?this ?that, ...\n"
	"  --limit N        at most N events; default 1000, at most 100000\n"
	"  --json           an object a line\n"
	"  --config FILE    default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 fine, also if there are no events; 2 wrong usage or configuration; 3 could not\n"
	"be done.\n";

struct getting {
	const char *group, *stream, *filter; /* NULL: none */
	int64_t since_ms, until_ms;          /* LOGS_NO_TIME: not bounded */
	uint64_t limit;
	struct lone_session aws;
	struct logs_printer printer;
	uint64_t n; /* that were printed */
	bool more;  /* there are others that were not */
};

static size_t colour_of(const char *name)
{
	size_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static int print_event(struct getting *g, const json_t *event)
{
	const json_t *message = json_object_get(event, "message");
	const json_t *time = json_object_get(event, "timestamp");
	const char *stream = json_member_text(event, "logStreamName", g->stream ? g->stream : "");
	struct logs_line l = {
		.source = stream,
		.colour = colour_of(stream),
		.time_ms = json_is_integer(time) ? json_integer_value(time) : LOGS_NO_TIME,
		.text = json_string_value(message) ?: "",
		.len = json_string_length(message),
	};

	while (l.len && l.text[l.len - 1] == '\n')
		l.len--;
	if (!g->stream) {
		int columns = logs_columns(stream, strlen(stream));

		if (columns > g->printer.source_width)
			g->printer.source_width = columns;
	}
	g->n++;
	return logs_print(&g->printer, &l);
}

static int print_events(struct getting *g, const json_t *events)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		int err;

		if (g->n == g->limit) {
			g->more = true;
			break;
		}
		err = print_event(g, event);
		if (err)
			return err;
	}
	return 0;
}

static int ask(struct getting *g, const char *operation, json_t *request, struct tool_answer *a,
	       struct buf *why)
{
	if (tool_call(&g->aws, AWS_LOGS, operation, request, a) == 0)
		return 0;
	buf_add_str(why, buf_str(&a->why));
	if (strcmp(a->code, "ResourceNotFoundException") == 0)
		buf_printf(why, " (group \"%s\"%s%s%s)", g->group, g->stream ? ", stream \"" : "",
			   g->stream ? g->stream : "", g->stream ? "\"" : "");
	return -EIO;
}

static json_t *request_new(const struct getting *g)
{
	json_t *r = json_pack("{s:s}", "logGroupName", g->group);
	int err = r ? 0 : -1;

	if (g->since_ms != LOGS_NO_TIME)
		err |= json_object_set_new(r, "startTime", json_integer(g->since_ms));
	if (g->until_ms != LOGS_NO_TIME)
		err |= json_object_set_new(r, "endTime", json_integer(g->until_ms));
	if (!err)
		return r;
	json_decref(r);
	return NULL;
}

static int set_page(const struct getting *g, json_t *request, uint64_t have, const char *token)
{
	uint64_t left = g->limit - have + 1; /* to know whether there are more */
	int err = json_object_set_new(
		request, "limit", json_integer((json_int_t)(left < PAGE_MAX ? left : PAGE_MAX)));

	if (token)
		err |= json_object_set_new(request, "nextToken", json_string(token));
	return err ? -ENOMEM : 0;
}

/* Goes through the pages of @request: @fn is given each one's events. @key: of the token of the next page. It is over where there is none, where it
 * is the one that was given, or when @fn says 1. */
static int each_page(struct getting *g, const char *operation, json_t *request, const char *key,
		     int (*fn)(struct getting *g, json_t *events, void *ctx), void *ctx,
		     struct buf *why)
{
	_cleanup_(buf_done) struct buf token = BUF_INIT(8192);

	for (unsigned int i = 0; i < PAGES_MAX; i++) {
		_cleanup_(tool_answer_done) struct tool_answer a = { 0 };
		const char *next;
		int err = set_page(g, request, g->n, token.len ? buf_str(&token) : NULL);

		if (!err)
			err = ask(g, operation, request, &a, why);
		if (!err)
			err = fn(g, json_object_get(a.body, "events"), ctx);
		if (err)
			return err < 0 ? err : 0;
		next = json_member_text(a.body, key, "");
		if (!*next || strcmp(next, buf_str(&token)) == 0)
			return 0;
		buf_reset(&token);
		if (buf_add_str(&token, next))
			return token.err;
	}
	buf_printf(why, "%s does not come to an end after %d pages", operation, PAGES_MAX);
	return -EIO;
}

static int forward(struct getting *g, json_t *events, void *ctx)
{
	int err = print_events(g, events);

	(void)ctx;
	return err ? err : g->more;
}

/* Pages come from the newest to the oldest; kept are as many events as are wanted. */
static int backward(struct getting *g, json_t *events, void *ctx)
{
	json_t *pages = ctx;

	if (json_array_append(pages, events ? events : json_null()))
		return -ENOMEM;
	g->n += json_array_size(events);
	return g->n > g->limit;
}

static int last_events(struct getting *g, json_t *request, struct buf *why)
{
	_cleanup_(json_freep) json_t *pages = json_array();
	uint64_t skip;
	int err = pages ? each_page(g, "GetLogEvents", request, "nextBackwardToken", backward,
				    pages, why) :
			  -ENOMEM;

	if (err)
		return err;
	skip = g->n > g->limit ? g->n - g->limit : 0;
	g->n = 0;
	for (size_t p = json_array_size(pages); p-- > 0 && !err;) {
		const json_t *event;
		size_t i;

		json_array_foreach(json_array_get(pages, p), i, event) {
			if (skip)
				skip--;
			else if (!err)
				err = print_event(g, event);
		}
	}
	return err;
}

static int get_stream(struct getting *g, struct buf *why)
{
	_cleanup_(json_freep) json_t *request = request_new(g);
	bool last = g->since_ms == LOGS_NO_TIME;

	if (!request || json_object_set_new(request, "logStreamName", json_string(g->stream)) ||
	    json_object_set_new(request, "startFromHead", json_boolean(!last)))
		return -ENOMEM;
	return last ? last_events(g, request, why) :
		      each_page(g, "GetLogEvents", request, "nextForwardToken", forward, NULL, why);
}

static int get_group(struct getting *g, struct buf *why)
{
	_cleanup_(json_freep) json_t *request = request_new(g);
	int err = request ? 0 : -1;

	if (!err && g->filter)
		err |= json_object_set_new(request, "filterPattern", json_string(g->filter));
	if (!err && g->stream)
		err |= json_object_set_new(request, "logStreamNames", json_pack("[s]", g->stream));
	return err ? -ENOMEM :
		     each_page(g, "FilterLogEvents", request, "nextToken", forward, NULL, why);
}

static int get(struct getting *g, const struct config *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = tool_aws_open(COMMAND, c, &g->aws);

	if (err)
		return CMD_FAILED;
	err = g->stream && !g->filter ? get_stream(g, &why) : get_group(g, &why);
	lone_session_close(&g->aws);
	if (err == -EPIPE)
		return CMD_OK;
	if (g->more && !err)
		fprintf(stderr, COMMAND ": stopped after %llu events; there are more (--limit)\n",
			(unsigned long long)g->limit);
	if (!err)
		return CMD_OK;
	fflush(stdout);
	fprintf(stderr, COMMAND ": %s\n", why.len ? buf_str(&why) : strerror(-err));
	return CMD_FAILED;
}

static int settle(struct getting *g, const struct config *c, const char *since, const char *until,
		  const char *limit)
{
	int64_t now_ms = logs_now_ms();

	if (logs_moment(COMMAND, "--since", since, now_ms, &g->since_ms) ||
	    logs_moment(COMMAND, "--until", until, now_ms, &g->until_ms) ||
	    logs_number(COMMAND, "--limit", limit, LIMIT_MAX, &g->limit))
		return -EINVAL;
	if (g->since_ms != LOGS_NO_TIME && g->until_ms != LOGS_NO_TIME &&
	    g->since_ms > g->until_ms) {
		fprintf(stderr, COMMAND ": --until %s is before --since %s\n", until, since);
		return -EINVAL;
	}
	if (!since && (!g->stream || g->filter))
		g->since_ms = (until ? g->until_ms : now_ms) - HOUR_MS;
	if (!g->group)
		g->group = c->logs_group;
	if (g->stream && !*g->stream) {
		fputs(COMMAND ": STREAM is empty; leave it out for all streams\n", stderr);
		return -EINVAL;
	}
	return logs_group_is_one(COMMAND, g->group) ? 0 : -EINVAL;
}

int logs_get(int argc, char **argv)
{
	struct getting g = { .since_ms = LOGS_NO_TIME,
			     .until_ms = LOGS_NO_TIME,
			     .limit = LIMIT_DEFAULT };
	const char *config_path = NULL, *since = NULL, *until = NULL, *limit = NULL;
	bool json = false;
	const struct tool_option options[] = {
		{ "since", NULL, &since }, { "until", NULL, &until },
		{ "limit", NULL, &limit }, { "filter", NULL, &g.filter },
		{ "json", &json, NULL },   { "config", NULL, &config_path },
	};
	_cleanup_(config_freep) struct config *c = NULL;
	int first, status;

	setlocale(LC_CTYPE, "");
	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (argc - first > 2)
		return tool_wrong(COMMAND, usage, TOOL_UNEXPECTED, argv[first + 2]);
	g.group = first < argc ? argv[first] : NULL;
	g.stream = first + 1 < argc ? argv[first + 1] : NULL;
	status = tool_load(config_path, &c);
	if (status)
		return status;
	if (settle(&g, c, since, until, limit))
		return CMD_USAGE;
	logs_printer_init(&g.printer, json, 0); /* as wide as the names, once they are known */
	return get(&g, c);
}
