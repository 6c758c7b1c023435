/* SPDX-License-Identifier: MIT */
/*
 * Alarms of CloudWatch: from the configuration to what PutMetricAlarm takes, and whether what DescribeAlarms
 * tells is the same.
 *
 * A normal form makes the two comparable: every field that matters, by its name in the configuration, with
 * CloudWatch's defaults in place, numbers as numbers, and what has no order sorted.
 */
#ifndef ISAMON_SHIP_ALARM_H
#define ISAMON_SHIP_ALARM_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "config/alarm.h"
#include "config/config.h"

/* The tag of isamon's own alarms; its value is the name of the service. */
#define ALARM_TAG "isamon"
/* The tag of those that one host has for itself; its value is the id of the instance. */
#define ALARM_TAG_INSTANCE "isamon-instance"

/*
 * The parameters of PutMetricAlarm, without tags. @instance_id NULL: not known. The caller owns *ret. Returns
 * 0; -ENOENT: the alarm needs the id of the instance; -E2BIG: its name is longer than 255 characters with it;
 * -ENOMEM. The first two are explained in @why.
 */
int alarm_wanted(const struct config *c, const struct config_alarm *a, const char *instance_id,
		 struct buf *why, json_t **ret);

/* Adds the tags, which PutMetricAlarm takes for an alarm that it creates only, to its parameters. Returns
 * 0 or -ENOMEM. */
int alarm_add_tags(const struct config *c, const struct config_alarm *a, const char *instance_id,
		   json_t *parameters);

/* The normal form of parameters, or of an element of DescribeAlarms' MetricAlarms. Members of a wrong type count as
 * missing. NULL: no memory. The caller owns it. */
json_t *alarm_normal(const json_t *alarm);

/* Calls @fn for each field in which two normal forms differ, in the order of the configuration's keys, and
 * returns how many there are. Values are "" for none; valid until @fn returns. -ENOMEM: not known. */
typedef void (*alarm_diff_fn)(const char *field, const char *have, const char *want, void *ctx);
int alarm_diff(const json_t *have, const json_t *want, alarm_diff_fn fn, void *ctx);

/* Appends one line on what a normal form says: "ErrorCount Sum of 300 s > 10, 3 of 5". Plain text. */
int alarm_describe(const json_t *normal, struct buf *out);

enum alarm_owner {
	ALARM_OURS,
	ALARM_OTHER_INSTANCE, /* of this service, but another host has it for itself */
	ALARM_FOREIGN,        /* without our tag, or of another service */
};

/* By the answer of ListTagsForResource. */
enum alarm_owner alarm_owner(const struct config *c, const json_t *tags, const char *instance_id);

#endif
