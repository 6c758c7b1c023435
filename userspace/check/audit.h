/* SPDX-License-Identifier: MIT */
/*
 * The checks of `isamon audit`: what of this host is less safe than it should be. docs/audit.md lists what each finds.
 *
 * A finding's id begins with that of its check and a dot: "ports.open" is of "ports". All only look: nothing is changed, no secret is
 * printed, and nobody is asked over the network but the metadata service of the host itself (check "imds").
 */
#ifndef ISAMON_AUDIT_H
#define ISAMON_AUDIT_H

#include "check/check.h"

/* All of them, @ret_n, in the order in which they are shown. */
const struct check *const *audit_checks(size_t *ret_n);

#endif
