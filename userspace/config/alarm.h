/* SPDX-License-Identifier: MIT */
/*
 * [alarm "NAME"]: an alarm of CloudWatch as the configuration has it. Limits and meanings are those of
 * PutMetricAlarm (API reference).
 */
#ifndef ISAMON_CONFIG_ALARM_H
#define ISAMON_CONFIG_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define CONFIG_ALARM_NAME_MAX 255 /* characters */
#define CONFIG_ALARM_DIMENSIONS_MAX 30
#define CONFIG_ALARM_ACTIONS_MAX 5 /* of each kind */
/* Stands for the id of the instance, in name, description and the values of dimensions. */
#define CONFIG_INSTANCE_ID "{instance_id}"

enum config_comparison {
	CONFIG_GREATER,
	CONFIG_GREATER_OR_EQUAL,
	CONFIG_LESS,
	CONFIG_LESS_OR_EQUAL,
	CONFIG_COMPARISONS
};

enum config_missing {
	CONFIG_MISSING_MISSING,
	CONFIG_MISSING_NOT_BREACHING,
	CONFIG_MISSING_BREACHING,
	CONFIG_MISSING_IGNORE,
};

enum config_low_samples { CONFIG_LOW_SAMPLES_EVALUATE, CONFIG_LOW_SAMPLES_IGNORE };

struct config_alarm {
	char *name;
	char *metric;                                  /* metric = ; must be given */
	char *metric_namespace;                        /* namespace = ; "": that of [cloudwatch] */
	char *dimensions[CONFIG_ALARM_DIMENSIONS_MAX]; /* dimension = Name=Value; repeatable */
	size_t n_dimensions;
	char *statistic;                         /* statistic = ; must be given */
	uint64_t period_s;                       /* period = 300 s */
	double threshold;                        /* threshold = ; must be given; NaN: is not */
	unsigned int comparison_word;            /* comparison = > */
	uint64_t evaluation_periods;             /* evaluation_periods = 1 */
	uint64_t datapoints_to_alarm;            /* datapoints_to_alarm = ; 0: all of them */
	enum config_missing missing_data;        /* missing_data = missing */
	enum config_low_samples low_samples;     /* low_samples = evaluate */
	char *description;                       /* description = */
	char *actions[CONFIG_ALARM_ACTIONS_MAX]; /* action = ARN; repeatable, as the next two */
	size_t n_actions;
	char *ok_actions[CONFIG_ALARM_ACTIONS_MAX]; /* ok_action = */
	size_t n_ok_actions;
	char *nodata_actions[CONFIG_ALARM_ACTIONS_MAX]; /* insufficient_data_action = */
	size_t n_nodata_actions;
	bool actions_enabled; /* actions_enabled = yes */
};

/* The words of the keys, as struct schema_key has them; those of missing_data and low_samples are
 * CloudWatch's own. */
extern const char *const config_alarm_comparison_words[];
extern const char *const config_alarm_missing_words[];
extern const char *const config_alarm_low_samples_words[];

/* For the schema: adds an alarm to the struct config @whole. */
int config_alarm_item(void *whole, const char *label, struct buf *why, void **ret_item);
void config_alarms_free(struct config *c);

/* Whether the name, which is UTF-8, is not too long for CloudWatch. */
bool config_alarm_name_fits(const char *name);
/* CloudWatch's name of it, such as "GreaterThanThreshold". */
const char *config_alarm_comparison_name(const struct config_alarm *a);
/* Whether the statistic is Average or another of the five, not a percentile or the like. */
bool config_alarm_is_plain_statistic(const char *statistic);
/* What CloudWatch takes as ExtendedStatistic: p99, p99.9, tm90, IQM, PR(10:20), TM(10%:90%), ... */
bool config_alarm_is_extended_statistic(const char *statistic);

#endif
