/* SPDX-License-Identifier: MIT */
/* The way from nginx to the service, step by step: what a 502 comes from. */
#ifndef ISAMON_PROXY_CHECKS_H
#define ISAMON_PROXY_CHECKS_H

#include "check/check.h"

extern const struct check proxy_checks[];
extern const size_t n_proxy_checks;

#endif
