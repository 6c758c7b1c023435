/* SPDX-License-Identifier: MIT */
/* One question to the kernel a look; one log line a change. */
#include "cmd/service_watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "probe/listeners.h"

static void say(const struct service_watch *w, const struct config *c, size_t i, bool up)
{
	if (up)
		log_info("%s listens on port %u", c->service_name, c->ports[i]);
	else if (w->known)
		log_warning("%s no longer listens on port %u", c->service_name, c->ports[i]);
	else
		log_info("nothing listens on port %u yet; requests are counted as soon as %s does",
			 c->ports[i], c->service_name);
}

void service_watch_look(struct service_watch *w, const struct config *c)
{
	bool up[CONFIG_PORTS_MAX] = { false };
	bool any = false;

	if (listeners_find("/proc", c->ports, c->n_ports, up) != 0)
		return;
	for (size_t i = 0; i < c->n_ports; i++) {
		any |= up[i];
		if (!w->known || up[i] != w->port_up[i])
			say(w, c, i, up[i]);
		w->port_up[i] = up[i];
	}
	if (any != w->up || !(w->since_s > 0))
		w->since_s = (double)clock_realtime_ns() / (double)NS_PER_SEC;
	if (!w->known || any != w->up)
		notify_status("%s is %s", c->service_name, any ? "up" : "down");
	w->known = true;
	w->up = any;
}

void service_watch_status(const struct service_watch *w, const struct config *c, struct status *s)
{
	s->service_up = w->up;
	if (w->since_s > 0 && w->up)
		s->up_since_s = w->since_s; /* until its processes tell it better */
	else if (w->since_s > 0)
		s->down_since_s = w->since_s;
	for (; s->n_ports < c->n_ports && s->n_ports < STATUS_PORTS_MAX; s->n_ports++) {
		s->ports[s->n_ports].port = c->ports[s->n_ports];
		s->ports[s->n_ports].listening = w->port_up[s->n_ports];
		s->ports[s->n_ports].queue_length = STATUS_UNKNOWN;
		s->ports[s->n_ports].queue_limit = STATUS_UNKNOWN;
		s->ports[s->n_ports].drops = STATUS_UNKNOWN;
	}
}
