/* SPDX-License-Identifier: MIT */
/* To where nginx passes requests, and whether the service is there. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "check/proxy_impl.h"

#define CONNECT_MS 1000
#define TEXT_MAX 1000

/* Appends "127.0.0.1:8000". */
static void add_address(const struct proxy_target *t, struct buf *out)
{
	if (t->address.unix_socket)
		buf_printf(out, "unix:%s", t->address.host);
	else
		buf_printf(out, strchr(t->address.host, ':') ? "[%s]:%u" : "%s:%u", t->address.host,
			   t->address.port);
}

/* Appends " (FILE line 12)". */
static void add_place(const struct proxy *p, const struct nginx_place *place, struct buf *out)
{
	const char *file = nginx_conf_file(&p->conf, place);

	if (*file)
		buf_printf(out, " (%s line %u)", file, place->line);
}

/* --- addresses */

static void set_ip(struct in6_addr *to, const struct sockaddr *from)
{
	if (from->sa_family == AF_INET6) {
		*to = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
		return;
	}
	memset(to, 0, sizeof(*to));
	to->s6_addr[10] = to->s6_addr[11] = 0xff;
	memcpy(&to->s6_addr[12], &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
}

/* A name is asked for as nginx does it, by NSS; that may block, within the time of the check. */
static bool resolve(struct proxy_target *t)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	if (getaddrinfo(t->address.host, NULL, &want, &list) != 0 || !list)
		return false;
	set_ip(&t->ip, list->ai_addr);
	for (const struct addrinfo *a = list; a; a = a->ai_next)
		if (a->ai_family == AF_INET) {
			set_ip(&t->ip, a->ai_addr);
			break;
		}
	freeaddrinfo(list);
	return true;
}

static bool is_local(const struct in6_addr *ip)
{
	struct ifaddrs *list = NULL;
	bool local = IN6_IS_ADDR_LOOPBACK(ip) ||
		     (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == 127) ||
		     IN6_IS_ADDR_UNSPECIFIED(ip);

	if (local || getifaddrs(&list))
		return local;
	for (const struct ifaddrs *a = list; a && !local; a = a->ifa_next) {
		struct in6_addr own;

		if (!a->ifa_addr ||
		    (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
			continue;
		set_ip(&own, a->ifa_addr);
		local = memcmp(&own, ip, sizeof(own)) == 0;
	}
	freeifaddrs(list);
	return local;
}

static const struct listening *who_takes(const struct proxy *p, const struct proxy_target *t)
{
	for (size_t i = 0; i < p->listening.n; i++)
		if (listening_takes(&p->listening.items[i], &t->ip, t->address.port))
			return &p->listening.items[i];
	return NULL;
}

static const struct listening *who_has(const struct proxy *p, uint16_t port)
{
	for (size_t i = 0; i < p->listening.n; i++)
		if (p->listening.items[i].port == port)
			return &p->listening.items[i];
	return NULL;
}

static bool is_service_port(const struct proxy *p, uint16_t port)
{
	for (size_t i = 0; i < p->config->n_ports; i++)
		if (p->config->ports[i] == port)
			return true;
	return false;
}

/* Where nobody listens on that port at all it is the right address all the same. */
static bool is_ours(const struct proxy *p, const struct proxy_target *t)
{
	if (!t->local || !is_service_port(p, t->address.port))
		return false;
	return who_takes(p, t) || !who_has(p, t->address.port);
}

static void add_target(struct proxy *p, const char *text, const struct nginx_pass *pass,
		       const struct nginx_place *place)
{
	struct proxy_target t = { .pass = pass, .place = *place };

	if (p->n_targets == PROXY_TARGETS_MAX || !nginx_address_parse(text, false, &t.address))
		return;
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i].address.port == t.address.port &&
		    strcmp(p->targets[i].address.host, t.address.host) == 0)
			return;
	t.resolved = !t.address.unix_socket && !t.address.variable && resolve(&t);
	t.local = t.resolved && is_local(&t.ip);
	t.ours = is_ours(p, &t);
	p->targets[p->n_targets++] = t;
}

void proxy_find_targets(struct proxy *p)
{
	for (size_t i = 0; i < p->conf.n_passes; i++) {
		const struct nginx_pass *pass = &p->conf.passes[i];
		struct nginx_address a;
		bool group = false;

		if (!nginx_address_parse(pass->text, false, &a))
			continue;
		for (size_t k = 0; k < p->conf.n_peers; k++) {
			const struct nginx_peer *peer = &p->conf.peers[k];

			if (strcmp(peer->upstream, a.host) != 0 || peer->down)
				continue;
			group = true;
			add_target(p, peer->text, pass, &peer->place);
		}
		if (!group)
			add_target(p, pass->text, pass, &pass->place);
	}
}

/* --- what is said of them */

static const struct proxy_target *first_ours(const struct proxy *p)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i].ours)
			return &p->targets[i];
	return NULL;
}

/* The address that nginx should have; by its listening socket, else by the configuration. */
static void add_right_address(const struct proxy *p, struct buf *out)
{
	const struct listening *l = who_has(p, p->config->ports[0]);

	if (l && !l->any)
		listening_add_address(&l->address, l->port, out);
	else
		buf_printf(out, "127.0.0.1:%u", p->config->ports[0]);
}

static int tell_wrong(struct proxy *p, const struct proxy_target *t)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX), remedy = BUF_INIT(TEXT_MAX);
	const char *file = nginx_conf_file(&p->conf, &t->place);
	struct finding_text f = {
		.id = "proxy.upstream",
		.result = FINDING_PROBLEM,
		.meaning = "nginx asks at an address where the service is not",
	};

	buf_add_str(&text, "nginx passes to ");
	add_address(t, &text);
	add_place(p, &t->place, &text);
	buf_add_str(&text, "; the service is at ");
	add_right_address(p, &text);
	buf_add_str(&remedy, "write ");
	add_right_address(p, &remedy);
	buf_printf(&remedy, " there%s%s, then nginx -t and nginx -s reload", *file ? ", in " : "",
		   file);
	f.remedy = buf_str(&remedy);
	return findings_add(p->out, &f, "%s", buf_str(&text));
}

static int tell_right(struct proxy *p, const struct proxy_target *t)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);

	buf_add_str(&text, "nginx passes to ");
	add_address(t, &text);
	add_place(p, &t->place, &text);
	return findings_add(p->out, &(struct finding_text){ .id = "proxy.upstream" }, "%s",
			    buf_str(&text));
}

/* One that is not the service's: another program's, which may be down. */
static int tell_other(struct proxy *p, const struct proxy_target *t)
{
	_cleanup_(buf_done) struct buf subject = BUF_INIT(TEXT_MAX), text = BUF_INIT(TEXT_MAX);
	const struct finding_text f = {
		.id = "proxy.upstream",
		.subject = (add_address(t, &subject), buf_str(&subject)),
		.result = FINDING_WARNING,
		.meaning = "what nginx passes there ends in 502",
	};

	if (!t->local || who_takes(p, t))
		return 0;
	buf_add_str(&text, "nginx passes to it, too, and nobody listens there");
	add_place(p, &t->place, &text);
	return findings_add(p->out, &f, "%s", buf_str(&text));
}

int proxy_tell_upstream(struct proxy *p)
{
	const struct finding_text note = { .id = "proxy.upstream", .result = FINDING_NOTE };
	const struct proxy_target *ours = first_ours(p), *wrong = NULL;
	int err;

	for (size_t i = 0; i < p->n_targets; i++)
		if (!wrong && p->targets[i].local)
			wrong = &p->targets[i];
	if (!ours && !wrong)
		return findings_add(
			p->out, &note, "%s",
			p->n_targets ? "nginx passes to other hosts, sockets or variables only" :
				       "nginx passes nothing on: it has no proxy_pass");
	if (!ours)
		return tell_wrong(p, wrong);
	err = tell_right(p, ours);
	for (size_t i = 0; i < p->n_targets && !err; i++)
		if (!p->targets[i].ours)
			err = tell_other(p, &p->targets[i]);
	return err;
}

/* Returns 0 or -errno; how long it took in *ret_ns. */
static int try_connect(const struct proxy_target *t, uint64_t *ret_ns)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(t->address.port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(t->address.port) };
	const bool v4 = IN6_IS_ADDR_V4MAPPED(&t->ip);
	_cleanup_(file_closep) int fd =
		socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const uint64_t start_ns = clock_monotonic_ns();
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int err = 0;

	six.sin6_addr = t->ip;
	memcpy(&four.sin_addr, &t->ip.s6_addr[12], 4);
	if (fd < 0)
		return -errno;
	if (connect(fd, v4 ? (const struct sockaddr *)&four : (const struct sockaddr *)&six,
		    v4 ? sizeof(four) : sizeof(six)) &&
	    errno != EINPROGRESS)
		return -errno;
	if (poll(&wait, 1, CONNECT_MS) <= 0)
		return -ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size);
	*ret_ns = clock_monotonic_ns() - start_ns;
	return -err;
}

int proxy_tell_connect(struct proxy *p)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	const struct proxy_target *t = first_ours(p);
	struct finding_text f = { .id = "proxy.connect" };
	uint64_t took_ns = 0;
	int err;

	if (!t)
		return 0;
	err = try_connect(t, &took_ns);
	p->connects = err == 0;
	add_address(t, &text);
	if (!err)
		return findings_add(p->out, &f, "%s takes connections, in %.1f ms", buf_str(&text),
				    (double)took_ns / 1e6);
	f.result = FINDING_PROBLEM;
	f.meaning = err == -ETIMEDOUT ? "the queue of connections is full, or a filter drops them" :
					"nginx does not get through to the service";
	f.remedy = "isamon doctor service";
	return findings_add(p->out, &f, "%s: %s", buf_str(&text), strerror(-err));
}
