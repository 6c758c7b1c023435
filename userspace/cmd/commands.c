/* SPDX-License-Identifier: MIT */
/* The table of subcommands. */
#include "cmd/commands.h"

#include <string.h>

#include "base/util.h"
#include "cmd/cmd.h"

static const struct tool_command commands[] = {
	{ "run", cmd_run, "watch the service and serve its metrics (the daemon)" },
	{ "init", cmd_init, "look at the host, and write a configuration for it" },
	{ "top", cmd_top, "requests, errors and latency by route, live" },
	{ "status", cmd_status, "the state of the service now, on one screen" },
	{ "metrics", cmd_metrics, "what goes to CloudWatch: preview it, push it now" },
	{ "alarms", cmd_alarms, "CloudWatch's alarms, as they are configured" },
	{ "dashboard", cmd_dashboard, "CloudWatch's dashboard of what isamon publishes" },
	{ "logs", cmd_logs, "the service's logs: here, in CloudWatch, and their rotation" },
	{ "doctor", cmd_doctor, "finds out what is wrong, and names the cause" },
	{ "service", cmd_service, "start, stop, restart the service; who runs it, and how it is" },
	{ "db", cmd_db, "check, copy, measure, vacuum the service's databases" },
	{ "backup", cmd_backup, "backups: make, list, verify, prune them, to S3 and back" },
	{ "restore", cmd_restore,
	  "puts a backup in its place, with the service stopped, and back if it is not well" },
	{ "update", cmd_update, "the application, the system's packages; back if it is not well" },
	{ "audit", cmd_audit, "what makes this host less safe, and what of it is new" },
	{ "advise", cmd_advise, "what was measured speaks for which change, and what it saves" },
	{ "ship-logs", cmd_ship_logs, NULL }, /* of the daemon, for itself */
	{ "jobs", cmd_jobs, "what runs by schedule: list it, run it now, how it ended" },
	{ "check-config", cmd_check_config, "check a configuration file" },
	{ "version", cmd_version, "versions of isamon and its libraries" },
};

/* They do not end, are for people, or would start themselves. */
static const char *const not_jobs[] = { "run", "init", "top", "ship-logs", "jobs" };

const struct tool_command *commands_list(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(commands);
	return commands;
}

const struct tool_command *commands_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

bool commands_is_job(const struct tool_command *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_jobs); i++)
		if (strcmp(c->name, not_jobs[i]) == 0)
			return false;
	return true;
}
