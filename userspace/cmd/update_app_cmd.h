/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon update app`. */
#ifndef ISAMON_UPDATE_APP_CMD_H
#define ISAMON_UPDATE_APP_CMD_H

#include <jansson.h>

#include "care/service_control.h"
#include "cmd/update_cmd.h"

#define UPDATE_APP_COMMAND "isamon update app"

struct update_command {
	const char *config_path, *ref;
	bool dry_run, rebuild, no_backup, yes, json;
	bool resume, abort, status;
	struct config *config;
	struct update_options options;
	struct update_plan plan;
	struct service_control *service;
	int log_fd;
};

/* The plan, for people, and as JSON. */
void update_tell_plan(const struct update_command *c);
int update_tell_plan_json(const struct update_command *c);
/* All that a plan says; NULL: no memory. */
json_t *update_plan_json(const struct update_plan *p);

/* These return the exit status: why there is no plan; what update_app_*() returned; whether one is unfinished. */
int update_tell_refused(const struct update_command *c, int err, const struct buf *why);
int update_tell(const struct update_command *c, int err, const struct buf *why,
		const struct update_result *r);
int update_tell_status(const struct update_command *c);

#endif
