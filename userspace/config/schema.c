/* SPDX-License-Identifier: MIT */
/*
 * The table of isamon's keys, and looking names up in a table, exactly or nearly.
 * Invariant: every initial value is valid for its key (a unit test sees to that), and
 * dist/isamon.conf documents every row.
 */
#include "config/schema.h"

#include <ctype.h>
#include <string.h>

#include "base/util.h"
#include "config/alarm.h"
#include "config/config.h"
#include "config/job.h"
#include "config/log.h"

/* A Unix socket's path has at most 107 bytes; "/isamon.sock" and its like must fit behind this. */
#define RUNTIME_DIRECTORY_MAX 90
#define SOCKET_PATH_MAX 107
#define NAME_MAX_COMPARED 40

static const char *const manager_words[] = { "auto", "supervisor", "systemd", NULL };
static const char *const s3_encryption_words[] = { "bucket", "AES256", "aws:kms", NULL };
static const char *const log_level_words[] = { "error", "warning", "info", "debug", NULL };
_Static_assert(sizeof(enum log_level) == sizeof(unsigned int), "enums are stored as unsigned int");
_Static_assert(LOG_LEVEL_ERROR == 0 && LOG_LEVEL_DEBUG == 3, "order of log_level_words");

#define AT(field) .offset = offsetof(struct config, field)
#define ALARM(field) .offset = offsetof(struct config_alarm, field)
#define ALARM_LIST(field) ALARM(field), .n_offset = offsetof(struct config_alarm, n_##field)
#define LOG(field) .offset = offsetof(struct config_log, field)
#define LOG_LIST(field) LOG(field), .n_offset = offsetof(struct config_log, n_##field)
#define JOB(field) .offset = offsetof(struct config_job, field)
#define LIST(field) AT(field), .n_offset = offsetof(struct config, n_##field)

static const struct schema_section config_sections[] = {
	{ .name = "service" },
	{ .name = "app" },
	{ .name = "database" },
	{ .name = "http" },
	{ .name = "processes" },
	{ .name = "listen" },
	{ .name = "aws" },
	{ .name = "cloudwatch" },
	{ .name = "logs" },
	{ .name = "log", .item = config_log_item },
	{ .name = "alarm", .item = config_alarm_item },
	{ .name = "job", .item = config_job_item },
	{ .name = "backup" },
	{ .name = "update" },
	{ .name = "doctor" },
	{ .name = "audit" },
	{ .name = "daemon" },
};

/* clang-format off */
static const struct schema_key config_keys[] = {
	{ "service", "name", SCHEMA_STRING, AT(service_name), .min = 1, .max = 64,
	  .initial = "agent-isa" },
	{ "service", "ports", SCHEMA_PORTS, LIST(ports), .max = CONFIG_PORTS_MAX,
	  .initial = "8000" },
	{ "service", "manager", SCHEMA_ENUM, AT(service_manager), .words = manager_words,
	  .initial = "auto" },
	{ "service", "program", SCHEMA_STRING, AT(service_program), .max = 128, .initial = "" },
	{ "service", "unit", SCHEMA_STRING, AT(service_unit), .max = 255, .initial = "" },
	{ "service", "supervisor_socket", SCHEMA_PATH, AT(service_supervisor_socket),
	  .max = SOCKET_PATH_MAX, .initial = "" },
	{ "service", "supervisor_user", SCHEMA_STRING, AT(service_supervisor_user), .max = 128,
	  .initial = "" },
	{ "service", "supervisor_password", SCHEMA_STRING, AT(service_supervisor_password),
	  .secret = true, .max = 128, .initial = "" },
	{ "service", "health", SCHEMA_STRING, AT(service_health), .min = 1, .max = 256,
	  .initial = "/health" },
	{ "service", "start_timeout", SCHEMA_U64, AT(service_start_timeout_s), .min = 1,
	  .max = 3600, .unit = "seconds", .initial = "60" },
	{ "service", "stop_timeout", SCHEMA_U64, AT(service_stop_timeout_s), .min = 1,
	  .max = 3600, .unit = "seconds", .initial = "60" },

	{ "app", "directory", SCHEMA_PATH, AT(app_directory), .min = 1, .max = 3000,
	  .initial = "/opt/agent-isa/app" },
	{ "app", "venv", SCHEMA_PATH, AT(app_venv), .min = 1, .max = 3000,
	  .initial = "/opt/agent-isa/venv" },
	{ "app", "requirements", SCHEMA_STRING, AT(app_requirements), .min = 1, .max = 3000,
	  .initial = "requirements.txt" },
	{ "app", "check", SCHEMA_STRING, AT(app_check), .min = 1, .max = 3000,
	  .initial = "OpenManusWeb/scripts/check_dependencies.py" },
	{ "app", "logs", SCHEMA_STRING, AT(app_logs), .min = 1, .max = 3000,
	  .initial = "/var/log/agent-isa" },
	{ "app", "user", SCHEMA_STRING, AT(app_user), .min = 1, .max = 32,
	  .initial = "agent-isa" },
	{ "app", "group", SCHEMA_STRING, AT(app_group), .max = 32, .initial = "" },

	{ "database", "path", SCHEMA_STRINGS, LIST(databases), .max = CONFIG_DATABASES_MAX,
	  .initial = "/opt/agent-isa/data/production.db" },

	{ "http", "route", SCHEMA_STRINGS, LIST(routes), .max = CONFIG_ROUTES_MAX,
	  .initial = "/api/files/{session_id}\n/ws/{session_id}" },
	{ "http", "max_series", SCHEMA_U64, AT(max_series), .min = 10, .max = 100000,
	  .initial = "1000" },
	{ "http", "ring_size", SCHEMA_U64, AT(ring_kib), .min = 64, .max = 65536,
	  .power_of_two = true, .unit = "KiB", .initial = "512" },
	{ "http", "stream_threshold", SCHEMA_U64, AT(stream_threshold_ms), .min = 10,
	  .max = 600000, .unit = "milliseconds", .initial = "1000" },
	{ "http", "streams_in_duration", SCHEMA_BOOL, AT(streams_in_duration),
	  .initial = "yes" },

	{ "processes", "pss_interval", SCHEMA_U64, AT(pss_interval_s), .min = 0, .max = 86400,
	  .unit = "seconds", .initial = "60" },
	{ "processes", "crash_loop_exits", SCHEMA_U64, AT(crash_loop_exits), .min = 1, .max = 100,
	  .initial = "3" },
	{ "processes", "crash_loop_window", SCHEMA_U64, AT(crash_loop_window_s), .min = 1,
	  .max = 86400, .unit = "seconds", .initial = "300" },

	{ "listen", "address", SCHEMA_ADDRESS, AT(listen_address), .initial = "127.0.0.1" },
	{ "listen", "port", SCHEMA_PORT, AT(listen_port), .initial = "9912" },
	{ "listen", "insecure", SCHEMA_BOOL, AT(listen_insecure), .initial = "no" },
	{ "listen", "max_connections", SCHEMA_U64, AT(listen_max_connections), .min = 1,
	  .max = 1024, .initial = "32" },
	{ "listen", "timeout", SCHEMA_U64, AT(listen_timeout_s), .min = 1, .max = 300,
	  .unit = "seconds", .initial = "10" },

	{ "aws", "region", SCHEMA_STRING, AT(aws_region), .max = 32,
	  .initial = "" },
	{ "aws", "instance_id", SCHEMA_STRING, AT(aws_instance_id), .max = 64,
	  .initial = "" },
	{ "aws", "profile", SCHEMA_STRING, AT(aws_profile), .max = 128,
	  .initial = "" },
	{ "aws", "credentials_file", SCHEMA_PATH, AT(aws_credentials_file), .max = 4096,
	  .initial = "" },
	{ "aws", "config_file", SCHEMA_PATH, AT(aws_config_file), .max = 4096,
	  .initial = "" },
	{ "aws", "access_key_id", SCHEMA_STRING, AT(aws_access_key_id), .secret = true, .max = 128,
	  .initial = "" },
	{ "aws", "secret_access_key", SCHEMA_STRING, AT(aws_secret_access_key), .secret = true, .max = 128,
	  .initial = "" },
	{ "aws", "session_token", SCHEMA_STRING, AT(aws_session_token), .secret = true, .max = 4096,
	  .initial = "" },
	{ "aws", "proxy", SCHEMA_STRING, AT(aws_proxy), .max = 1024,
	  .initial = "" },
	{ "aws", "ca_bundle", SCHEMA_PATH, AT(aws_ca_bundle), .max = 4096,
	  .initial = "" },
	{ "aws", "endpoint_url", SCHEMA_STRING, AT(aws_endpoint_url), .max = 1024,
	  .initial = "" },
	{ "aws", "endpoint_url_cloudwatch", SCHEMA_STRING, AT(aws_endpoint_url_cloudwatch), .max = 1024,
	  .initial = "" },
	{ "aws", "endpoint_url_logs", SCHEMA_STRING, AT(aws_endpoint_url_logs), .max = 1024,
	  .initial = "" },
	{ "aws", "endpoint_url_s3", SCHEMA_STRING, AT(aws_endpoint_url_s3), .max = 1024,
	  .initial = "" },
	{ "aws", "endpoint_url_sts", SCHEMA_STRING, AT(aws_endpoint_url_sts), .max = 1024,
	  .initial = "" },
	{ "aws", "imds_endpoint", SCHEMA_STRING, AT(aws_imds_endpoint), .max = 1024,
	  .initial = "" },

	{ "cloudwatch", "enabled", SCHEMA_BOOL, AT(cloudwatch_enabled), .initial = "no" },
	{ "cloudwatch", "namespace", SCHEMA_STRING, AT(cloudwatch_namespace), .min = 1,
	  .max = 255, .initial = "AgentISA" },
	{ "cloudwatch", "storage_resolution", SCHEMA_U64, AT(cloudwatch_resolution_s), .min = 1,
	  .max = 60, .unit = "seconds", .initial = "60" },
	{ "cloudwatch", "interval", SCHEMA_U64, AT(cloudwatch_interval_s), .min = 1, .max = 60,
	  .unit = "seconds", .initial = "60" },
	{ "cloudwatch", "dimension", SCHEMA_STRINGS, LIST(cloudwatch_dimensions),
	  .max = CONFIG_DIMENSIONS_MAX, .initial = "" },
	{ "cloudwatch", "latency_by_route", SCHEMA_BOOL, AT(cloudwatch_latency_by_route),
	  .initial = "no" },
	{ "cloudwatch", "queue", SCHEMA_BOOL, AT(cloudwatch_queue), .initial = "no" },
	{ "cloudwatch", "turns", SCHEMA_BOOL, AT(cloudwatch_turns), .initial = "no" },
	{ "cloudwatch", "restarts", SCHEMA_BOOL, AT(cloudwatch_restarts), .initial = "no" },
	{ "cloudwatch", "probes", SCHEMA_BOOL, AT(cloudwatch_probes), .initial = "no" },
	{ "cloudwatch", "processes", SCHEMA_BOOL, AT(cloudwatch_processes), .initial = "no" },
	{ "cloudwatch", "spool_age", SCHEMA_BOOL, AT(cloudwatch_spool_age), .initial = "no" },
	{ "cloudwatch", "log_errors", SCHEMA_BOOL, AT(cloudwatch_log_errors), .initial = "no" },
	{ "cloudwatch", "exceptions", SCHEMA_BOOL, AT(cloudwatch_exceptions), .initial = "no" },
	{ "cloudwatch", "jobs", SCHEMA_BOOL, AT(cloudwatch_jobs), .initial = "no" },
	{ "cloudwatch", "spool_days", SCHEMA_U64, AT(cloudwatch_spool_days), .min = 1, .max = 14,
	  .unit = "days", .initial = "14" },
	{ "cloudwatch", "spool_size", SCHEMA_SIZE, AT(cloudwatch_spool_bytes), .min = 1048576,
	  .max = 17179869184, .initial = "256 MiB" },

	{ "cloudwatch", "dashboard", SCHEMA_STRING, AT(cloudwatch_dashboard), .min = 1,
	  .max = 255, .initial = "agent-isa" },

	{ "logs", "enabled", SCHEMA_BOOL, AT(logs_enabled), .initial = "no" },
	{ "logs", "group", SCHEMA_STRING, AT(logs_group), .min = 1, .max = 512,
	  .initial = "agent-isa" },
	{ "logs", "retention_days", SCHEMA_U64, AT(logs_retention_days), .min = 0, .max = 3653,
	  .unit = "days", .initial = "0" },
	{ "logs", "logrotate_file", SCHEMA_PATH, AT(logs_logrotate_file), .min = 1, .max = 4096,
	  .initial = "/etc/logrotate.d/isamon" },

	{ "log", "path", SCHEMA_STRINGS, LOG_LIST(paths), .max = CONFIG_LOG_PATHS_MAX,
	  .initial = "" },
	{ "log", "olddir", SCHEMA_STRING, LOG(olddir), .max = 1024, .initial = "" },
	{ "log", "unit", SCHEMA_STRING, LOG(unit), .max = 255, .initial = "" },
	{ "log", "ship", SCHEMA_BOOL, LOG(ship), .initial = "yes" },
	{ "log", "group", SCHEMA_STRING, LOG(group), .max = 512, .initial = "" },
	{ "log", "stream", SCHEMA_STRING, LOG(stream), .min = 1, .max = 512, .initial = "{name}" },
	{ "log", "timestamp", SCHEMA_STRING, LOG(timestamp), .max = 100, .initial = "" },
	{ "log", "timezone", SCHEMA_ENUM, LOG(zone), .words = config_log_zone_words,
	  .initial = "local" },
	{ "log", "first_line", SCHEMA_STRING, LOG(first_line), .max = 1000, .initial = "" },
	{ "log", "encoding", SCHEMA_ENUM, LOG(encoding), .words = config_log_encoding_words,
	  .initial = "utf-8" },
	{ "log", "include", SCHEMA_STRINGS, LOG_LIST(include), .max = CONFIG_LOG_PATTERNS_MAX,
	  .initial = "" },
	{ "log", "exclude", SCHEMA_STRINGS, LOG_LIST(exclude), .max = CONFIG_LOG_PATTERNS_MAX,
	  .initial = "" },
	{ "log", "mask", SCHEMA_STRINGS, LOG_LIST(mask), .max = CONFIG_LOG_PATTERNS_MAX,
	  .initial = "" },
	{ "log", "mask_secrets", SCHEMA_BOOL, LOG(mask_secrets), .initial = "yes" },
	{ "log", "start", SCHEMA_ENUM, LOG(start), .words = config_log_start_words,
	  .initial = "end" },
	{ "log", "rotated_by", SCHEMA_ENUM, LOG(rotated_by), .words = config_log_rotator_words,
	  .initial = "logrotate" },

	{ "alarm", "metric", SCHEMA_STRING, ALARM(metric), .max = 255, .initial = "" },
	{ "alarm", "namespace", SCHEMA_STRING, ALARM(metric_namespace), .max = 255,
	  .initial = "" },
	{ "alarm", "dimension", SCHEMA_STRINGS, ALARM_LIST(dimensions),
	  .max = CONFIG_ALARM_DIMENSIONS_MAX, .initial = "" },
	{ "alarm", "statistic", SCHEMA_STRING, ALARM(statistic), .max = 64, .initial = "" },
	{ "alarm", "period", SCHEMA_U64, ALARM(period_s), .min = 10, .max = 604800,
	  .unit = "seconds", .initial = "300" },
	{ "alarm", "threshold", SCHEMA_DOUBLE, ALARM(threshold), .initial = "" },
	{ "alarm", "comparison", SCHEMA_ENUM, ALARM(comparison_word),
	  .words = config_alarm_comparison_words, .initial = ">" },
	{ "alarm", "evaluation_periods", SCHEMA_U64, ALARM(evaluation_periods), .min = 1,
	  .max = 60480, .initial = "1" },
	{ "alarm", "datapoints_to_alarm", SCHEMA_U64, ALARM(datapoints_to_alarm), .min = 1,
	  .max = 60480, .initial = "" },
	{ "alarm", "missing_data", SCHEMA_ENUM, ALARM(missing_data),
	  .words = config_alarm_missing_words, .initial = "missing" },
	{ "alarm", "low_samples", SCHEMA_ENUM, ALARM(low_samples),
	  .words = config_alarm_low_samples_words, .initial = "evaluate" },
	{ "alarm", "description", SCHEMA_STRING, ALARM(description), .max = 1024,
	  .initial = "" },
	{ "alarm", "action", SCHEMA_STRINGS, ALARM_LIST(actions),
	  .max = CONFIG_ALARM_ACTIONS_MAX, .initial = "" },
	{ "alarm", "ok_action", SCHEMA_STRINGS, ALARM_LIST(ok_actions),
	  .max = CONFIG_ALARM_ACTIONS_MAX, .initial = "" },
	{ "alarm", "insufficient_data_action", SCHEMA_STRINGS, ALARM_LIST(nodata_actions),
	  .max = CONFIG_ALARM_ACTIONS_MAX, .initial = "" },
	{ "alarm", "actions_enabled", SCHEMA_BOOL, ALARM(actions_enabled), .initial = "yes" },

	{ "job", "schedule", SCHEMA_STRING, JOB(schedule), .max = 255, .initial = "" },
	{ "job", "command", SCHEMA_STRING, JOB(command), .max = 1000, .initial = "" },
	{ "job", "enabled", SCHEMA_BOOL, JOB(enabled), .initial = "yes" },
	{ "job", "time_limit", SCHEMA_U64, JOB(time_limit_s), .min = 1, .max = 604800,
	  .unit = "seconds", .initial = "14400" },
	{ "job", "priority", SCHEMA_ENUM, JOB(priority), .words = config_job_priority_words,
	  .initial = "low" },
	{ "job", "missed", SCHEMA_ENUM, JOB(missed), .words = config_job_missed_words,
	  .initial = "run" },
	{ "job", "output_limit", SCHEMA_SIZE, JOB(output_bytes), .min = 1024, .max = 1048576,
	  .initial = "64 KiB" },

	{ "backup", "directory", SCHEMA_PATH, AT(backup_directory), .min = 1, .max = 3000,
	  .initial = "/opt/agent-isa/backups" },
	{ "backup", "data", SCHEMA_STRING, AT(backup_data), .min = 1, .max = 3000,
	  .initial = "/opt/agent-isa/data" },
	{ "backup", "config", SCHEMA_STRING, AT(backup_config), .min = 1, .max = 3000,
	  .initial = "/etc/agent-isa" },
	{ "backup", "name", SCHEMA_STRING, AT(backup_name), .min = 1, .max = 64,
	  .initial = "agent-isa" },
	{ "backup", "exclude", SCHEMA_STRINGS, LIST(backup_excludes), .max = CONFIG_EXCLUDES_MAX,
	  .initial = "" },
	{ "backup", "compression_level", SCHEMA_U64, AT(backup_level), .min = 1, .max = 9,
	  .initial = "6" },
	{ "backup", "keep_days", SCHEMA_U64, AT(backup_keep_days), .min = 0, .max = 36500,
	  .unit = "days", .initial = "30" },
	{ "backup", "keep_daily", SCHEMA_U64, AT(backup_keep_daily), .min = 0, .max = 10000,
	  .initial = "0" },
	{ "backup", "keep_weekly", SCHEMA_U64, AT(backup_keep_weekly), .min = 0, .max = 10000,
	  .initial = "0" },
	{ "backup", "keep_monthly", SCHEMA_U64, AT(backup_keep_monthly), .min = 0, .max = 10000,
	  .initial = "0" },
	{ "backup", "s3_bucket", SCHEMA_STRING, AT(backup_s3_bucket), .max = 63, .initial = "" },
	{ "backup", "s3_prefix", SCHEMA_STRING, AT(backup_s3_prefix), .max = 512,
	  .initial = "daily" },
	{ "backup", "s3_storage_class", SCHEMA_STRING, AT(backup_s3_class), .max = 31,
	  .initial = "" },
	{ "backup", "s3_encryption", SCHEMA_ENUM, AT(backup_s3_encryption),
	  .words = s3_encryption_words, .initial = "bucket" },
	{ "backup", "s3_kms_key", SCHEMA_STRING, AT(backup_s3_kms_key), .max = 2048,
	  .initial = "" },
	{ "backup", "s3_bandwidth", SCHEMA_SIZE, AT(backup_s3_bandwidth), .min = 0,
	  .max = 1099511627776, .initial = "0" },

	{ "update", "remote", SCHEMA_STRING, AT(update_remote), .min = 1, .max = 100,
	  .initial = "origin" },
	{ "update", "ref", SCHEMA_STRING, AT(update_ref), .max = 200, .initial = "" },
	{ "update", "pip_option", SCHEMA_STRINGS, LIST(update_pip_options),
	  .max = CONFIG_PIP_OPTIONS_MAX, .initial = "" },
	{ "update", "keep_environments", SCHEMA_U64, AT(update_keep), .min = 0, .max = 32,
	  .initial = "2" },
	{ "update", "git_timeout", SCHEMA_U64, AT(update_git_timeout_s), .min = 1, .max = 86400,
	  .unit = "seconds", .initial = "300" },
	{ "update", "install_timeout", SCHEMA_U64, AT(update_install_timeout_s), .min = 1,
	  .max = 86400, .unit = "seconds", .initial = "1800" },
	{ "update", "packages_timeout", SCHEMA_U64, AT(update_packages_timeout_s), .min = 1,
	  .max = 86400, .unit = "seconds", .initial = "3600" },

	{ "doctor", "endpoint", SCHEMA_STRINGS, LIST(doctor_endpoints), .max = CONFIG_ENDPOINTS_MAX,
	  .initial = "" },
	{ "doctor", "certificate", SCHEMA_STRINGS, LIST(doctor_certificates),
	  .max = CONFIG_CERTIFICATES_MAX, .initial = "" },

	{ "audit", "allow_port", SCHEMA_PORTS, LIST(audit_ports), .max = CONFIG_AUDIT_PORTS_MAX,
	  .initial = "22, 80, 443, 8000" },
	{ "audit", "allow_udp_port", SCHEMA_PORTS, LIST(audit_udp_ports),
	  .max = CONFIG_AUDIT_PORTS_MAX, .initial = "68, 546" },
	{ "audit", "allow_user", SCHEMA_STRINGS, LIST(audit_users), .max = CONFIG_AUDIT_USERS_MAX,
	  .initial = "root\nec2-user\nubuntu\nadmin" },
	{ "audit", "login_days", SCHEMA_U64, AT(audit_login_days), .min = 1, .max = 365,
	  .unit = "days", .initial = "7" },
	{ "audit", "failed_logins", SCHEMA_U64, AT(audit_failed_logins), .min = 1,
	  .max = 1000000, .initial = "100" },
	{ "audit", "directory", SCHEMA_STRINGS, LIST(audit_directories),
	  .max = CONFIG_AUDIT_DIRECTORIES_MAX,
	  .initial = "/opt/agent-isa\n/etc/agent-isa\n/var/log/agent-isa" },
	{ "audit", "certificate", SCHEMA_STRINGS, LIST(audit_certificates),
	  .max = CONFIG_AUDIT_CERTIFICATES_MAX, .initial = "" },
	{ "audit", "certificate_days", SCHEMA_U64, AT(audit_certificate_days), .min = 1,
	  .max = 365, .unit = "days", .initial = "14" },
	{ "audit", "package_list_days", SCHEMA_U64, AT(audit_list_days), .min = 1, .max = 365,
	  .unit = "days", .initial = "7" },
	{ "audit", "accept", SCHEMA_STRINGS, LIST(audit_accepted), .max = CONFIG_AUDIT_ACCEPTED_MAX,
	  .initial = "" },

	{ "daemon", "runtime_directory", SCHEMA_PATH, AT(runtime_directory),
	  .max = RUNTIME_DIRECTORY_MAX, .initial = "/run/isamon" },
	{ "daemon", "state_directory", SCHEMA_PATH, AT(state_directory), .max = 3000,
	  .initial = "/var/lib/isamon" },
	{ "daemon", "log_level", SCHEMA_ENUM, AT(log_level), .words = log_level_words,
	  .initial = "info" },
};
/* clang-format on */

const struct schema *schema_config(void)
{
	static const struct schema s = {
		.sections = config_sections,
		.n_sections = ARRAY_SIZE(config_sections),
		.keys = config_keys,
		.n_keys = ARRAY_SIZE(config_keys),
	};

	return &s;
}

const struct schema_section *schema_find_section(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_sections; i++)
		if (strcmp(s->sections[i].name, name) == 0)
			return &s->sections[i];
	return NULL;
}

const struct schema_key *schema_find_key(const struct schema *s, const char *section,
					 const char *name)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (strcmp(s->keys[i].section, section) == 0 && strcmp(s->keys[i].name, name) == 0)
			return &s->keys[i];
	return NULL;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many letters must be added, removed, changed or swapped with their neighbour to get from one
 * name to the other; upper and lower case are the same. Both have at most NAME_MAX_COMPARED. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t d[NAME_MAX_COMPARED + 1][NAME_MAX_COMPARED + 1];

	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + !same_letter(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]) && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_len][b_len];
}

/* Keeps @known in *best if it is like @name, and more so than what was found before. A name within
 * the other ("level", "log_level") counts as one letter off. */
static void consider(const char *name, const char *known, const char **best, size_t *best_distance)
{
	size_t n = strlen(name), m = strlen(known), distance;

	if (n > NAME_MAX_COMPARED || m > NAME_MAX_COMPARED)
		return;
	distance = edit_distance(name, n, known, m);
	if (n >= 3 && m >= 3 && (strstr(known, name) || strstr(name, known)))
		distance = 1;
	if (distance <= n / 3 + 1 && distance < m && distance < *best_distance) {
		*best = known;
		*best_distance = distance;
	}
}

const char *schema_nearest_section(const struct schema *s, const char *name)
{
	size_t distance = SIZE_MAX;
	const char *best = NULL;

	for (size_t i = 0; i < s->n_sections; i++)
		consider(name, s->sections[i].name, &best, &distance);
	return best;
}

const char *schema_nearest_key(const struct schema *s, const char *section, const char *name)
{
	size_t distance = SIZE_MAX;
	const char *best = NULL;

	for (size_t i = 0; i < s->n_keys; i++)
		if (strcmp(s->keys[i].section, section) == 0)
			consider(name, s->keys[i].name, &best, &distance);
	return best;
}

bool schema_is_secret(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		const char *like = NULL;
		size_t distance = SIZE_MAX;

		if (s->keys[i].secret)
			consider(name, s->keys[i].name, &like, &distance);
		if (like)
			return true;
	}
	return false;
}

const char *schema_section_of(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (strcmp(s->keys[i].name, name) == 0)
			return s->keys[i].section;
	return NULL;
}
