/* SPDX-License-Identifier: MIT */
/* Makes the environment of a job. */
#include "care/job_process_env.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/job_report.h"
#include "base/util.h"

/* sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3), and what is set here. */
static bool is_passed(const char *variable, bool own_config)
{
	static const char *const kept_back[] = { "PATH",           "NOTIFY_SOCKET",
						 "WATCHDOG_PID",   "WATCHDOG_USEC",
						 "LISTEN_PID",     "LISTEN_FDS",
						 "LISTEN_FDNAMES", JOB_REPORT_VARIABLE };
	const size_t n = strcspn(variable, "=");

	for (size_t i = 0; i < ARRAY_SIZE(kept_back); i++)
		if (strlen(kept_back[i]) == n && strncmp(variable, kept_back[i], n) == 0)
			return false;
	return !own_config ||
	       strncmp(variable, JOB_CONFIG_VARIABLE "=", sizeof(JOB_CONFIG_VARIABLE)) != 0;
}

void job_environment_free(struct job_environment **env)
{
	if (!*env)
		return;
	for (size_t i = 0; i < ARRAY_SIZE((*env)->own); i++)
		free((*env)->own[i]);
	free(*env);
}

/* The command works where we do, but a path may be meant from here. */
static char *config_variable(const char *path)
{
	char real[PATH_MAX];
	char *text = NULL;

	if (asprintf(&text, JOB_CONFIG_VARIABLE "=%s", realpath(path, real) ? real : path) < 0)
		return NULL;
	return text;
}

int job_environment_new(const char *config_path, struct job_environment **ret)
{
	_cleanup_(job_environment_free) struct job_environment *env = NULL;
	size_t n = 0, at = 0;

	while (environ && environ[n])
		n++;
	env = calloc(1, sizeof(*env) + (n + ARRAY_SIZE(env->own) + 1) * sizeof(char *));
	if (!env)
		return -ENOMEM;
	env->own[0] = strdup("PATH=" CHILD_PATH);
	if (asprintf(&env->own[1], JOB_REPORT_VARIABLE "=%d", CHILD_PASS_FD) < 0)
		env->own[1] = NULL;
	env->own[2] = config_path ? config_variable(config_path) : NULL;
	if (!env->own[0] || !env->own[1] || (config_path && !env->own[2]))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (is_passed(environ[i], config_path))
			env->variables[at++] = environ[i];
	for (size_t i = 0; i < ARRAY_SIZE(env->own); i++)
		if (env->own[i])
			env->variables[at++] = env->own[i];
	*ret = take(env);
	return 0;
}
