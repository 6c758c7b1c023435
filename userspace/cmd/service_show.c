/* SPDX-License-Identifier: MIT */
/* isamon service status: one screen, or JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/service_cmd.h"
#include "cmd/status_format.h"
#include "cmd/tool.h"
#include "probe/listeners.h"

#define COMMAND "isamon service status"
#define WHY_MAX 4096
#define HEALTH_MS 5000
#define NS_PER_S 1e9

struct look {
	struct service_state state;
	struct health health;
	bool up[CONFIG_PORTS_MAX];
	bool ports_known;
};

static bool is_fine(const struct look *l)
{
	return l->state.run == SERVICE_RUNNING && l->health.ok;
}

static json_t *process_json(const struct service_process *p)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "name", p->name, "state", service_run_word(p->run),
			      "word", p->word);

	if (p->pid)
		json_object_set_new(j, "pid", json_integer(p->pid));
	if (p->since_s)
		json_object_set_new(j, "started", json_integer(p->since_s));
	if (p->exit_status >= 0 && p->run != SERVICE_RUNNING)
		json_object_set_new(j, "exit_status", json_integer(p->exit_status));
	if (p->n_restarts)
		json_object_set_new(j, "restarts", json_integer((json_int_t)p->n_restarts));
	if (*p->why)
		json_object_set_new(j, "why", json_string(p->why));
	return j;
}

static json_t *health_json(const struct health *h)
{
	json_t *j = json_pack("{s:b, s:s}", "ok", h->ok, "path", h->path);

	if (h->status)
		json_object_set_new(j, "status", json_integer(h->status));
	if (h->ok)
		json_object_set_new(j, "seconds", json_real((double)h->took_ns / NS_PER_S));
	else
		json_object_set_new(j, "why", json_string(h->why));
	return j;
}

static int show_json(struct service_control *s, const struct config *c, const struct look *l)
{
	_cleanup_(json_freep) json_t *j =
		json_pack("{s:s, s:b, s:s, s:s, s:s}", "service", c->service_name, "fine",
			  is_fine(l), "state", service_run_word(l->state.run), "manager",
			  service_control_manager(s), "name", service_control_name(s));
	json_t *processes = json_array(), *ports = json_array();

	if (*service_control_socket(s))
		json_object_set_new(j, "socket", json_string(service_control_socket(s)));
	for (size_t i = 0; i < l->state.n; i++)
		json_array_append_new(processes, process_json(&l->state.processes[i]));
	for (size_t i = 0; i < c->n_ports && l->ports_known; i++)
		json_array_append_new(ports, json_pack("{s:i, s:b}", "port", (int)c->ports[i],
						       "listening", l->up[i]));
	json_object_set_new(j, "processes", processes);
	json_object_set_new(j, "ports", ports);
	json_object_set_new(j, "health", health_json(&l->health));
	if (tool_print_json(COMMAND, j) != CMD_OK)
		return CMD_FAILED;
	return is_fine(l) ? CMD_OK : CMD_NOT_OK;
}

static void show_process(const struct service_process *p)
{
	char since[40] = "", duration[STATUS_CELL_MAX];
	time_t start = (time_t)p->since_s;
	double s = (double)clock_realtime_ns() / NS_PER_S - (double)p->since_s;
	struct tm tm;

	printf("  process    %s   %s", p->name, p->word);
	if (p->pid)
		printf("   pid %d", (int)p->pid);
	if (p->run == SERVICE_RUNNING && p->since_s && localtime_r(&start, &tm) &&
	    strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", &tm)) {
		status_format_duration(s > 0 ? s : 0, duration);
		printf("   since %s (%s)", since, duration);
	}
	if (p->n_restarts)
		printf("   %llu restarts", (unsigned long long)p->n_restarts);
	if (p->run != SERVICE_RUNNING && service_exit_signal(p->exit_status))
		printf("   ended by signal %d", service_exit_signal(p->exit_status));
	else if (p->run != SERVICE_RUNNING && p->exit_status >= 0)
		printf("   exit status %d", p->exit_status);
	printf("%s%s\n", *p->why ? "   " : "", p->why);
}

static int show_text(struct service_control *s, const struct config *c, const struct look *l)
{
	printf("%s: %s%s\n\n", c->service_name, service_run_word(l->state.run),
	       l->state.run != SERVICE_RUNNING ? "" :
	       l->health.ok                    ? " and healthy" :
						 ", but not healthy");
	printf("  manager    %s   %s   %s\n", service_control_manager(s), service_control_name(s),
	       service_control_socket(s));
	for (size_t i = 0; i < l->state.n; i++)
		show_process(&l->state.processes[i]);
	if (l->health.ok)
		printf("  health     %s   status %d in %.1f ms\n", l->health.path, l->health.status,
		       (double)l->health.took_ns / 1e6);
	else
		printf("  health     %s\n", l->health.why);
	for (size_t i = 0; i < c->n_ports && l->ports_known; i++)
		printf("  port %-5u %s\n", c->ports[i],
		       l->up[i] ? " listening" : " nobody listens");
	return is_fine(l) ? CMD_OK : CMD_NOT_OK;
}

int service_show(struct service_control *s, const struct config *c, bool json)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct look l = { .ports_known = false };
	int err = service_control_state(s, &l.state, &why);

	if (err) {
		fprintf(stderr, COMMAND ": %s\n", buf_str(&why));
		return CMD_FAILED;
	}
	service_control_health(s, HEALTH_MS, &l.health);
	l.ports_known = listeners_find("/proc", c->ports, c->n_ports, l.up) == 0;
	return json ? show_json(s, c, &l) : show_text(s, c, &l);
}
