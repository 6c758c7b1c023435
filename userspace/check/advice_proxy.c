/* SPDX-License-Identifier: MIT */
/*
 * nginx before the service: connections that are kept, streams that are not held back, room for connections.
 * Invariant: what may be set somewhere for a place (there, in its server, above it, in a file that is included) counts as set.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/advice_impl.h"

#define REQUESTS_LEAST 10000
#define NEW_CONNECTIONS 0.5 /* of the requests */
#define KEPT 32
#define STREAMS_LEAST 100
#define ROOM_USED 0.5
/* https://nginx.org/en/docs/ngx_core_module.html */
#define WORKER_CONNECTIONS_DEFAULT 512
#define NAME_CONNECTIONS "worker_connections"
#define CONNECTIONS_A_CLIENT 2 /* its own, and that to the service */

/* --- what is set */

static bool applies(const struct nginx_setting *s, const struct nginx_pass *p)
{
	if (*s->upstream)
		return false;
	if (s->server == SIZE_MAX)
		return true;
	return s->server == p->server && (!*s->location || strcmp(s->location, p->location) == 0);
}

static bool is_set(const struct nginx_conf *c, const struct nginx_pass *p, const char *name,
		   const char *value)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct nginx_setting *s = &c->settings[i];

		if (applies(s, p) && strcmp(s->name, name) == 0 &&
		    (!value || strcmp(s->value, value) == 0))
			return true;
	}
	return false;
}

static bool is_header(const struct nginx_setting *s, const char *name)
{
	const size_t n = strlen(name);

	return strcmp(s->name, "proxy_set_header") == 0 && strncasecmp(s->value, name, n) == 0 &&
	       (s->value[n] == ' ' || !s->value[n]);
}

static bool sets_connection(const struct nginx_conf *c, const struct nginx_pass *p)
{
	for (size_t i = 0; i < c->n_settings; i++)
		if (applies(&c->settings[i], p) && is_header(&c->settings[i], "Connection"))
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

/* --- edits of one of its files */

struct editing {
	const struct advice_case *c;
	const struct nginx_conf *conf;
	unsigned int file;
	const char *text;
	struct advice_edits edits;
	char upstream[64]; /* a new one's name */
};

static int indent_of(const char *text, size_t line)
{
	size_t len;
	const char *at = advice_line(text, line, &len);

	return (int)strspn(at, " \t");
}

/* Whether the line has one directive, of that name, and no bracket: then what comes behind the line stands in the same block. */
static bool stands_alone(const char *text, size_t line, const char *name)
{
	size_t len, n = strlen(name);
	const char *at = advice_line(text, line, &len), *end = at + len;

	at += strspn(at, " \t");
	return (size_t)(end - at) > n && memcmp(at, name, n) == 0 &&
	       (at[n] == ' ' || at[n] == '\t') && memchr(at, ';', (size_t)(end - at)) &&
	       !memchr(at, '{', (size_t)(end - at)) && !memchr(at, '}', (size_t)(end - at));
}

static int add_behind(struct editing *e, size_t line, const char *what)
{
	size_t len;
	const char *at = advice_line(e->text, line, &len);

	return advice_edit(&e->edits, line, false, "%.*s%s", indent_of(e->text, line), at, what);
}

/* How long nginx may keep a connection: less than the service does. Seconds of the servers' own documentation: --timeout-keep-alive of uvicorn
 * and keep_alive_timeout of hypercorn are 5, keepalive of gunicorn 2. 0: not known. */
static unsigned int kept_s(const struct editing *e)
{
	const char *server = advice_server(e->c->host);

	if (!server)
		return 0;
	return strcmp(server, "gunicorn") == 0 ? 1 : 4;
}

static void write_kept(const struct editing *e, const char *indent, int n, char *to, size_t size)
{
	const unsigned int s = kept_s(e);

	if (s)
		snprintf(to, size, "%.*skeepalive %d;\n%.*skeepalive_timeout %us;", n, indent, KEPT,
			 n, indent, s);
	else
		snprintf(to, size, "%.*skeepalive %d;", n, indent, KEPT);
}

static int keep_in_upstream(struct editing *e, const struct nginx_peer *peer)
{
	char text[512];
	size_t len;
	const char *at;

	if (peer->place.file != e->file)
		return 0;
	if (!stands_alone(e->text, peer->place.line, "server"))
		return -ENOENT;
	for (size_t i = 0; i < e->edits.n; i++)
		if (e->edits.list[i].line == peer->place.line)
			return 0;
	at = advice_line(e->text, peer->place.line, &len);
	write_kept(e, at, indent_of(e->text, peer->place.line), text, sizeof(text));
	return advice_edit(&e->edits, peer->place.line, false, "%s", text);
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

/* Before the server: an upstream of its own; and the address becomes its name. */
static int keep_by_new_upstream(struct editing *e, const struct nginx_pass *p,
				const struct nginx_address *a)
{
	const size_t line = server_line(e->text, p->place.line);
	const char *scheme = strstr(p->text, "://"), *rest, *at, *found;
	char kept[256], tab[] = "    ";
	size_t len;
	int err = 0;

	if (!line || !scheme)
		return -ENOENT;
	rest = scheme + 3 + strcspn(scheme + 3, "/");
	if (!*e->upstream) {
		snprintf(e->upstream, sizeof(e->upstream), "%.50s", e->c->config->service_name);
		write_kept(e, tab, 4, kept, sizeof(kept));
		err = advice_edit(&e->edits, line - 1, false,
				  strchr(a->host, ':') ?
					  "upstream %s {\n    server [%s]:%u;\n%s\n}\n" :
					  "upstream %s {\n    server %s:%u;\n%s\n}\n",
				  e->upstream, a->host, a->port, kept);
	}
	at = advice_line(e->text, p->place.line, &len);
	found = memmem(at, len, p->text, strlen(p->text));
	if (err || !found)
		return err ? err : -ENOENT;
	return advice_edit(&e->edits, p->place.line, true, "%.*s%.*s%s%s%.*s", (int)(found - at),
			   at, (int)(scheme + 3 - p->text), p->text, e->upstream, rest,
			   (int)(len - (size_t)(found - at) - strlen(p->text)),
			   found + strlen(p->text));
}

/* Where "Connection" is to stand: headers are inherited only where a place has none of its own. 0: with the pass. */
static size_t header_line(const struct editing *e, const struct nginx_pass *p)
{
	size_t line = 0;

	for (size_t i = 0; i < e->conf->n_settings; i++) {
		const struct nginx_setting *s = &e->conf->settings[i];

		if (strcmp(s->name, "proxy_set_header") != 0 || !applies(s, p))
			continue;
		if (*s->location)
			return 0;
		if (s->place.file == e->file && s->server == p->server &&
		    stands_alone(e->text, s->place.line, "proxy_set_header"))
			line = s->place.line;
	}
	return line;
}

static int speak_1_1(struct editing *e, const struct nginx_pass *p)
{
	const size_t line = header_line(e, p);
	int err = 0;

	if (!is_set(e->conf, p, "proxy_http_version", NULL))
		err = add_behind(e, p->place.line, "proxy_http_version 1.1;");
	if (err || sets_connection(e->conf, p))
		return err;
	for (size_t i = 0; line && i < e->edits.n; i++)
		if (e->edits.list[i].line == line && !e->edits.list[i].replaces)
			return 0;
	return add_behind(e, line ? line : p->place.line, "proxy_set_header Connection \"\";");
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
		if (!stands_alone(e->text, p->place.line, "proxy_pass"))
			return -ENOENT;
		if (!peer && nginx_address_parse(p->text, false, &a))
			err = keep_by_new_upstream(e, p, &a);
		if (!err)
			err = speak_1_1(e, p);
	}
	return err;
}

static int do_not_buffer(struct editing *e)
{
	int err = 0;

	for (size_t i = 0; i < e->conf->n_passes && !err; i++) {
		const struct nginx_place *at = &e->conf->passes[i].place;

		if (at->file != e->file)
			continue;
		if (!stands_alone(e->text, at->line, "proxy_pass"))
			return -ENOENT;
		err = add_behind(e, at->line, "proxy_buffering off;");
	}
	return err;
}

/* Of one file. Returns 0, -ENOMEM, or what says that there is no diff of it. */
static int diff_file(const struct advice_case *c, unsigned int file, int (*edit)(struct editing *e),
		     struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	const char *path = c->host->proxy.files[file].path;
	struct editing *e;
	int err = advice_host_read(c->host, path, &text);

	if (err)
		return err;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct editing){
		.c = c, .conf = &c->host->proxy, .file = file, .text = buf_str(&text)
	};
	err = edit(e);
	if (!err)
		err = advice_diff(path, e->text, &e->edits, out);
	free(e);
	return err;
}

/* The diffs of all files in which @edit finds something to do; or, where that cannot be said in diffs, all of it in words. */
static int diff_files(const struct advice_case *c, int (*edit)(struct editing *e),
		      const char *words, struct buf *out)
{
	_cleanup_(buf_done) struct buf diffs = BUF_INIT(ADVICE_TEXT_MAX);
	int err = 0;

	for (unsigned int i = 0; i < c->host->proxy.n_files && !err; i++)
		err = diff_file(c, i, edit, &diffs);
	if (err == -ENOMEM)
		return err;
	return err || !diffs.len ? buf_add_str(out, words) : buf_add(out, diffs.data, diffs.len);
}

#define UNDO "the diff backwards (patch -R), then nginx -t && nginx -s reload"
#define DO "# then: nginx -t && nginx -s reload\n"

/* --- the advice */

int advice_proxy_keepalive(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double sockets = advice_sum(c->minutes, advice_websockets_opened),
		     requests = advice_sum(c->minutes, advice_requests) - sockets,
		     connections = advice_sum(c->minutes, advice_connections) - sockets;
	int err;

	if (!c->host->has_proxy || requests < REQUESTS_LEAST ||
	    connections < NEW_CONNECTIONS * requests)
		return 0;
	for (size_t i = 0; i < c->host->proxy.n_passes; i++)
		if (keeps(&c->host->proxy, &c->host->proxy.passes[i]))
			return 0;
	buf_printf(
		&d.evidence,
		"%.0f requests came by %.0f new connections to the service: %.2f for each; WebSockets "
		"(%.0f) not counted\nno \"keepalive\" in the upstream of nginx\n",
		requests, connections, connections / requests, sockets);
	err = diff_files(
		c, keep_connections,
		"an upstream with \"keepalive 32;\", proxy_http_version 1.1, and proxy_set_header "
		"Connection \"\" where no WebSocket passes\n",
		&d.change);
	if (err)
		return err;
	buf_add_str(&d.change, DO);
	buf_printf(
		&d.effect,
		"nginx uses connections again: up to %.0f handshakes less, and no sockets in TIME_WAIT. It must "
		"let go of an idle one before the service does (%s)",
		connections,
		advice_server(c->host) ?
			"keepalive_timeout, here a second below the server's own default" :
			"keepalive_timeout of the upstream, below what the service waits");
	buf_add_str(&d.undo, UNDO);
	return advice_draft_add(ret, &d, "proxy.keepalive",
				"Keep nginx's connections to the service", false);
}

int advice_proxy_buffering(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double streams = advice_sum(c->minutes, advice_streams);
	const struct nginx_conf *conf = &c->host->proxy;
	int err;

	if (!c->host->has_proxy || streams < STREAMS_LEAST)
		return 0;
	for (size_t i = 0; i < conf->n_passes; i++)
		if (is_set(conf, &conf->passes[i], "proxy_buffering", "off"))
			return 0;
	buf_printf(
		&d.evidence,
		"the service sent %.0f streams (answers that come in parts)\nnginx holds answers back in its "
		"buffers: proxy_buffering is not off anywhere before the service\n",
		streams);
	err = diff_files(c, do_not_buffer, "proxy_buffering off; where streams pass\n", &d.change);
	if (err)
		return err;
	buf_add_str(&d.change, DO);
	buf_add_str(
		&d.effect,
		"the parts of an answer reach the user when they are made. Leave it out of locations without "
		"streams, where buffers free the service from slow clients; nothing changes where the service "
		"already sends X-Accel-Buffering: no");
	buf_add_str(&d.undo, UNDO);
	return advice_draft_add(ret, &d, "proxy.buffering", "Do not buffer streams in nginx",
				false);
}

static const struct nginx_setting *find_setting(const struct nginx_conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_settings; i++)
		if (strcmp(c->settings[i].name, name) == 0)
			return &c->settings[i];
	return NULL;
}

static int change_connections(const struct advice_case *c, const struct nginx_setting *s,
			      unsigned int n, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct advice_edits e = { .n = 0 };
	const char *path = s ? nginx_conf_file(&c->host->proxy, &s->place) : "", *at, *value;
	size_t len = 0;
	int err = *path ? advice_host_read(c->host, path, &text) : -ENOENT;

	at = err ? "" : advice_line(buf_str(&text), s->place.line, &len);
	value = err ? NULL : memmem(at, len, NAME_CONNECTIONS " ", sizeof(NAME_CONNECTIONS));
	if (!value)
		return buf_printf(out, NAME_CONNECTIONS " %u; in \"events\" of nginx.conf\n", n);
	value += sizeof(NAME_CONNECTIONS);
	err = advice_edit(&e, s->place.line, true, "%.*s%u%.*s", (int)(value - at), at, n,
			  (int)(len - (size_t)(value - at) - strspn(value, " 0123456789")),
			  value + strspn(value, " 0123456789"));
	return err ? err : advice_diff(path, buf_str(&text), &e, out);
}

int advice_proxy_connections(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const struct nginx_setting *s = find_setting(&c->host->proxy, "worker_connections"),
				   *w = find_setting(&c->host->proxy, "worker_processes");
	const double peak = advice_most(c->minutes, advice_open_connections),
		     cpus = fmax(advice_last(c->minutes, advice_cpus), 1),
		     workers = !w                            ? 1 :
			       strcmp(w->value, "auto") == 0 ? cpus :
							       fmax(strtod(w->value, NULL), 1),
		     each = s ? strtod(s->value, NULL) : WORKER_CONNECTIONS_DEFAULT,
		     needed = CONNECTIONS_A_CLIENT * peak;
	unsigned int n = 1024;
	int err;

	if (!c->host->has_proxy || each <= 0 || needed <= ROOM_USED * each * workers)
		return 0;
	while (n * workers < 4 * needed && n < 1u << 20)
		n *= 2;
	buf_printf(
		&d.evidence,
		"up to %.0f connections to the service were open; each takes %d of nginx's\nnginx has %.0f "
		"workers with %.0f (worker_connections%s): %.0f %% of them were in use\n",
		peak, CONNECTIONS_A_CLIENT, workers, each, s ? "" : ", its default",
		100 * needed / (each * workers));
	err = change_connections(c, s, n, &d.change);
	if (err)
		return err;
	buf_add_str(&d.change, DO);
	buf_printf(
		&d.effect,
		"room for four times what came until now. Without it nginx refuses clients (\"worker_connections "
		"are not enough\"). Each connection needs an open file: worker_rlimit_nofile must be %u or more",
		2 * n);
	buf_add_str(&d.undo, UNDO);
	return advice_draft_add(ret, &d, "proxy.connections", "More connections for nginx", false);
}
