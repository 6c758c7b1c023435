/* SPDX-License-Identifier: MIT */
/* Probe and metrics do not know each other: the figures are copied here. */
#include "cmd/pressure_watch.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"

_Static_assert(PRESSURE_PORTS_MAX >= CONFIG_PORTS_MAX, "every port has its place");
_Static_assert(PRESSURE_RESOURCES == CGROUP_RESOURCES && PRESSURE_KINDS == CGROUP_KINDS,
	       "the same pressures on both floors");

int pressure_watch_open(struct pressure_watch *w, const struct config *c)
{
	int err = pressure_new(&w->probe);

	if (!err)
		pressure_watch_reload(w, c);
	return err;
}

void pressure_watch_close(struct pressure_watch *w)
{
	pressure_free(take(w->probe));
}

void pressure_watch_reload(struct pressure_watch *w, const struct config *c)
{
	pressure_set_ports(w->probe, c->ports, c->n_ports);
}

static void take_ports(struct pressure_watch *w)
{
	const struct pressure_port *ports = pressure_ports(w->probe, &w->figures.n_ports);

	for (size_t i = 0; i < w->figures.n_ports; i++) {
		w->figures.ports[i].port = ports[i].port;
		w->figures.ports[i].listening = ports[i].listening;
		w->figures.ports[i].length = ports[i].length;
		w->figures.ports[i].limit = ports[i].limit;
		w->figures.ports[i].drops = ports[i].drops;
	}
}

static void take_cgroup(struct pressure_figures *f, const struct cgroup_stat *s)
{
	f->has_throttling = s->has_cpu;
	f->periods = s->periods;
	f->throttled_periods = s->throttled_periods;
	f->throttled_ns = s->throttled_ns;
	f->has_memory = s->has_memory;
	f->memory_high = s->memory_high;
	f->memory_max = s->memory_max;
	_Static_assert(sizeof(f->has_pressure) == sizeof(s->has_pressure) &&
			       sizeof(f->pressure_ns) == sizeof(s->pressure_ns),
		       "copied whole");
	memcpy(f->has_pressure, s->has_pressure, sizeof(f->has_pressure));
	memcpy(f->pressure_ns, s->pressure_ns, sizeof(f->pressure_ns));
}

static void say(struct pressure_watch *w, int err)
{
	if (!err || w->said)
		return;
	w->said = true;
	log_warning("the listen queues of the service cannot be read: %s; %s", strerror(-err),
		    err == -ENOENT ? "the kernel's module tcp_diag is missing (modprobe tcp_diag)" :
		    err == -EAFNOSUPPORT ?
				     "the unit must allow AF_NETLINK (RestrictAddressFamilies=)" :
				     "isamon_listen_* are not on the page");
}

void pressure_watch_look(struct pressure_watch *w, pid_t pid)
{
	int err = pressure_look(w->probe, pid, clock_monotonic_ns());

	w->sees_queues = !err;
	say(w, err);
	take_ports(w);
	take_cgroup(&w->figures, pressure_cgroup(w->probe));
}
