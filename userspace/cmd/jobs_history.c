/* SPDX-License-Identifier: MIT */
/* isamon jobs history: the runs that are kept, the newest first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "care/job_process.h"
#include "cmd/cmd.h"
#include "cmd/jobs_cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"

#define LAST 20
#define STRING_OF(n) #n
#define NUMBER_OF(n) STRING_OF(n)
#define TEXT_MAX (64u << 20)

static const char usage[] =
	"usage: isamon jobs history [JOB] [--last N] [--output] [--json] [--config FILE]\n"
	"Shows the runs of a job, or of all, the newest first. Of each job the last 100 are kept.\n"
	"\n"
	"  --last N      that many (default " NUMBER_OF(
		LAST) ")\n"
		      "  --output      with what they wrote; of one job alone the newest is shown with it anyway\n"
		      "  --json        the same as JSON, with output\n"
		      "  --config FILE default " CONFIG_DEFAULT_PATH "\n"
		      "\n"
		      "Exit status: 0 done; 1 there is no run of such a job; 2 wrong usage or configuration; 3 the\n"
		      "history cannot be read.\n";

struct shown {
	const struct config *config;
	bool output, newest;
	json_t *list; /* NULL: as text */
	struct buf text;
	size_t n;
};

static void add_sizes(const struct job_run *r, struct buf *out)
{
	char cpu[STATUS_CELL_MAX], rss[STATUS_CELL_MAX], bytes[STATUS_CELL_MAX];

	if (!r->ended_ms || !r->peak_rss_bytes)
		return;
	status_format_duration((double)r->cpu_ms / 1000, cpu);
	status_format_bytes(r->peak_rss_bytes, rss);
	buf_printf(out, "  CPU %s, memory %s", cpu, rss);
	if (r->bytes < 0)
		return;
	status_format_bytes((uint64_t)r->bytes, bytes);
	buf_printf(out, ", wrote %s", bytes);
}

static void add_output(const struct job_run *r, struct buf *out)
{
	if (r->output_bytes > r->output_len)
		buf_printf(out, "  (the first %llu bytes were not kept)\n",
			   (unsigned long long)(r->output_bytes - r->output_len));
	jobs_add_output(r->output, r->output_len, out);
	buf_add_char(out, '\n');
}

static int add_text(const struct job_run *r, struct shown *s)
{
	_cleanup_(buf_done) struct buf how = BUF_INIT(200);
	char at[JOBS_CELL_MAX], took[JOBS_CELL_MAX];

	job_result_describe(r->result, r->code, &how);
	jobs_format_time(r->started_ms / 1000, at);
	jobs_format_duration(r, took);
	buf_printf(&s->text, "%s  %-20s %-9s %-11s %s", at, r->job,
		   r->scheduled_s ? "scheduled" : "by hand", took, buf_str(&how));
	add_sizes(r, &s->text);
	buf_add_char(&s->text, '\n');
	if ((s->output || (s->newest && s->n == 1)) && r->output_len)
		add_output(r, &s->text);
	return s->text.err;
}

static int show(const struct job_run *r, void *ctx)
{
	struct shown *s = ctx;
	struct job_run seen = *r;

	if (r->result == JOB_RUNNING && job_process_is_free(s->config->runtime_directory, r->job))
		seen.result = JOB_INTERRUPTED;
	s->n++;
	if (!s->list)
		return add_text(&seen, s);
	return json_array_append_new(s->list, jobs_run_json(&seen, true)) ? -ENOMEM : 0;
}

static int look(const struct config *c, const char *job, uint64_t last, struct shown *s)
{
	_cleanup_(jobs_past_close) struct jobs_past past;
	int err = jobs_past_open("isamon jobs history", c, &past);

	if (err || !past.history)
		return err;
	err = job_history_each(past.history, job, (unsigned int)last, show, s);
	if (err)
		jobs_past_explain("isamon jobs history", &past, err);
	return err;
}

static int history(const char *config_path, const char *job, uint64_t last, bool output, bool json)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_(json_freep) json_t *list = json ? json_array() : NULL;
	struct shown s = {
		.list = list, .output = output, .newest = job, .text = BUF_INIT(TEXT_MAX)
	};
	int status = tool_load(config_path, &c);

	if (status)
		return status;
	s.config = c;
	if (look(c, job, last, &s))
		status = CMD_FAILED;
	else if (json)
		status = tool_print_json("isamon jobs history", list);
	else
		fputs(buf_str(&s.text), stdout);
	buf_done(&s.text);
	if (status || s.n)
		return status;
	if (job && !config_job_find(c, job))
		fprintf(stderr, "isamon jobs history: there is no job \"%s\"\n", job);
	else
		fputs("isamon jobs history: no run yet\n", stderr);
	return job ? CMD_NOT_OK : CMD_OK;
}

int jobs_history(int argc, char **argv)
{
	const char *config_path = NULL, *last_text = NULL;
	bool json = false, output = false;
	const struct tool_option options[] = {
		{ "json", &json, NULL },
		{ "output", &output, NULL },
		{ "last", NULL, &last_text },
		{ "config", NULL, &config_path },
	};
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	uint64_t last = LAST;

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (last_text && number_parse_u64(last_text, 1, 100000, &last)) {
		fprintf(stderr, "isamon jobs history: --last %s: not a number from 1 to 100000\n",
			last_text);
		return CMD_USAGE;
	}
	if (first + 1 < argc)
		return tool_wrong("isamon jobs history", usage, TOOL_UNEXPECTED, argv[first + 1]);
	return history(config_path, first < argc ? argv[first] : NULL, last, output, json);
}
