/* SPDX-License-Identifier: MIT */
/* The table of the service's checks. Each is at most as long as what it asks: managers are waited for longest. */
#include "check/service_checks.h"

#include "check/service_checks_impl.h"

#define MANAGER_MS 12000
#define DEPENDENCIES_MS 15000 /* its own limit, and the time to end it */

const struct check service_checks[] = {
	{ "service", "service.manager", service_look_run, MANAGER_MS },
	{ "service", "service.unfinished", service_look_unfinished, 0 },
	{ "service", "service.health", service_look_answer, 6000 },
	{ "service", "service.workers", service_look_processes, 0 },
	{ "service", "service.restarts", service_look_past, 6000 },
	{ "service", "service.dependencies", service_look_dependencies, DEPENDENCIES_MS },
	{ "service", "service.packages", service_look_packages, 9000 },
};
const size_t n_service_checks = ARRAY_SIZE(service_checks);
