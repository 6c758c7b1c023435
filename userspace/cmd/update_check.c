/* SPDX-License-Identifier: MIT */
/* isamon update check: what would be updated. Of the tree and of the packages nothing is changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"
#include "cmd/update_app_cmd.h"
#include "cmd/update_packages_cmd.h"

#define COMMAND "isamon update check"

static const char usage[] =
	"usage: isamon update check [--refresh] [--json]\n"
	"\n"
	"What would be updated: commits of the application that are newer (git fetch), packages of the system, how many of them close holes,\n"
	"services that run what was replaced, and whether a reboot is due. Changes neither the tree nor a package.\n"
	"\n"
	"  --refresh     asks the sources of packages first (apt-get update), instead of going by what was known last\n"
	"  --json        all of it as JSON\n" UPDATE_CONFIG_USAGE "\n"
	"Exit status: 0 nothing is pending; 1 something is; 2 wrong usage or configuration; 3 something could not be looked at.\n";

struct looking {
	struct update_command app; /* of which the plan is used */
	bool refresh, json;
	json_t *j;
	int status;
};

static void pending(struct looking *l)
{
	if (l->status == CMD_OK)
		l->status = CMD_NOT_OK;
}

static void look_at_app(struct looking *l)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	const struct update_options *o = &l->app.options;
	int err;

	if (access(o->directory, F_OK) && errno == ENOENT) {
		json_object_set_new(l->j, "app", json_null());
		if (!l->json)
			printf("%s: is not there\n", o->directory);
		return;
	}
	err = update_app_plan(o, &why, &l->app.plan);
	if (!err && !l->app.plan.nothing)
		pending(l);
	if (!err && !l->json)
		update_tell_plan(&l->app);
	if (!err) {
		json_object_set_new(l->j, "app", update_plan_json(&l->app.plan));
		return;
	}
	/* A tree that cannot be updated is something to be done, too. */
	if (err == -EEXIST || err == -EBUSY)
		pending(l);
	else
		l->status = CMD_FAILED;
	fprintf(stderr, COMMAND ": %s\n", why.len ? buf_str(&why) : strerror(-err));
	json_object_set_new(l->j, "app", json_pack("{s:s}", "why", buf_str(&why)));
}

static void look_at_packages(struct looking *l, struct packages_run *r)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(UPDATE_WHY_MAX);
	_cleanup_(packages_done) struct packages p = { .n = 0 };
	int err = packages_find_manager(r, &why);

	if (!err && l->refresh)
		err = packages_refresh(r, &why);
	if (!err)
		err = packages_plan(r, &why, &p);
	if (err) {
		l->status = CMD_FAILED;
		fprintf(stderr, COMMAND ": %s\n", why.len ? buf_str(&why) : strerror(-err));
		json_object_set_new(l->j, "packages", json_pack("{s:s}", "why", buf_str(&why)));
		return;
	}
	if (p.n)
		pending(l);
	json_object_set_new(l->j, "packages",
			    json_pack("{s:s, s:i, s:i, s:o}", "manager", packages_manager_name(r),
				      "pending", (int)p.n, "security", (int)p.n_security, "list",
				      update_packages_json(&p)));
	if (!l->json)
		printf("packages: %zu are pending by %s, %zu of them close holes\n", p.n,
		       packages_manager_name(r), p.n_security);
}

static void look_after(struct looking *l)
{
	static struct update_after after; /* large */

	update_look_after(&after);
	if (after.reboot || after.stale.n)
		pending(l);
	update_after_json(&after, l->j);
	if (!l->json)
		update_print_after(&after);
	update_after_done(&after);
}

static int look(struct looking *l)
{
	struct packages_run r = {
		.state_directory = l->app.config->state_directory,
		.run = { .timeout_s = (unsigned int)l->app.config->update_packages_timeout_s,
			 .log_fd = l->app.log_fd,
			 .echo_fd = -1 }
	};

	update_options_of(l->app.config, &l->app.options);
	l->app.options.log_fd = l->app.log_fd;
	look_at_app(l);
	look_at_packages(l, &r);
	look_after(l);
	json_object_set_new(l->j, "pending", json_boolean(l->status != CMD_OK));
	if (l->json && tool_print_json(COMMAND, l->j) != CMD_OK)
		return CMD_FAILED;
	return l->status;
}

int update_check_command(int argc, char **argv)
{
	_cleanup_(json_freep) json_t *j = json_object();
	struct looking l = { .app = { .log_fd = -1 }, .j = j };
	const struct tool_option options[] = {
		{ "refresh", &l.refresh, NULL },
		{ "json", &l.json, NULL },
		{ "config", NULL, &l.app.config_path },
	};
	int first, status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong(COMMAND, usage, TOOL_UNEXPECTED, argv[first]);
	if (geteuid() != 0) {
		fprintf(stderr, COMMAND ": only root may do it\n");
		return CMD_FAILED;
	}
	status = tool_load(l.app.config_path, &l.app.config);
	if (status)
		return status;
	l.app.log_fd = update_open_log(l.app.config);
	l.app.json = l.json;
	status = look(&l);
	update_plan_done(&l.app.plan);
	config_free(l.app.config);
	file_closep(&l.app.log_fd);
	return status;
}
