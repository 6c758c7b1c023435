/* SPDX-License-Identifier: MIT */
/* Checks of a configuration that need more than one key, or more than a type: one function a part. */
#ifndef ISAMON_CONFIG_PROBLEMS_H
#define ISAMON_CONFIG_PROBLEMS_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/table.h"
#include "config/alarm.h"
#include "config/config.h"
#include "config/job.h"
#include "config/log.h"

struct config_check {
	const struct config *c;
	const char *where;         /* begins each problem: the file, or an option */
	const struct table *lines; /* NULL: not from a file */
	const struct stat *file;   /* NULL: not from a file, or from one that nobody else sees */
	struct buf *problems;
	int err; /* -EINVAL when a problem was found */
};

/* Each begins a problem: "WHERE:LINE: [section] key = ", the line only where it is known. Whoever
 * calls adds "value: what is wrong; what to write\n". */
void check_failed(struct config_check *check, const char *section, const char *name);
/* Of the @i-th value of a repeatable key. */
void check_failed_nth(struct config_check *check, const char *section, const char *name, size_t i);
/* Of an alarm; the line of its section where the key is not given. */
void check_failed_alarm(struct config_check *check, const struct config_alarm *a, const char *name,
			size_t i);
/* Whether the alarm's section has the key, with a good value or not. */
bool check_alarm_says(const struct config_check *check, const struct config_alarm *a,
		      const char *name);

/* Likewise of a log. */
void check_failed_log(struct config_check *check, const struct config_log *l, const char *name,
		      size_t i);

/* Likewise of a job. */
void check_failed_job(struct config_check *check, const struct config_job *j, const char *name);

/* Splits "Name=Value": whether it is that, by CloudWatch's rules for dimensions (1 to 255 ASCII characters
 * that can be seen, 1 to 1024, the name not beginning with a colon). If not, "what is wrong; what to
 * write" is appended to @why. *ret_name_len is that of the name. */
bool check_dimension(const char *text, struct buf *why, size_t *ret_name_len);

/* Whether systemd could have a unit of that name (systemd.unit(5)). */
bool check_is_unit(const char *name);
#define CHECK_NO_UNIT \
	"not the name of a unit; write one, of letters, digits and : - _ . \\ @, such as agent-isa.service"

/* A file with the secret @key must be root's, or that of whoever runs the command, and nobody else's to read. */
void check_secret_file(struct config_check *check, const char *section, const char *key);

void check_listen(struct config_check *check);
void check_service(struct config_check *check);
void check_aws(struct config_check *check);
void check_cloudwatch(struct config_check *check);
void check_logs(struct config_check *check);
void check_alarms(struct config_check *check);
void check_jobs(struct config_check *check);
void check_backup(struct config_check *check);
void check_doctor(struct config_check *check);
void check_audit(struct config_check *check);

#endif
