/* SPDX-License-Identifier: MIT */
/* The environment of a job's process: ours, where credentials may be, without what is for this process alone. */
#ifndef ISAMON_JOB_PROCESS_ENV_H
#define ISAMON_JOB_PROCESS_ENV_H

/* Names the configuration that a command uses without --config. */
#define JOB_CONFIG_VARIABLE "ISAMON_CONFIG"

struct job_environment {
	char *own[3];      /* what is ours to free */
	char *variables[]; /* NULL behind them; the others are environ's */
};

/* Returns 0 or -ENOMEM. */
int job_environment_new(const char *config_path, struct job_environment **ret);
/* For _cleanup_(job_environment_free). */
void job_environment_free(struct job_environment **env);

#endif
