/* SPDX-License-Identifier: MIT */
/*
 * Between the files of `isamon alarms`: what is configured and what CloudWatch has, side by side.
 *
 * Rows are the configured alarms, in the configuration's order, and then those that CloudWatch has in the namespaces
 * that are configured.
 */
#ifndef ISAMON_ALARMS_CMD_H
#define ISAMON_ALARMS_CMD_H

#include <jansson.h>

#include "cmd/tool.h"
#include "ship/alarm.h"

#define ALARMS_COMMAND "isamon alarms"
#define ALARM_ROWS_MAX 5000
#define ALARM_PLAIN_BYTES 1024

enum alarm_status {
	ALARM_SAME,
	ALARM_DIFFERS,
	ALARM_NOT_THERE,      /* configured, but CloudWatch does not have it */
	ALARM_LEFT_OVER,      /* ours, but not configured any more */
	ALARM_NOT_CONFIGURED, /* another host's, or foreign; nothing that we would touch */
	ALARM_UNKNOWN,        /* could not be looked at: why */
};

struct alarm_row {
	const struct config_alarm *configured; /* NULL: is not */
	json_t *wanted;         /* what PutMetricAlarm takes; NULL if not configured */
	json_t *have;           /* as DescribeAlarms tells it; NULL: is not there */
	json_t *differences;    /* [{"field", "have", "want"}] */
	enum alarm_owner owner; /* if it is there */
	enum alarm_status status;
	const char *done; /* "created", ...; NULL: nothing was */
	struct buf why;   /* of ALARM_UNKNOWN, or of what could not be done */
};

struct alarms {
	const struct config *c;
	const char *instance_id; /* NULL: not known */
	struct alarm_row *rows;
	size_t n;
	uint64_t changed_ns; /* when something was last changed; 0: never */
	bool failed;         /* something could not be looked at or done */
};

/* Looks everything up. Returns 0, also if some rows are ALARM_UNKNOWN; -EINVAL: two alarms have the same name; another
 * -errno: nothing could be looked at. The latter two are explained in @why. */
int alarms_look(struct lone_session *a, struct alarms *x, struct buf *why);
void alarms_done(struct alarms *x);

/* The name that CloudWatch has, or would have. */
const char *alarm_row_name(const struct alarm_row *row);
/* Made fit for a terminal, in @to, which is returned. */
const char *alarm_row_plain(const struct alarm_row *row, char to[ALARM_PLAIN_BYTES]);

/* Each makes one change, at most three a second; what cannot be done is said, and kept in the row. Waits. */
void alarms_put(struct lone_session *a, struct alarms *x, struct alarm_row *row);
void alarms_adopt(struct lone_session *a, struct alarms *x, struct alarm_row *row);
void alarms_delete(struct lone_session *a, struct alarms *x, struct alarm_row *row);

/* Tables, on standard output. */
void alarms_print_list(const struct alarms *x);
/* What differs: each row that is not as it should be. */
void alarms_print_diff(const struct alarms *x);
/* Returns the exit status. */
int alarms_print_json(const struct alarms *x);

#endif
