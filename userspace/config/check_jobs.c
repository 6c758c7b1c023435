/* SPDX-License-Identifier: MIT */
/* Checks of [job "NAME"]: what must be given. Whether it is a schedule, and a command, is known where they are understood. */
#include "config/job.h"
#include "config/problems.h"

static void job_lacks(struct config_check *check, const struct config_job *j, const char *key,
		      const char *remedy)
{
	check_failed_job(check, j, key);
	buf_printf(check->problems, "must be given; %s\n", remedy);
}

void check_jobs(struct config_check *check)
{
	for (size_t i = 0; i < check->c->n_jobs; i++) {
		const struct config_job *j = check->c->jobs[i];

		if (!*j->schedule)
			job_lacks(check, j, "schedule",
				  "write when, such as 0 2 * * * (each day at 02:00), or @daily");
		if (!*j->command)
			job_lacks(check, j, "command",
				  "write a command of isamon's, such as db check");
	}
}
