/* SPDX-License-Identifier: MIT */
/* isamon db vacuum. Invariant: a service that ran is started again, whatever happened to the databases meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/db_cmd.h"
#include "cmd/service_cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"

#define COMMAND "isamon db vacuum"
#define WHY_MAX 8192

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int vacuum_one(const struct db_options *o, const char *path, json_t *list)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	char before[STATUS_CELL_MAX], after[STATUS_CELL_MAX];
	const struct database_progress progress = db_progress();
	struct database_vacuumed v;
	int err = database_vacuum(path, &progress, &why, &v);

	db_progress_clear();
	if (err)
		db_complain("vacuum", buf_str(&why), err);
	status_format_bytes(v.before_bytes, before);
	status_format_bytes(v.after_bytes, after);
	if (!err && !o->json)
		printf("%s: %s, before it %s\n", path, after, before);
	json_array_append_new(list,
			      json_pack("{s:s, s:b, s:I, s:I, s:s, s:s}", "path", path, "fine",
					!err, "bytes_before", (json_int_t)v.before_bytes,
					"bytes_after", (json_int_t)v.after_bytes, "kept", v.kept,
					"error", err ? buf_str(&why) : ""));
	return db_status(err);
}

static int vacuum_all(const struct db_options *o)
{
	_cleanup_(json_freep) json_t *j = NULL;
	json_t *list = json_array();
	int status = CMD_OK;

	for (size_t i = 0; i < o->n_paths && !db_is_stopped(); i++)
		status = worse(status, vacuum_one(o, o->paths[i], list));
	if (db_is_stopped())
		status = CMD_FAILED;
	j = json_pack("{s:b, s:o}", "fine", status == CMD_OK, "databases", list);
	if (o->json && tool_print_json(COMMAND, j) != CMD_OK)
		status = CMD_FAILED;
	return status;
}

/* Before the service is stopped for nothing. */
static int look_first(const struct db_options *o)
{
	for (size_t i = 0; i < o->n_paths; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
		int err = database_vacuum_fits(o->paths[i], &why);

		if (err) {
			db_complain("vacuum", buf_str(&why), err);
			return CMD_FAILED;
		}
	}
	return CMD_OK;
}

static int say(const struct db_options *o, const char *what, int err, const struct buf *why)
{
	if (err)
		fprintf(stderr, COMMAND ": %s was not %s: %s\n", o->c->service_name, what,
			why->len ? buf_str(why) : strerror(-err));
	return service_cmd_status(err);
}

static int start_again(struct service_control *s, const struct db_options *o)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);

	return say(o, "started again", service_control_start(s, 0, &why), &why);
}

static int with_service(struct service_control *s, const struct db_options *o)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct service_state state;
	char question[256];
	bool ran = false;
	int err, status;

	err = service_control_state(s, &state, &why);
	if (err)
		return worse(say(o, "asked", err, &why), CMD_FAILED);
	for (size_t i = 0; i < state.n; i++)
		ran |= state.processes[i].run < SERVICE_STOPPED;
	snprintf(question, sizeof(question), "Stop %s, vacuum %zu database%s, and start it again?",
		 o->c->service_name, o->n_paths, o->n_paths == 1 ? "" : "s");
	err = ran ? tool_confirm(COMMAND, question, o->yes) : 1;
	if (err <= 0)
		return err ? CMD_USAGE : CMD_FAILED;
	db_catch_signals();
	err = service_control_stop(s, 0, &why);
	status = say(o, "stopped", err, &why);
	if (!err)
		status = vacuum_all(o);
	return ran ? worse(status, start_again(s, o)) : status;
}

int db_vacuum(const struct db_options *o)
{
	_cleanup_(service_control_closep) struct service_control *s = NULL;
	_cleanup_(file_closep) int lock_fd = -1;
	int status = look_first(o);

	if (status)
		return status;
	if (o->stopped) {
		db_catch_signals();
		return vacuum_all(o);
	}
	status = service_cmd_lock(COMMAND, o->c, &lock_fd);
	if (status)
		return status;
	if (service_cmd_open(COMMAND, o->c, &s)) {
		fprintf(stderr, COMMAND
			": the service must be stopped for it: stop it, and say --stopped\n");
		return CMD_FAILED;
	}
	return with_service(s, o);
}
