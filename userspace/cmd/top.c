/* SPDX-License-Identifier: MIT */
/* isamon top: what the service is doing now. Options, and the way without a screen. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"
#include "cmd/tool.h"
#include "cmd/top_live.h"
#include "cmd/top_print.h"

#define TEXT_MAX (64u << 20)
#define PROBLEMS_MAX (256 * 1024)
#define INTERVAL_MIN_S 0.2
#define INTERVAL_MAX_S 60.0

static const char usage[] =
	"usage: isamon top [--once] [--json] [--interval S] [--config FILE] [--port N]...\n"
	"Shows requests/s, errors/s and latencies of the service, by route, its chats\n"
	"(WebSockets) and streams; where the daemon is asked, its processes, too.\n"
	"Asks the running daemon; where there is none, or with --port, looks by itself (as root).\n"
	"\n"
	"  --once        print one interval as text and end; so does an output that is no terminal\n"
	"  --json        the same as JSON\n"
	"  --interval S  seconds between two samples, 0.2 to 60; default 1\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"  --port N      look at this port; may be repeated\n"
	"\n"
	"QUEUE is the p99 of the time until the service reads a request.\n"
	"Keys: q quit; r e u p 9 m sort by requests, errors, queue, p50, p99, max; arrows, PgUp, PgDn,\n"
	"Home, End scroll; space pauses; ? shows the keys.\n"
	"Exit status: 0 fine, 2 wrong usage or configuration, 3 could not be done.\n";

struct options {
	const char *config_path;
	struct buf ports; /* "8000,8001"; empty: none given */
	unsigned int interval_ms;
	bool once;
	bool json;
	bool help;
};

/* "2", "0.25". Returns 0 or -EINVAL. */
static int parse_interval(const char *text, unsigned int *ret_ms)
{
	double s;

	if (!*text || strspn(text, "0123456789.") != strlen(text) || strlen(text) > 8)
		return -EINVAL;
	s = strtod(text, NULL);
	if (strchr(text, '.') != strrchr(text, '.') || s < INTERVAL_MIN_S || s > INTERVAL_MAX_S)
		return -EINVAL;
	*ret_ms = (unsigned int)(s * 1000 + 0.5);
	return 0;
}

static int add_port(struct buf *ports, const char *port)
{
	if (ports->len)
		buf_add_char(ports, ',');
	return buf_add_str(ports, port);
}

static int take_option(int option, struct options *o)
{
	switch (option) {
	case 'o': o->once = true; return 0;
	case 'j': o->once = o->json = true; return 0;
	case 'c': o->config_path = optarg; return 0;
	case 'h': o->help = true; return 0;
	case 'p': return add_port(&o->ports, optarg);
	case 'i':
		if (!parse_interval(optarg, &o->interval_ms))
			return 0;
		fprintf(stderr,
			"isamon top: --interval %s: not a number of seconds from 0.2 to 60\n",
			optarg);
		return -EINVAL;
	default: fputs(usage, stderr); return -EINVAL;
	}
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "once", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "config", required_argument, NULL, 'c' },
		{ "port", required_argument, NULL, 'p' },
		{ "interval", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, err = 0;

	optind = 0;
	while (!err && (option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		err = take_option(option, o);
	if (!err && optind < argc) {
		tool_wrong("isamon top", usage, TOOL_UNEXPECTED, argv[optind]);
		err = -EINVAL;
	}
	return err;
}

static int wait_interval(struct top_feed *s, unsigned int interval_ms)
{
	uint64_t end_ns = clock_monotonic_ns() + interval_ms * NS_PER_MS, now_ns;
	struct pollfd fd = { .fd = top_feed_fd(s), .events = POLLIN };
	int turn_ms = top_feed_turn_ms(s), ms, err = 0;

	while (!err && (now_ns = clock_monotonic_ns()) < end_ns) {
		ms = (int)((end_ns - now_ns) / NS_PER_MS) + 1;
		poll(&fd, 1, turn_ms >= 0 && turn_ms < ms ? turn_ms : ms);
		err = top_feed_turn(s);
	}
	return err;
}

static int measure(struct top_feed *s, const struct options *o, struct buf *text)
{
	_cleanup_(top_sample_freep) struct top_sample *older = NULL, *newer = NULL;
	_cleanup_(top_view_freep) struct top_view *v = NULL;
	int err = top_feed_sample(s, &older);

	if (!err)
		err = wait_interval(s, o->interval_ms);
	if (!err)
		err = top_feed_sample(s, &newer);
	if (!err)
		err = top_view_new(older, newer, &v);
	if (err)
		return err;
	return o->json ? top_print_json(v, top_feed_name(s), text) :
			 top_print_text(v, top_feed_name(s), text);
}

/* A reader that has gone wants no more of it, and no complaint either. */
static int put(const struct buf *text)
{
	if (fwrite(buf_str(text), 1, text->len, stdout) == text->len && !fflush(stdout))
		return 0;
	return errno == EPIPE ? 0 : -errno;
}

static int once(struct top_feed *s, const struct options *o)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	int err = measure(s, o, &text);

	return err ? err : put(&text);
}

static int explain(int err, const char *why)
{
	if (err == -ENOTTY)
		why = "this terminal cannot be drawn on (see TERM); try --once";
	fprintf(stderr, "isamon top: %s\n", *why ? why : strerror(-err));
	return CMD_FAILED;
}

static int top(const struct config *c, struct route_patterns *patterns, const struct options *o)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(PROBLEMS_MAX);
	_cleanup_(top_feed_closep) struct top_feed *s = NULL;
	int err = top_feed_open(c, patterns, o->ports.len > 0, &why, &s);

	if (!err)
		err = o->once ? once(s, o) : top_live(s, o->interval_ms);
	return err ? explain(err, buf_str(&why)) : CMD_OK;
}

static int configure_and_top(const struct options *o)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(PROBLEMS_MAX);
	_cleanup_(config_freep) struct config *c = NULL;
	struct route_patterns *patterns = NULL;
	int err = setup_load(o->config_path, &problems, &c, &patterns);

	if (err) {
		fputs(buf_str(&problems), stderr);
		return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
	}
	if (o->ports.len && config_set_ports(c, buf_str(&o->ports))) {
		fprintf(stderr, "isamon top: --port %s: ports are numbers from 1 to 65535\n",
			buf_str(&o->ports));
		route_patterns_free(patterns);
		return CMD_USAGE;
	}
	return top(c, patterns, o);
}

int cmd_top(int argc, char **argv)
{
	struct options o = { .ports = BUF_INIT(1024), .interval_ms = 1000 };
	int status = CMD_USAGE;

	setlocale(LC_CTYPE, "");
	if (!parse_options(argc, argv, &o)) {
		o.once |= !isatty(STDOUT_FILENO);
		if (o.help)
			fputs(usage, stdout);
		status = o.help ? CMD_OK : configure_and_top(&o);
	}
	buf_done(&o.ports);
	return status;
}
