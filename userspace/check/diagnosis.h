/* SPDX-License-Identifier: MIT */
/* Of all that was found, what the cause is: the first in the chain of causes, not what follows from it. */
#ifndef ISAMON_DIAGNOSIS_H
#define ISAMON_DIAGNOSIS_H

#include "base/buf.h"
#include "check/finding.h"

/*
 * The first problem in the order of causes (a service that was stopped cannot answer, and nginx cannot reach it); where there is no
 * problem, the first warning, else what is unknown. Owned by @f. NULL: nothing is wrong.
 */
const struct finding *diagnosis_cause(const struct findings *f);
/* Appends it as one sentence: "WHAT IT MEANS (WHAT WAS SEEN): WHAT TO DO". Returns 0 or the buffer's error. */
int diagnosis_say(const struct finding *cause, struct buf *out);

#endif
