/* SPDX-License-Identifier: MIT */
/*
 * How far the service's unit, and isamon's, are kept in by systemd; and whether whoever serves runs as root. Judged are the few settings
 * that cost a service nothing: systemd.exec(5), "Sandboxing".
 */
#include "check/audit_units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/utf8.h"
#include "check/audit_impl.h"
#include "check/audit_sockets.h"

#define OWN_UNIT "isamon.service"
#define BOOTED "/run/systemd/system" /* where systemd runs: sd_booted(3) */
#define ASK_MS 12000                 /* of a host without CPU time to spare */
#define TEXT_MAX (64u << 10)

static void set(struct audit_unit *u, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} fields[] = {
		{ "Id", u->id, sizeof(u->id) },
		{ "LoadState", u->load, sizeof(u->load) },
		{ "User", u->user, sizeof(u->user) },
		{ "NoNewPrivileges", u->no_new_privileges, sizeof(u->no_new_privileges) },
		{ "ProtectSystem", u->protect_system, sizeof(u->protect_system) },
		{ "ProtectHome", u->protect_home, sizeof(u->protect_home) },
		{ "PrivateTmp", u->private_tmp, sizeof(u->private_tmp) },
	};

	if (strcmp(name, "DynamicUser") == 0)
		u->dynamic_user = strcmp(value, "yes") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(name, fields[i].name) == 0)
			utf8_make_plain(value, strlen(value), fields[i].to, fields[i].size);
}

bool audit_units_next(const char **at, const char *end, struct audit_unit *ret)
{
	char line[512];
	bool any = false;

	*ret = (struct audit_unit){ 0 };
	while (audit_next_line(at, end, line, sizeof(line))) {
		char *value = strchr(line, '=');

		if (!*line && any)
			return true;
		if (!value)
			continue;
		*value++ = '\0';
		set(ret, line, value);
		any = true;
	}
	return any;
}

static int report(const struct audit_unit *u, const char *setting, const char *value,
		  const char *better, enum finding_result result, const char *meaning,
		  struct findings *out)
{
	char subject[300], remedy[400];

	snprintf(subject, sizeof(subject), "%s %s", u->id, setting);
	snprintf(remedy, sizeof(remedy),
		 "systemctl edit %s: under [Service] write %s=%s; then restart it", u->id, setting,
		 better);
	return findings_add(out,
			    AUDIT_TEXT(.id = "units.hardening", .subject = subject,
				       .result = result, .meaning = meaning, .remedy = remedy),
			    "%s=%s", setting, *value ? value : "no");
}

static bool is_off(const char *value)
{
	return !*value || strcmp(value, "no") == 0;
}

static int judge_settings(const struct audit_unit *u, struct findings *out)
{
	const struct {
		const char *name, *value, *better;
		enum finding_result result;
		const char *meaning;
	} settings[] = {
		{ "NoNewPrivileges", u->no_new_privileges, "yes", FINDING_WARNING,
		  "Who takes it over can use sudo and setuid programs." },
		{ "ProtectSystem", u->protect_system, "full", FINDING_WARNING,
		  "/usr, /boot and /etc are kept from it by their modes alone." },
		{ "PrivateTmp", u->private_tmp, "yes", FINDING_NOTE,
		  "Its temporary files can be guessed and met by others." },
		{ "ProtectHome", u->protect_home, "yes", FINDING_NOTE,
		  "Homes, with their keys, are kept from it by their modes alone." },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && !err; i++)
		if (is_off(settings[i].value))
			err = report(u, settings[i].name, settings[i].value, settings[i].better,
				     settings[i].result, settings[i].meaning, out);
	return err;
}

/* isamon's own has to be root's. */
static int judge(const struct audit_unit *u, const struct config *c, struct findings *out)
{
	const bool root = !u->dynamic_user && (!*u->user || strcmp(u->user, "root") == 0);
	int err = 0;

	if (strcmp(u->load, "loaded") != 0)
		return 0;
	if (root && strcmp(u->id, OWN_UNIT) != 0)
		err = report(u, "User", "root", c->app_user, FINDING_PROBLEM,
			     "Who takes the service over has the host.", out);
	return err ?: judge_settings(u, out);
}

static int ask(const struct config *c, struct findings *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct audit_unit u;
	char unit[300];
	const char *const argv[] = {
		"systemctl",
		"show",
		"--no-pager",
		"--property=Id,LoadState,User,DynamicUser,NoNewPrivileges,ProtectSystem,ProtectHome,PrivateTmp",
		"--",
		unit,
		OWN_UNIT,
		NULL
	};
	const char *at;
	int err;

	if (*c->service_unit)
		snprintf(unit, sizeof(unit), "%s", c->service_unit);
	else
		snprintf(unit, sizeof(unit), "%s.service", c->service_name);
	if (access(BOOTED, F_OK))
		return 0;
	err = child_run(argv, ASK_MS, &text);
	if (err)
		return findings_add(out,
				    AUDIT_TEXT(.id = "units.hardening", .result = FINDING_UNKNOWN),
				    "systemctl does not answer: %.200s",
				    err < 0 ? strerror(-err) : buf_str(&text));
	at = buf_str(&text);
	while (!err && audit_units_next(&at, buf_str(&text) + text.len, &u))
		err = judge(&u, c, out);
	return err;
}

/* Whoever runs it: the processes behind the service's ports. */
static int judge_processes(const struct config *c, struct findings *out, bool *ret_seen)
{
	struct audit_sockets *s = calloc(1, sizeof(*s));
	int err = s ? audit_sockets_read(true, s) : -ENOMEM;

	for (size_t i = 0; !err && i < s->n; i++) {
		const struct audit_socket *k = &s->list[i];
		bool own = false;
		char subject[32];

		for (size_t p = 0; p < c->n_ports; p++)
			own = own || (!k->udp && c->ports[p] == k->port);
		*ret_seen |= own && k->pid;
		if (!own || !k->pid || k->uid != 0)
			continue;
		snprintf(subject, sizeof(subject), "port %u", k->port);
		err = findings_add(
			out,
			AUDIT_TEXT(.id = "units.root", .subject = subject,
				   .result = FINDING_PROBLEM,
				   .meaning = "Who takes the service over has the host.",
				   .remedy =
					   "run it as the user of [app]: User= in its unit, user= in "
					   "its program of Supervisor"),
			"%s (process %d), which serves port %u, runs as root", k->name, k->pid,
			k->port);
	}
	free(s);
	return err;
}

int audit_units(const struct check_input *in, struct findings *out)
{
	const size_t before = out->n;
	bool seen = false;
	int err = ask(in->config, out);

	if (!err)
		err = judge_processes(in->config, out, &seen);
	if (err || out->n > before)
		return err;
	if (!seen)
		return findings_add(
			out, AUDIT_TEXT(.id = "units.hardening", .result = FINDING_FINE),
			"what systemd runs is kept in; who serves was not seen: nobody listens on the "
			"service's ports, or it cannot be told who");
	return findings_add(out, AUDIT_TEXT(.id = "units.hardening", .result = FINDING_FINE),
			    "whoever serves is not root, and kept in where systemd runs it");
}
