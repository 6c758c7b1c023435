/* SPDX-License-Identifier: MIT */
/* isamon db: its subcommands, their options, and the progress of what they do. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/db_cmd.h"
#include "cmd/tool.h"

#define SHOW_EVERY_NS (200 * 1000000ull)

static const char usage[] =
	"usage: isamon db check | backup [FILE] | vacuum | stats [OPTION...]\n"
	"\n"
	"The SQLite databases that [database] of the configuration names. What only reads changes nothing of them, and may\n"
	"be done while the service runs.\n"
	"\n"
	"  check         SQLite's integrity check, and whether foreign keys point to something\n"
	"  backup        a copy of one moment, made while others write, checked; FILE must not be there yet;\n"
	"                without it PATH.backup-YYYYmmdd-HHMMSS\n"
	"  vacuum        gives free pages back to the disk: stops the service, makes a copy, VACUUM, checks, starts it\n"
	"  stats         sizes, free pages, the log, and SQLite's version\n"
	"\n"
	"  --database P  this one only, configured or not\n"
	"  --tables      (stats) also the size and the rows of each table: reads the whole database\n"
	"  --yes         (vacuum) do not ask before the service is stopped\n"
	"  --stopped     (vacuum) the service is stopped already: leave it alone\n"
	"  --json        what was found as JSON\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 fine, or done; 1 the database is damaged, or (vacuum) the service did not come back;\n"
	"2 wrong usage or configuration; 3 could not be done.\n";

/* --- progress */

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

void db_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

bool db_is_stopped(void)
{
	return stopped;
}

static int show(const char *what, double done, void *ctx)
{
	static uint64_t last_ns;
	uint64_t now_ns = clock_monotonic_ns();

	(void)ctx;
	if (isatty(STDERR_FILENO) && now_ns - last_ns >= SHOW_EVERY_NS) {
		last_ns = now_ns;
		if (done < 0)
			fprintf(stderr, "\r\x1b[K%s ...", what);
		else
			fprintf(stderr, "\r\x1b[K%s %3.0f %%", what, done * 100);
	}
	return stopped;
}

struct database_progress db_progress(void)
{
	return (struct database_progress){ .fn = show };
}

void db_progress_clear(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\x1b[K");
}

void db_complain(const char *command, const char *why, int err)
{
	db_progress_clear();
	fprintf(stderr, "isamon db %s: %s\n", command, *why ? why : strerror(-err));
}

int db_status(int err)
{
	if (!err)
		return CMD_OK;
	return err == -EUCLEAN || err == -EBADMSG ? CMD_NOT_OK : CMD_FAILED;
}

/* --- options */

static const struct {
	const char *name;
	int (*run)(const struct db_options *o);
} commands[] = {
	{ "check", db_check },
	{ "backup", db_backup },
	{ "vacuum", db_vacuum },
	{ "stats", db_stats },
};

static bool is_usage(const char *name, const struct db_options *o, int n_arguments)
{
	bool vacuum = strcmp(name, "vacuum") == 0, backup = strcmp(name, "backup") == 0;

	return (vacuum || (!o->yes && !o->stopped)) && (strcmp(name, "stats") == 0 || !o->tables) &&
	       n_arguments <= (backup ? 2 : 1);
}

static int run(size_t i, struct db_options *o)
{
	_cleanup_(config_freep) struct config *c = NULL;
	int status = tool_load(o->config_path, &c);

	if (status)
		return status;
	o->c = c;
	o->paths = o->database ? &o->database : (const char *const *)c->databases;
	o->n_paths = o->database ? 1 : c->n_databases;
	if (o->file && o->n_paths > 1) {
		fprintf(stderr,
			"isamon db backup: several databases are configured: say which one with --database\n");
		return CMD_USAGE;
	}
	return commands[i].run(o);
}

int cmd_db(int argc, char **argv)
{
	struct db_options o = { .file = NULL };
	const struct tool_option options[] = {
		{ "json", &o.json, NULL },         { "yes", &o.yes, NULL },
		{ "stopped", &o.stopped, NULL },   { "tables", &o.tables, NULL },
		{ "database", NULL, &o.database }, { "config", NULL, &o.config_path },
	};
	int first, status;

	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	for (size_t i = 0; first < argc && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[first], commands[i].name) != 0)
			continue;
		if (!is_usage(argv[first], &o, argc - first))
			return tool_wrong(
				"isamon db", usage,
				"an option or an argument is not of this command:", argv[first]);
		o.file = first + 1 < argc ? argv[first + 1] : NULL;
		return run(i, &o);
	}
	if (first < argc)
		return tool_wrong("isamon db", usage, TOOL_UNKNOWN_COMMAND, argv[first]);
	fputs(usage, stderr);
	return CMD_USAGE;
}
