/* SPDX-License-Identifier: MIT */
/* isamon update app: options, the plan, the question, the service, the backup. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "check/unfinished.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"
#include "cmd/service_cmd.h"
#include "cmd/tool.h"
#include "cmd/update_app_cmd.h"

#define BACKUP_TIMEOUT_S 86400
#define BACKUP_SAYS_MAX 65536

static const char usage[] =
	"usage: isamon update app [--ref REF] [--dry-run] [--rebuild] [--no-backup] [--yes] [--json]\n"
	"       isamon update app --resume | --abort | --status [--json]\n"
	"\n"
	"Brings the application ([app] of the configuration) to another commit: fetches, says what will change, makes a backup, builds the new\n"
	"Python environment beside the old one if the requirements are others, stops the service, switches both, starts it, and waits until it\n"
	"is healthy. If it does not become so, the old code and environment come back. Refuses a tree that has changes of its own.\n"
	"git and pip run as the user to whom the tree belongs. What they say is in update.log in isamon's state directory.\n"
	"\n"
	"  --ref REF     a branch of the remote, a tag or a commit, instead of [update] ref\n"
	"  --dry-run     fetches, and says what would change\n"
	"  --rebuild     the environment, even if the requirements are the same\n"
	"  --no-backup   makes none of data and configuration before\n"
	"  --yes         do not ask, also not before --abort stops the service\n"
	"  --resume      goes on with one that was cut off (a power cut, kill -9)\n"
	"  --abort       brings the old code and environment back instead\n"
	"  --status      whether one is unfinished\n"
	"  --json        the plan and how it ended, as JSON\n" UPDATE_CONFIG_USAGE "\n"
	"Exit status: 0 done, or nothing to do; 1 it was refused, or is rolled back, or (--status) one is unfinished; 2 wrong usage or\n"
	"configuration; 3 could not be done.\n";

/* --- what care/ asks for */

static void say(const char *line, void *ctx)
{
	const struct update_command *c = ctx;

	if (!c->json || isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", line);
}

static bool stop_asked(void *ctx)
{
	(void)ctx;
	return backup_is_stopped();
}

/* By the command that is there for it, so that it is one like the others. */
static int backup(struct buf *why, void *ctx)
{
	struct update_command *c = ctx;
	_cleanup_(buf_done) struct buf out = BUF_INIT(BACKUP_SAYS_MAX);
	char note[160];
	const char *argv[] = { "/proc/self/exe", "backup",       "create", "--note", note,
			       "--config-file",  c->config_path, NULL };
	const struct update_run run = { .timeout_s = BACKUP_TIMEOUT_S,
					.log_fd = c->log_fd,
					.echo_fd = c->json ? -1 : STDERR_FILENO,
					.tail = true,
					.stop_asked = stop_asked };
	int result;

	if (!c->config_path)
		argv[5] = NULL;
	snprintf(note, sizeof(note), "before isamon update app, at %.40s", c->plan.from.commit);
	result = update_run(&run, argv, &out);
	if (!result)
		return 0;
	update_run_failed("the backup before it (--no-backup goes on without one)", result, &out,
			  why);
	return result < 0 ? result : -EIO;
}

/* --- the work */

static int open_service(struct update_command *c, struct restore_service *hooks)
{
	if (service_cmd_open(UPDATE_APP_COMMAND, c->config, &c->service)) {
		fprintf(stderr, UPDATE_APP_COMMAND
			": without whoever runs the service it cannot be stopped for it\n");
		return CMD_FAILED;
	}
	*hooks = service_cmd_hooks(c->service);
	c->options.service = hooks;
	return CMD_OK;
}

static int ask(const struct update_command *c)
{
	_cleanup_(buf_done) struct buf question = BUF_INIT(3 * PATH_MAX);
	char ref[UPDATE_REF_MAX];
	int yes;

	utf8_make_plain(c->plan.ref, sizeof(c->plan.ref), ref, sizeof(ref));
	buf_printf(&question, "Update %s to %s (%.*s)? The service is stopped for a moment.",
		   c->options.directory, ref, UPDATE_COMMIT_SHOWN, c->plan.to);
	yes = tool_confirm(UPDATE_APP_COMMAND, buf_str(&question), c->yes);
	return yes < 0 ? CMD_USAGE : yes ? CMD_OK : CMD_FAILED;
}

/* Before anything was switched there is nothing to ask. */
static int ask_to_go_back(const struct update_command *c)
{
	struct update_status s;
	int yes;

	if (update_app_look(c->config->state_directory, &s) || !s.unfinished ||
	    strcmp(s.step, "build") == 0)
		return CMD_OK;
	yes = tool_confirm(UPDATE_APP_COMMAND,
			   "Stop the service, and bring the old code and environment back?",
			   c->yes);
	return yes < 0 ? CMD_USAGE : yes ? CMD_OK : CMD_FAILED;
}

/* One that is under way has the lock. */
static int refuse_restore(const struct update_command *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	struct unfinished u;
	int err = unfinished_restore(c->config, &u);

	if (!err && !u.is)
		return CMD_OK;
	if (err)
		buf_printf(&why, "whether a restore was cut off: %s", strerror(-err));
	else
		buf_printf(&why, "%s %s: %s", u.what, u.working ? "is under way" : "was cut off",
			   u.working ? "wait for it" : u.remedy);
	return update_tell_refused(c, err ?: -EBUSY, &why);
}

static int carry_out(struct update_command *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	struct restore_service hooks;
	struct update_result result;
	int err, status = refuse_restore(c);

	if (!status && c->abort)
		status = ask_to_go_back(c);
	if (!status)
		status = open_service(c, &hooks);
	if (status)
		return status;
	if (!c->no_backup)
		c->options.backup = backup;
	backup_catch_signals();
	err = c->resume ? update_app_resume(&c->options, &why, &result) :
	      c->abort  ? update_app_abort(&c->options, &why, &result) :
			  update_app_begin(&c->options, &c->plan, &why, &result);
	return update_tell(c, err, &why, &result);
}

static int update(struct update_command *c)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	int status, err = update_app_plan(&c->options, &why, &c->plan);

	if (err)
		return update_tell_refused(c, err, &why);
	if (!c->json)
		update_tell_plan(c);
	if (c->dry_run || c->plan.nothing)
		return c->json ? update_tell_plan_json(c) : CMD_OK;
	status = ask(c);
	return status ? status : carry_out(c);
}

static int check_usage(const struct update_command *c, const char *surplus)
{
	int n = c->resume + c->abort + c->status;

	if (surplus)
		return tool_wrong(UPDATE_APP_COMMAND, usage, TOOL_UNEXPECTED, surplus);
	if (n > 1 || (n && (c->dry_run || c->ref || c->rebuild || c->no_backup)))
		return tool_wrong(UPDATE_APP_COMMAND, usage, "these options do not go together",
				  NULL);
	if (c->ref && !*c->ref)
		return tool_wrong(UPDATE_APP_COMMAND, usage, "--ref: nothing is said", NULL);
	return CMD_OK;
}

static int prepare(struct update_command *c)
{
	int status = tool_load(c->config_path, &c->config);

	if (status)
		return status;
	if (geteuid() != 0) {
		fprintf(stderr, UPDATE_APP_COMMAND ": only root may do it\n");
		return CMD_FAILED;
	}
	update_options_of(c->config, &c->options);
	if (c->ref)
		c->options.ref = c->ref;
	c->log_fd = update_open_log(c->config);
	c->options.log_fd = c->log_fd;
	c->options.echo_fd = !c->json && isatty(STDERR_FILENO) ? STDERR_FILENO : -1;
	c->options.rebuild = c->rebuild;
	c->options.say = say;
	c->options.stop_asked = stop_asked;
	c->options.ctx = c;
	return CMD_OK;
}

int update_app_command(int argc, char **argv)
{
	struct update_command c = { .log_fd = -1 };
	const struct tool_option options[] = {
		{ "ref", NULL, &c.ref },         { "dry-run", &c.dry_run, NULL },
		{ "rebuild", &c.rebuild, NULL }, { "no-backup", &c.no_backup, NULL },
		{ "yes", &c.yes, NULL },         { "json", &c.json, NULL },
		{ "resume", &c.resume, NULL },   { "abort", &c.abort, NULL },
		{ "status", &c.status, NULL },   { "config", NULL, &c.config_path },
	};
	int first, status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	status = check_usage(&c, first < argc ? argv[first] : NULL);
	if (!status)
		status = prepare(&c);
	if (!status)
		status = c.status            ? update_tell_status(&c) :
			 c.resume || c.abort ? carry_out(&c) :
					       update(&c);
	service_control_close(c.service);
	update_plan_done(&c.plan);
	config_free(c.config);
	file_closep(&c.log_fd);
	return status;
}
