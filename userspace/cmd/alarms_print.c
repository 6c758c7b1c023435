/* SPDX-License-Identifier: MIT */
/* Alarms as tables, as differences and as JSON. What CloudWatch tells is made plain before a terminal gets it. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/alarms_cmd.h"
#include "cmd/cmd.h"

static const char *const status_words[] = {
	[ALARM_SAME] = "same",
	[ALARM_DIFFERS] = "differs",
	[ALARM_NOT_THERE] = "missing",
	[ALARM_LEFT_OVER] = "left over",
	[ALARM_NOT_CONFIGURED] = "other",
	[ALARM_UNKNOWN] = "unknown",
};

static const char *const owner_words[] = {
	[ALARM_OURS] = "isamon",
	[ALARM_OTHER_INSTANCE] = "another host",
	[ALARM_FOREIGN] = "foreign",
};

static int columns_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void add_rule(const struct alarm_row *row, struct buf *out)
{
	_cleanup_(json_freep) json_t *normal = alarm_normal(row->have ?: row->wanted);

	if (normal && (row->have || row->wanted))
		alarm_describe(normal, out);
}

static const char *verdict(const struct alarm_row *row)
{
	bool foreign = row->have && row->owner != ALARM_OURS;

	switch (row->status) {
	case ALARM_SAME: return foreign ? "as configured, but not isamon's" : "as configured";
	case ALARM_DIFFERS: return foreign ? "differs, and is not isamon's" : "differs";
	case ALARM_NOT_THERE: return "not there";
	case ALARM_LEFT_OVER: return "not configured any more";
	case ALARM_NOT_CONFIGURED:
		return row->owner == ALARM_FOREIGN ? "not isamon's" : "another host's";
	case ALARM_UNKNOWN: return "not known";
	}
	return "";
}

void alarms_print_list(const struct alarms *x)
{
	static const char name_title[] = "NAME", verdict_title[] = "CONFIGURATION";
	int name_width = (int)strlen(name_title), verdict_width = (int)strlen(verdict_title);
	char name[ALARM_PLAIN_BYTES];

	for (size_t i = 0; i < x->n; i++) {
		int n = columns_of(alarm_row_plain(&x->rows[i], name));
		int v = columns_of(verdict(&x->rows[i]));

		name_width = n > name_width ? n : name_width;
		verdict_width = v > verdict_width ? v : verdict_width;
	}
	if (!x->n) {
		puts("no alarms: none is configured, and CloudWatch has none in this namespace");
		return;
	}
	printf("%-*s  %-17s  %-*s  RULE\n", name_width, name_title, "STATE", verdict_width,
	       verdict_title);
	for (size_t i = 0; i < x->n; i++) {
		_cleanup_(buf_done) struct buf rule = BUF_INIT(4096);
		const struct alarm_row *row = &x->rows[i];
		char state[32];

		utf8_make_plain(json_member_text(row->have, "StateValue", "-"), sizeof(state),
				state, sizeof(state));
		add_rule(row, &rule);
		printf("%s%*s  %-17s  %-*s  %s\n", alarm_row_plain(row, name),
		       name_width - columns_of(name), "", state, verdict_width, verdict(row),
		       row->status == ALARM_UNKNOWN ? buf_str(&row->why) : buf_str(&rule));
	}
}

static void print_differences(const struct alarm_row *row)
{
	const json_t *d;
	size_t i;

	json_array_foreach(row->differences, i, d) {
		const char *have = json_member_text(d, "have", "");
		const char *want = json_member_text(d, "want", "");

		printf("  %s: %s -> %s\n", json_member_text(d, "field", ""),
		       *have ? have : "(none)", *want ? want : "(none)");
	}
}

void alarms_print_diff(const struct alarms *x)
{
	size_t same = 0, told = 0;

	for (size_t i = 0; i < x->n; i++) {
		_cleanup_(buf_done) struct buf rule = BUF_INIT(4096);
		const struct alarm_row *row = &x->rows[i];
		char name[ALARM_PLAIN_BYTES];

		same += row->status == ALARM_SAME;
		if (row->status == ALARM_NOT_CONFIGURED ||
		    (row->status == ALARM_SAME && row->owner == ALARM_OURS))
			continue;
		told++;
		add_rule(row, &rule);
		printf("%s: %s", alarm_row_plain(row, name), verdict(row));
		if (row->status == ALARM_UNKNOWN)
			printf(": %s", buf_str(&row->why));
		else if (row->status == ALARM_NOT_THERE || row->status == ALARM_LEFT_OVER)
			printf(": %s", buf_str(&rule));
		putchar('\n');
		print_differences(row);
	}
	if (!told)
		printf("%zu alarm%s, as configured\n", same, same == 1 ? "" : "s");
}

static json_t *row_json(const struct alarm_row *row)
{
	_cleanup_(buf_done) struct buf rule = BUF_INIT(4096);
	json_t *o = json_object();
	int err = 0;

	add_rule(row, &rule);
	err |= json_object_set_new(o, "name", json_string(alarm_row_name(row)));
	err |= json_object_set_new(o, "status", json_string(status_words[row->status]));
	if (row->have) {
		err |= json_object_set_new(
			o, "state", json_string(json_member_text(row->have, "StateValue", "")));
		err |= json_object_set_new(
			o, "arn", json_string(json_member_text(row->have, "AlarmArn", "")));
	}
	if (row->have && row->status != ALARM_UNKNOWN)
		err |= json_object_set_new(o, "owner", json_string(owner_words[row->owner]));
	err |= json_object_set_new(o, "rule", json_string(buf_str(&rule)));
	if (row->differences)
		err |= json_object_set(o, "differences", row->differences);
	if (row->done)
		err |= json_object_set_new(o, "done", json_string(row->done));
	if (row->why.len)
		err |= json_object_set_new(o, "error", json_string(buf_str(&row->why)));
	if (!err)
		return o;
	json_decref(o);
	return NULL;
}

int alarms_print_json(const struct alarms *x)
{
	_cleanup_(json_freep) json_t *root = json_pack("{s:[]}", "alarms");
	int err = root ? 0 : -1;

	for (size_t i = 0; !err && i < x->n; i++)
		err = json_array_append_new(json_object_get(root, "alarms"), row_json(&x->rows[i]));
	return tool_print_json(ALARMS_COMMAND, err ? NULL : root);
}
