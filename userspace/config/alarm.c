/* SPDX-License-Identifier: MIT */
/* Alarms of the configuration: made by their labels, words, statistics. What one says is checked in
 * check_alarm.c. */
#include "config/alarm.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/schema.h"
#include "config/value.h"

/* First the short names, then CloudWatch's, in the same order. */
const char *const config_alarm_comparison_words[] = {
	">",
	">=",
	"<",
	"<=",
	"GreaterThanThreshold",
	"GreaterThanOrEqualToThreshold",
	"LessThanThreshold",
	"LessThanOrEqualToThreshold",
	NULL,
};
const char *const config_alarm_missing_words[] = { "missing", "notBreaching", "breaching", "ignore",
						   NULL };
const char *const config_alarm_low_samples_words[] = { "evaluate", "ignore", NULL };

_Static_assert(ARRAY_SIZE(config_alarm_comparison_words) == 2 * CONFIG_COMPARISONS + 1, "words");

static void alarm_free(struct config_alarm *a)
{
	if (!a)
		return;
	value_clear_all(schema_config(), "alarm", a);
	free(a->name);
	free(a);
}

static void alarm_freep(struct config_alarm **a)
{
	alarm_free(*a);
}

void config_alarms_free(struct config *c)
{
	for (size_t i = 0; i < c->n_alarms; i++)
		alarm_free(c->alarms[i]);
	c->n_alarms = 0;
}

bool config_alarm_name_fits(const char *name)
{
	size_t n = 0;

	for (; *name; name++)
		n += ((unsigned char)*name & 0xc0) != 0x80;
	return n <= CONFIG_ALARM_NAME_MAX;
}

static int name_check(const struct config *c, const char *name, struct buf *why)
{
	if (!config_alarm_name_fits(name))
		return buf_printf(why, "a name has at most %d characters; write a shorter one", CONFIG_ALARM_NAME_MAX) ?:
			       -ERANGE;
	if (!utf8_is_plain(name, strlen(name)))
		return buf_add_str(why, "the name has characters that cannot be seen; write others") ?:
			       -EINVAL;
	if (c->n_alarms == CONFIG_ALARMS_MAX)
		return buf_printf(why, "one too many; there may be %d alarms", CONFIG_ALARMS_MAX) ?:
			       -ERANGE;
	return 0;
}

int config_alarm_item(void *whole, const char *label, struct buf *why, void **ret_item)
{
	_cleanup_(alarm_freep) struct config_alarm *a = NULL;
	struct config *c = whole;
	int err = name_check(c, label, why);

	if (err)
		return err;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->name = strdup(label);
	if (!a->name)
		return -ENOMEM;
	a->threshold = NAN;
	err = value_set_initial(schema_config(), "alarm", a);
	if (err)
		return err;
	*ret_item = a;
	c->alarms[c->n_alarms++] = take(a);
	return 0;
}

static enum config_comparison comparison_of(const struct config_alarm *a)
{
	return (enum config_comparison)(a->comparison_word % CONFIG_COMPARISONS);
}

const char *config_alarm_comparison_name(const struct config_alarm *a)
{
	return config_alarm_comparison_words[CONFIG_COMPARISONS + comparison_of(a)];
}

bool config_alarm_is_plain_statistic(const char *statistic)
{
	static const char *const names[] = { "SampleCount", "Average", "Sum", "Minimum",
					     "Maximum" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], statistic) == 0)
			return true;
	return false;
}

/* CloudWatch user guide, "Statistics definitions". */
bool config_alarm_is_extended_statistic(const char *statistic)
{
#define PERCENT "(100(\\.0{1,10})?|[0-9]{1,2}(\\.[0-9]{1,10})?)"
#define NUMBER "[0-9]{1,15}(\\.[0-9]{1,10})?"
	static const char pattern[] = "^((p|tm|wm|tc|ts)" PERCENT "|IQM|"
				      "(TM|WM|TC|TS)\\((" PERCENT "%)?:(" PERCENT "%)?\\)|"
				      "(PR|TM|WM|TC|TS)\\((" NUMBER ")?:(" NUMBER ")?\\))$";
#undef PERCENT
#undef NUMBER
	regex_t re;
	bool matches;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	matches = regexec(&re, statistic, 0, NULL, 0) == 0 && !strstr(statistic, "(:)");
	regfree(&re);
	return matches;
}
