/* SPDX-License-Identifier: MIT */
/* Counters that outlive sockets and cgroups: what each look adds to them. */
#include "probe/pressure.h"

#include "unit.h"

static const uint16_t ports[] = { 8000, 8001 };

static void pressure_done(struct pressure **p)
{
	pressure_free(*p);
}

static struct pressure *pressure_of_ports(void)
{
	struct pressure *p = NULL;

	if (pressure_new(&p) == 0)
		pressure_set_ports(p, ports, ARRAY_SIZE(ports));
	return p;
}

static void take_list(struct pressure *p, const struct listen_socket *list, size_t n)
{
	struct listen_sockets s = { calloc(n + 1, sizeof(*list)), n, n + 1 };

	if (s.items && n)
		memcpy(s.items, list, n * sizeof(*list));
	pressure_take_sockets(p, &s);
	EXPECT(!s.items);
}

#define TAKE(p, ...) \
	take_list((p), (const struct listen_socket[]){ __VA_ARGS__ }, \
		  sizeof((const struct listen_socket[]){ __VA_ARGS__ }) / \
			  sizeof(struct listen_socket))
#define SOCKET(number, of_port, waiting, backlog, dropped) \
	{ \
		.cookie = (number), .port = (of_port), .length = (waiting), .limit = (backlog), \
		.drops = (dropped) \
	}

static void expect_port(const struct pressure *p, size_t i, bool listening, uint64_t length,
			uint64_t limit, uint64_t drops)
{
	size_t n;
	const struct pressure_port *port = pressure_ports(p, &n);

	if (!EXPECT(i < n))
		return;
	EXPECT_UINT(port[i].port, 8000 + i);
	EXPECT_INT(port[i].listening, listening);
	EXPECT_UINT(port[i].length, length);
	EXPECT_UINT(port[i].limit, limit);
	EXPECT_UINT(port[i].drops, drops);
}

static void sums(void)
{
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();

	REQUIRE(p);
	TAKE(p, SOCKET(1, 8000, 2, 10, 0), SOCKET(2, 8000, 3, 20, 0), SOCKET(3, 9999, 9, 9, 9));
	expect_port(p, 0, true, 5, 30, 0);
	expect_port(p, 1, false, 0, 0, 0);
	TAKE(p, SOCKET(1, 8000, 0, 10, 4), SOCKET(2, 8000, 1, 20, 5), SOCKET(4, 8001, 7, 8, 0));
	expect_port(p, 0, true, 1, 30, 9);
	expect_port(p, 1, true, 7, 8, 0);
}

static void beginning(void)
{
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();

	REQUIRE(p);
	TAKE(p,
	     SOCKET(1, 8000, 0, 10, 100)); /* it was there before us: that is not ours to count */
	expect_port(p, 0, true, 0, 10, 0);
	TAKE(p, SOCKET(1, 8000, 0, 10, 101));
	expect_port(p, 0, true, 0, 10, 1);
	/* This one came since the last look, so all that it has is new; 8001 as well. */
	TAKE(p, SOCKET(1, 8000, 0, 10, 101), SOCKET(2, 8000, 0, 10, 7), SOCKET(3, 8001, 0, 1, 6));
	expect_port(p, 0, true, 0, 20, 8);
	expect_port(p, 1, true, 0, 1, 6);
}

static void restart(void)
{
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();

	REQUIRE(p);
	TAKE(p, SOCKET(1, 8000, 0, 10, 0));
	TAKE(p, SOCKET(1, 8000, 11, 10, 40));
	take_list(p, NULL, 0); /* the service is down */
	expect_port(p, 0, false, 0, 0, 40);
	TAKE(p, SOCKET(9, 8000, 0, 10, 2));
	expect_port(p, 0, true, 0, 10, 42);
	TAKE(p, SOCKET(9, 8000, 0, 10, 2));
	expect_port(p, 0, true, 0, 10, 42);
}

static void wrap(void)
{
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();

	REQUIRE(p);
	TAKE(p, SOCKET(1, 8000, 0, 10, UINT32_MAX - 1));
	TAKE(p, SOCKET(1, 8000, 0, 10, 3));
	expect_port(p, 0, true, 0, 10, 5);
}

static void reload(void)
{
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();
	static const uint16_t others[] = { 8000, 8002 };
	const struct pressure_port *port;
	size_t n;

	REQUIRE(p);
	TAKE(p, SOCKET(1, 8000, 0, 10, 0), SOCKET(2, 8001, 0, 10, 0));
	TAKE(p, SOCKET(1, 8000, 0, 10, 3), SOCKET(2, 8001, 0, 10, 4));
	pressure_set_ports(p, others, 2);
	TAKE(p, SOCKET(1, 8000, 0, 10, 5), SOCKET(5, 8002, 1, 10, 60));
	expect_port(p, 0, true, 0, 10, 5);
	port = pressure_ports(p, &n);
	EXPECT_UINT(port[1].port, 8002);
	EXPECT_UINT(port[1].drops, 0); /* new to us, not new */
	pressure_set_ports(p, ports, 2);
	TAKE(p, SOCKET(1, 8000, 0, 10, 5), SOCKET(2, 8001, 0, 10, 9));
	expect_port(p, 1, true, 0, 10, 0);
}

static struct cgroup_stat stat_of(uint64_t id, uint64_t ns)
{
	struct cgroup_stat s = { .v2_id = id,
				 .cpu_id = id,
				 .cpu_is_v2 = true,
				 .has_cpu = true,
				 .periods = ns * 2,
				 .throttled_periods = ns,
				 .throttled_ns = ns,
				 .has_memory = true,
				 .memory_max = ns };

	s.has_pressure[CGROUP_IO][CGROUP_SOME] = true;
	s.pressure_ns[CGROUP_IO][CGROUP_SOME] = ns;
	return s;
}

static void expect_cgroup(const struct pressure *p, uint64_t ns)
{
	const struct cgroup_stat *s = pressure_cgroup(p);

	EXPECT(s->has_cpu && s->has_memory && s->has_pressure[CGROUP_IO][CGROUP_SOME]);
	EXPECT(!s->has_pressure[CGROUP_CPU][CGROUP_SOME]);
	EXPECT_UINT(s->periods, ns * 2);
	EXPECT_UINT(s->throttled_periods, ns);
	EXPECT_UINT(s->throttled_ns, ns);
	EXPECT_UINT(s->memory_max, ns);
	EXPECT_UINT(s->pressure_ns[CGROUP_IO][CGROUP_SOME], ns);
}

static void take_cgroup(struct pressure *p, const char *path, struct cgroup_stat s)
{
	struct cgroup_dirs d = { 0 };

	snprintf(d.v2, sizeof(d.v2), "%s", path);
	pressure_take_cgroup(p, &d, &s);
}

static void cgroups(void)
{
	static const struct cgroup_stat none;
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();

	REQUIRE(p);
	EXPECT(!pressure_cgroup(p)->has_cpu && !pressure_cgroup(p)->has_memory);
	take_cgroup(p, "/a", stat_of(7, 1000)); /* from before us */
	expect_cgroup(p, 0);
	take_cgroup(p, "/a", stat_of(7, 1010));
	expect_cgroup(p, 10);
	take_cgroup(p, "", none); /* the service is down */
	expect_cgroup(p, 10);
	take_cgroup(p, "/a", stat_of(8, 5)); /* made anew for the same unit */
	expect_cgroup(p, 15);
	take_cgroup(p, "/a", stat_of(8, 6));
	expect_cgroup(p, 16);
	take_cgroup(p, "/b", stat_of(3, 700)); /* moved to one that has been there before */
	expect_cgroup(p, 16);
	take_cgroup(p, "/b", stat_of(3, 701));
	expect_cgroup(p, 17);
}

static void controllers(void)
{
	_cleanup_(pressure_done) struct pressure *p = pressure_of_ports();
	struct cgroup_dirs d = { .v2 = "/a", .v1_cpu = "/v1/a" };
	struct cgroup_stat s = stat_of(7, 1000);

	REQUIRE(p);
	s.cpu_is_v2 = s.has_cpu = false; /* no controller at all */
	pressure_take_cgroup(p, &d, &s);
	EXPECT(!pressure_cgroup(p)->has_cpu);
	s.has_cpu = true; /* switched on: in v1, with a directory of its own */
	s.cpu_id = 7;     /* which may have the same number */
	pressure_take_cgroup(p, &d, &s);
	EXPECT(pressure_cgroup(p)->has_cpu);
	EXPECT_UINT(pressure_cgroup(p)->throttled_ns, 0);
	s.throttled_ns += 30;
	pressure_take_cgroup(p, &d, &s);
	EXPECT_UINT(pressure_cgroup(p)->throttled_ns, 30);
	EXPECT_UINT(pressure_cgroup(p)->memory_max, 0);
}

static void look(void)
{
	_cleanup_(pressure_done) struct pressure *p = NULL;
	size_t n;
	int err;

	REQUIRE_INT(pressure_new(&p), 0);
	err = pressure_look(p, 0, 1);
	if (err == -ENOENT) {
		unit_skip("this kernel has no tcp_diag");
		return;
	}
	EXPECT_INT(err, 0);
	pressure_ports(p, &n);
	EXPECT_UINT(n, 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the sockets of a port are summed", sums },
		{ "counters begin at the first look", beginning },
		{ "drops survive a restart of the service", restart },
		{ "the kernel's counter may wrap", wrap },
		{ "ports that change keep what they had", reload },
		{ "a cgroup's counters survive its being made anew", cgroups },
		{ "a controller may be switched on later, in v1", controllers },
		{ "without ports and processes there is nothing", look },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
