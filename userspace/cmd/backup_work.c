/* SPDX-License-Identifier: MIT */
/* The frame of the subcommands that work on archives one after the other: verify, drill, send, fetch. */
#include "base/util.h"
#include "cmd/backup_cmd.h"
#include "cmd/cmd.h"

int backup_work_begin(struct backup_work *w, const char *command, const char *config_path,
		      bool json)
{
	int status = backup_tool_open(command, config_path, w->t);

	if (status)
		return status;
	w->list = json ? json_array() : NULL;
	w->json = json;
	backup_be_modest();
	backup_catch_signals();
	return CMD_OK;
}

void backup_work_worsen(struct backup_work *w, int status)
{
	if (status > w->status)
		w->status = status;
}

void backup_work_heed_stop(struct backup_work *w)
{
	if (!backup_is_stopped())
		return;
	backup_complain(w->t, BACKUP_STOPPED, 0);
	backup_work_worsen(w, CMD_FAILED);
}

int backup_work_end(struct backup_work *w)
{
	backup_place_close(&w->place);
	backup_s3_close(&w->s3);
	if (w->json && tool_print_json(w->t->command, w->list) != CMD_OK)
		w->status = CMD_FAILED;
	json_decref(take(w->list));
	return w->status;
}
