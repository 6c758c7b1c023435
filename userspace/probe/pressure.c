/* SPDX-License-Identifier: MIT */
/* Turns readings into counters that outlive what was read: each look adds what came since the one before. */
#include "probe/pressure.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "config/config.h"

struct pressure {
	struct pressure_port ports[CONFIG_PORTS_MAX];
	size_t n_ports;
	struct listen_sockets sockets; /* of the last look */
	struct cgroup_mounts mounts;
	struct cgroup_dirs dirs; /* of the last look that found a cgroup */
	struct cgroup_stat last; /* what was read there */
	struct cgroup_stat total;
	uint64_t looked_ns; /* 0: never */
	int err;            /* of the last look */
};

int pressure_new(struct pressure **ret)
{
	struct pressure *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	cgroup_stat_mounts("/proc/self/mountinfo", &p->mounts); /* unreadable: no cgroup is found */
	*ret = p;
	return 0;
}

void pressure_free(struct pressure *p)
{
	if (!p)
		return;
	listen_sockets_done(&p->sockets);
	free(p);
}

static struct pressure_port *port_find(struct pressure *p, uint16_t port)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].port == port)
			return &p->ports[i];
	return NULL;
}

void pressure_set_ports(struct pressure *p, const uint16_t *ports, size_t n)
{
	struct pressure_port set[CONFIG_PORTS_MAX] = { 0 };

	assert(n <= CONFIG_PORTS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct pressure_port *old = port_find(p, ports[i]);

		if (old)
			set[i] = *old;
		set[i].port = ports[i];
	}
	memcpy(p->ports, set, sizeof(set));
	p->n_ports = n;
	p->looked_ns = 0;
}

static int by_cookie(const void *a, const void *b)
{
	const struct listen_socket *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

/* A socket that was there is counted on from what it had; a new one from 0, unless all are new to us. */
static void add_socket(struct pressure *p, const struct listen_socket *s)
{
	struct pressure_port *port = port_find(p, s->port);
	const struct listen_socket *old = NULL;

	if (!port)
		return;
	if (p->sockets.n)
		old = bsearch(s, p->sockets.items, p->sockets.n, sizeof(*s), by_cookie);
	port->listening = true;
	port->length += s->length;
	port->limit += s->limit;
	if (port->known)
		port->drops += s->drops - (old ? old->drops : 0);
}

void pressure_take_sockets(struct pressure *p, struct listen_sockets *s)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		p->ports[i].listening = false;
		p->ports[i].length = p->ports[i].limit = 0;
	}
	for (size_t i = 0; i < s->n; i++)
		add_socket(p, &s->items[i]);
	for (size_t i = 0; i < p->n_ports; i++)
		p->ports[i].known = true;
	listen_sockets_done(&p->sockets);
	p->sockets = *s;
	*s = (struct listen_sockets){ 0 };
}

/* Where a counter goes on from: from what it was, if it is the same cgroup's; from 0, if that was made
 * anew; otherwise, or if it was not there, from what it is. */
struct origin {
	bool same;
	bool anew;
};

static void add(uint64_t *total, uint64_t now, uint64_t last, bool was_there, struct origin o)
{
	if (o.anew || (o.same && was_there && now < last))
		*total += now;
	else if (o.same && was_there)
		*total += now - last;
}

static struct origin origin_of(const char *path, const char *last_path, uint64_t id,
			       uint64_t last_id)
{
	bool there = last_id && strcmp(path, last_path) == 0;

	return (struct origin){ .same = there && id == last_id, .anew = there && id != last_id };
}

static void add_cpu(struct cgroup_stat *total, const struct cgroup_stat *now,
		    const struct cgroup_stat *last, struct origin o)
{
	if (!now->has_cpu)
		return;
	total->has_cpu = true;
	add(&total->periods, now->periods, last->periods, last->has_cpu, o);
	add(&total->throttled_periods, now->throttled_periods, last->throttled_periods,
	    last->has_cpu, o);
	add(&total->throttled_ns, now->throttled_ns, last->throttled_ns, last->has_cpu, o);
}

static void add_memory(struct cgroup_stat *total, const struct cgroup_stat *now,
		       const struct cgroup_stat *last, struct origin o)
{
	if (!now->has_memory)
		return;
	total->has_memory = true;
	add(&total->memory_high, now->memory_high, last->memory_high, last->has_memory, o);
	add(&total->memory_max, now->memory_max, last->memory_max, last->has_memory, o);
	add(&total->memory_oom, now->memory_oom, last->memory_oom, last->has_memory, o);
	add(&total->memory_oom_kill, now->memory_oom_kill, last->memory_oom_kill, last->has_memory,
	    o);
}

static void add_pressure(struct cgroup_stat *total, const struct cgroup_stat *now,
			 const struct cgroup_stat *last, struct origin o)
{
	for (unsigned int r = 0; r < CGROUP_RESOURCES; r++) {
		for (unsigned int k = 0; k < CGROUP_KINDS; k++) {
			if (!now->has_pressure[r][k])
				continue;
			total->has_pressure[r][k] = true;
			add(&total->pressure_ns[r][k], now->pressure_ns[r][k],
			    last->pressure_ns[r][k], last->has_pressure[r][k], o);
		}
	}
}

void pressure_take_cgroup(struct pressure *p, const struct cgroup_dirs *dirs,
			  const struct cgroup_stat *now)
{
	const struct origin v2 = origin_of(dirs->v2, p->dirs.v2, now->v2_id, p->last.v2_id);
	const struct origin cpu = now->cpu_is_v2 ? v2 :
						   origin_of(dirs->v1_cpu, p->dirs.v1_cpu,
							     now->cpu_id, p->last.cpu_id);

	if (!now->v2_id && !now->cpu_id)
		return; /* the service is down; what it had is kept for when it is back */
	add_cpu(&p->total, now, &p->last, cpu);
	add_memory(&p->total, now, &p->last, v2);
	add_pressure(&p->total, now, &p->last, v2);
	p->dirs = *dirs;
	p->last = *now;
}

static void look_at_cgroup(struct pressure *p, pid_t pid)
{
	struct cgroup_dirs dirs;
	struct cgroup_stat now;

	if (pid <= 0 || cgroup_stat_dirs(&p->mounts, "/proc", pid, &dirs) != 0)
		return;
	cgroup_stat_read(&dirs, &now);
	pressure_take_cgroup(p, &dirs, &now);
}

int pressure_look(struct pressure *p, pid_t pid, uint64_t now_ns)
{
	struct listen_sockets sockets = { 0 };
	uint16_t ports[CONFIG_PORTS_MAX];

	if (p->looked_ns && now_ns - p->looked_ns < NS_PER_SEC)
		return p->err;
	p->looked_ns = now_ns;
	look_at_cgroup(p, pid);
	for (size_t i = 0; i < p->n_ports; i++)
		ports[i] = p->ports[i].port;
	p->err = sock_diag_listening(ports, p->n_ports, &sockets);
	if (!p->err)
		pressure_take_sockets(p, &sockets);
	listen_sockets_done(&sockets);
	return p->err;
}

const struct pressure_port *pressure_ports(const struct pressure *p, size_t *ret_n)
{
	*ret_n = p->err ? 0 : p->n_ports;
	return p->ports;
}

const struct cgroup_stat *pressure_cgroup(const struct pressure *p)
{
	return &p->total;
}
