/* SPDX-License-Identifier: MIT */
/* What a look at the service tells the present minute. */
#ifndef ISAMON_CLOUDWATCH_LOOK_H
#define ISAMON_CLOUDWATCH_LOOK_H

#include "cmd/service_state.h"
#include "metrics/self.h"
#include "ship/minute.h"

/* All but the time, the spool's age, the logs and the jobs. Texts are @self's. */
void cloudwatch_fill_look(const struct service_usage *usage, const struct self *self,
			  struct minute_look *l);

#endif
