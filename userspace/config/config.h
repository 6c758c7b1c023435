/* SPDX-License-Identifier: MIT */
/*
 * isamon's configuration: one INI file, every key with a default.
 *
 * The keys, their types and ranges stand in one table in schema.c; `dist/isamon.conf` documents
 * each.
 */
#ifndef ISAMON_CONFIG_H
#define ISAMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"

#define CONFIG_DEFAULT_PATH "/etc/isamon/isamon.conf"
#define CONFIG_PORTS_MAX 16
#define CONFIG_ROUTES_MAX 256
#define CONFIG_DIMENSIONS_MAX 8
#define CONFIG_ALARMS_MAX 100
#define CONFIG_LOGS_MAX 32
#define CONFIG_JOBS_MAX 32
#define CONFIG_DATABASES_MAX 16
#define CONFIG_EXCLUDES_MAX 64
#define CONFIG_PIP_OPTIONS_MAX 16
#define CONFIG_ENDPOINTS_MAX 16
#define CONFIG_CERTIFICATES_MAX 8
#define CONFIG_AUDIT_PORTS_MAX 64
#define CONFIG_AUDIT_USERS_MAX 64
#define CONFIG_AUDIT_DIRECTORIES_MAX 16
#define CONFIG_AUDIT_CERTIFICATES_MAX 16
#define CONFIG_AUDIT_ACCEPTED_MAX 100
#define CONFIG_HEALTH_NONE "none"
#define CONFIG_BACKUP_NONE "none"
#define CONFIG_APP_NONE "none"

struct config_alarm;
struct config_job;
struct config_log;

/* How S3 encrypts what it is given; bucket: as the bucket says. */
enum config_s3_encryption { CONFIG_S3_BUCKET, CONFIG_S3_AES256, CONFIG_S3_KMS };

/* Who starts and stops the service; auto: whoever of them knows it. */
enum config_manager { CONFIG_MANAGER_AUTO, CONFIG_MANAGER_SUPERVISOR, CONFIG_MANAGER_SYSTEMD };

struct config {
	/* [service] */
	char *service_name;               /* name = agent-isa */
	uint16_t ports[CONFIG_PORTS_MAX]; /* ports = 8000 (list by comma or space) */
	size_t n_ports;
	char *service_program;             /* program = ; "": as name */
	char *service_unit;                /* unit = ; "": NAME.service */
	char *service_supervisor_socket;   /* supervisor_socket = ; "": where it usually is */
	char *service_supervisor_user;     /* supervisor_user = */
	char *service_supervisor_password; /* supervisor_password = */
	char *service_health;              /* health = /health; or none */
	uint64_t service_start_timeout_s;  /* start_timeout = 60 */
	uint64_t service_stop_timeout_s;   /* stop_timeout = 60 */
	/* [app]; paths are absolute, or below the directory */
	char *app_directory;    /* directory = /opt/agent-isa/app, a git checkout */
	char *app_venv;         /* venv = /opt/agent-isa/venv */
	char *app_requirements; /* requirements = requirements.txt; or none */
	char *app_check;        /* check = OpenManusWeb/scripts/check_dependencies.py; or none */
	char *app_logs;         /* logs = /var/log/agent-isa, the directory; or none */
	char *app_user;         /* user = agent-isa: who runs it, and owns its data */
	char *app_group;        /* group = ; "": that of the user */
	/* [database] */
	char *databases
		[CONFIG_DATABASES_MAX]; /* path = /opt/agent-isa/data/production.db; repeatable */
	size_t n_databases;
	/* [http] */
	char *routes[CONFIG_ROUTES_MAX]; /* route = /api/files/{session_id}; repeatable */
	size_t n_routes;
	/* The line of the file where each route stands; 0: it is a default. */
	unsigned int route_lines[CONFIG_ROUTES_MAX];
	uint64_t max_series; /* max_series = 1000, of each metric family */
	uint64_t ring_kib;   /* ring_size = 512 KiB, a power of two */
	/* stream_threshold = 1000 ms: a chunked response that lasts longer is a stream */
	uint64_t stream_threshold_ms;
	bool streams_in_duration; /* streams_in_duration = yes: also in the duration of requests */
	/* [processes] */
	uint64_t pss_interval_s;      /* pss_interval = 60 s; 0: never */
	uint64_t crash_loop_exits;    /* crash_loop_exits = 3 */
	uint64_t crash_loop_window_s; /* crash_loop_window = 300 s */
	/* [listen] */
	char *listen_address;            /* address = 127.0.0.1 */
	uint16_t listen_port;            /* port = 9912 */
	bool listen_insecure;            /* insecure = no; must be yes for a non-loopback address */
	uint64_t listen_max_connections; /* max_connections = 32 */
	uint64_t listen_timeout_s;       /* timeout = 10 s, for a request and its answer */
	/* [aws]; "": not given */
	char *aws_region;            /* region = */
	char *aws_instance_id;       /* instance_id = */
	char *aws_profile;           /* profile = ; paths are absolute: */
	char *aws_credentials_file;  /* credentials_file = */
	char *aws_config_file;       /* config_file = */
	char *aws_access_key_id;     /* access_key_id = */
	char *aws_secret_access_key; /* secret_access_key = */
	char *aws_session_token;     /* session_token = */
	char *aws_proxy;             /* proxy = */
	char *aws_ca_bundle;         /* ca_bundle = */
	char *aws_endpoint_url;      /* endpoint_url = ; and for one service: */
	char *aws_endpoint_url_cloudwatch;
	char *aws_endpoint_url_logs;
	char *aws_endpoint_url_sts;
	char *aws_endpoint_url_s3;
	char *aws_imds_endpoint; /* imds_endpoint = */
	/* [cloudwatch] */
	char *cloudwatch_namespace;       /* namespace = AgentISA */
	uint64_t cloudwatch_resolution_s; /* storage_resolution = 60; or 1 */
	uint64_t cloudwatch_interval_s;   /* interval = 60; less with a resolution of 1 only */
	char *cloudwatch_dimensions[CONFIG_DIMENSIONS_MAX]; /* dimension = Name=Value; repeatable */
	size_t n_cloudwatch_dimensions;
	bool cloudwatch_enabled;          /* enabled = no */
	bool cloudwatch_latency_by_route; /* latency_by_route = no */
	bool cloudwatch_queue;            /* queue = no */
	bool cloudwatch_turns;            /* turns = no */
	bool cloudwatch_restarts;         /* restarts = no */
	bool cloudwatch_probes;           /* probes = no */
	bool cloudwatch_processes;        /* processes = no */
	bool cloudwatch_spool_age;        /* spool_age = no */
	bool cloudwatch_log_errors;       /* log_errors = no */
	bool cloudwatch_exceptions;       /* exceptions = no */
	bool cloudwatch_jobs;             /* jobs = no */
	uint64_t cloudwatch_spool_days;   /* spool_days = 14 */
	uint64_t cloudwatch_spool_bytes;  /* spool_size = 256 MiB */
	char *cloudwatch_dashboard;       /* dashboard = agent-isa */
	/* [logs] */
	bool logs_enabled;            /* enabled = no: ship to CloudWatch Logs */
	bool logs_are_default;        /* the file has no section [log] */
	char *logs_group;             /* group = agent-isa */
	uint64_t logs_retention_days; /* retention_days = 0: as it is */
	char *logs_logrotate_file;    /* logrotate_file = /etc/logrotate.d/isamon */
	/* [log "NAME"], as config/log.h has it */
	struct config_log *logs[CONFIG_LOGS_MAX];
	size_t n_logs;
	/* [alarm "NAME"], as config/alarm.h has it */
	struct config_alarm *alarms[CONFIG_ALARMS_MAX];
	size_t n_alarms;
	/* [job "NAME"], as config/job.h has it */
	struct config_job *jobs[CONFIG_JOBS_MAX];
	size_t n_jobs;
	/* [backup] */
	char *backup_directory; /* directory = /opt/agent-isa/backups */
	char *backup_data;      /* data = /opt/agent-isa/data; or none */
	char *backup_config;    /* config = /etc/agent-isa; or none */
	char *backup_name;      /* name = agent-isa: archives begin with it */
	char *backup_excludes
		[CONFIG_EXCLUDES_MAX]; /* exclude = ; as care/file_list.h; repeatable */
	size_t n_backup_excludes;
	uint64_t backup_level;        /* compression_level = 6 */
	uint64_t backup_keep_days;    /* keep_days = 30; these as care/retention.h has them */
	uint64_t backup_keep_daily;   /* keep_daily = 0 */
	uint64_t backup_keep_weekly;  /* keep_weekly = 0 */
	uint64_t backup_keep_monthly; /* keep_monthly = 0 */
	char *backup_s3_bucket;       /* s3_bucket = ; "": not to S3 */
	char *backup_s3_prefix;       /* s3_prefix = daily */
	char *backup_s3_class;        /* s3_storage_class = ; "": the bucket's usual one */
	char *backup_s3_kms_key;      /* s3_kms_key = */
	uint64_t backup_s3_bandwidth; /* s3_bandwidth = 0 bytes a second: no limit */
	/* [update] */
	char *update_remote; /* remote = origin */
	char *update_ref;    /* ref = ; "": what the tree's branch follows */
	char *update_pip_options[CONFIG_PIP_OPTIONS_MAX]; /* pip_option = ; repeatable */
	size_t n_update_pip_options;
	uint64_t update_keep;               /* keep_environments = 2 */
	uint64_t update_git_timeout_s;      /* git_timeout = 300 */
	uint64_t update_install_timeout_s;  /* install_timeout = 1800 */
	uint64_t update_packages_timeout_s; /* packages_timeout = 3600 */
	/* [doctor]; repeatable */
	char *doctor_endpoints[CONFIG_ENDPOINTS_MAX]; /* endpoint = github.com:443 */
	size_t n_doctor_endpoints;
	char *doctor_certificates
		[CONFIG_CERTIFICATES_MAX]; /* certificate = agent.example.com:443; or a file */
	size_t n_doctor_certificates;
	/* [audit] */
	uint16_t audit_ports[CONFIG_AUDIT_PORTS_MAX]; /* allow_port = 22, 80, 443, 8000 */
	size_t n_audit_ports;
	uint16_t audit_udp_ports[CONFIG_AUDIT_PORTS_MAX]; /* allow_udp_port = 68, 546 */
	size_t n_audit_udp_ports;
	char *audit_users[CONFIG_AUDIT_USERS_MAX]; /* allow_user = root; and more; repeatable */
	size_t n_audit_users;
	char *audit_directories
		[CONFIG_AUDIT_DIRECTORIES_MAX]; /* directory = /opt/agent-isa; and more */
	size_t n_audit_directories;
	char *audit_certificates[CONFIG_AUDIT_CERTIFICATES_MAX]; /* certificate = ; repeatable */
	size_t n_audit_certificates;
	char *audit_accepted[CONFIG_AUDIT_ACCEPTED_MAX]; /* accept = ID SUBJECT; repeatable */
	size_t n_audit_accepted;
	uint64_t audit_login_days;       /* login_days = 7 */
	uint64_t audit_failed_logins;    /* failed_logins = 100 */
	uint64_t audit_certificate_days; /* certificate_days = 14 */
	uint64_t audit_list_days;        /* package_list_days = 7 */
	/* [daemon] */
	char *runtime_directory;  /* runtime_directory = /run/isamon */
	char *state_directory;    /* state_directory = /var/lib/isamon */
	enum log_level log_level; /* log_level = info */
	/* [service], here to fill the space */
	enum config_manager service_manager; /* manager = auto */
	/* [backup], likewise */
	enum config_s3_encryption backup_s3_encryption; /* s3_encryption = bucket */
	/* The file as it was read; not in a configuration of defaults. May hold keys. */
	struct buf text;
};

/* A configuration of defaults. Caller frees with config_free(). Returns 0 or -ENOMEM. */
int config_new(struct config **ret_config);

/*
 * Reads @path over the defaults. Keys of AWS are refused in a file that others can read. Every problem of the file is appended to @problems, one a line:
 * "FILE:LINE: [section] key = value: what is wrong; what to write". Blocks on the file only.
 * Returns 0; -EINVAL: the file has problems; another -errno: it could not be read (also explained
 * in @problems). *ret_config is written only on success.
 */
int config_load(const char *path, struct buf *problems, struct config **ret_config);

/* Checks that need more than one key (a non-loopback address wants insecure = yes, ...). Called by
 * config_load(), and by commands after their options changed something; @where begins each problem
 * ("--listen"). Returns 0 or -EINVAL. */
int config_check(const struct config *c, const char *where, struct buf *problems);

/* Replaces the list of ports by @text, "8000" or "8000, 8001". Returns 0; -EINVAL: not ports, or
 * one stands twice; -ERANGE: a number that is no port, or more than CONFIG_PORTS_MAX. */
int config_set_ports(struct config *c, const char *text);
/* Whether both watch the same ports, in the same order. */
bool config_same_ports(const struct config *a, const struct config *b);

/* Replaces address and port of the listener by @text, "127.0.0.1:9912" or "[::1]:9912". Returns
 * 0, -EINVAL, -ERANGE or -ENOMEM; whether the address needs insecure = yes is config_check()'s
 * affair. */
int config_set_listen(struct config *c, const char *text);

void config_free(struct config *c);
/* For _cleanup_(config_freep). */
void config_freep(struct config **c);

#endif
