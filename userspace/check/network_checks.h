/* SPDX-License-Identifier: MIT */
/* The area "network" of checks: hosts that must be reached, who listens here, certificates. Thresholds stand in docs/doctor-checks.md. */
#ifndef ISAMON_NETWORK_CHECKS_H
#define ISAMON_NETWORK_CHECKS_H

#include "check/check.h"

extern const struct check network_checks[];
extern const size_t n_network_checks;

#endif
