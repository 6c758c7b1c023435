/* SPDX-License-Identifier: MIT */
/* Who runs the service, and what they say of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "care/service_control_impl.h"
#include "care/supervisor.h"
#include "care/supervisor_conf.h"
#include "care/systemd.h"

#define WHY_MAX 2048

static const char *const conf_paths[] = { "/etc/supervisor/supervisord.conf",
					  "/etc/supervisord.conf" };
static const char *const sockets[] = { "/run/supervisor/supervisor.sock", "/run/supervisor.sock",
				       "/var/run/supervisor.sock" };

static const char *program_of(const struct config *c)
{
	return *c->service_program ? c->service_program : c->service_name;
}

static int open_systemd(struct service_control *s, struct buf *why)
{
	struct service_state state;
	struct systemd *manager = NULL;
	int err;

	if (*s->c->service_unit)
		snprintf(s->name, sizeof(s->name), "%s", s->c->service_unit);
	else
		snprintf(s->name, sizeof(s->name), "%s.service", s->c->service_name);
	err = systemd_open(s->name, why, &manager);
	if (err)
		return err;
	err = systemd_manager.look(manager, &state, why);
	if (err) {
		systemd_close(manager);
		return err;
	}
	s->ops = &systemd_manager;
	s->manager = manager;
	return 0;
}

/* @conf: its socket, user and password are taken where the configuration has none. */
static int try_socket(struct service_control *s, const char *socket,
		      const struct supervisor_conf *conf, struct buf *why)
{
	const struct config *c = s->c;
	bool own = *c->service_supervisor_user;
	const struct supervisor_options o = {
		.socket = socket,
		.program = program_of(c),
		.user = own  ? c->service_supervisor_user :
			conf ? conf->user :
			       NULL,
		.password = own  ? c->service_supervisor_password :
			    conf ? conf->password :
				   NULL,
	};
	struct supervisor *manager = NULL;
	struct service_state state;
	int err = supervisor_open(&o, why, &manager);

	if (!err)
		err = supervisor_manager.look(manager, &state, why);
	if (err) {
		supervisor_close(manager);
		return err;
	}
	s->ops = &supervisor_manager;
	s->manager = manager;
	snprintf(s->name, sizeof(s->name), "%s", o.program);
	snprintf(s->socket, sizeof(s->socket), "%s", socket);
	return 0;
}

/* One of several: that it is not there is not worth a word. */
static int try_usual(struct service_control *s, const char *socket,
		     const struct supervisor_conf *conf, int before, struct buf *why)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(WHY_MAX);
	int err;

	if (!*socket || access(socket, F_OK) != 0)
		return before;
	err = try_socket(s, socket, conf, &text);
	if (err)
		/* One socket may be named by both. */
		if (!strstr(buf_str(why), buf_str(&text)))
			buf_printf(why, "%s%s", why->len ? "; " : "", buf_str(&text));
	return err;
}

static int open_supervisor(struct service_control *s, struct buf *why)
{
	const char *own = s->c->service_supervisor_socket;
	int err = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(conf_paths) && err; i++) {
		struct supervisor_conf conf;
		bool read = supervisor_conf_read(conf_paths[i], &conf) == 0;

		if (read && (!*own || strcmp(own, conf.socket) == 0))
			err = try_usual(s, conf.socket, &conf, err, why);
		supervisor_conf_wipe(&conf);
		if (*own && read && !err)
			return 0;
	}
	if (*own && err) {
		buf_reset(why);
		return try_socket(s, own, NULL, why);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sockets) && err; i++)
		err = try_usual(s, sockets[i], NULL, err, why);
	if (err && !why->len)
		buf_add_str(why, "none of the usual sockets of Supervisor is there");
	return err;
}

static int open_manager(struct service_control *s, struct buf *why)
{
	_cleanup_(buf_done) struct buf one = BUF_INIT(WHY_MAX), other = BUF_INIT(WHY_MAX);
	int err;

	if (s->c->service_manager == CONFIG_MANAGER_SUPERVISOR)
		return open_supervisor(s, why);
	if (s->c->service_manager == CONFIG_MANAGER_SYSTEMD)
		return open_systemd(s, why);
	if (open_supervisor(s, &one) == 0)
		return 0;
	err = open_systemd(s, &other);
	if (!err)
		return 0;
	buf_printf(
		why,
		"neither Supervisor nor systemd is known to run %s: %s; %s. Write program or unit in [service]",
		s->c->service_name, buf_str(&one), buf_str(&other));
	return err == -ETIMEDOUT ? err : -ENOENT;
}

int service_control_open(const struct config *c, const struct service_hooks *hooks, struct buf *why,
			 struct service_control **ret)
{
	struct service_control *s = calloc(1, sizeof(*s));
	int err = s ? http_new(why, &s->http) : -ENOMEM;

	if (!err) {
		s->c = c;
		if (hooks)
			s->hooks = *hooks;
		err = open_manager(s, why);
	}
	if (err) {
		if (!why->len)
			buf_add_str(why, strerror(-err));
		service_control_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

void service_control_close(struct service_control *s)
{
	if (!s)
		return;
	if (s->ops)
		s->ops->close(s->manager);
	http_free(s->http);
	free(s);
}

void service_control_closep(struct service_control **s)
{
	service_control_close(*s);
}

const char *service_control_manager(const struct service_control *s)
{
	return s->ops->name;
}

const char *service_control_name(const struct service_control *s)
{
	return s->name;
}

const char *service_control_socket(const struct service_control *s)
{
	return s->socket;
}

int service_control_state(struct service_control *s, struct service_state *ret, struct buf *why)
{
	return s->ops->look(s->manager, ret, why);
}

void service_control_tail(struct service_control *s, struct buf *out)
{
	s->ops->tail(s->manager, out);
}

bool service_control_health(struct service_control *s, unsigned int timeout_ms, struct health *ret)
{
	return health_ask(s->http, s->c->ports[0], s->c->service_health, timeout_ms, ret);
}

void service_control_tell(struct service_control *s, const char *line)
{
	if (!s->hooks.seen || strncmp(line, s->seen, sizeof(s->seen) - 1) == 0)
		return;
	snprintf(s->seen, sizeof(s->seen), "%s", line);
	s->hooks.seen(line, s->hooks.ctx);
}

void service_control_describe(const struct service_state *state, struct buf *out)
{
	const struct service_process *p = NULL;

	for (size_t i = 0; i < state->n; i++)
		if (!p || state->processes[i].run > p->run)
			p = &state->processes[i];
	if (!p) {
		buf_add_str(out, "nothing is known of it");
		return;
	}
	buf_printf(out, "%s is %s", p->name, p->word);
	if (*p->why)
		buf_printf(out, ": %s", p->why);
	if (p->run != SERVICE_RUNNING && service_exit_signal(p->exit_status))
		buf_printf(out, " (ended by signal %d)", service_exit_signal(p->exit_status));
	else if (p->run != SERVICE_RUNNING && p->exit_status >= 0)
		buf_printf(out, " (exit status %d)", p->exit_status);
}
