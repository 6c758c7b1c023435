/* SPDX-License-Identifier: MIT */
/* Figures of the logs. One table of names is both writer and reader of the numbers. */
#include "metrics/logs_figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/util.h"

#define OTHER "other"

const char *const logs_level_names[LOGS_LEVELS] = { "none",    "debug", "info",
						    "warning", "error", "critical" };

static const char *const number_names[LOGS_NUMBERS] = {
	[LOGS_EVENTS] = "events",
	[LOGS_BYTES] = "bytes",
	[LOGS_TOO_OLD] = "too_old",
	[LOGS_TOO_NEW] = "too_new",
	[LOGS_EXPIRED] = "expired",
	[LOGS_REFUSED] = "refused",
	[LOGS_MAYBE_TWICE] = "maybe_twice",
	[LOGS_RETIMED] = "retimed",
	[LOGS_LOST_BYTES] = "lost_bytes",
	[LOGS_REQUESTS] = "requests",
	[LOGS_RETRIES] = "retries",
	[LOGS_FAILURES] = "failures",
	[LOGS_SENT_BYTES] = "sent_bytes",
	[LOGS_LINES] = "lines",
	[LOGS_FILTERED] = "filtered",
	[LOGS_EMPTY] = "empty",
	[LOGS_CUT] = "cut",
	[LOGS_INVALID_UTF8] = "invalid_utf8",
	[LOGS_NUL] = "nul",
	[LOGS_WITHOUT_TIME] = "without_time",
	[LOGS_FILES] = "files",
	[LOGS_UNREADABLE] = "unreadable",
	[LOGS_BACKLOG_BYTES] = "backlog_bytes",
	[LOGS_COUNTING] = "counting",
	[LOGS_COUNTED_ERRORS] = "counted_errors",
	[LOGS_COUNTED_EXCEPTIONS] = "counted_exceptions",
	[LOGS_OLDEST_S] = "oldest_s",
	[LOGS_LAST_SUCCESS_S] = "last_success_s",
};

void logs_figures_done(struct logs_figures *f)
{
	free(f->logs);
	*f = (struct logs_figures){ 0 };
}

struct logs_log *logs_figures_log(struct logs_figures *f, const char *name)
{
	struct logs_log *logs;

	for (size_t i = 0; i < f->n_logs; i++)
		if (!strcmp(f->logs[i].name, name))
			return &f->logs[i];
	if (f->n_logs == LOGS_LOGS_MAX)
		return NULL;
	logs = reallocarray(f->logs, f->n_logs + 1, sizeof(*logs));
	if (!logs)
		return NULL;
	f->logs = logs;
	logs += f->n_logs++;
	*logs = (struct logs_log){ 0 };
	utf8_make_plain(name, strlen(name), logs->name, sizeof(logs->name));
	return logs;
}

void logs_log_exception(struct logs_log *l, const char *type, size_t len, uint64_t n)
{
	char plain[LOGS_NAME_MAX];
	size_t i;

	if (!n)
		return;
	utf8_make_plain(type, len, plain, sizeof(plain));
	for (i = 0; i < l->n_exceptions; i++)
		if (!strcmp(l->exceptions[i].type, plain))
			break;
	if (i == l->n_exceptions && i < LOGS_EXCEPTIONS - 1) {
		memcpy(l->exceptions[i].type, plain, sizeof(plain));
		l->exceptions[i].n = 0;
		l->n_exceptions++;
	}
	if (i == LOGS_EXCEPTIONS - 1 && l->n_exceptions < LOGS_EXCEPTIONS) {
		snprintf(l->exceptions[i].type, LOGS_NAME_MAX, OTHER);
		l->exceptions[i].n = 0;
		l->n_exceptions++;
	}
	l->exceptions[i < LOGS_EXCEPTIONS ? i : LOGS_EXCEPTIONS - 1].n += n;
}

static int add_logs(const struct logs_figures *from, struct logs_figures *to)
{
	for (size_t i = 0; i < from->n_logs; i++) {
		const struct logs_log *l = &from->logs[i];
		struct logs_log *sum = logs_figures_log(to, l->name);

		/* After many reloads with other names: the rest is worth more. */
		if (!sum && to->n_logs == LOGS_LOGS_MAX)
			continue;
		if (!sum)
			return -ENOMEM;
		for (size_t j = 0; j < LOGS_LEVELS; j++)
			sum->levels[j] += l->levels[j];
		for (size_t j = 0; j < l->n_exceptions; j++)
			logs_log_exception(sum, l->exceptions[j].type, LOGS_NAME_MAX,
					   l->exceptions[j].n);
	}
	return 0;
}

int logs_figures_sum(const struct logs_figures *before, const struct logs_figures *now,
		     struct logs_figures *ret)
{
	*ret = *now;
	ret->logs = NULL;
	ret->n_logs = 0;
	for (size_t i = 0; i < LOGS_COUNTERS; i++)
		ret->n[i] += before->n[i];
	if (!ret->n[LOGS_LAST_SUCCESS_S])
		ret->n[LOGS_LAST_SUCCESS_S] = before->n[LOGS_LAST_SUCCESS_S];
	if (!add_logs(before, ret) && !add_logs(now, ret))
		return 0;
	logs_figures_done(ret);
	return -ENOMEM;
}

/* --- JSON */

static json_t *log_json(const struct logs_log *l)
{
	json_t *levels = json_array(), *exceptions = json_object();

	for (size_t i = 0; i < LOGS_LEVELS; i++)
		json_array_append_new(levels, json_integer((json_int_t)l->levels[i]));
	for (size_t i = 0; i < l->n_exceptions; i++)
		json_object_set_new(exceptions, l->exceptions[i].type,
				    json_integer((json_int_t)l->exceptions[i].n));
	return json_pack("{s:s,s:o,s:o}", "name", l->name, "levels", levels, "exceptions",
			 exceptions);
}

int logs_figures_write(const struct logs_figures *f, struct buf *out)
{
	_cleanup_(json_freep) json_t *root = NULL;
	json_t *logs = json_array();
	char problem[LOGS_PROBLEM_MAX];
	int err;

	/* It may have a file's name in it, and may have been cut within a character. */
	utf8_make_plain(f->problem, sizeof(f->problem), problem, sizeof(problem));
	root = json_pack("{s:b,s:s}", "up", f->up, "problem", problem);
	for (size_t i = 0; i < f->n_logs; i++)
		json_array_append_new(logs, log_json(&f->logs[i]));
	if (json_object_set_new(root, "logs", logs) ||
	    json_array_size(json_object_get(root, "logs")) != f->n_logs)
		return -ENOMEM;
	for (size_t i = 0; i < LOGS_NUMBERS; i++)
		if (json_object_set_new(root, number_names[i], json_integer((json_int_t)f->n[i])))
			return -ENOMEM;
	err = json_add_text(root, JSON_COMPACT, out);
	return err ? err : buf_add_char(out, '\n');
}

static int read_number(const json_t *value, uint64_t *ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return -EPROTO;
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int read_log(json_t *value, struct logs_figures *f)
{
	const json_t *levels = json_object_get(value, "levels");
	json_t *exceptions = json_object_get(value, "exceptions"), *n;
	struct logs_log *l = logs_figures_log(f, json_member_text(value, "name", ""));
	const char *type;
	uint64_t count;

	if (!l)
		return f->n_logs == LOGS_LOGS_MAX ? -EPROTO : -ENOMEM;
	if (json_array_size(levels) != LOGS_LEVELS || !json_is_object(exceptions))
		return -EPROTO;
	for (size_t i = 0; i < LOGS_LEVELS; i++)
		if (read_number(json_array_get(levels, i), &l->levels[i]))
			return -EPROTO;
	json_object_foreach(exceptions, type, n) {
		if (read_number(n, &count))
			return -EPROTO;
		logs_log_exception(l, type, strlen(type), count);
	}
	return 0;
}

static int read_all(const json_t *root, struct logs_figures *f)
{
	const json_t *logs = json_object_get(root, "logs"),
		     *problem = json_object_get(root, "problem");
	size_t i;

	if (!json_is_array(logs) || !json_is_boolean(json_object_get(root, "up")) ||
	    !json_is_string(problem))
		return -EPROTO;
	f->up = json_is_true(json_object_get(root, "up"));
	utf8_make_plain(json_string_value(problem), json_string_length(problem), f->problem,
			sizeof(f->problem));
	for (i = 0; i < LOGS_NUMBERS; i++)
		if (read_number(json_object_get(root, number_names[i]), &f->n[i]))
			return -EPROTO;
	for (i = 0; i < json_array_size(logs); i++) {
		int err = read_log(json_array_get(logs, i), f);

		if (err)
			return err;
	}
	return 0;
}

int logs_figures_parse(const char *json, size_t len, struct logs_figures *ret)
{
	_cleanup_(json_freep) json_t *root = json_loadb(json, len, 0, NULL);
	struct logs_figures f = { 0 };
	int err;

	if (!json_is_object(root))
		return -EPROTO;
	err = read_all(root, &f);
	if (err)
		logs_figures_done(&f);
	else
		*ret = f;
	return err;
}
