/* SPDX-License-Identifier: MIT */
/*
 * Connections of nginx to the service that are kept: an upstream with keepalive, HTTP/1.1, no "Connection: close".
 * Invariant: a diff leaves each location all else that it has: its address, its Host, the headers that it inherits. Where that is not sure, there is
 * none.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check/advice_nginx.h"

#define REQUESTS_LEAST 10000
#define NEW_CONNECTIONS 0.5 /* of the requests */
#define KEPT 32
/* In a minute with fewer an idle connection is let go before the next request comes. */
#define KEPT_REQUESTS 60

static bool is_header(const struct nginx_setting *s, const char *name)
{
	const size_t n = strlen(name);

	return strcmp(s->name, "proxy_set_header") == 0 && strncasecmp(s->value, name, n) == 0 &&
	       (s->value[n] == ' ' || !s->value[n]);
}

static bool sets_connection(const struct nginx_conf *c, const struct nginx_pass *p)
{
	for (size_t i = 0; i < c->n_settings; i++)
		if (nginx_applies(&c->settings[i], p) && is_header(&c->settings[i], "Connection"))
			return true;
	return false;
}

/* The upstream that it passes to; NULL: to an address. */
static const struct nginx_peer *peer_of(const struct nginx_conf *c, const struct nginx_pass *p)
{
	const struct nginx_peer *last = NULL;
	struct nginx_address a;

	if (!nginx_address_parse(p->text, false, &a))
		return NULL;
	for (size_t i = 0; i < c->n_peers; i++)
		if (strcmp(c->peers[i].upstream, a.host) == 0)
			last = &c->peers[i];
	return last;
}

static bool keeps(const struct nginx_conf *c, const struct nginx_pass *p)
{
	const struct nginx_peer *peer = peer_of(c, p);

	for (size_t i = 0; peer && i < c->n_settings; i++)
		if (strcmp(c->settings[i].name, "keepalive") == 0 &&
		    strcmp(c->settings[i].upstream, peer->upstream) == 0)
			return true;
	return false;
}

/* How long nginx may keep a connection: less than the service does. What the command line says, or the servers' own documentation: --timeout-keep-alive
 * of uvicorn and --keep-alive of hypercorn are 5, --keep-alive of gunicorn 2. NaN: not known. */
static double kept_s(const struct advice_case *c)
{
	const char *server = advice_server(c->host);
	double own;

	if (!server)
		return NAN;
	own = advice_option(c->host, strcmp(server, "uvicorn") == 0 ? "--timeout-keep-alive" :
								      "--keep-alive");
	if (isnan(own))
		own = strcmp(server, "gunicorn") == 0 ? 2 : 5;
	return floor(own) - 1;
}

static int write_kept(const struct editing *e, const char *indent, int n, char *to, size_t size)
{
	const double s = kept_s(e->c);

	if (isnan(s))
		snprintf(to, size, "%.*skeepalive %d;", n, indent, KEPT);
	else
		snprintf(to, size, "%.*skeepalive %d;\n%.*skeepalive_timeout %.0fs;", n, indent,
			 KEPT, n, indent, s);
	return s < 1 ? -ENOENT : 0; /* it lets go before nginx can */
}

/* The last line of the block that @line stands in, before its bracket: keepalive comes behind the method of balancing. 0: not found. */
static size_t block_end(const char *text, size_t line)
{
	const size_t n_lines = advice_lines(text);

	for (; line < n_lines; line++) {
		size_t len;
		const char *at = advice_line(text, line + 1, &len);

		at += strspn(at, " \t");
		if (*at == '}')
			return line;
		if (*at != '#' && memchr(at, '{', strcspn(at, "\n")))
			break;
	}
	return 0;
}

static int keep_in_upstream(struct editing *e, const struct nginx_peer *peer)
{
	char text[512];
	size_t len, line;
	const char *at;
	int err;

	if (peer->place.file != e->file)
		return 0;
	line = block_end(e->text, peer->place.line);
	if (!line || !nginx_stands_alone(e->text, peer->place.line, "server"))
		return -ENOENT;
	for (size_t i = 0; i < e->edits.n; i++)
		if (e->edits.list[i].line == line)
			return 0;
	at = advice_line(e->text, peer->place.line, &len);
	err = write_kept(e, at, nginx_indent_of(e->text, peer->place.line), text, sizeof(text));
	return err ? err : advice_edit(&e->edits, line, false, "%s", text);
}

/* The line where the server begins that has line @line; 0: not found. */
static size_t server_line(const char *text, size_t line)
{
	for (; line; line--) {
		size_t len;
		const char *at = advice_line(text, line, &len);

		at += strspn(at, " \t");
		if (strncmp(at, "server", 6) == 0 && strspn(at + 6, " \t{\n") > 0 &&
		    !strpbrk((char[]){ at[6], 0 }, "_0123456789"))
			return line;
	}
	return 0;
}

static bool is_upstream(const struct editing *e, const char *name)
{
	for (size_t i = 0; i < e->conf->n_peers; i++)
		if (strcmp(e->conf->peers[i].upstream, name) == 0)
			return true;
	for (size_t i = 0; i < e->new->n; i++)
		if (strcmp(e->new->list[i].name, name) == 0)
			return true;
	return false;
}

/* The service's name, as far as it can stand there, and a number if that is taken. */
static void name_upstream(const struct editing *e, char *to, size_t size)
{
	char base[51] = "";

	for (size_t i = 0; i < sizeof(base) - 1 && e->c->config->service_name[i]; i++) {
		const char c = e->c->config->service_name[i];

		base[i] = isascii(c) && isalnum((unsigned char)c) ? c : '-';
	}
	snprintf(to, size, "%s", base);
	for (unsigned int i = 2; is_upstream(e, to); i++)
		snprintf(to, size, "%s-%u", base, i);
}

/* The name of the new upstream of that address, which is defined before the server in line @line if it is not yet. */
static int new_upstream(struct editing *e, size_t line, const struct nginx_address *a,
			const char **ret)
{
	struct upstreams *u = e->new;
	char kept[256], tab[] = "    ";
	int err;

	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->list[i].host, a->host) == 0 && u->list[i].port == a->port) {
			*ret = u->list[i].name;
			return 0;
		}
	if (u->n == UPSTREAMS_MAX)
		return -ENOENT;
	err = write_kept(e, tab, 4, kept, sizeof(kept));
	if (err)
		return err;
	name_upstream(e, u->list[u->n].name, sizeof(u->list[u->n].name));
	snprintf(u->list[u->n].host, sizeof(u->list[u->n].host), "%s", a->host);
	u->list[u->n].port = a->port;
	*ret = u->list[u->n++].name;
	return advice_edit(&e->edits, line - 1, false,
			   strchr(a->host, ':') ? "upstream %s {\n    server [%s]:%u;\n%s\n}\n" :
						  "upstream %s {\n    server %s:%u;\n%s\n}\n",
			   *ret, a->host, a->port, kept);
}

/* Before the server: an upstream of its own; and the address becomes its name. */
static int keep_by_new_upstream(struct editing *e, const struct nginx_pass *p,
				const struct nginx_address *a)
{
	const size_t line = server_line(e->text, p->place.line);
	const char *scheme = strstr(p->text, "://"), *rest, *at, *found, *name = NULL;
	size_t len;
	int err;

	if (!line || !scheme)
		return -ENOENT;
	rest = scheme + 3 + strcspn(scheme + 3, "/");
	err = new_upstream(e, line, a, &name);
	at = advice_line(e->text, p->place.line, &len);
	found = memmem(at, len, p->text, strlen(p->text));
	if (err || !found)
		return err ? err : -ENOENT;
	return advice_edit(&e->edits, p->place.line, true, "%.*s%.*s%s%s%.*s", (int)(found - at),
			   at, (int)(scheme + 3 - p->text), p->text, name, rest,
			   (int)(len - (size_t)(found - at) - strlen(p->text)),
			   found + strlen(p->text));
}

static bool has_own_header(const struct nginx_conf *c, const struct nginx_pass *p)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct nginx_setting *s = &c->settings[i];

		if (strcmp(s->name, "proxy_set_header") == 0 && s->server == p->server &&
		    *s->location && strcmp(s->location, p->location) == 0)
			return true;
	}
	return false;
}

/* Where a header is to stand, *ret (0: with the pass): a place inherits headers only as long as it has none of its own, so that one more would take
 * the others away. Returns 0; -ENOENT: they come from elsewhere. */
static int header_line(const struct editing *e, const struct nginx_pass *p, size_t *ret)
{
	bool inherits = false;
	size_t line = 0;

	*ret = 0;
	if (has_own_header(e->conf, p))
		return 0;
	for (size_t i = 0; i < e->conf->n_settings; i++) {
		const struct nginx_setting *s = &e->conf->settings[i];

		if (strcmp(s->name, "proxy_set_header") != 0 || *s->location || *s->upstream ||
		    (s->server != SIZE_MAX && p->server != SIZE_MAX && s->server != p->server))
			continue;
		inherits = true;
		if (s->place.file == e->file && s->server == p->server && s->server != SIZE_MAX &&
		    nginx_stands_alone(e->text, s->place.line, "proxy_set_header"))
			line = s->place.line;
	}
	*ret = line;
	return inherits && !line ? -ENOENT : 0;
}

static bool sets_header(const struct nginx_conf *c, const struct nginx_pass *p, const char *name)
{
	for (size_t i = 0; i < c->n_settings; i++)
		if (nginx_applies(&c->settings[i], p) && is_header(&c->settings[i], name))
			return true;
	return false;
}

/* Where the pass gets another name: what it sent as Host by itself until now. */
static int keep_host(struct editing *e, const struct nginx_pass *p, const struct nginx_address *a,
		     size_t line)
{
	const char *scheme = strstr(p->text, "://");
	char text[NGINX_TEXT_MAX + 64];

	if (!a || !scheme || sets_header(e->conf, p, "Host"))
		return 0;
	snprintf(text, sizeof(text), "proxy_set_header Host %.*s;", (int)strcspn(scheme + 3, "/"),
		 scheme + 3);
	return nginx_add_behind(e, line ? line : p->place.line, text);
}

static bool has_edit(const struct editing *e, size_t line)
{
	for (size_t i = 0; i < e->edits.n; i++)
		if (e->edits.list[i].line == line && !e->edits.list[i].replaces)
			return true;
	return false;
}

/* @a: of the pass, if it gets a new name. */
static int speak_1_1(struct editing *e, const struct nginx_pass *p, const struct nginx_address *a)
{
	size_t line = 0;
	int err = 0;

	if (nginx_is_set(e->conf, p, "proxy_http_version", "1.0"))
		return -ENOENT;
	if (!sets_connection(e->conf, p) || (a && !sets_header(e->conf, p, "Host")))
		err = header_line(e, p, &line);
	if (err)
		return err;
	if (line && has_edit(e, line)) /* for another location of the server */
		line = SIZE_MAX;
	if (!nginx_is_set(e->conf, p, "proxy_http_version", NULL))
		err = nginx_add_behind(e, p->place.line, "proxy_http_version 1.1;");
	if (err || line == SIZE_MAX)
		return err;
	if (!sets_connection(e->conf, p))
		err = nginx_add_behind(e, line ? line : p->place.line,
				       "proxy_set_header Connection \"\";");
	return err ? err : keep_host(e, p, a, line);
}

static int keep_connections(struct editing *e)
{
	int err = 0;

	for (size_t i = 0; i < e->conf->n_passes && !err; i++) {
		const struct nginx_pass *p = &e->conf->passes[i];
		const struct nginx_peer *peer = peer_of(e->conf, p);
		struct nginx_address a;

		if (peer)
			err = keep_in_upstream(e, peer);
		if (err || p->place.file != e->file)
			continue;
		if (!nginx_stands_alone(e->text, p->place.line, "proxy_pass") ||
		    !nginx_in_location(e->text, p->place.line) || nginx_is_second(e->conf, i))
			return -ENOENT;
		if (!peer && !nginx_address_parse(p->text, false, &a))
			return -ENOENT;
		if (!peer)
			err = keep_by_new_upstream(e, p, &a);
		if (!err)
			err = speak_1_1(e, p, peer ? NULL : &a);
	}
	return err;
}

static bool has_variable(const struct nginx_conf *c)
{
	for (size_t i = 0; i < c->n_passes; i++)
		for (size_t j = 0; j < c->n_settings; j++)
			if (nginx_applies(&c->settings[j], &c->passes[i]) &&
			    is_header(&c->settings[j], "Connection") &&
			    strchr(c->settings[j].value, '$'))
				return true;
	return false;
}

static double dense(const struct history_minute *m, double value)
{
	return m->requests >= KEPT_REQUESTS ? value : NAN;
}

static double dense_requests(const struct history_minute *m)
{
	return dense(m, advice_requests(m));
}

static double dense_connections(const struct history_minute *m)
{
	return dense(m, advice_connections(m));
}

static double dense_websockets(const struct history_minute *m)
{
	return dense(m, advice_websockets_opened(m));
}

int advice_proxy_keepalive(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double sockets = advice_sum(c->minutes, dense_websockets),
		     requests = advice_sum(c->minutes, dense_requests) - sockets,
		     connections = advice_sum(c->minutes, dense_connections) - sockets;
	int err;

	if (!c->host->has_proxy || requests < REQUESTS_LEAST ||
	    connections < NEW_CONNECTIONS * requests)
		return 0;
	for (size_t i = 0; i < c->host->proxy.n_passes; i++)
		if (keeps(&c->host->proxy, &c->host->proxy.passes[i]))
			return 0;
	buf_printf(
		&d.evidence,
		"in minutes with %d requests or more %.0f of them came by %.0f new connections to the service: "
		"%.2f for each; WebSockets (%.0f) not counted\nno \"keepalive\" in the upstream of nginx\n",
		KEPT_REQUESTS, requests, connections, connections / requests, sockets);
	err = nginx_diff_files(
		c, keep_connections,
		"# an upstream with \"keepalive 32;\", proxy_http_version 1.1, and proxy_set_header "
		"Connection \"\" where no WebSocket passes (that takes away the headers that a location "
		"inherits: repeat them)\n",
		&d.change);
	if (err)
		return err;
	buf_add_str(&d.change, ADVICE_NGINX_DO);
	buf_printf(
		&d.effect,
		"nginx uses connections again: up to %.0f handshakes less, and no sockets in TIME_WAIT. It must "
		"let go of an idle one before the service does (%s)",
		connections,
		advice_server(c->host) ?
			"keepalive_timeout, here a second below the server's" :
			"keepalive_timeout of the upstream, below what the service waits");
	if (has_variable(&c->host->proxy))
		buf_add_str(
			&d.effect,
			". Where \"Connection\" comes from a map, that must say \"\" for requests without "
			"Upgrade: with \"close\" nothing is kept");
	buf_add_str(&d.undo, ADVICE_NGINX_UNDO);
	return advice_draft_add(ret, &d, "proxy.keepalive",
				"Keep nginx's connections to the service", false);
}
