/* SPDX-License-Identifier: MIT */
/* isamon jobs: the table of its subcommands, and what they have in common. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/jobs_cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"

#define LINE_MAX_BYTES 4096
#define OUTPUT_MAX (4 * JOB_OUTPUT_MAX)

static const struct tool_command commands[] = {
	{ "list", jobs_list, "the jobs: when each comes next, how it ended last" },
	{ "run", jobs_run, "run one now, and show what it writes" },
	{ "history", jobs_history, "the runs of one job, or of all" },
};

int cmd_jobs(int argc, char **argv)
{
	return tool_dispatch("isamon jobs", commands, ARRAY_SIZE(commands), argc, argv);
}

int64_t jobs_now_s(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_SEC);
}

/* --- the history */

/* Whoever only looks makes no file. */
int jobs_past_open(const char *command, const struct config *c, struct jobs_past *ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	int err = buf_printf(&path, "%s/%s", c->state_directory, JOB_HISTORY_FILE);

	*ret = (struct jobs_past){ 0 };
	if (!err && access(buf_str(&path), F_OK) && errno == ENOENT)
		return 0;
	ret->base = event_base_new();
	if (!ret->base)
		err = -ENOMEM;
	if (!err)
		err = job_history_new(ret->base, c->state_directory, &ret->history);
	if (err)
		fprintf(stderr, "%s: the history cannot be read: %s\n", command, strerror(-err));
	return err;
}

void jobs_past_close(struct jobs_past *p)
{
	job_history_close(p->history, 0);
	if (p->base)
		event_base_free(p->base);
}

void jobs_past_explain(const char *command, struct jobs_past *p, int err)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);

	job_history_why(p->history, &why);
	fprintf(stderr, "%s: the history cannot be read: %s\n", command,
		why.len ? buf_str(&why) : strerror(-err));
}

/* --- how it is shown */

void jobs_format_time(int64_t s, char cell[static JOBS_CELL_MAX])
{
	const time_t at = s;
	struct tm tm;

	if (s <= 0 || !localtime_r(&at, &tm) ||
	    !strftime(cell, JOBS_CELL_MAX, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(cell, JOBS_CELL_MAX, "-");
}

void jobs_format_duration(const struct job_run *r, char cell[static JOBS_CELL_MAX])
{
	_Static_assert(JOBS_CELL_MAX == STATUS_CELL_MAX, "one cell is as good as the other");

	if (r->ended_ms && r->ended_ms >= r->started_ms)
		status_format_duration((double)(r->ended_ms - r->started_ms) / 1000, cell);
	else
		snprintf(cell, JOBS_CELL_MAX, "-");
}

int jobs_add_output(const char *output, size_t len, struct buf *out)
{
	while (len) {
		const char *newline = memchr(output, '\n', len);
		size_t n = newline ? (size_t)(newline - output) : len;
		char raw[LINE_MAX_BYTES], plain[LINE_MAX_BYTES + 1];
		const bool whole = newline && n <= sizeof(raw);

		n = n < sizeof(raw) ? n : sizeof(raw);
		for (size_t i = 0; i < n; i++)
			raw[i] = output[i] == '\t' ? ' ' : output[i] ? output[i] : '?';
		utf8_make_plain(raw, n, plain, sizeof(plain));
		buf_add_str(out, plain);
		buf_add_char(out, '\n');
		n += whole;
		output += n;
		len -= n;
	}
	return out->err;
}

static int set_new(json_t *o, const char *key, json_t *value)
{
	return value ? json_object_set_new(o, key, value) : -1;
}

static json_t *seconds(int64_t ms)
{
	return json_real((double)ms / 1000);
}

static int set_times(json_t *o, const struct job_run *r)
{
	int bad = set_new(o, "started_seconds", seconds(r->started_ms));

	if (r->scheduled_s)
		bad |= set_new(o, "scheduled_seconds", json_integer(r->scheduled_s));
	if (!r->ended_ms)
		return bad;
	bad |= set_new(o, "ended_seconds", seconds(r->ended_ms));
	return bad | set_new(o, "duration_seconds", seconds(r->ended_ms - r->started_ms));
}

static int set_code(json_t *o, const struct job_run *r)
{
	switch (r->result) {
	case JOB_FAILED: return set_new(o, "exit_status", json_integer(r->code));
	case JOB_SIGNAL: return set_new(o, "signal", json_integer(r->code));
	case JOB_NOT_STARTED: return set_new(o, "error", json_string(strerror(r->code)));
	default: return 0;
	}
}

static int set_output(json_t *o, const struct job_run *r)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);

	if (jobs_add_output(r->output, r->output_len, &text))
		return -1;
	return set_new(o, "output", json_string(buf_str(&text)));
}

json_t *jobs_run_json(const struct job_run *r, bool output)
{
	_cleanup_(json_freep) json_t *o = json_object();
	int bad = set_new(o, "job", json_string(r->job));

	bad |= set_times(o, r);
	bad |= set_new(o, "result", json_string(job_result_names[r->result]));
	bad |= set_code(o, r);
	if (r->ended_ms) {
		bad |= set_new(o, "cpu_seconds", seconds((int64_t)r->cpu_ms));
		bad |= set_new(o, "peak_rss_bytes", json_integer((json_int_t)r->peak_rss_bytes));
		bad |= set_new(o, "output_bytes", json_integer((json_int_t)r->output_bytes));
	}
	if (r->bytes >= 0)
		bad |= set_new(o, "bytes", json_integer(r->bytes));
	if (output)
		bad |= set_output(o, r);
	return bad ? NULL : take(o);
}
