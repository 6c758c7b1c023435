/* SPDX-License-Identifier: MIT */
/* `isamon run`: the daemon, in the foreground; a manager (systemd, Supervisor) puts it behind. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/tool.h"

static const char usage[] =
	"usage: isamon run [--config FILE] [--port N[,N...]] [--listen ADDRESS:PORT]\n"
	"\n"
	"Watches the service and serves its metrics until SIGTERM. SIGHUP reads the configuration again.\n"
	"\n"
	"  --config FILE          configuration (default /etc/isamon/isamon.conf, if it is there)\n"
	"  --port N[,N...]        the service's ports, instead of [service] ports\n"
	"  --listen ADDRESS:PORT  where /metrics is served, instead of [listen]\n";

struct run {
	struct options options;
	struct buf ports;
};

static int parse(struct run *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "port", required_argument, NULL, 'p' },
		{ "listen", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:p:l:h", options, NULL)) != -1) {
		switch (c) {
		case 'c': r->options.config_path = optarg; break;
		case 'p':
			if (r->ports.len)
				buf_add_char(&r->ports, ',');
			buf_add_str(&r->ports, optarg);
			r->options.ports = buf_str(&r->ports);
			break;
		case 'l': r->options.listen = optarg; break;
		case 'h': fputs(usage, stdout); return 1;
		default: fputs(usage, stderr); return -EINVAL;
		}
	}
	if (optind < argc) {
		tool_wrong("isamon run", usage, TOOL_UNEXPECTED, argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static int run(const struct options *options)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(64 * 1024);
	struct daemon *d;
	int err;

	signal(SIGPIPE, SIG_IGN);
	/* What other daemons open their logs anew for must not end this one. */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	err = daemon_start(options, &why, &d);
	if (err) {
		log_error("%s", why.len ? buf_str(&why) : strerror(-err));
		return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
	}
	err = daemon_loop(d);
	daemon_free(d);
	return err ? CMD_FAILED : CMD_OK;
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .ports = BUF_INIT(256) };
	int status, err;

	err = parse(&r, argc, argv);
	if (err)
		status = err > 0 ? CMD_OK : CMD_USAGE;
	else
		status = run(&r.options);
	buf_done(&r.ports);
	return status;
}
