/* SPDX-License-Identifier: MIT */
/* isamon jobs list: of configuration and history; works without the daemon, and says if none runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/json.h"
#include "care/cron.h"
#include "care/job_process.h"
#include "care/schedule.h"
#include "cmd/cmd.h"
#include "cmd/jobs_cmd.h"
#include "cmd/tool.h"

static const char usage[] =
	"usage: isamon jobs list [--json] [--config FILE]\n"
	"Shows the jobs of the configuration: their schedule, when each comes next (local time), and\n"
	"how its last run ended.\n"
	"\n"
	"  --json        the same as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 all is well; 1 the last run of a job did not end well, or a job is overdue;\n"
	"2 wrong usage or configuration; 3 the history cannot be read.\n";

#define TEXT_MAX (1u << 20)

struct shown {
	const struct config_job *config;
	struct job_state state;
	int64_t next_s;
	bool overdue;
};

struct list {
	struct shown jobs[CONFIG_JOBS_MAX];
	size_t n;
	bool daemon;
};

static bool daemon_runs(const struct config *c)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	_cleanup_(file_closep) int fd = -1;

	if (buf_printf(&path, "%s/isamon.lock", c->runtime_directory))
		return false;
	fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

/* What is under way in the file, and nobody runs, was interrupted. */
static void look_again(const struct config *c, struct shown *s, int64_t now_s)
{
	struct job_run *last = &s->state.last;
	int64_t from_s = last->started_ms / 1000, next_s;
	struct cron cron;
	struct buf why = BUF_INIT(1000);

	if (last->started_ms && last->result == JOB_RUNNING &&
	    job_process_is_free(c->runtime_directory, s->state.job))
		last->result = JOB_INTERRUPTED;
	if (s->config->enabled && !cron_parse(s->config->schedule, &why, &cron)) {
		s->next_s = cron_next(&cron, now_s);
		from_s = from_s < s->state.seen_to_s ? s->state.seen_to_s : from_s;
		next_s = cron_next(&cron, from_s);
		s->overdue = next_s && next_s + SCHEDULE_OVERDUE_S < now_s;
	}
	buf_done(&why);
}

static int look(const struct config *c, struct list *l)
{
	_cleanup_(jobs_past_close) struct jobs_past past;
	struct job_state *states = NULL;
	const int64_t now_s = jobs_now_s();
	int err = jobs_past_open("isamon jobs list", c, &past);

	if (err)
		return err;
	states = calloc(CONFIG_JOBS_MAX, sizeof(*states));
	for (size_t i = 0; states && i < c->n_jobs; i++) {
		snprintf(states[i].job, sizeof(states[i].job), "%s", c->jobs[i]->name);
		snprintf(states[i].schedule, sizeof(states[i].schedule), "%s",
			 c->jobs[i]->schedule);
		states[i].seen_to_s = now_s;
	}
	if (!states)
		err = -ENOMEM;
	else if (past.history)
		err = job_history_look_wait(past.history, states, c->n_jobs);
	if (err && past.history)
		jobs_past_explain("isamon jobs list", &past, err);
	for (l->n = 0; !err && l->n < c->n_jobs; l->n++) {
		l->jobs[l->n] = (struct shown){ .config = c->jobs[l->n], .state = states[l->n] };
		look_again(c, &l->jobs[l->n], now_s);
	}
	l->daemon = daemon_runs(c);
	free(states);
	return err;
}

static bool is_bad(const struct shown *s)
{
	const struct job_run *last = &s->state.last;

	return s->config->enabled && (s->overdue || (last->started_ms && last->result != JOB_OK &&
						     last->result != JOB_RUNNING));
}

/* --- how it is shown */

static void write_row(const struct shown *s, struct buf *out)
{
	_cleanup_(buf_done) struct buf how = BUF_INIT(200);
	char next[JOBS_CELL_MAX], last[JOBS_CELL_MAX], took[JOBS_CELL_MAX];

	jobs_format_time(s->next_s, next);
	jobs_format_time(s->state.last.started_ms / 1000, last);
	jobs_format_duration(&s->state.last, took);
	if (!s->state.last.started_ms)
		buf_add_str(&how, "-");
	else
		job_result_describe(s->state.last.result, s->state.last.code, &how);
	if (s->overdue)
		buf_add_str(&how, ", overdue");
	buf_printf(out, "%-20s %-16s %-19s %-19s %-11s %s\n", s->config->name, s->config->schedule,
		   s->config->enabled ? next : "off", last, took, buf_str(&how));
}

static int print(const struct list *l)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX);

	if (!l->n) {
		puts("no jobs are configured; docs/jobs.md shows how");
		return 0;
	}
	buf_printf(&out, "%-20s %-16s %-19s %-19s %-11s %s\n", "JOB", "SCHEDULE", "NEXT", "LAST",
		   "TOOK", "RESULT");
	for (size_t i = 0; i < l->n; i++)
		write_row(&l->jobs[i], &out);
	fputs(buf_str(&out), stdout);
	if (!l->daemon)
		fputs("isamon jobs list: no daemon runs, so nothing is started by itself\n",
		      stderr);
	return out.err;
}

static json_t *runs_json(const struct job_state *s)
{
	json_t *o = json_object();

	for (int i = JOB_OK; o && i < JOB_RESULTS; i++)
		json_object_set_new(o, job_result_names[i], json_integer((json_int_t)s->runs[i]));
	return o;
}

static json_t *job_json(const struct shown *s)
{
	_cleanup_(json_freep) json_t *o =
		json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:o}", "name", s->config->name,
			  "schedule", s->config->schedule, "command", s->config->command, "enabled",
			  (int)s->config->enabled, "running",
			  s->state.last.started_ms && s->state.last.result == JOB_RUNNING,
			  "overdue", (int)s->overdue, "runs", runs_json(&s->state));
	json_t *last;

	if (!o)
		return NULL;
	if (s->next_s)
		json_object_set_new(o, "next_seconds", json_integer(s->next_s));
	if (s->state.success_ms)
		json_object_set_new(o, "last_success_seconds",
				    json_real((double)s->state.success_ms / 1000));
	if (s->state.last.started_ms) {
		last = jobs_run_json(&s->state.last, false);
		if (!last || json_object_set_new(o, "last", last))
			return NULL;
	}
	return take(o);
}

static int print_json(const struct list *l)
{
	_cleanup_(json_freep) json_t *all =
		json_pack("{s:b, s:[]}", "daemon", (int)l->daemon, "jobs");
	int bad = !all;

	for (size_t i = 0; i < l->n && !bad; i++)
		bad = json_array_append_new(json_object_get(all, "jobs"), job_json(&l->jobs[i]));
	if (!bad)
		return tool_print_json("isamon jobs list", all);
	fprintf(stderr, "isamon jobs list: %s\n", strerror(ENOMEM));
	return CMD_FAILED;
}

static int list(const char *config_path, bool json)
{
	_cleanup_(config_freep) struct config *c = NULL;
	struct list *l;
	int status = tool_load(config_path, &c);

	if (status)
		return status;
	l = calloc(1, sizeof(*l));
	if (!l || look(c, l))
		status = CMD_FAILED;
	else if (json ? print_json(l) : print(l))
		status = CMD_FAILED;
	for (size_t i = 0; status == CMD_OK && i < l->n; i++)
		if (is_bad(&l->jobs[i]))
			status = CMD_NOT_OK;
	free(l);
	return status;
}

int jobs_list(int argc, char **argv)
{
	const char *config_path = NULL;
	bool json = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ "config", NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong("isamon jobs list", usage, TOOL_UNEXPECTED, argv[first]);
	return list(config_path, json);
}
