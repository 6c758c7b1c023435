/* SPDX-License-Identifier: MIT */
/*
 * [log "NAME"]: a log of the service, as the configuration has it. One that is in files has path, one that is in the
 * journal has unit.
 */
#ifndef ISAMON_CONFIG_LOG_H
#define ISAMON_CONFIG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define CONFIG_LOG_NAME_MAX 63 /* bytes */
#define CONFIG_LOG_PATHS_MAX 16
#define CONFIG_LOG_PATTERNS_MAX 16

enum config_log_encoding { CONFIG_LOG_UTF8, CONFIG_LOG_LATIN1 };
enum config_log_start { CONFIG_LOG_END, CONFIG_LOG_BEGINNING };
enum config_log_rotator { CONFIG_LOG_LOGROTATE, CONFIG_LOG_ITSELF };
enum config_log_zone { CONFIG_LOG_LOCAL, CONFIG_LOG_UTC };

struct config_log {
	/* Of the file where its section stands; 0: it is a default. */
	unsigned int line;
	char *name;
	char *paths[CONFIG_LOG_PATHS_MAX]; /* path = ; absolute, perhaps a glob; repeatable */
	size_t n_paths;
	char *olddir; /* olddir = ; logrotate's, for its files; "": none */
	char *unit;   /* unit = ; of systemd */
	bool ship;    /* ship = yes: to CloudWatch Logs, if [logs] enabled */
	char *group;  /* group = ; "": that of [logs] */
	char *stream; /* stream = {name}; with {name}, {instance_id}, {host}, {date} */
	char *timestamp; /* timestamp = ; as strptime(3), and %f for a fraction; "": none is looked for */
	enum config_log_zone zone; /* timezone = local */
	char *first_line; /* first_line = ; regular expression, or ^; as logs/records.h has it */
	enum config_log_encoding encoding;      /* encoding = utf-8, or latin-1 */
	char *include[CONFIG_LOG_PATTERNS_MAX]; /* include = ; regular expression; repeatable */
	size_t n_include;
	char *exclude[CONFIG_LOG_PATTERNS_MAX]; /* exclude = */
	size_t n_exclude;
	char *mask[CONFIG_LOG_PATTERNS_MAX]; /* mask = ; what matches is written as *** */
	size_t n_mask;
	bool mask_secrets; /* mask_secrets = yes: keys and passwords of well-known forms */
	enum config_log_start start; /* start = end: where a file that was never seen is begun */
	enum config_log_rotator rotated_by; /* rotated_by = logrotate; for `isamon logs check` */
};

/* The words of the keys, as struct schema_key has them. */
extern const char *const config_log_encoding_words[];
extern const char *const config_log_start_words[];
extern const char *const config_log_zone_words[];
extern const char *const config_log_rotator_words[];

/* For the schema: adds a log to the struct config @whole; the first takes the place of the defaults. */
int config_log_item(void *whole, const char *label, struct buf *why, void **ret_item);
/* The logs that there are where the file names none: Agent-ISA's. Returns 0 or -ENOMEM. */
int config_logs_set_initial(struct config *c);
void config_logs_free(struct config *c);

#endif
