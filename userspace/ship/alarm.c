/* SPDX-License-Identifier: MIT */
/* From the configuration to PutMetricAlarm's parameters, and whose an alarm is. */
#include "ship/alarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define TEXT_MAX 4096

static const struct {
	const char *parameter;
	size_t list, n; /* offsets in struct config_alarm */
} action_lists[] = {
	{ "AlarmActions", offsetof(struct config_alarm, actions),
	  offsetof(struct config_alarm, n_actions) },
	{ "OKActions", offsetof(struct config_alarm, ok_actions),
	  offsetof(struct config_alarm, n_ok_actions) },
	{ "InsufficientDataActions", offsetof(struct config_alarm, nodata_actions),
	  offsetof(struct config_alarm, n_nodata_actions) },
};

/* Whether the alarm is one that each host has for itself: {instance_id} is in it. */
static bool is_per_instance(const struct config_alarm *a)
{
	bool is = strstr(a->name, CONFIG_INSTANCE_ID) || strstr(a->description, CONFIG_INSTANCE_ID);

	for (size_t i = 0; i < a->n_dimensions; i++)
		is |= strstr(a->dimensions[i], CONFIG_INSTANCE_ID) != NULL;
	return is;
}

/* @text with the id of the instance in it; NULL: no memory. */
static json_t *filled(const char *text, const char *instance_id)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(TEXT_MAX * 16);
	const char *at;

	for (; instance_id && (at = strstr(text, CONFIG_INSTANCE_ID));
	     text = at + strlen(CONFIG_INSTANCE_ID)) {
		buf_add(&out, text, (size_t)(at - text));
		buf_add_str(&out, instance_id);
	}
	buf_add_str(&out, text);
	return out.err ? NULL : json_stringn(buf_str(&out), out.len);
}

/* A list of nothing is left out: it is what CloudWatch takes for none. */
static int set_list(json_t *o, const char *key, json_t *list)
{
	if (!list || json_array_size(list))
		return json_object_set_new(o, key, list);
	json_decref(list);
	return 0;
}

static int add_dimensions(const struct config_alarm *a, const char *instance_id, json_t *o)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < a->n_dimensions; i++) {
		const char *equals = strchr(a->dimensions[i], '=');
		json_t *one = json_object();

		err |= json_object_set_new(one, "Name",
					   json_stringn(a->dimensions[i],
							(size_t)(equals - a->dimensions[i])));
		err |= json_object_set_new(one, "Value", filled(equals + 1, instance_id));
		err |= json_array_append_new(list, one);
	}
	return err | set_list(o, "Dimensions", list);
}

static int add_actions(const struct config_alarm *a, json_t *o)
{
	int err = 0;

	for (size_t k = 0; k < ARRAY_SIZE(action_lists); k++) {
		char *const *from =
			(char *const *)(const void *)((const char *)a + action_lists[k].list);
		size_t n = *(const size_t *)(const void *)((const char *)a + action_lists[k].n);
		json_t *list = json_array();

		for (size_t i = 0; i < n; i++)
			err |= json_array_append_new(list, json_string(from[i]));
		err |= set_list(o, action_lists[k].parameter, list);
	}
	return err;
}

/* What is not given is left out, as the guide's own command does. */
static int add_rule(const struct config *c, const struct config_alarm *a, json_t *o)
{
	const char *metric_namespace =
		*a->metric_namespace ? a->metric_namespace : c->cloudwatch_namespace;
	bool plain = config_alarm_is_plain_statistic(a->statistic);
	int err = 0;

	err |= json_object_set_new(o, "MetricName", json_string(a->metric));
	err |= json_object_set_new(o, "Namespace", json_string(metric_namespace));
	err |= json_object_set_new(o, plain ? "Statistic" : "ExtendedStatistic",
				   json_string(a->statistic));
	err |= json_object_set_new(o, "Period", json_integer((json_int_t)a->period_s));
	err |= json_object_set_new(o, "EvaluationPeriods",
				   json_integer((json_int_t)a->evaluation_periods));
	if (a->datapoints_to_alarm)
		err |= json_object_set_new(o, "DatapointsToAlarm",
					   json_integer((json_int_t)a->datapoints_to_alarm));
	err |= json_object_set_new(o, "Threshold", json_real(a->threshold));
	err |= json_object_set_new(o, "ComparisonOperator",
				   json_string(config_alarm_comparison_name(a)));
	err |= json_object_set_new(o, "TreatMissingData",
				   json_string(config_alarm_missing_words[a->missing_data]));
	if (!plain && a->statistic[0] == 'p')
		err |= json_object_set_new(
			o, "EvaluateLowSampleCountPercentile",
			json_string(config_alarm_low_samples_words[a->low_samples]));
	return err;
}

int alarm_wanted(const struct config *c, const struct config_alarm *a, const char *instance_id,
		 struct buf *why, json_t **ret)
{
	_cleanup_(json_freep) json_t *o = NULL;
	int err = 0;

	if (!instance_id && is_per_instance(a)) {
		buf_add_str(why, "the id of the instance is not known; write instance_id in [aws]");
		return -ENOENT;
	}
	o = json_object();
	err |= json_object_set_new(o, "AlarmName", filled(a->name, instance_id));
	if (*a->description)
		err |= json_object_set_new(o, "AlarmDescription",
					   filled(a->description, instance_id));
	err |= json_object_set_new(o, "ActionsEnabled", json_boolean(a->actions_enabled));
	err |= add_actions(a, o);
	err |= add_rule(c, a, o);
	err |= add_dimensions(a, instance_id, o);
	if (err)
		return -ENOMEM;
	if (!config_alarm_name_fits(json_member_text(o, "AlarmName", ""))) {
		buf_printf(why, "with the id of the instance the name has more than %d characters",
			   CONFIG_ALARM_NAME_MAX);
		return -E2BIG;
	}
	*ret = take(o);
	return 0;
}

int alarm_add_tags(const struct config *c, const struct config_alarm *a, const char *instance_id,
		   json_t *parameters)
{
	json_t *tags = json_pack("[{s:s,s:s}]", "Key", ALARM_TAG, "Value", c->service_name);
	int err = 0;

	if (instance_id && is_per_instance(a))
		err |= json_array_append_new(tags, json_pack("{s:s,s:s}", "Key", ALARM_TAG_INSTANCE,
							     "Value", instance_id));
	err |= json_object_set_new(parameters, "Tags", tags);
	return err ? -ENOMEM : 0;
}

static const char *tag_value(const json_t *tags, const char *key)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
		if (strcmp(json_member_text(tag, "Key", ""), key) == 0)
			return json_member_text(tag, "Value", "");
	return NULL;
}

enum alarm_owner alarm_owner(const struct config *c, const json_t *tags, const char *instance_id)
{
	const json_t *list = json_object_get(tags, "Tags");
	const char *service = tag_value(list, ALARM_TAG);
	const char *instance = tag_value(list, ALARM_TAG_INSTANCE);

	if (!service || strcmp(service, c->service_name) != 0)
		return ALARM_FOREIGN;
	if (instance && (!instance_id || strcmp(instance, instance_id) != 0))
		return ALARM_OTHER_INSTANCE;
	return ALARM_OURS;
}
