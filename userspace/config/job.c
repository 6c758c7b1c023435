/* SPDX-License-Identifier: MIT */
/* Jobs of the configuration, made by their labels. What one says is checked in check_jobs.c and, where schedule and command are
 * understood, in cmd/. */
#include "config/job.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "config/value.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

#define BACKUP "backup"
#define DRILL "restore-drill"

const char *const config_job_priority_words[] = { "low", "normal", NULL };
const char *const config_job_missed_words[] = { "run", "skip", NULL };

static void job_free(struct config_job *j)
{
	if (!j)
		return;
	value_clear_all(schema_config(), "job", j);
	free(j->name);
	free(j);
}

static void job_freep(struct config_job **j)
{
	job_free(*j);
}

void config_jobs_free(struct config *c)
{
	for (size_t i = 0; i < c->n_jobs; i++)
		job_free(c->jobs[i]);
	c->n_jobs = 0;
}

const struct config_job *config_job_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_jobs; i++)
		if (strcmp(c->jobs[i]->name, name) == 0)
			return c->jobs[i];
	return NULL;
}

static int job_name_check(const struct config *c, const char *name, struct buf *why)
{
	if (strlen(name) > CONFIG_JOB_NAME_MAX)
		return buf_printf(why, "a name has at most %d bytes; write a shorter one", CONFIG_JOB_NAME_MAX) ?:
			       -ERANGE;
	if (*name == '.' || name[strspn(name, NAME_CHARACTERS)])
		return buf_add_str(
			       why,
			       "the name of a job has letters, digits, . _ and - only, and no . first; "
			       "write another") ?:
			       -EINVAL;
	if (c->n_jobs == CONFIG_JOBS_MAX)
		return buf_printf(why, "one too many; there may be %d jobs", CONFIG_JOBS_MAX) ?:
			       -ERANGE;
	return 0;
}

static int job_add(struct config *c, const char *name, struct config_job **ret)
{
	_cleanup_(job_freep) struct config_job *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	j->name = strdup(name);
	if (!j->name)
		return -ENOMEM;
	err = value_set_initial(schema_config(), "job", j);
	if (err)
		return err;
	*ret = j;
	c->jobs[c->n_jobs++] = take(j);
	return 0;
}

int config_job_item(void *whole, const char *label, struct buf *why, void **ret_item)
{
	struct config *c = whole;
	struct config_job *j = NULL;
	int err = 0;

	for (size_t i = 0; i < c->n_jobs; i++)
		if (c->jobs[i]->is_default && strcmp(c->jobs[i]->name, label) == 0)
			j = c->jobs[i];
	if (!j)
		err = job_name_check(c, label, why);
	if (!err && !j)
		err = job_add(c, label, &j);
	if (err)
		return err;
	j->is_default = false;
	*ret_item = j;
	return 0;
}

static int set_default(struct config *c, const char *name, const char *schedule,
		       const char *command)
{
	const struct {
		const char *key, *value;
	} values[] = { { "schedule", schedule }, { "command", command } };
	struct config_job *j = NULL;
	int err = job_add(c, name, &j);

	for (size_t i = 0; !err && i < ARRAY_SIZE(values); i++) {
		const struct schema_key *k = schema_find_key(schema_config(), "job", values[i].key);

		assert(k);
		err = value_set(k, j, values[i].value, NULL);
	}
	if (!err)
		j->is_default = true;
	return err;
}

int config_jobs_set_initial(struct config *c)
{
	int err = set_default(c, BACKUP, "0 2 * * *", CONFIG_JOB_BACKUP);

	return err ? err : set_default(c, DRILL, "30 4 * * SUN", CONFIG_JOB_DRILL);
}

void config_jobs_settle(struct config *c)
{
	const struct config_job *backup = config_job_find(c, BACKUP);

	for (size_t i = 0; backup && i < c->n_jobs; i++)
		if (c->jobs[i]->is_default && strcmp(c->jobs[i]->name, DRILL) == 0)
			c->jobs[i]->enabled = backup->enabled;
}
