/* SPDX-License-Identifier: MIT */
/* isamon jobs run: in the foreground, as the daemon would run it, and recorded; whether a daemon runs or not. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "care/job_process.h"
#include "cmd/cmd.h"
#include "cmd/jobs_cmd.h"
#include "cmd/tool.h"

static const char usage[] =
	"usage: isamon jobs run JOB [--quiet] [--config FILE]\n"
	"Runs a job of the configuration now, also one that is not enabled, with its priority and its\n"
	"time limit, shows what it writes, and records the run as the daemon does.\n"
	"\n"
	"  --quiet       do not show what it writes\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 the run was ok; 1 it was not; 2 wrong usage or configuration; 3 it could not be\n"
	"started (it may be running already), or was interrupted.\n";

struct run {
	const struct config_job *job;
	struct event_base *base;
	struct event *signals[3];
	struct job_history *history;
	struct job_process *process;
	enum job_result result;
	int code;
};

static void say_unrecorded(struct run *r, int err)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);

	job_history_why(r->history, &why);
	fprintf(stderr, "isamon jobs run: the run is not in the history: %s\n",
		why.len ? buf_str(&why) : strerror(-err));
}

static void on_recorded(int err, void *ctx)
{
	if (err)
		say_unrecorded(ctx, err);
}

static void on_ended(const struct job_run *end, int *lock_fd, void *ctx)
{
	struct run *r = ctx;
	int err = job_history_end(r->history, end, on_recorded, r);

	(void)lock_fd; /* is given back when the end is in the history */
	r->process = NULL;
	r->result = end->result;
	r->code = end->code;
	if (err)
		say_unrecorded(r, err);
	job_history_settle(r->history);
	event_base_loopbreak(r->base);
}

static void on_signal(evutil_socket_t fd, short what, void *ctx)
{
	struct run *r = ctx;

	(void)fd;
	(void)what;
	if (r->process)
		job_process_stop(r->process);
}

static int open_all(struct run *r, const struct config *c)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	int err;

	r->base = event_base_new();
	if (!r->base)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		r->signals[i] = evsignal_new(r->base, numbers[i], on_signal, r);
		if (!r->signals[i] || event_add(r->signals[i], NULL))
			return -ENOMEM;
	}
	err = job_history_new(r->base, c->state_directory, &r->history);
	return err;
}

static void close_all(struct run *r)
{
	job_history_close(r->history, 0);
	for (size_t i = 0; i < ARRAY_SIZE(r->signals); i++)
		if (r->signals[i])
			event_free(r->signals[i]);
	if (r->base)
		event_base_free(r->base);
}

static int say_start(const struct run *r, int err, pid_t holder)
{
	if (err == -EBUSY && holder)
		fprintf(stderr, "isamon jobs run: %s runs already (process %d)\n", r->job->name,
			(int)holder);
	else if (err == -EBUSY)
		fprintf(stderr, "isamon jobs run: %s runs already\n", r->job->name);
	else
		fprintf(stderr, "isamon jobs run: %s cannot be started: %s\n", r->job->name,
			strerror(-err));
	return CMD_FAILED;
}

static int say_end(const struct run *r)
{
	_cleanup_(buf_done) struct buf how = BUF_INIT(200);

	if (r->result == JOB_OK)
		return CMD_OK;
	job_result_describe(r->result, r->code, &how);
	fprintf(stderr, "isamon jobs run: %s: %s\n", r->job->name, buf_str(&how));
	return r->result == JOB_INTERRUPTED ? CMD_FAILED : CMD_NOT_OK;
}

static int run(struct run *r, const struct config *c, const char *config_path, bool quiet)
{
	const struct job_process_how how = {
		.job = r->job,
		.program = "/proc/self/exe",
		.config_path = config_path,
		.runtime_directory = c->runtime_directory,
		.echo_fd = quiet ? -1 : STDOUT_FILENO,
	};
	struct job_run begun;
	pid_t holder = 0;
	int err = job_process_start(r->base, &how, on_ended, r, &holder, &begun, &r->process);

	if (err)
		return say_start(r, err, holder);
	err = job_history_begin(r->history, &begun, 0, on_recorded, r);
	if (err)
		say_unrecorded(r, err);
	while (r->process && event_base_dispatch(r->base) == 0)
		;
	return say_end(r);
}

static int jobs_run_named(const char *name, const char *config_path, bool quiet)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct run r = { 0 };
	int status = tool_load(config_path, &c), err;

	signal(SIGPIPE, SIG_IGN);
	if (status)
		return status;
	r.job = config_job_find(c, name);
	if (!r.job) {
		fprintf(stderr,
			"isamon jobs run: there is no job \"%s\"; isamon jobs list shows them\n",
			name);
		return CMD_USAGE;
	}
	err = open_all(&r, c);
	if (err) {
		fprintf(stderr, "isamon jobs run: %s\n", strerror(-err));
		status = CMD_FAILED;
	} else {
		status = run(&r, c, config_path, quiet);
	}
	close_all(&r);
	return status;
}

int jobs_run(int argc, char **argv)
{
	const char *config_path = NULL;
	bool quiet = false;
	const struct tool_option options[] = {
		{ "quiet", &quiet, NULL },
		{ "config", NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first + 1 != argc)
		return tool_wrong("isamon jobs run", usage, "say which job, and only one", NULL);
	return jobs_run_named(argv[first], config_path, quiet);
}
