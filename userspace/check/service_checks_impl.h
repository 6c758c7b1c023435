/* SPDX-License-Identifier: MIT */
/* Between the files of check/service_checks.h: one function a check. */
#ifndef ISAMON_SERVICE_CHECKS_IMPL_H
#define ISAMON_SERVICE_CHECKS_IMPL_H

#include "check/check.h"
#include "probe/members.h"

/* service.manager, service.listening: what the manager says; who listens on the ports. */
int service_look_run(const struct check_input *in, struct findings *out);
/* service.health, service.loop: whether it answers, and if not, whether it is blocked. */
int service_look_answer(const struct check_input *in, struct findings *out);
/* service.workers, service.files: its processes against cores and limits. */
int service_look_processes(const struct check_input *in, struct findings *out);
/* service.restarts, service.oom, service.queue: what the daemon has seen. */
int service_look_past(const struct check_input *in, struct findings *out);
/* service.dependencies: the application's own check. */
int service_look_dependencies(const struct check_input *in, struct findings *out);
/* service.packages: the environment against the requirements. */
int service_look_packages(const struct check_input *in, struct findings *out);

/* service.unfinished: whether a restore or an update was cut off. */
int service_look_unfinished(const struct check_input *in, struct findings *out);

/* The processes of the service, by one pass over all. Returns 0 or -errno. Free with members_free(). */
int service_members(const struct config *c, struct members **ret);

#endif
