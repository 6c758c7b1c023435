/* SPDX-License-Identifier: MIT */
/* Where problems stand, and the checks of [listen]. */
#include "config/problems.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/parse.h"
#include "config/schema.h"

static const struct schema_key *key_named(const char *section, const char *name)
{
	const struct schema_key *k = schema_find_key(schema_config(), section, name);

	assert(k);
	return k;
}

static void begin(struct config_check *check, unsigned int line)
{
	buf_add_str(check->problems, check->where);
	if (line)
		buf_printf(check->problems, ":%u", line);
	check->err = -EINVAL;
}

void check_failed_nth(struct config_check *check, const char *section, const char *name, size_t i)
{
	unsigned int line = 0;

	if (check->lines)
		line = parse_line_of(check->lines, key_named(section, name), check->c, i);
	begin(check, line);
	buf_printf(check->problems, ": [%s] %s = ", section, name);
}

void check_failed(struct config_check *check, const char *section, const char *name)
{
	check_failed_nth(check, section, name, 0);
}

static void failed_item(struct config_check *check, const char *section, const char *label,
			const void *item, const char *name, size_t i)
{
	unsigned int line = 0;

	if (check->lines) {
		line = parse_line_of(check->lines, key_named(section, name), item, i);
		line = line ?: parse_section_line_of(check->lines, item);
	}
	begin(check, line);
	buf_printf(check->problems, ": [%s \"%s\"] %s = ", section, label, name);
}

void check_failed_alarm(struct config_check *check, const struct config_alarm *a, const char *name,
			size_t i)
{
	failed_item(check, "alarm", a->name, a, name, i);
}

void check_failed_log(struct config_check *check, const struct config_log *l, const char *name,
		      size_t i)
{
	failed_item(check, "log", l->name, l, name, i);
}

void check_failed_job(struct config_check *check, const struct config_job *j, const char *name)
{
	failed_item(check, "job", j->name, j, name, 0);
}

bool check_alarm_says(const struct config_check *check, const struct config_alarm *a,
		      const char *name)
{
	return check->lines && parse_line_of(check->lines, key_named("alarm", name), a, 0);
}

/* RFC 1122 3.2.1.3 (127/8), RFC 4291 2.5.3 (::1), and 127/8 as an IPv4-mapped address. */
static bool is_loopback(const char *address)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, address, &v6) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static void check_exposure(struct config_check *check)
{
	const struct config *c = check->c;

	if (c->listen_insecure || is_loopback(c->listen_address))
		return;
	check_failed(check, "listen", "address");
	buf_printf(check->problems,
		   "%s: whoever reaches this address could read the metrics, for there is "
		   "neither TLS nor a password; listen on 127.0.0.1 behind a proxy, or, where "
		   "the network itself keeps others out, write insecure = yes in [listen]\n",
		   c->listen_address);
}

static void check_own_port(struct config_check *check)
{
	const struct config *c = check->c;

	for (size_t i = 0; i < c->n_ports; i++) {
		if (c->ports[i] != c->listen_port)
			continue;
		check_failed(check, "listen", "port");
		buf_printf(check->problems,
			   "%u: is also among the service's ports, so isamon would measure itself; "
			   "choose another port for one of them\n",
			   c->listen_port);
	}
}

void check_listen(struct config_check *check)
{
	check_exposure(check);
	check_own_port(check);
}

void check_secret_file(struct config_check *check, const char *section, const char *key)
{
	const struct stat *st = check->file;

	if (!st)
		return;
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		check_failed(check, section, key);
		buf_printf(
			check->problems,
			"...: the file belongs to user %u, who can read and change it; chown root "
			"and chmod 600 it\n",
			st->st_uid);
	} else if (st->st_mode & (S_IRWXG | S_IRWXO)) {
		check_failed(check, section, key);
		buf_printf(
			check->problems,
			"...: others than root can read or change the file (mode %03o); chmod 600 "
			"it\n",
			st->st_mode & 0777);
	}
}
