/* SPDX-License-Identifier: MIT */
/* isamon logs query: Insights, from StartQuery to the last GetQueryResults. Invariant: a query that was started has ended, or was
 * told to stop, before the command ends, unless AWS cannot be reached any more. */
#include <errno.h>
#include <event2/event.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "cmd/logs_cmd.h"
#include "cmd/logs_table.h"
#include "cmd/tool.h"

#define COMMAND "isamon logs query"
#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 10000 /* AWS's */
#define POLL_FIRST_MS 200
#define POLL_MAX_MS 2000
#define HOUR_MS 3600000
#define WHY_MAX 2048

static const char usage[] =
	"usage: isamon logs query QUERY [--since WHEN] [--until WHEN] [--group GROUP] [--limit N]\n"
	"                         [--json] [--config FILE]\n"
	"\n"
	"Asks CloudWatch Logs Insights, waits, and prints the results as a table. Times in it are UTC.\n"
	"\n"
	"  QUERY          such as 'fields @timestamp, @message | filter @message like \"ERROR\"'\n"
	"  --since WHEN   10m, 2h, 3d, 14:30, 2026-11-26T14:30 (local time), ...; default 1h\n"
	"  --until WHEN   default: now\n"
	"  --group GROUP  default: that of [logs] in the configuration\n"
	"  --limit N      at most N rows, unless the query has a limit of its own; default 1000, at\n"
	"                 most 10000\n"
	"  --json         {\"status\", \"rows\": [{FIELD: VALUE}], \"statistics\": {...}}\n"
	"  --config FILE  default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Ctrl-C stops the query in AWS, too. AWS charges for what a query scans: the last line.\n"
	"Exit status: 0 fine, also if nothing was found; 2 wrong usage or configuration; 3 could not be\n"
	"done.\n";

struct querying {
	const char *text, *group;
	int64_t since_ms, until_ms;
	uint64_t limit;
	bool json, progress;
	struct lone_session aws;
	char id[256];
	bool stop; /* a signal came */
};

static int ask(struct querying *q, const char *operation, const json_t *request,
	       struct tool_answer *a, struct buf *why)
{
	if (!request)
		return -ENOMEM;
	if (tool_call(&q->aws, AWS_LOGS, operation, request, a) == 0)
		return 0;
	buf_add_str(why, buf_str(&a->why));
	if (strcmp(a->code, "ResourceNotFoundException") == 0)
		buf_printf(why, " (group \"%s\")", q->group);
	return -EIO;
}

static int start(struct querying *q, struct buf *why)
{
	_cleanup_(tool_answer_done) struct tool_answer a = { 0 };
	_cleanup_(json_freep) json_t *request =
		json_pack("{s:s,s:s,s:I,s:I,s:I}", "logGroupName", q->group, "queryString", q->text,
			  "startTime", (json_int_t)(q->since_ms / 1000), "endTime",
			  (json_int_t)(q->until_ms / 1000), "limit", (json_int_t)q->limit);
	int err = ask(q, "StartQuery", request, &a, why);

	if (err)
		return err;
	snprintf(q->id, sizeof(q->id), "%s", json_member_text(a.body, "queryId", ""));
	if (*q->id)
		return 0;
	buf_add_str(why, "StartQuery: AWS gave no queryId");
	return -EIO;
}

/* Whether it was stopped is not known if AWS does not answer; a query that has ended by now is an error there, too. */
static void stop(struct querying *q)
{
	_cleanup_(tool_answer_done) struct tool_answer a = { 0 };
	_cleanup_(json_freep) json_t *request = json_pack("{s:s}", "queryId", q->id);

	if (request)
		tool_call(&q->aws, AWS_LOGS, "StopQuery", request, &a);
}

static void on_signal(evutil_socket_t s, short what, void *ctx)
{
	struct querying *q = ctx;

	(void)s;
	(void)what;
	q->stop = true;
	event_base_loopbreak(q->aws.base);
}

static void pause_for(struct querying *q, unsigned int ms)
{
	const struct timeval t = { .tv_sec = ms / 1000,
				   .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_base_loopexit(q->aws.base, &t);
	event_base_dispatch(q->aws.base);
}

static void show_progress(const struct querying *q, const json_t *answer, const char *status)
{
	char plain[32];

	if (!q->progress)
		return;
	utf8_make_plain(status, sizeof(plain), plain, sizeof(plain));
	fprintf(stderr, "\r\x1b[K%s: %.0f records matched of %.0f scanned", plain,
		logs_table_statistic(answer, "recordsMatched"),
		logs_table_statistic(answer, "recordsScanned"));
	fflush(stderr);
}

static void end_progress(const struct querying *q)
{
	if (q->progress)
		fputs("\r\x1b[K", stderr);
}

static bool goes_on(const char *status)
{
	return strcmp(status, "Scheduled") == 0 || strcmp(status, "Running") == 0;
}

/* Until it is over. *ret: the last answer. -EINTR: it was stopped. */
static int wait_for_results(struct querying *q, json_t **ret, struct buf *why)
{
	_cleanup_(json_freep) json_t *request = json_pack("{s:s}", "queryId", q->id);
	unsigned int pause_ms = POLL_FIRST_MS;

	while (!q->stop) {
		_cleanup_(tool_answer_done) struct tool_answer a = { 0 };
		int err = ask(q, "GetQueryResults", request, &a, why);
		const char *status = json_member_text(a.body, "status", "Unknown");

		if (err)
			return err;
		if (!goes_on(status)) {
			*ret = take(a.body);
			return 0;
		}
		show_progress(q, a.body, status);
		if (!q->stop)
			pause_for(q, pause_ms);
		pause_ms = pause_ms * 3 / 2 < POLL_MAX_MS ? pause_ms * 3 / 2 : POLL_MAX_MS;
	}
	return -EINTR;
}

static int show(const struct querying *q, const json_t *answer, struct buf *why)
{
	const char *status = json_member_text(answer, "status", "Unknown");
	char plain[32];

	if (strcmp(status, "Complete") != 0) {
		utf8_make_plain(status, sizeof(plain), plain, sizeof(plain));
		buf_printf(why, "the query ended without a result: %s%s", plain,
			   strcmp(status, "Timeout") == 0 ? "; ask for less time (--since)" : "");
		return -EIO;
	}
	return q->json ? logs_table_print_json(COMMAND, answer) : logs_table_print(answer);
}

static int run(struct querying *q, struct buf *why)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	int err = start(q, why);

	if (err)
		return err;
	err = wait_for_results(q, &answer, why);
	end_progress(q);
	if (err)
		stop(q);
	if (err == -EINTR)
		buf_add_str(why, "stopped");
	return err ? err : show(q, answer, why);
}

static int query(struct querying *q, const struct config *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct event *events[ARRAY_SIZE(signals)] = { NULL };
	int err = tool_aws_open(COMMAND, c, &q->aws);

	if (err)
		return CMD_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		events[i] = evsignal_new(q->aws.base, signals[i], on_signal, q);
		if (!events[i] || event_add(events[i], NULL))
			err = -ENOMEM;
	}
	if (!err)
		err = run(q, &why);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (events[i])
			event_free(events[i]);
	lone_session_close(&q->aws);
	if (!err || err == -EPIPE)
		return CMD_OK;
	fprintf(stderr, COMMAND ": %s\n", why.len ? buf_str(&why) : strerror(-err));
	return CMD_FAILED;
}

static int settle(struct querying *q, const char *since, const char *until, const char *limit)
{
	int64_t now_ms = logs_now_ms();

	q->until_ms = now_ms;
	if (logs_moment(COMMAND, "--until", until, now_ms, &q->until_ms))
		return -EINVAL;
	q->since_ms = q->until_ms - HOUR_MS;
	if (logs_moment(COMMAND, "--since", since, now_ms, &q->since_ms) ||
	    logs_number(COMMAND, "--limit", limit, LIMIT_MAX, &q->limit))
		return -EINVAL;
	if (q->since_ms <= q->until_ms)
		return 0;
	fprintf(stderr, COMMAND ": --until %s is before --since %s\n", until ? until : "now",
		since);
	return -EINVAL;
}

int logs_query(int argc, char **argv)
{
	struct querying q = { .limit = LIMIT_DEFAULT };
	const char *config_path = NULL, *since = NULL, *until = NULL, *limit = NULL;
	const struct tool_option options[] = {
		{ "since", NULL, &since }, { "until", NULL, &until },
		{ "limit", NULL, &limit }, { "group", NULL, &q.group },
		{ "json", &q.json, NULL }, { "config", NULL, &config_path },
	};
	_cleanup_(config_freep) struct config *c = NULL;
	int first, status;

	setlocale(LC_CTYPE, "");
	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (argc - first != 1 || !*argv[first])
		return tool_wrong(COMMAND, usage,
				  argc - first < 2 ? "say what to ask for" :
						     "the query is one argument: put it into '...'",
				  NULL);
	q.text = argv[first];
	q.progress = isatty(STDERR_FILENO);
	status = tool_load(config_path, &c);
	if (status)
		return status;
	if (settle(&q, since, until, limit))
		return CMD_USAGE;
	if (!q.group)
		q.group = c->logs_group;
	return logs_group_is_one(COMMAND, q.group) ? query(&q, c) : CMD_USAGE;
}
