/* SPDX-License-Identifier: MIT */
/* Owners and modes of the service's trees, and whether its user gets through to what it needs. */
#ifndef ISAMON_PERMISSION_CHECKS_H
#define ISAMON_PERMISSION_CHECKS_H

#include "check/check.h"

extern const struct check permission_checks[];
extern const size_t n_permission_checks;

#endif
