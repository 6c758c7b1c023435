/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon backup`. Each subcommand gets argv from its own name on and returns the exit status. */
#ifndef ISAMON_BACKUP_CMD_H
#define ISAMON_BACKUP_CMD_H

#include <jansson.h>
#include <stdbool.h>

#include "aws/s3.h"
#include "care/backup.h"
#include "care/backup_list.h"
#include "cmd/tool.h"
#include "config/config.h"

int backup_create_command(int argc, char **argv);
int backup_run_command(int argc, char **argv);
int backup_list_command(int argc, char **argv);
int backup_show_command(int argc, char **argv);
int backup_verify_command(int argc, char **argv);
int backup_prune_command(int argc, char **argv);
int backup_drill_command(int argc, char **argv);
int backup_send_command(int argc, char **argv);
int backup_fetch_command(int argc, char **argv);

/* --config is a kind of backup here. */
#define BACKUP_CONFIG_OPTION "config-file"
#define BACKUP_CONFIG_USAGE \
	"  --config-file F   isamon's own configuration, default " CONFIG_DEFAULT_PATH "\n"
#define BACKUP_WHY_MAX 8192

/* What every subcommand has. */
struct backup_tool {
	const char *command; /* "isamon backup list" */
	struct config *config;
	struct catalogue *catalogue;
	struct backup_list list;
	bool blind; /* the catalogue could not be read when the list was: no verdicts are in it */
};

/* Return the exit status; what is wrong was said. The list is empty until backup_tool_list(). */
int backup_tool_open(const char *command, const char *config_path, struct backup_tool *ret);
int backup_tool_list(struct backup_tool *t);
void backup_tool_done(struct backup_tool *t);

/* As backup_place_open(); waits so long for another who works there, and says so. A signal ends that. */
int backup_open_place(const struct backup_tool *t, unsigned int wait_s, struct buf *why,
		      struct backup_place *ret);
#define BACKUP_JOB_WAITS_S (30u * 60) /* jobs do */

/* "COMMAND: why", on standard error, after what progress is shown there. */
void backup_complain(const struct backup_tool *t, const char *why, int err);
/* Puts into the catalogue what was found out or done; says why it cannot. Returns 0 or -errno. */
int backup_remember(struct backup_tool *t, const struct catalogue_entry *e,
		    enum catalogue_part part);

/* NULL: no memory. */
json_t *backup_json(const struct backup_tool *t, const struct catalogue_entry *e);
/* A backup that was made just now, with the names of what was left out, or is not as it was. */
void backup_made_print(const struct backup_made *m);
json_t *backup_made_json(const struct backup_tool *t, const struct backup_made *m);
int64_t backup_now_s(void);
/* The directory that a kind of backup is of, of enum backup_kind; NULL: none is kept. */
const char *backup_source(const struct config *c, int kind);
/* "sound", "damaged", "not verified". */
const char *backup_verdict_text(const struct catalogue_entry *e);

/* --- progress on standard error, if that is a terminal; and whether a signal asks for the end */
struct backup_progress backup_progress(void);
void backup_progress_clear(void);
/* The service goes first: nice 10 and the last level of best-effort for the disk, if it was not that already. For all threads to come. */
void backup_be_modest(void);
/* From now on SIGINT, SIGTERM and SIGHUP do not end the command, but what it is just doing (-ECANCELED); and nothing is ended
 * because nobody reads any more what it says (SIGPIPE). */
void backup_catch_signals(void);
bool backup_is_stopped(void);
#define BACKUP_STOPPED "stopped by a signal"

/* --- S3 */
struct backup_s3 {
	struct lone_session aws;
	struct s3 *s3;
};

/* Returns 0 or -errno, which was said; -ENXIO: no bucket is configured. */
int backup_s3_open(struct backup_tool *t, struct backup_s3 *ret);
void backup_s3_close(struct backup_s3 *s);
/* Sends the archive, which is in the directory, and remembers it. Returns 0 or -errno, which was said. */
int backup_s3_send(struct backup_tool *t, struct backup_s3 *s, struct catalogue_entry *e);
/* Frees the parts of an upload of an archive that is gone; says so if it cannot. */
void backup_s3_abort(struct backup_tool *t, const struct catalogue_entry *e);
/* Adds to the list what the bucket has, and sets where it is. Returns 0 or -errno, which was said. */
int backup_s3_list(struct backup_tool *t, struct backup_s3 *s);

/* --- the frame of verify, drill, send and fetch, which work on archives one after the other */
struct backup_work {
	struct backup_tool *t;
	struct backup_place place;
	struct backup_s3 s3;
	json_t *list; /* what was found; NULL: as text (or, with json, no memory) */
	bool json;
	bool quiet; /* what is well is not told */
	int status; /* the worst so far */
};
#define BACKUP_WORK_INIT(tool) \
	{ \
		.t = (tool), .place = {.lock_fd = -1, .dir_fd = -1, .part_fd = -1 } \
	}
/* Opens its tool, is modest, and catches signals. Returns the exit status; other than CMD_OK: it was said why, and there is nothing to end. */
int backup_work_begin(struct backup_work *w, const char *command, const char *config_path,
		      bool json);
void backup_work_worsen(struct backup_work *w, int status);
/* Says so if a signal has asked for the end; that is worse than anything found. */
void backup_work_heed_stop(struct backup_work *w);
/* Closes place and S3, prints the list. Returns the exit status. */
int backup_work_end(struct backup_work *w);

/*
 * Brings @e from S3 into a new file of its name in BACKUP_PART, if there is room, and verifies it: what it is is in @e then. Returns 0 with
 * the file, open, for whoever called to name or remove; else -errno, which was said, and no file; -ENOENT: S3 has none.
 */
int backup_fetch_into(struct backup_tool *t, struct backup_s3 *s, struct backup_place *place,
		      struct catalogue_entry *e, int *ret_fd);
/* Brings it from S3 into the directory, verified, and says nothing of what is well; the list knows it then. Returns the exit status. */
int backup_fetch(struct backup_tool *t, const char *name);

/* Removes what the rules do not keep. @plan: only finds it out. @asked: it may be done without a question. @json: NULL, or an array for what
 * goes. Returns the exit status. */
int backup_prune(struct backup_tool *t, bool plan, bool asked, json_t *json);

#endif
