/* SPDX-License-Identifier: MIT */
/* The area "isamon" of checks: isamon itself. Thresholds stand in docs/doctor-checks.md. */
#ifndef ISAMON_ISAMON_CHECKS_H
#define ISAMON_ISAMON_CHECKS_H

#include "check/check.h"

extern const struct check isamon_checks[];
extern const size_t n_isamon_checks;

#endif
