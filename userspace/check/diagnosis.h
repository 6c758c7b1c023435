/* SPDX-License-Identifier: MIT */
/* Of all that was found, what the cause is: the first in the chain of causes, not what follows from it. */
#ifndef ISAMON_DIAGNOSIS_H
#define ISAMON_DIAGNOSIS_H

#include <stdbool.h>

#include "base/buf.h"
#include "check/finding.h"

/*
 * The first problem in the order of causes (a service that was stopped cannot answer, and nginx cannot reach it); where there is no
 * problem, the first warning, else what is unknown. Owned by @f. NULL: nothing is wrong.
 */
const struct finding *diagnosis_cause(const struct findings *f);
/* The first in the same order, of problems and then of warnings, that @wanted says yes to. NULL: none. */
typedef bool (*diagnosis_fn)(const struct finding *f, void *ctx);
const struct finding *diagnosis_next(const struct findings *f, diagnosis_fn wanted, void *ctx);
/* Appends it as one sentence: "WHAT IT MEANS (WHAT WAS SEEN): WHAT TO DO". Returns 0 or the buffer's error. */
int diagnosis_say(const struct finding *cause, struct buf *out);

#endif
