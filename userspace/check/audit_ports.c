/* SPDX-License-Identifier: MIT */
/* Who listens to strangers, against the list of ports on which that is meant to be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "check/audit_impl.h"
#include "check/audit_sockets.h"

#define ID "ports.open"

/* What nobody should reach from elsewhere, by the port that IANA, or their makers, gave them. */
static const struct {
	uint16_t port;
	const char *what;
} dangerous[] = {
	{ 21, "FTP" },           { 23, "telnet" },          { 111, "the RPC port mapper" },
	{ 445, "SMB" },          { 2049, "NFS" },           { 2375, "Docker without TLS" },
	{ 3306, "MySQL" },       { 5432, "PostgreSQL" },    { 6379, "Redis" },
	{ 9001, "supervisord" }, { 9200, "Elasticsearch" }, { 11211, "memcached" },
	{ 27017, "MongoDB" },
};

static const char *danger_of(const struct audit_socket *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(dangerous); i++)
		if (!s->udp && dangerous[i].port == s->port)
			return dangerous[i].what;
	return NULL;
}

static bool is_among(const uint16_t *ports, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* isamon's own listener is not allowed elsewhere than on loopback unless insecure = yes says so. */
static bool is_allowed(const struct config *c, const struct audit_socket *s)
{
	if (s->udp)
		return is_among(c->audit_udp_ports, c->n_audit_udp_ports, s->port);
	return is_among(c->audit_ports, c->n_audit_ports, s->port) || s->port == c->listen_port;
}

/* Ports that the kernel gives to those who ask for none: a client of UDP has one for its answers. */
static bool is_ephemeral(uint16_t port)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100);
	unsigned int low = 32768, high = 60999;

	if (file_read("/proc/sys/net/ipv4/ip_local_port_range", &text) == 0)
		(void)sscanf(buf_str(&text), "%u %u", &low, &high);
	return port >= low && port <= high;
}

static void say_owner(const struct audit_socket *s, struct buf *out)
{
	if (!s->pid)
		buf_add_str(out, "whose it is cannot be seen from here");
	else
		buf_printf(out, "%s (process %d)", s->name, s->pid);
	if (*s->unit)
		buf_printf(out, " of %s", s->unit);
}

static int report(const struct audit_socket *s, struct findings *out)
{
	_cleanup_(buf_done) struct buf owner = BUF_INIT(400), meaning = BUF_INIT(400),
				       remedy = BUF_INIT(600);
	const char *danger = danger_of(s);
	char subject[16];

	snprintf(subject, sizeof(subject), "%s/%u", s->udp ? "udp" : "tcp", s->port);
	say_owner(s, &owner);
	if (danger)
		buf_printf(&meaning,
			   "The port is that of %s: whoever reaches this host can try it.", danger);
	else
		buf_add_str(&meaning, "Whoever reaches this host can speak to it.");
	buf_add_str(&remedy, "bind it to 127.0.0.1");
	if (*s->unit && strstr(s->unit, ".service"))
		buf_printf(&remedy, ", or end it: systemctl disable --now %s", s->unit);
	buf_printf(&remedy, "; or allow it: %s in [audit]",
		   s->udp ? "allow_udp_port" : "allow_port");
	return findings_add(out,
			    AUDIT_TEXT(.id = ID, .subject = subject,
				       .result = s->udp ? FINDING_NOTE :
						 danger ? FINDING_PROBLEM :
							  FINDING_WARNING,
				       .meaning = buf_str(&meaning), .remedy = buf_str(&remedy)),
			    "open on %s: %s", s->addresses, buf_str(&owner));
}

int audit_ports(const struct check_input *in, struct findings *out)
{
	struct audit_sockets *s = calloc(1, sizeof(*s));
	size_t n_allowed = 0, n_wrong = 0;
	int err = s ? audit_sockets_read(false, s) : -ENOMEM;

	for (size_t i = 0; !err && i < s->n; i++) {
		if (is_allowed(in->config, &s->list[i])) {
			n_allowed++;
		} else if (!s->list[i].udp || !is_ephemeral(s->list[i].port)) {
			n_wrong++;
			err = report(&s->list[i], out);
		}
	}
	if (!err && s->more)
		err = findings_add(out, AUDIT_TEXT(.id = "ports.many", .result = FINDING_UNKNOWN),
				   "more than %d ports are open; the others were not looked at",
				   AUDIT_SOCKETS_MAX);
	if (!err && !n_wrong)
		err = findings_add(out, AUDIT_TEXT(.id = ID, .result = FINDING_FINE),
				   "ports that others can reach: %zu, all of them allowed",
				   n_allowed);
	free(s);
	return err;
}
