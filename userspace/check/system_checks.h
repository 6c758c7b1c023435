/* SPDX-License-Identifier: MIT */
/* The area "system" of checks: the host as such. Thresholds stand in docs/doctor-checks.md. */
#ifndef ISAMON_SYSTEM_CHECKS_H
#define ISAMON_SYSTEM_CHECKS_H

#include "check/check.h"

extern const struct check system_checks[];
extern const size_t n_system_checks;

#endif
