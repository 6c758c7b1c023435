/* SPDX-License-Identifier: MIT */
/* The area "aws" of checks: what of AWS the configuration uses. Where it uses nothing, nothing is asked. Thresholds stand in docs/doctor-checks.md. */
#ifndef ISAMON_AWS_CHECKS_H
#define ISAMON_AWS_CHECKS_H

#include "check/check.h"

extern const struct check aws_checks[];
extern const size_t n_aws_checks;

#endif
