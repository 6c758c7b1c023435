/* SPDX-License-Identifier: MIT */
/* Checks of [logs] and [log "NAME"]: CloudWatch Logs' rules for names (API reference, CreateLogGroup and
 * CreateLogStream). Whether expressions and formats are ones is known where they are compiled. */
#include <limits.h>
#include <string.h>

#include "base/util.h"
#include "config/log.h"
#include "config/problems.h"

#define GROUP_MAX 512
#define STREAM_MAX 512
#define GROUP_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/#-"

/* API reference, PutRetentionPolicy. */
static bool is_retention(uint64_t days)
{
	static const uint16_t allowed[] = { 0,    1,    3,    5,    7,    14,   30,  60,
					    90,   120,  150,  180,  365,  400,  545, 731,
					    1096, 1827, 2192, 2557, 2922, 3288, 3653 };

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (days == allowed[i])
			return true;
	return false;
}

/* What is wrong; NULL: nothing. */
static const char *group_problem(const char *group)
{
	if (strlen(group) > GROUP_MAX || group[strspn(group, GROUP_CHARACTERS)])
		return "not a log group; write 1 to 512 letters, digits and . - _ / #";
	if (strncmp(group, "aws/", 4) == 0)
		return "names that begin with aws/ are AWS's own; write another";
	return NULL;
}

static const char *stream_problem(const char *stream)
{
	static const char *const known[] = { "{name}", "{instance_id}", "{host}", "{date}" };
	static const char placeholder[] =
		"what is in braces is not known; write {name}, {instance_id}, {host} or {date}";

	if (strlen(stream) > STREAM_MAX || strpbrk(stream, ":*"))
		return "not a log stream; write 1 to 512 characters without : and *";
	for (const char *at = stream; (at = strpbrk(at, "{}"));) {
		size_t len = 0;

		for (size_t i = 0; !len && i < ARRAY_SIZE(known); i++)
			if (strncmp(at, known[i], strlen(known[i])) == 0)
				len = strlen(known[i]);
		if (!len)
			return placeholder;
		at += len;
	}
	return NULL;
}

static void log_failed(struct config_check *check, const struct config_log *l, const char *key,
		       size_t i, const char *value, const char *problem)
{
	check_failed_log(check, l, key, i);
	buf_printf(check->problems, "%.200s%s%s\n", value, *value ? ": " : "", problem);
}

/* A [ that no ] closes before the next /. It would stand for itself, and be found nowhere. */
static bool is_open(const char *pattern)
{
	for (const char *at = pattern; *at; at++) {
		const char *end;

		if (*at == '\\' && at[1])
			at++;
		else if (*at == '[') {
			end = at + 1 + (at[1] == '!' || at[1] == '^');
			end += *end == ']';
			end += strcspn(end, "]/");
			if (*end != ']')
				return true;
			at = end;
		}
	}
	return false;
}

static void check_source(struct config_check *check, const struct config_log *l)
{
	if (!l->n_paths && !*l->unit)
		log_failed(check, l, "path", 0, "",
			   "must be given: write the path of a file, or unit = of the journal");
	if (l->n_paths && *l->unit)
		log_failed(
			check, l, "unit", 0, l->unit,
			"there is a path too; write one of them, and another section for the other");
	if (*l->unit && !check_is_unit(l->unit))
		log_failed(check, l, "unit", 0, l->unit, CHECK_NO_UNIT);
	for (size_t i = 0; i < l->n_paths; i++) {
		const size_t n = strlen(l->paths[i]);

		if (l->paths[i][0] != '/')
			log_failed(check, l, "path", i, l->paths[i],
				   "not an absolute path; begin it with /");
		else if (l->paths[i][n - 1] == '/')
			log_failed(check, l, "path", i, l->paths[i],
				   "a directory; write a file in it, or a pattern such as *.log");
		else if (is_open(l->paths[i]))
			log_failed(check, l, "path", i, l->paths[i],
				   "a [ is not closed; write [...], or [[] for the character");
		else if (n >= PATH_MAX)
			log_failed(check, l, "path", i, l->paths[i], "too long to be a path");
	}
}

/* Files of several directories in one: nobody could say which is whose. */
static bool is_ambiguous(const struct config_log *l)
{
	for (size_t i = 0; i < l->n_paths; i++) {
		const char *path = l->paths[i], *slash = strrchr(path, '/');

		if (slash && strcspn(path, "*?[") < (size_t)(slash - path))
			return true;
	}
	return false;
}

static void check_olddir(struct config_check *check, const struct config_log *l)
{
	if (!*l->olddir)
		return;
	if (!l->n_paths)
		log_failed(check, l, "olddir", 0, l->olddir, "a journal has none; leave it out");
	else if (strpbrk(l->olddir, "*?["))
		log_failed(check, l, "olddir", 0, l->olddir,
			   "one directory, without * ? and [; write it as in logrotate's file");
	else if (*l->olddir == '/' && is_ambiguous(l))
		log_failed(
			check, l, "olddir", 0, l->olddir,
			"the path names files in several directories; write it relative to them, or a "
			"section for each");
}

static void check_log(struct config_check *check, const struct config_log *l)
{
	const char *problem = group_problem(l->group);

	check_source(check, l);
	check_olddir(check, l);
	if (problem)
		log_failed(check, l, "group", 0, l->group, problem);
	problem = stream_problem(l->stream);
	if (problem)
		log_failed(check, l, "stream", 0, l->stream, problem);
}

void check_logs(struct config_check *check)
{
	const struct config *c = check->c;
	const char *problem = group_problem(c->logs_group);

	if (problem) {
		check_failed(check, "logs", "group");
		buf_printf(check->problems, "%.200s: %s\n", c->logs_group, problem);
	}
	if (!is_retention(c->logs_retention_days)) {
		check_failed(check, "logs", "retention_days");
		buf_printf(
			check->problems,
			"%llu: CloudWatch knows only some; write 0 (for ever), 1, 3, 5, 7, 14, 30, 60, "
			"90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or "
			"3653\n",
			(unsigned long long)c->logs_retention_days);
	}
	for (size_t i = 0; i < c->n_logs; i++)
		check_log(check, c->logs[i]);
}
