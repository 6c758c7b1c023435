/* SPDX-License-Identifier: MIT */
/* isamon status: one screen on the state of the service now. Asks the daemon, once or twice. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/ask_explain.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"
#include "cmd/status_format.h"
#include "cmd/status_verdict.h"
#include "cmd/tool.h"
#include "serve/ask.h"

#define PROBLEMS_MAX (256 * 1024)
#define ANSWER_MAX (1u << 20)
#define ASK_MS 2000
#define AGAIN_MS 1100 /* more than a second: figures are collected once in that */
#define NEW_S 5 /* a daemon that is younger may still be looking for the service's processes */

static const char usage[] =
	"usage: isamon status [--json] [--config FILE]\n"
	"Shows the state of the service now, on one screen: whether it is up and fine, requests,\n"
	"latency, processes, memory, listen queues, restarts.\n"
	"\n"
	"  --json        the same as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 the service is up and fine; 1 it is down or not fine (the first line says\n"
	"why); 2 wrong usage or configuration; 3 the daemon could not be asked.\n";

struct options {
	const char *config_path;
	bool json;
	bool help;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j': o->json = true; break;
		case 'c': o->config_path = optarg; break;
		case 'h': o->help = true; break;
		default: fputs(usage, stderr); return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	tool_wrong("isamon status", usage, TOOL_UNEXPECTED, argv[optind]);
	return -EINVAL;
}

static int ask_once(const char *socket_path, struct status *s)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(ANSWER_MAX);
	int err = ask_daemon(socket_path, "/status", ASK_MS, &body);

	return err ? err : status_json_parse(buf_str(&body), body.len, s);
}

/* Where nobody has asked the daemon for anything lately, its first answer is without rates. */
static bool is_whole(const struct status *s)
{
	if (s->service_up && s->mains == STATUS_UNKNOWN && s->now_s - s->isamon_since_s < NEW_S)
		return false;
	return isfinite(s->interval_s);
}

static int ask(const char *socket_path, struct status *s)
{
	int err = ask_once(socket_path, s);

	if (err || is_whole(s))
		return err;
	poll(NULL, 0, AGAIN_MS);
	return ask_once(socket_path, s);
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !getenv("NO_COLOR");
}

static int show(const struct status *s, bool json)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ANSWER_MAX);
	int err = json ? status_json_write(s, &text) : status_format(s, wants_colour(), &text);

	if (err) {
		fprintf(stderr, "isamon status: %s\n", strerror(-err));
		return CMD_FAILED;
	}
	fwrite(buf_str(&text), 1, text.len, stdout);
	if (fflush(stdout) && errno != EPIPE) {
		fprintf(stderr, "isamon status: cannot write: %s\n", strerror(errno));
		return CMD_FAILED;
	}
	return s->fine ? CMD_OK : CMD_NOT_OK;
}

static int status(const struct options *o)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(PROBLEMS_MAX);
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	_cleanup_(config_freep) struct config *c = NULL;
	struct route_patterns *patterns = NULL;
	struct status s;
	int err = setup_load(o->config_path, &problems, &c, &patterns);

	route_patterns_free(patterns);
	if (err) {
		fputs(buf_str(&problems), stderr);
		return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
	}
	buf_printf(&path, "%s/isamon.sock", c->runtime_directory);
	err = ask(buf_str(&path), &s);
	if (err) {
		ask_explain("isamon status", buf_str(&path), err, ASK_MS);
		return CMD_FAILED;
	}
	status_judge(&s);
	return show(&s, o->json);
}

int cmd_status(int argc, char **argv)
{
	struct options o = { 0 };

	setlocale(LC_CTYPE, "");
	if (parse_options(argc, argv, &o))
		return CMD_USAGE;
	if (!o.help)
		return status(&o);
	fputs(usage, stdout);
	return CMD_OK;
}
