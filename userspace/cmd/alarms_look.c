/* SPDX-License-Identifier: MIT */
/* Looks up what CloudWatch has, whose it is, and how it differs. Invariant: tags are asked for only of alarms that have a
 * configured name or stand in a configured namespace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/alarms_cmd.h"

#define WHY_MAX 2048

const char *alarm_row_name(const struct alarm_row *row)
{
	const char *name = json_member_text(row->have, "AlarmName", NULL);

	return name  ?:
		       json_member_text(row->wanted, "AlarmName",
					row->configured ? row->configured->name : "?");
}

const char *alarm_row_plain(const struct alarm_row *row, char to[ALARM_PLAIN_BYTES])
{
	utf8_make_plain(alarm_row_name(row), ALARM_PLAIN_BYTES, to, ALARM_PLAIN_BYTES);
	return to;
}

void alarms_done(struct alarms *x)
{
	for (size_t i = 0; i < x->n; i++) {
		json_decref(x->rows[i].wanted);
		json_decref(x->rows[i].have);
		json_decref(x->rows[i].differences);
		buf_done(&x->rows[i].why);
	}
	free(x->rows);
	x->rows = NULL;
	x->n = 0;
}

static struct alarm_row *row_add(struct alarms *x)
{
	struct alarm_row *row = NULL;

	if (x->n < ALARM_ROWS_MAX)
		row = reallocarray(x->rows, x->n + 1, sizeof(*x->rows));
	if (!row)
		return NULL;
	x->rows = row;
	row = &x->rows[x->n++];
	memset(row, 0, sizeof(*row));
	buf_init(&row->why, WHY_MAX);
	return row;
}

static struct alarm_row *row_find(struct alarms *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(alarm_row_name(&x->rows[i]), name) == 0)
			return &x->rows[i];
	return NULL;
}

static int add_configured(struct alarms *x, struct buf *why)
{
	for (size_t i = 0; i < x->c->n_alarms; i++) {
		const struct config_alarm *a = x->c->alarms[i];
		struct alarm_row *row = row_add(x);
		int err;

		if (!row)
			return -ENOMEM;
		row->configured = a;
		err = alarm_wanted(x->c, a, x->instance_id, &row->why, &row->wanted);
		if (err == -ENOMEM)
			return err;
		row->status = err ? ALARM_UNKNOWN : ALARM_NOT_THERE;
		if (row_find(x, alarm_row_name(row)) == row)
			continue;
		buf_printf(why, "two alarms have the name \"%s\"; give one of them another",
			   alarm_row_name(row));
		return -EINVAL;
	}
	return 0;
}

static bool is_our_namespace(const struct config *c, const char *name)
{
	if (strcmp(name, c->cloudwatch_namespace) == 0)
		return true;
	for (size_t i = 0; i < c->n_alarms; i++)
		if (strcmp(name, c->alarms[i]->metric_namespace) == 0)
			return true;
	return false;
}

/* One that DescribeAlarms tells. */
static int add_existing(const json_t *alarm, void *ctx)
{
	struct alarms *x = ctx;
	const char *name = json_member_text(alarm, "AlarmName", "");
	struct alarm_row *row = *name ? row_find(x, name) : NULL;

	if (!*name || (!row && !is_our_namespace(x->c, json_member_text(alarm, "Namespace", ""))))
		return 0;
	if (!row)
		row = row_add(x);
	if (!row)
		return x->n < ALARM_ROWS_MAX ? -ENOMEM : -E2BIG;
	json_decref(row->have);
	row->have = json_deep_copy(alarm);
	return row->have ? 0 : -ENOMEM;
}

static void row_failed(struct alarms *x, struct alarm_row *row, const char *why)
{
	row->status = ALARM_UNKNOWN;
	x->failed = true;
	if (!row->why.len)
		buf_add_str(&row->why, why);
}

static int ask_owner(struct lone_session *a, struct alarms *x, struct alarm_row *row)
{
	_cleanup_(tool_answer_done) struct tool_answer answer = { 0 };
	_cleanup_(json_freep) json_t *request =
		json_pack("{s:s}", "ResourceARN", json_member_text(row->have, "AlarmArn", ""));

	if (!request)
		return -ENOMEM;
	if (tool_call(a, AWS_CLOUDWATCH, "ListTagsForResource", request, &answer)) {
		row_failed(x, row, buf_str(&answer.why));
		return -EIO;
	}
	row->owner = alarm_owner(x->c, answer.body, x->instance_id);
	return 0;
}

static void add_difference(const char *field, const char *have, const char *want, void *ctx)
{
	/* (a lack of memory shows in the count) */
	json_array_append_new(ctx, json_pack("{s:s,s:s,s:s}", "field", field, "have", have, "want",
					     want));
}

static int compare(struct alarm_row *row)
{
	_cleanup_(json_freep) json_t *have = alarm_normal(row->have);
	_cleanup_(json_freep) json_t *want = alarm_normal(row->wanted);
	int n;

	row->differences = json_array();
	if (!have || !want || !row->differences)
		return -ENOMEM;
	n = alarm_diff(have, want, add_difference, row->differences);
	if (n < 0 || json_array_size(row->differences) != (size_t)n)
		return -ENOMEM;
	row->status = n ? ALARM_DIFFERS : ALARM_SAME;
	return 0;
}

static int judge(struct lone_session *a, struct alarms *x, struct alarm_row *row)
{
	int err;

	if (row->status == ALARM_UNKNOWN)
		x->failed = true;
	if (!row->have || row->status == ALARM_UNKNOWN)
		return 0;
	err = ask_owner(a, x, row);
	if (err)
		return err == -EIO ? 0 : err;
	if (row->wanted)
		return compare(row);
	row->status = row->owner == ALARM_OURS ? ALARM_LEFT_OVER : ALARM_NOT_CONFIGURED;
	return 0;
}

int alarms_look(struct lone_session *a, struct alarms *x, struct buf *why)
{
	int err = add_configured(x, why);

	if (!err)
		err = tool_each_alarm(a, true, add_existing, x, why);
	for (size_t i = 0; !err && i < x->n; i++)
		err = judge(a, x, &x->rows[i]);
	if (err && !why->len)
		buf_add_str(why, err == -E2BIG ?
					 "there are more alarms in this namespace than can be "
					 "managed" :
					 strerror(-err));
	return err;
}
