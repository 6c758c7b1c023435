/* SPDX-License-Identifier: MIT */
/* Logs of the configuration: made by their labels, and those that there are if it names none. What one
 * says is checked in check_logs.c. */
#include "config/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/schema.h"
#include "config/value.h"

const char *const config_log_encoding_words[] = { "utf-8", "latin-1", NULL };
const char *const config_log_start_words[] = { "end", "beginning", NULL };
const char *const config_log_zone_words[] = { "local", "utc", NULL };
const char *const config_log_rotator_words[] = { "logrotate", "itself", NULL };

/* Agent-ISA's. */
static const struct {
	const char *name, *key, *value;
} initial_logs[] = {
	{ "application", "path", "/var/log/agent-isa/application.log" },
	{ "application", "timestamp", "%Y-%m-%d %H:%M:%S,%f" },
	{ "application", "rotated_by", "itself" },
	{ "supervisor-output", "path", "/var/log/agent-isa/supervisor-output.log" },
	{ "supervisor-error", "path", "/var/log/agent-isa/supervisor-error.log" },
	{ "supervisor", "path", "/var/log/supervisor/supervisord.log" },
	{ "supervisor", "timestamp", "%Y-%m-%d %H:%M:%S,%f" },
	{ "nginx-access", "path", "/var/log/nginx/access.log" },
	{ "nginx-access", "timestamp", "%d/%b/%Y:%H:%M:%S %z" },
	{ "nginx-access", "first_line", "^" },
	{ "nginx-error", "path", "/var/log/nginx/error.log" },
	{ "nginx-error", "timestamp", "%Y/%m/%d %H:%M:%S" },
	{ "journal", "unit", "agent-isa.service" },
};

static void log_free(struct config_log *l)
{
	if (!l)
		return;
	value_clear_all(schema_config(), "log", l);
	free(l->name);
	free(l);
}

static void log_freep(struct config_log **l)
{
	log_free(*l);
}

void config_logs_free(struct config *c)
{
	for (size_t i = 0; i < c->n_logs; i++)
		log_free(c->logs[i]);
	c->n_logs = 0;
}

static int log_name_check(const struct config *c, const char *name, struct buf *why)
{
	if (strlen(name) > CONFIG_LOG_NAME_MAX)
		return buf_printf(why, "a name has at most %d bytes; write a shorter one", CONFIG_LOG_NAME_MAX) ?:
			       -ERANGE;
	if (!utf8_is_plain(name, strlen(name)))
		return buf_add_str(why, "the name has characters that cannot be seen; write others") ?:
			       -EINVAL;
	if (c->n_logs == CONFIG_LOGS_MAX)
		return buf_printf(why, "one too many; there may be %d logs", CONFIG_LOGS_MAX) ?:
			       -ERANGE;
	return 0;
}

static int log_add(struct config *c, const char *name, struct config_log **ret)
{
	_cleanup_(log_freep) struct config_log *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->name = strdup(name);
	if (!l->name)
		return -ENOMEM;
	err = value_set_initial(schema_config(), "log", l);
	if (err)
		return err;
	*ret = l;
	c->logs[c->n_logs++] = take(l);
	return 0;
}

int config_log_item(void *whole, const char *label, struct buf *why, void **ret_item)
{
	struct config *c = whole;
	struct config_log *l = NULL;
	int err;

	if (c->logs_are_default) {
		config_logs_free(c);
		c->logs_are_default = false;
	}
	err = log_name_check(c, label, why);
	if (!err)
		err = log_add(c, label, &l);
	if (!err)
		*ret_item = l;
	return err;
}

int config_logs_set_initial(struct config *c)
{
	struct config_log *l = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(initial_logs); i++) {
		const struct schema_key *k =
			schema_find_key(schema_config(), "log", initial_logs[i].key);

		assert(k);
		if (!l || strcmp(l->name, initial_logs[i].name) != 0)
			err = log_add(c, initial_logs[i].name, &l);
		if (!err)
			err = value_set(k, l, initial_logs[i].value, NULL);
	}
	c->logs_are_default = !err;
	return err;
}
