/* SPDX-License-Identifier: MIT */
/* One reading of /proc/net/tcp and tcp6 a look; one log line a change. */
#include "cmd/service_watch.h"

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
	if (!w->known || any != w->up)
		notify_status("%s is %s", c->service_name, any ? "up" : "down");
	w->known = true;
	w->up = any;
}
