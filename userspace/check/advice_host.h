/* SPDX-License-Identifier: MIT */
/* What advice has to know of the host beside the history: the files that would be changed, nginx's configuration, the databases, AWS. */
#ifndef ISAMON_ADVICE_HOST_H
#define ISAMON_ADVICE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "care/database.h"
#include "check/advice_diff.h"
#include "check/discover_impl.h"
#include "check/nginx_conf.h"
#include "config/config.h"

#define ADVICE_FILE_MAX (1u << 20)

enum advice_manager { ADVICE_NOBODY, ADVICE_SUPERVISOR, ADVICE_SYSTEMD };

struct advice_database {
	const char *path; /* the configuration's */
	bool known;
	struct database_figures figures;
};

/* Of AWS, as it was asked; what could not be had is not known. */
struct advice_aws {
	bool has_group;               /* the log group is there */
	int64_t group_retention_days; /* 0: for ever */
	uint64_t group_bytes;
	struct buf lifecycle; /* the rules of the bucket, as advice_lifecycle.h has them */
	bool has_lifecycle;   /* it was asked for, and the next ones hold */
	bool covers_prefix; /* a rule of the bucket moves or ends what is under the backups' prefix */
	bool aborts_uploads; /* one ends uploads that were left */
	char why[512];       /* AWS was to be asked, and could not be; "" */
};

/* What goes to CloudWatch, as the daemon and the configuration say. */
struct advice_metrics {
	bool known;
	size_t n, n_routes;                   /* n_routes: of them, by route */
	double usd, routes_usd, requests_usd; /* a month */
	double requests_usd_minutes;          /* with an interval of a minute */
};

struct advice_host {
	char root[512]; /* everything is looked for below it; "": the host as it is */
	enum advice_manager manager;
	struct discover_run run; /* of the manager's file */
	bool has_proxy;          /* nginx passes to the service */
	struct nginx_conf proxy;
	struct advice_database databases[CONFIG_DATABASES_MAX];
	size_t n_databases;
	bool on_ec2;
	char instance_type[32]; /* "m5.large", as the firmware says (DMI); "": not known */
	struct advice_aws aws;  /* the caller fills these three in */
	char instance_id[32];   /* "i-0123...": letters, digits and hyphens; "": not known */
	struct advice_metrics metrics;
};

/*
 * Looks, for the service of @c, at the files of Supervisor and systemd and at the databases, below @root. Reads only; blocks. Then
 * advice_host_use_proxy() is given what `nginx -T` prints, where there is one, which advice_host_ask_proxy() asks for. Both return 0 or -ENOMEM; what
 * cannot be read is not known. @ret is for advice_host_done().
 */
int advice_host_look(const struct config *c, const char *root, struct advice_host *ret);
int advice_host_ask_proxy(const struct config *c, struct advice_host *h);
int advice_host_use_proxy(const struct config *c, const char *text, size_t len,
			  struct advice_host *h);
void advice_host_done(struct advice_host *h);

/* Appends the whole file @path of that host. Returns 0 or -errno. */
int advice_host_read(const struct advice_host *h, const char *path, struct buf *ret);
/* As advice_diff(), of the file that @path is a symbolic link to (sites-enabled/X): patch(1) refuses links. */
int advice_host_diff(const struct advice_host *h, const char *path, const char *text,
		     const struct advice_edits *e, struct buf *out);

#endif
