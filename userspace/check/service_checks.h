/* SPDX-License-Identifier: MIT */
/* Whether the service runs, answers, and has what it needs. */
#ifndef ISAMON_SERVICE_CHECKS_H
#define ISAMON_SERVICE_CHECKS_H

#include "check/check.h"

extern const struct check service_checks[];
extern const size_t n_service_checks;

#endif
