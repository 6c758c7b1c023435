/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon db`. */
#ifndef ISAMON_DB_CMD_H
#define ISAMON_DB_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "care/database.h"
#include "config/config.h"

struct db_options {
	const char *config_path, *database;
	const char *file; /* of backup; NULL: beside the database, with the time in its name */
	bool json, yes, stopped, tables;
	const struct config *c;
	const char *const *paths; /* of the databases that are meant */
	size_t n_paths;
};

/* Each returns the exit status. */
int db_check(const struct db_options *o);
int db_backup(const struct db_options *o);
int db_stats(const struct db_options *o);
int db_vacuum(const struct db_options *o);

/* Progress on standard error, if that is a terminal; and whether a signal asks for the end. */
struct database_progress db_progress(void);
void db_progress_clear(void);
/* From now on SIGINT, SIGTERM and SIGHUP do not end the command, but what it is just doing (-ECANCELED). */
void db_catch_signals(void);
bool db_is_stopped(void);

/* "isamon db COMMAND: why", on standard error. */
void db_complain(const char *command, const char *why, int err);
/* The exit status of a database_*() error. */
int db_status(int err);

#endif
