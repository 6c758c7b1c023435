/* SPDX-License-Identifier: MIT */
/* The area "aws" of checks: what of AWS the configuration uses. Where it uses nothing, nothing is asked. Thresholds stand in docs/doctor-checks.md. */
#ifndef ISAMON_AWS_CHECKS_H
#define ISAMON_AWS_CHECKS_H

#include "check/check.h"

/* Whether anything of the configuration uses AWS: CloudWatch, its logs, alarms, or S3. Where nothing does, AWS is not asked. */
bool aws_checks_wanted(const struct config *c);

extern const struct check aws_checks[];
extern const size_t n_aws_checks;

#endif
