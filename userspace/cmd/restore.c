/* SPDX-License-Identifier: MIT */
/* isamon restore: its options, the service, and what of it all is done. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/restore_cmd.h"

static const char usage[] =
	"usage: isamon restore [ID | FILE | s3://BUCKET/KEY] [--data | --config] [--target DIR]\n"
	"                      [OPTION...]\n"
	"       isamon restore --resume | --abort | --status | --forget [--data | --config]\n"
	"                      [--target DIR] [OPTION...]\n"
	"\n"
	"Puts a backup in the place of the directory that it is of: reads and checks it, unpacks it\n"
	"beside the directory, checks its databases, stops the service, exchanges the two directories\n"
	"at once, starts the service, and waits until it is healthy. If it does not become so, the old\n"
	"directory comes back. Without an ID: the newest of --data or --config. Archives of plain tar\n"
	"are fine.\n"
	"\n"
	"  --data, --config  of which kind it is, and so for which directory of [backup]\n"
	"  --target DIR      for this one instead\n"
	"  --dry-run         everything up to where the service would be stopped: a drill\n"
	"  --yes             do not ask: before the service is stopped, before what was written to the new directory is lost (--abort), before\n"
	"                    what was replaced is removed (--forget)\n"
	"  --no-service      leave the service alone: it is stopped already, and stays so\n"
	"  --allow-setuid    files that are setuid or setgid are not refused: for archives that you trust\n"
	"  --resume          goes on with one that was cut off (a power cut, kill -9)\n"
	"  --abort           brings the old directory back instead\n"
	"  --status          whether one is unfinished\n"
	"  --forget          removes the directories that were replaced, which are kept for a day otherwise\n"
	"  --json            how it ended, as JSON\n" BACKUP_CONFIG_USAGE "\n"
	"Exit status: 0 done; 1 there is no such backup, it is not sound, the service did not become\n"
	"healthy with it, it was not wanted, or (--status) one is unfinished; 2 wrong usage or\n"
	"configuration; 3 could not be done.\n";

/* --- the service */

static int open_service(struct restore_command *c, const struct restore_service **ret,
			struct restore_service *hooks)
{
	*ret = NULL;
	if (c->no_service || c->dry_run)
		return CMD_OK;
	if (service_cmd_open(RESTORE_COMMAND, c->tool.config, &c->service)) {
		fprintf(stderr, RESTORE_COMMAND
			": the service must be stopped for it: stop it, and say --no-service\n");
		return CMD_FAILED;
	}
	*hooks = service_cmd_hooks(c->service);
	*ret = hooks;
	return CMD_OK;
}

/* --- what is done */

static void say(const char *line, void *ctx)
{
	const struct restore_command *c = ctx;

	backup_progress_clear();
	if (!c->json || isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", line);
}

static void show_far(const char *what, uint64_t done, uint64_t total, void *ctx)
{
	const struct backup_progress p = backup_progress();

	(void)ctx;
	p.fn(what, done, total, p.ctx);
}

static bool stop_asked(void *ctx)
{
	(void)ctx;
	return backup_is_stopped();
}

static int ask(const struct restore_command *c, const char *target)
{
	_cleanup_(buf_done) struct buf question = BUF_INIT(3 * RESTORE_PATH_MAX);
	int yes;

	if (c->dry_run)
		return CMD_OK;
	buf_printf(&question, "%s %s by what is in %s%s?",
		   c->no_service ? "Replace" : "Stop the service, replace", target, c->archive,
		   c->no_service ? "" : ", and start it again");
	yes = tool_confirm(RESTORE_COMMAND, buf_str(&question), c->yes);
	if (!yes)
		fprintf(stderr, RESTORE_COMMAND ": not wanted: nothing was changed\n");
	return yes < 0 ? CMD_USAGE : yes ? CMD_OK : CMD_NOT_OK;
}

static int run(struct restore_command *c, const char *target,
	       int (*what)(const struct restore_options *o, struct buf *why,
			   struct restore_result *ret))
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4 * BACKUP_WHY_MAX);
	struct restore_options o = { .target = target,
				     .archive = c->archive,
				     .backups = c->tool.config->backup_directory,
				     .owner_of_target = c->kind == BACKUP_DATA,
				     .allow_setuid = c->allow_setuid,
				     .dry_run = c->dry_run,
				     .say = say,
				     .far = show_far,
				     .stop_asked = stop_asked,
				     .ctx = c };
	_cleanup_(file_closep) int lock_fd = -1;
	struct restore_service hooks;
	struct restore_result result;
	unsigned int n;
	int err, status = c->no_service || c->dry_run ?
				  CMD_OK :
				  service_cmd_lock(RESTORE_COMMAND, c->tool.config, &lock_fd);

	if (!status)
		status = open_service(c, &o.service, &hooks);
	if (status)
		return status;
	backup_catch_signals();
	err = what(&o, &why, &result);
	backup_progress_clear();
	status = restore_tell(c, target, err, &why, &result);
	buf_reset(&why);
	/* Of earlier ones. That it cannot be is no failure of this one. */
	if (!err && !c->dry_run && restore_forget(target, backup_now_s(), RESTORE_KEEP_S, &why, &n))
		fprintf(stderr, RESTORE_COMMAND ": cannot be removed: %s\n", buf_str(&why));
	return status;
}

static int restore(struct restore_command *c)
{
	const char *target;
	int status = restore_find_archive(c);

	if (status)
		return status;
	target = restore_find_target(c);
	if (!target)
		return CMD_USAGE;
	status = ask(c, target);
	return status ? status : run(c, target, restore_begin);
}

/* Before the new directory was in its place nothing has been written to it. */
static int ask_to_go_back(const struct restore_command *c, const char *target,
			  const struct restore_status *s)
{
	_cleanup_(buf_done) struct buf question = BUF_INIT(2 * RESTORE_PATH_MAX);
	int yes;

	if (strcmp(s->step, "stage") == 0 || strcmp(s->step, "staged") == 0)
		return CMD_OK;
	buf_printf(
		&question,
		"Bring the old directory back? If the new one is in the place of %s, what was written to it since is lost.",
		target);
	yes = tool_confirm(RESTORE_COMMAND, buf_str(&question), c->yes);
	return yes < 0 ? CMD_USAGE : yes ? CMD_OK : CMD_NOT_OK;
}

/* The one that is unfinished. */
static int go_on(struct restore_command *c)
{
	const char *target, *found = NULL;
	struct restore_status s, unfinished = { .unfinished = false };
	int status = CMD_OK;

	for (unsigned int i = 0; (target = restore_nth_target(c, i)); i++) {
		int err = restore_look(target, &s);

		if (err) {
			fprintf(stderr, RESTORE_COMMAND ": %s: %s\n", target, strerror(-err));
			return CMD_FAILED;
		}
		if (s.unfinished && found)
			return tool_wrong(RESTORE_COMMAND, NULL,
					  "several are unfinished: say --data or --config", NULL);
		if (s.unfinished) {
			found = target;
			unfinished = s;
			snprintf(c->archive, sizeof(c->archive), "%s", s.archive);
		}
	}
	if (!found) {
		fprintf(stderr, RESTORE_COMMAND ": nothing is unfinished\n");
		return CMD_NOT_OK;
	}
	if (c->abort)
		status = ask_to_go_back(c, found, &unfinished);
	return status ? status : run(c, found, c->abort ? restore_abort : restore_resume);
}

static int forget(struct restore_command *c)
{
	const char *target;
	int status = CMD_OK,
	    yes = tool_confirm(RESTORE_COMMAND,
			       "Remove the directories that were replaced, for good?", c->yes);

	if (yes <= 0)
		return yes < 0 ? CMD_USAGE : CMD_NOT_OK;

	for (unsigned int i = 0; (target = restore_nth_target(c, i)); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(BACKUP_WHY_MAX);
		unsigned int n;

		/* Those of this second, too; not one that is made while others are removed. */
		if (restore_forget(target, backup_now_s() + 1, 0, &why, &n)) {
			fprintf(stderr, RESTORE_COMMAND ": cannot be removed: %s\n", buf_str(&why));
			status = CMD_FAILED;
		}
		printf("%s: %u removed\n", target, n);
	}
	return status;
}

static int check_usage(const struct restore_command *c, const char *surplus)
{
	int n = c->resume + c->abort + c->status + c->forget;

	if (surplus)
		return tool_wrong(RESTORE_COMMAND, usage, TOOL_UNEXPECTED, surplus);
	if (n && c->source)
		return tool_wrong(RESTORE_COMMAND, usage, TOOL_UNEXPECTED, c->source);
	if (n > 1 || (n && (c->dry_run || c->allow_setuid)) || (c->forget && c->json))
		return tool_wrong(RESTORE_COMMAND, usage, "these options do not go together", NULL);
	if (c->data && c->config)
		return tool_wrong(RESTORE_COMMAND, usage, "one at a time: --data or --config",
				  NULL);
	if (c->target && *c->target != '/')
		return tool_wrong(RESTORE_COMMAND, usage, "not an absolute path", c->target);
	return CMD_OK;
}

int cmd_restore(int argc, char **argv)
{
	struct restore_command c = { .kind = -1 };
	const struct tool_option options[] = {
		{ "data", &c.data, NULL },
		{ "config", &c.config, NULL },
		{ "yes", &c.yes, NULL },
		{ "dry-run", &c.dry_run, NULL },
		{ "json", &c.json, NULL },
		{ "no-service", &c.no_service, NULL },
		{ "allow-setuid", &c.allow_setuid, NULL },
		{ "resume", &c.resume, NULL },
		{ "abort", &c.abort, NULL },
		{ "status", &c.status, NULL },
		{ "forget", &c.forget, NULL },
		{ "target", NULL, &c.target },
		{ BACKUP_CONFIG_OPTION, NULL, &c.config_path },
	};
	int first, status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	c.source = first < argc ? argv[first] : NULL;
	status = check_usage(&c, first + 1 < argc ? argv[first + 1] : NULL);
	if (!status)
		status = backup_tool_open(RESTORE_COMMAND, c.config_path, &c.tool);
	if (!status && c.status)
		status = restore_tell_status(&c);
	else if (!status && c.forget)
		status = forget(&c);
	else if (!status)
		status = c.resume || c.abort ? go_on(&c) : restore(&c);
	service_control_close(c.service);
	backup_tool_done(&c.tool);
	return status;
}
