/* SPDX-License-Identifier: MIT */
/* isamon metrics: what goes to CloudWatch. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ask_explain.h"
#include "cmd/cmd.h"
#include "cmd/metrics_cmd.h"
#include "cmd/tool.h"
#include "serve/ask.h"

#define ASK_MS 5000

static const char usage[] =
	"usage: isamon metrics preview [--json] [--config FILE]\n"
	"       isamon metrics push --once [--config FILE]\n"
	"\n"
	"preview  shows the PutMetricData request that would be sent to CloudWatch if the present\n"
	"         minute ended now, and what the metrics cost a month; without a daemon, the request\n"
	"         for the minutes that wait in the state file. Sends nothing.\n"
	"push     sends all minutes that wait, at once, by the daemon or, if none runs, itself.\n"
	"\n"
	"  --json        the request's body alone\n"
	"  --once        needed: pushing again and again is what the daemon does\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 done; 2 wrong usage or configuration; 3 it could not be done: CloudWatch is\n"
	"off, the daemon could not be asked, or minutes could not be pushed (they wait on).\n";

int metrics_ask(const char *command, const struct config *c, const char *target, struct buf *body,
		struct cloudwatch_told *ret, const char **ret_rest)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	int err = buf_printf(&path, "%s/isamon.sock", c->runtime_directory);

	if (!err)
		err = ask_daemon(buf_str(&path), target, ASK_MS, body);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return -ENOENT;
	if (!err)
		err = cloudwatch_json_parse(buf_str(body), ret, ret_rest);
	if (!err)
		return 0;
	ask_explain(command, buf_str(&path), err, ASK_MS);
	return -EIO;
}

static int wrong(const char *what, const char *argument)
{
	return tool_wrong("isamon metrics", usage, what, argument);
}

static int run(const char *config_path, bool push, bool json)
{
	_cleanup_(config_freep) struct config *c = NULL;
	int status = tool_load(config_path, &c);

	if (status)
		return status;
	return push ? metrics_push(c) : metrics_preview(c, json);
}

int cmd_metrics(int argc, char **argv)
{
	const char *config_path = NULL, *what;
	bool json = false, once = false, push;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ "once", &once, NULL },
		{ "config", NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first == argc)
		return wrong("say what: preview or push", NULL);
	what = argv[first];
	push = strcmp(what, "push") == 0;
	if (!push && strcmp(what, "preview") != 0)
		return wrong(TOOL_UNKNOWN_COMMAND, what);
	if (first + 1 < argc)
		return wrong(TOOL_UNEXPECTED, argv[first + 1]);
	if (push && (!once || json))
		return wrong("push takes --once, and no --json", NULL);
	if (!push && once)
		return wrong("--once is for push", NULL);
	return run(config_path, push, json);
}
