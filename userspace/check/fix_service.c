/* SPDX-License-Identifier: MIT */
/* Repairs of the service: started, or started anew. */
#include "check/fix_impl.h"

#include <errno.h>
#include <string.h>

#include "check/unfinished.h"
#include "probe/listeners.h"

static int listening(const uint16_t *ports, size_t n, bool *up, void *ctx)
{
	(void)ctx;
	return listeners_find("/proc", ports, n, up);
}

static int apply_service(struct fix *x, struct buf *said, struct buf *why)
{
	int err = x->restart ? service_control_restart(x->control, 0, why) :
			       service_control_start(x->control, 0, why);

	if (!err)
		buf_printf(said, "%s was %s, and is healthy", x->config->service_name,
			   x->restart ? "restarted" : "started");
	return err;
}

/* Whoever stopped the service for what is half done will start it, when it is whole. */
static int refuse_unfinished(const struct config *c, struct buf *why)
{
	struct unfinished u;
	int err = unfinished_find(c, &u);

	if (err)
		buf_printf(why, "whether a restore or an update was cut off: %s", strerror(-err));
	if (err || !u.is)
		return err;
	if (u.working)
		buf_printf(why, "%s is under way, and starts the service itself", u.what);
	else
		buf_printf(why, "%s was cut off: %s", u.what, u.remedy);
	return -EBUSY;
}

int fix_plan_service(struct fix *x, bool restart, struct buf *why)
{
	const struct service_hooks hooks = { .listening = listening };
	int err = refuse_unfinished(x->config, why);

	if (!err)
		err = service_control_open(x->config, &hooks, why, &x->control);
	if (err)
		return err;
	x->restart = restart;
	x->apply = apply_service;
	snprintf(x->title, sizeof(x->title), "%s %s (%s %s)", restart ? "restart" : "start",
		 x->config->service_name, service_control_manager(x->control),
		 service_control_name(x->control));
	return 0;
}
