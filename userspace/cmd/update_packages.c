/* SPDX-License-Identifier: MIT */
/* isamon update system, and security: the dry run, the question, the run, and what is left to do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"
#include "cmd/update_cmd.h"
#include "cmd/update_packages_cmd.h"

#define USAGE_END \
	"  --dry-run     says what would be done\n" \
	"  --yes         do not ask: for a job (docs/update.md says how)\n" \
	"  --json        what is done, and what is left to do, as JSON\n" UPDATE_CONFIG_USAGE "\n" \
	"Exit status: 0 done, or nothing to do; 1 it was refused or failed; 2 wrong usage or configuration; 3 could not be done.\n"

static const char system_usage[] =
	"usage: isamon update system [--dry-run] [--yes] [--json]\n"
	"\n"
	"All packages of the system that have a newer version, by apt-get or dnf: asks their sources, says what would be done and how much room it\n"
	"takes, asks, does it, and says which services are to be restarted, and whether a reboot is due. Nothing is removed or restarted.\n"
	"Configuration files that were changed here stay as they are. All that is said is in update.log in isamon's state directory.\n"
	"\n" USAGE_END;

static const char security_usage[] =
	"usage: isamon update security [--dry-run] [--yes] [--json]\n"
	"\n"
	"As isamon update system, but only what closes holes: of apt the versions of the security archives, of dnf those of security advisories,\n"
	"each in the lowest version that does it, and what they need.\n"
	"\n" USAGE_END;

struct updating {
	const char *command, *config_path;
	bool dry_run, yes, json;
	struct config *config;
	struct packages_run run;
	struct packages packages;
	struct packages_room room;
	int log_fd;
};

static void say(const struct updating *u, const char *line)
{
	if (!u->json || isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", line);
}

static int complain(const struct updating *u, const struct buf *why, int err)
{
	fprintf(stderr, "%s: %s\n", u->command, why->len ? buf_str(why) : strerror(-err));
	return err == -EIO || err == -ENOSPC || err == -ETIMEDOUT ? CMD_NOT_OK : CMD_FAILED;
}

/* The unit of the daemon has a read-only system; that is no disk that is broken. A dry run, too, writes: lists of packages. */
static int check_writable(const struct updating *u)
{
	const char *path = u->dry_run ? "/var" : "/usr";
	struct statvfs st;

	if (statvfs(path, &st) || !(st.f_flag & ST_RDONLY))
		return CMD_OK;
	fprintf(stderr,
		"%s: %s is read-only here. isamon's unit has it so (ProtectSystem=): see docs/update.md for a timer that may do it\n",
		u->command, path);
	return CMD_FAILED;
}

/* --- the plan */

static int make_plan(struct updating *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	int err = packages_find_manager(&u->run, &why);

	if (!err && u->run.manager == PACKAGES_APT)
		say(u, "asking the sources of packages");
	if (!err)
		err = packages_refresh(&u->run, &why);
	if (!err)
		err = packages_plan(&u->run, &why, &u->packages);
	if (!err && u->packages.n)
		packages_room(&u->run, &u->packages, &u->room);
	return err ? complain(u, &why, err) : CMD_OK;
}

static void tell_plan(const struct updating *u)
{
	char fetched[STATUS_CELL_MAX], disk[STATUS_CELL_MAX];

	if (!u->packages.n) {
		update_print_packages(&u->packages);
		printf("%s has nothing newer%s\n", packages_manager_name(&u->run),
		       u->run.security ? " that closes holes" : "");
		return;
	}
	update_print_packages(&u->packages);
	printf("%zu packages by %s, %zu of them close holes", u->packages.n,
	       packages_manager_name(&u->run), u->packages.n_security);
	if (u->room.known) {
		status_format_bytes(u->room.fetch_bytes, fetched);
		status_format_bytes((uint64_t)(u->room.disk_bytes < 0 ? -u->room.disk_bytes :
									u->room.disk_bytes),
				    disk);
		printf("; %s are fetched, %s %s of the disk", fetched, disk,
		       u->room.disk_bytes < 0 ? "less" : "more");
	}
	printf("\n");
	fflush(stdout);
}

/* --- the work */

static int ask(const struct updating *u)
{
	char question[128];
	int yes;

	snprintf(question, sizeof(question), "Install %zu packages?", u->packages.n);
	yes = tool_confirm(u->command, question, u->yes);
	return yes < 0 ? CMD_USAGE : yes ? CMD_OK : CMD_FAILED;
}

static int install(struct updating *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	int err = packages_check_room(&u->run, &u->room, &why), status;

	if (err)
		return complain(u, &why, err);
	if (geteuid() != 0) {
		fprintf(stderr, "%s: only root may do it\n", u->command);
		return CMD_FAILED;
	}
	status = ask(u);
	if (status)
		return status;
	/* dpkg and rpm are not to be cut off by Ctrl-C, or by a connection that is lost. */
	backup_catch_signals();
	say(u, "installing");
	err = packages_install(&u->run, &u->packages, &why);
	return err ? complain(u, &why, err) : CMD_OK;
}

static int tell(const struct updating *u, int status, bool done)
{
	static struct update_after after; /* large */

	update_look_after(&after);
	if (u->json) {
		_cleanup_(json_freep) json_t *j = json_pack(
			"{s:b, s:b, s:s, s:o, s:i, s:b, s:I, s:I}", "fine", status == CMD_OK,
			"done", done, "manager", packages_manager_name(&u->run), "packages",
			update_packages_json(&u->packages), "security", (int)u->packages.n_security,
			"room_known", u->room.known, "fetch_bytes", (json_int_t)u->room.fetch_bytes,
			"disk_bytes", (json_int_t)u->room.disk_bytes);

		update_after_json(&after, j);
		if (tool_print_json(u->command, j) != CMD_OK)
			status = CMD_FAILED;
	} else {
		if (done)
			printf("%zu packages are installed\n", u->packages.n);
		update_print_after(&after);
	}
	update_after_done(&after);
	return status;
}

static int update(struct updating *u)
{
	int status = check_writable(u);
	bool done = false;

	if (!status)
		status = make_plan(u);
	if (status)
		return status;
	if (!u->json)
		tell_plan(u);
	if (u->packages.n && !u->dry_run) {
		status = install(u);
		done = status == CMD_OK;
		if (status == CMD_USAGE || status == CMD_FAILED)
			return status;
	}
	return tell(u, status, done);
}

static int run(const char *command, const char *usage, bool security, int argc, char **argv)
{
	struct updating u = { .command = command, .log_fd = -1 };
	const struct tool_option options[] = {
		{ "dry-run", &u.dry_run, NULL },
		{ "yes", &u.yes, NULL },
		{ "json", &u.json, NULL },
		{ "config", NULL, &u.config_path },
	};
	int first, status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong(command, usage, TOOL_UNEXPECTED, argv[first]);
	status = tool_load(u.config_path, &u.config);
	if (status)
		return status;
	u.log_fd = update_open_log(u.config);
	u.run = (struct packages_run){
		.security = security,
		.state_directory = u.config->state_directory,
		.run = { .timeout_s = (unsigned int)u.config->update_packages_timeout_s,
			 .log_fd = u.log_fd,
			 .echo_fd = isatty(STDERR_FILENO) ? STDERR_FILENO : -1 }
	};
	status = update(&u);
	packages_done(&u.packages);
	config_free(u.config);
	file_closep(&u.log_fd);
	return status;
}

int update_system_command(int argc, char **argv)
{
	return run("isamon update system", system_usage, false, argc, argv);
}

int update_security_command(int argc, char **argv)
{
	return run("isamon update security", security_usage, true, argc, argv);
}
