/* SPDX-License-Identifier: MIT */
/* Sockets by their ports. Invariant: one entry for each protocol and port. */
#include "check/audit_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "care/process_unit.h"

static bool is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static struct audit_socket *entry_of(struct audit_sockets *s, bool udp, uint16_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].udp == udp && s->list[i].port == port)
			return &s->list[i];
	if (s->n == AUDIT_SOCKETS_MAX) {
		s->more = true;
		return NULL;
	}
	s->list[s->n] = (struct audit_socket){ .udp = udp, .port = port };
	return &s->list[s->n++];
}

static void entry_add(struct audit_socket *e, const struct listening *l)
{
	const struct in6_addr *a = &l->address;
	char text[INET6_ADDRSTRLEN];
	size_t len = strlen(e->addresses);

	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, &a->s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, a, text, sizeof(text));
	e->wildcard = e->wildcard || l->any;
	if (!strstr(e->addresses, text) && len + strlen(text) + 3 < sizeof(e->addresses))
		snprintf(e->addresses + len, sizeof(e->addresses) - len, "%s%s", len ? ", " : "",
			 text);
	if (e->pid || !l->pid)
		return;
	e->pid = l->pid;
	e->uid = l->uid;
	memcpy(e->name, l->name, sizeof(e->name));
}

void audit_sockets_add(const struct listening_list *l, bool loopback, struct audit_sockets *s)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct listening *item = &l->items[i];
		struct audit_socket *e;

		if (!item->port || (is_loopback(&item->address) && !loopback))
			continue;
		e = entry_of(s, item->udp, item->port);
		if (e)
			entry_add(e, item);
	}
}

int audit_sockets_read(bool loopback, struct audit_sockets *ret)
{
	_cleanup_(listening_done) struct listening_list l = { 0 };
	int err = listening_read_all("/proc", &l);

	if (err)
		return err;
	audit_sockets_add(&l, loopback, ret);
	for (size_t i = 0; i < ret->n; i++) {
		struct audit_socket *e = &ret->list[i];

		if (e->pid)
			process_unit("/proc", e->pid, e->unit, sizeof(e->unit));
	}
	return 0;
}
