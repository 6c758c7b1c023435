/* SPDX-License-Identifier: MIT */
/* One question to the kernel a look; one log line a change. */
#include "cmd/service_watch.h"

#include <math.h>
#include <string.h>

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

static void look_at_queues(struct service_watch *w, const struct config *c, const uint64_t *waiting,
			   uint64_t answers)
{
	if (!w->known) /* perhaps of other ports */
		memset(&w->accepts, 0, sizeof(w->accepts));
	accept_watch_look(&w->accepts, waiting, c->n_ports, answers, clock_monotonic_ns());
}

void service_watch_look(struct service_watch *w, const struct config *c, uint64_t answers)
{
	bool up[CONFIG_PORTS_MAX] = { false };
	uint64_t waiting[CONFIG_PORTS_MAX];
	bool any = false;

	if (listeners_waiting("/proc", c->ports, c->n_ports, up, waiting) != 0)
		return;
	look_at_queues(w, c, waiting, answers);
	for (size_t i = 0; i < c->n_ports; i++) {
		any |= up[i];
		if (!w->known || up[i] != w->port_up[i])
			say(w, c, i, up[i]);
		w->port_up[i] = up[i];
	}
	if (any && !w->up)
		w->was_down = w->since_s > 0;
	if (any != w->up || !(w->since_s > 0))
		w->since_s = (double)clock_realtime_ns() / (double)NS_PER_SEC;
	if (!w->known || any != w->up)
		notify_status("%s is %s", c->service_name, any ? "up" : "down");
	w->known = true;
	w->up = any;
}

/* NAN: nobody waits. */
static double waiting_since_s(const struct accept_watch *a, size_t i, double now_s)
{
	if (!a->since_ns[i])
		return NAN;
	return now_s - (double)(clock_monotonic_ns() - a->since_ns[i]) / (double)NS_PER_SEC;
}

void service_watch_status(const struct service_watch *w, const struct config *c, struct status *s)
{
	s->service_up = w->up;
	if (w->since_s > 0 && w->up && w->was_down)
		s->up_since_s = w->since_s; /* until its processes tell it better */
	else if (w->since_s > 0 && !w->up)
		s->down_since_s = w->since_s;
	for (; s->n_ports < c->n_ports && s->n_ports < STATUS_PORTS_MAX; s->n_ports++) {
		s->ports[s->n_ports].port = c->ports[s->n_ports];
		s->ports[s->n_ports].listening = w->port_up[s->n_ports];
		s->ports[s->n_ports].queue_length = STATUS_UNKNOWN;
		s->ports[s->n_ports].queue_limit = STATUS_UNKNOWN;
		s->ports[s->n_ports].drops = STATUS_UNKNOWN;
		s->ports[s->n_ports].waiting_since_s =
			waiting_since_s(&w->accepts, s->n_ports, s->now_s);
	}
}
