/* SPDX-License-Identifier: MIT */
/* [job "NAME"]: a command of isamon that the daemon runs by a schedule, as the configuration has it. By default there are
 * "backup", CONFIG_JOB_BACKUP each night at 02:00, and "restore-drill", CONFIG_JOB_DRILL on Sundays at 04:30; a section of its name
 * changes one. */
#ifndef ISAMON_CONFIG_JOB_H
#define ISAMON_CONFIG_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define CONFIG_JOB_NAME_MAX 63 /* bytes */
#define CONFIG_JOB_BACKUP "backup run"
#define CONFIG_JOB_DRILL "backup drill --scheduled"

enum config_job_priority { CONFIG_JOB_LOW, CONFIG_JOB_NORMAL };
enum config_job_missed { CONFIG_JOB_RUN, CONFIG_JOB_SKIP };

struct config_job {
	unsigned int line; /* of the file where its section stands; 0: it is a default */
	bool is_default;   /* the file has no section for it */
	char *name;     /* letters, digits, . _ -, and no . first: it is the name of a file, too */
	char *schedule; /* schedule = 0 2 * * *; as care/cron.h has it */
	char *command;  /* command = db check; of isamon, split by blanks and double quotes */
	bool enabled;   /* enabled = yes */
	uint64_t time_limit_s;             /* time_limit = 14400 s */
	enum config_job_priority priority; /* priority = low, or normal */
	enum config_job_missed missed;     /* missed = run: once, as soon as possible; or skip */
	uint64_t output_bytes;             /* output_limit = 64 KiB: how much of its end is kept */
};

extern const char *const config_job_priority_words[];
extern const char *const config_job_missed_words[];

/* For the schema: adds a job to the struct config @whole. */
int config_job_item(void *whole, const char *label, struct buf *why, void **ret_item);
/* The jobs that there are by default. Returns 0 or -ENOMEM. */
int config_jobs_set_initial(struct config *c);
/* When the file has been read: who has no backups made drills none, unless a section says so. */
void config_jobs_settle(struct config *c);
void config_jobs_free(struct config *c);
/* NULL if there is none. */
const struct config_job *config_job_find(const struct config *c, const char *name);

#endif
