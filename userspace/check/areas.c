/* SPDX-License-Identifier: MIT */
/* The table of areas, and that of runbooks. Invariant: every area of a runbook is in the table of areas (a unit test sees to that). */
#include "check/areas.h"

#include <string.h>

#include "check/aws_checks.h"
#include "check/isamon_checks.h"
#include "check/network_checks.h"
#include "check/permission_checks.h"
#include "check/proxy_checks.h"
#include "check/service_checks.h"
#include "check/system_checks.h"

static const struct {
	const char *name;
	const char *help;
	const struct check *checks;
	const size_t *n;
} areas[] = {
	{ "service", "process, health, dependencies, workers, open files", service_checks,
	  &n_service_checks },
	{ "proxy", "the way from nginx to the service: what a 502 comes from", proxy_checks,
	  &n_proxy_checks },
	{ "permissions", "owners and modes of the service's files", permission_checks,
	  &n_permission_checks },
	{ "aws", "credentials, identity, clock, region, S3, CloudWatch, logs", aws_checks,
	  &n_aws_checks },
	{ "network", "DNS, TCP and TLS to what is needed, who listens, certificates",
	  network_checks, &n_network_checks },
	{ "system", "CPU, memory, disks, open files, clock, kernel log, reboot due", system_checks,
	  &n_system_checks },
	{ "isamon", "the daemon, its probes, spool, jobs, backups, configuration", isamon_checks,
	  &n_isamon_checks },
};

static const struct runbook runbooks[] = {
	{ "not-responding", "the service does not answer", { "service", "permissions", "proxy" } },
	{ "bad-gateway", "nginx answers 502", { "proxy", "service", "permissions" } },
	{ "aws", "something of AWS does not work", { "aws", "network" } },
};

bool areas_get(size_t i, struct area *ret)
{
	if (i >= ARRAY_SIZE(areas))
		return false;
	*ret = (struct area){
		.name = areas[i].name,
		.help = areas[i].help,
		.checks = areas[i].checks,
		.n = *areas[i].n,
	};
	return true;
}

bool areas_find(const char *name, struct area *ret)
{
	for (size_t i = 0; areas_get(i, ret); i++)
		if (strcmp(ret->name, name) == 0)
			return true;
	return false;
}

const struct runbook *runbooks_list(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(runbooks);
	return runbooks;
}

const struct runbook *runbooks_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(runbooks); i++)
		if (strcmp(runbooks[i].name, name) == 0)
			return &runbooks[i];
	return NULL;
}
