/* SPDX-License-Identifier: MIT */
/* Configuration and routes together, because only here both floors may be known. */
#include "cmd/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "care/cron.h"
#include "care/job_command.h"
#include "care/job_process_env.h"
#include "cmd/commands.h"
#include "config/job.h"
#include "config/log.h"
#include "logs/records.h"

/* A default file that may not be read is an error; one that is not there is none. */
static int load(const char *path, struct buf *problems, struct config **ret_config)
{
	int err;

	if (path)
		return config_load(path, problems, ret_config);
	if (access(CONFIG_DEFAULT_PATH, F_OK) == 0 || errno != ENOENT)
		return config_load(CONFIG_DEFAULT_PATH, problems, ret_config);
	err = config_new(ret_config);
	if (err)
		buf_printf(problems, "no configuration: %s\n", strerror(-err));
	return err;
}

static void explain_route(const char *path, const struct config *c, size_t i, const char *why,
			  struct buf *problems)
{
	buf_add_str(problems, path);
	if (c->route_lines[i])
		buf_printf(problems, ":%u", c->route_lines[i]);
	buf_printf(problems, ": [http] route = %s: %s\n", c->routes[i], why);
}

/* Each that is wrong is told, not only the first. */
static void explain_routes(const char *path, const struct config *c, struct buf *problems)
{
	for (size_t i = 0; i < c->n_routes; i++) {
		struct route_patterns *patterns = NULL;
		const char *why;
		size_t bad;

		if (route_patterns_new(&c->routes[i], 1, &patterns, &bad, &why) == -EINVAL)
			explain_route(path, c, i, why, problems);
		route_patterns_free(patterns);
	}
}

/* Each log that is wrong is told. */
static int check_logs(const char *path, const struct config *c, struct buf *problems)
{
	int err = 0;

	for (size_t i = 0; i < c->n_logs && err != -ENOMEM; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
		const struct config_log *l = c->logs[i];
		struct record_rules *rules = NULL;
		int failed = record_rules_new(l, &why, &rules);

		record_rules_free(rules);
		if (!failed)
			continue;
		err = failed;
		buf_add_str(problems, path);
		if (l->line)
			buf_printf(problems, ":%u", l->line);
		buf_printf(problems, ": [log \"%s\"] %s\n", l->name,
			   failed == -EINVAL ? buf_str(&why) : strerror(-failed));
	}
	return err;
}

static void explain_job(const char *path, const struct config_job *j, const char *key,
			const char *value, const char *why, struct buf *problems)
{
	buf_printf(problems, "%s:%u: [job \"%s\"] %s = %.200s: %s\n", path, j->line, j->name, key,
		   value, why);
}

/* What is wrong with it is appended to @why. */
static int check_command(const char *text, struct buf *why)
{
	const struct tool_command *known;
	struct job_command c;
	int err = job_command_split(text, why, &c);

	if (err)
		return err;
	known = commands_find(c.argv[0]);
	if (known && commands_is_job(known))
		return 0;
	if (known)
		buf_printf(
			why,
			"isamon %s cannot be a job; write a command that does something and ends",
			c.argv[0]);
	else
		buf_printf(why, "isamon has no command \"%.40s\"; isamon help lists them",
			   c.argv[0]);
	return -EINVAL;
}

/* Each job that is wrong is told. */
static int check_jobs(const char *path, const struct config *c, struct buf *problems)
{
	int err = 0;

	for (size_t i = 0; i < c->n_jobs; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
		const struct config_job *j = c->jobs[i];
		struct cron cron;

		if (cron_parse(j->schedule, &why, &cron)) {
			explain_job(path, j, "schedule", j->schedule, buf_str(&why), problems);
			err = -EINVAL;
		}
		buf_reset(&why);
		if (check_command(j->command, &why)) {
			explain_job(path, j, "command", j->command, buf_str(&why), problems);
			err = -EINVAL;
		}
	}
	return err;
}

int setup_load(const char *path, struct buf *problems, struct config **ret_config,
	       struct route_patterns **ret_patterns)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct route_patterns *patterns = NULL;
	const char *why = NULL;
	size_t bad = 0;
	int err, err_logs, err_jobs;

	if (!path)
		path = getenv(JOB_CONFIG_VARIABLE);
	err = load(path, problems, &c);
	if (err)
		return err;
	if (!path)
		path = CONFIG_DEFAULT_PATH;
	err_logs = check_logs(path, c, problems);
	err_jobs = check_jobs(path, c, problems);
	err = route_patterns_new(c->routes, c->n_routes, &patterns, &bad, &why);
	if (err == -EINVAL)
		explain_routes(path, c, problems);
	else if (err)
		buf_printf(problems, "%s: the routes: %s\n", path, strerror(-err));
	if (err || err_logs || err_jobs) {
		route_patterns_free(patterns);
		return err ?: err_logs ?: err_jobs;
	}
	*ret_config = take(c);
	*ret_patterns = patterns;
	return 0;
}

void setup_streams(const struct config *c, struct http_metrics *m)
{
	const struct http_stream_options o = {
		.threshold_ns = c->stream_threshold_ms * NS_PER_MS,
		.in_duration = c->streams_in_duration,
	};

	http_metrics_set_streams(m, &o);
}
