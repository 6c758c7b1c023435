/* SPDX-License-Identifier: MIT */
/* Changes of alarms, at the rate that CloudWatch allows: PutMetricAlarm and DeleteAlarms 3 a second (its quotas). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/alarms_cmd.h"

#define SPACING_NS 350000000ull

static void wait_for_turn(struct alarms *x)
{
	uint64_t now = clock_monotonic_ns(), next = x->changed_ns + SPACING_NS;

	if (x->changed_ns && now < next)
		poll(NULL, 0, (int)((next - now + NS_PER_MS - 1) / NS_PER_MS));
	x->changed_ns = clock_monotonic_ns();
}

static void change(struct lone_session *a, struct alarms *x, struct alarm_row *row,
		   const char *operation, const json_t *request, const char *done)
{
	_cleanup_(tool_answer_done) struct tool_answer answer = { 0 };
	char name[ALARM_PLAIN_BYTES];

	wait_for_turn(x);
	if (request && tool_call(a, AWS_CLOUDWATCH, operation, request, &answer) == 0) {
		row->done = done;
		return;
	}
	x->failed = true;
	row->done = NULL;
	buf_reset(&row->why);
	buf_add_str(&row->why, request ? buf_str(&answer.why) : strerror(ENOMEM));
	fprintf(stderr, "%s: %s: %s\n", ALARMS_COMMAND, alarm_row_plain(row, name),
		buf_str(&row->why));
}

void alarms_put(struct lone_session *a, struct alarms *x, struct alarm_row *row)
{
	_cleanup_(json_freep) json_t *request = json_copy(row->wanted);

	if (!row->have && alarm_add_tags(x->c, row->configured, x->instance_id, request)) {
		json_decref(request);
		request = NULL;
	}
	change(a, x, row, "PutMetricAlarm", request, row->have ? "changed" : "created");
}

void alarms_adopt(struct lone_session *a, struct alarms *x, struct alarm_row *row)
{
	_cleanup_(json_freep) json_t *request =
		json_pack("{s:s}", "ResourceARN", json_member_text(row->have, "AlarmArn", ""));

	if (request && alarm_add_tags(x->c, row->configured, x->instance_id, request)) {
		json_decref(request);
		request = NULL;
	}
	change(a, x, row, "TagResource", request, "adopted");
}

void alarms_delete(struct lone_session *a, struct alarms *x, struct alarm_row *row)
{
	_cleanup_(json_freep) json_t *request =
		json_pack("{s:[s]}", "AlarmNames", alarm_row_name(row));

	change(a, x, row, "DeleteAlarms", request, "deleted");
}
