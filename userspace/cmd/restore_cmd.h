/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon restore`. */
#ifndef ISAMON_RESTORE_CMD_H
#define ISAMON_RESTORE_CMD_H

#include <stdbool.h>

#include "care/restore.h"
#include "cmd/backup_cmd.h"
#include "cmd/service_cmd.h"

#define RESTORE_COMMAND "isamon restore"

struct restore_command {
	struct backup_tool tool;
	const char *config_path, *target, *source;
	bool data, config; /* which kind; none: not said */
	bool yes, dry_run, no_service, allow_setuid, json;
	bool resume, abort, status, forget;
	/* What is done. */
	char archive[RESTORE_PATH_MAX]; /* absolute */
	int kind;                       /* of enum backup_kind; -1: not known */
	struct service_control *service;
};

/*
 * Finds the archive that is meant by c->source (NULL: the newest of its kind that is not known to be damaged), fetches it from S3 where it is
 * only there, and sets c->archive and c->kind. Returns the exit status; what is wrong was said.
 */
int restore_find_archive(struct restore_command *c);
/* The target that is meant for c->kind; NULL: it must be said, and that was said. */
const char *restore_find_target(const struct restore_command *c);
/* The @i th of the targets that are meant where no archive is; NULL behind the last one. */
const char *restore_nth_target(const struct restore_command *c, unsigned int i);

/* What restore_*() of care/ returned, told, or as JSON. Returns the exit status. */
int restore_tell(const struct restore_command *c, const char *target, int err,
		 const struct buf *why, const struct restore_result *result);
/* isamon restore --status. Returns the exit status. */
int restore_tell_status(const struct restore_command *c);

#endif
