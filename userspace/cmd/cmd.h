/* SPDX-License-Identifier: MIT */
/* The subcommands. Each gets argv from its own name on and returns the exit status. */
#ifndef ISAMON_CMD_H
#define ISAMON_CMD_H

/* Exit status of every command. */
enum cmd_status {
	CMD_OK = 0,     /* fine */
	CMD_NOT_OK = 1, /* what was asked about is not fine */
	CMD_USAGE = 2,  /* wrong usage or configuration */
	CMD_FAILED = 3, /* could not be done */
};

int cmd_run(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_alarms(int argc, char **argv);
int cmd_dashboard(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_service(int argc, char **argv);
int cmd_db(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_update(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_advise(int argc, char **argv);
int cmd_jobs(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_ship_logs(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
