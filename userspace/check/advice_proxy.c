/* SPDX-License-Identifier: MIT */
/* nginx before the service: streams that are not held back, room for connections. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/advice_nginx.h"

#define STREAMS_LEAST 100
#define ROOM_USED 0.5
/* https://nginx.org/en/docs/ngx_core_module.html */
#define WORKER_CONNECTIONS_DEFAULT 512
#define CONNECTIONS_A_CLIENT 2 /* its own, and that to the service */

/* What the location itself says of it; NULL: nothing. */
static const struct nginx_setting *own_buffering(const struct nginx_conf *c,
						 const struct nginx_pass *p)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct nginx_setting *s = &c->settings[i];

		if (strcmp(s->name, "proxy_buffering") == 0 && s->server == p->server &&
		    *s->location && strcmp(s->location, p->location) == 0)
			return s;
	}
	return NULL;
}

static int do_not_buffer(struct editing *e)
{
	int err = 0;

	for (size_t i = 0; i < e->conf->n_passes && !err; i++) {
		const struct nginx_pass *p = &e->conf->passes[i];
		const struct nginx_setting *own = own_buffering(e->conf, p);
		size_t len, line = own ? own->place.line : p->place.line;
		const char *at;

		if (p->place.file != e->file)
			continue;
		if (nginx_is_second(e->conf, i) || !nginx_in_location(e->text, p->place.line) ||
		    !nginx_stands_alone(e->text, p->place.line, "proxy_pass") ||
		    (own && (own->place.file != e->file ||
			     !nginx_stands_alone(e->text, line, "proxy_buffering"))))
			return -ENOENT;
		at = advice_line(e->text, line, &len);
		err = advice_edit(&e->edits, line, own != NULL, "%.*sproxy_buffering off;",
				  nginx_indent_of(e->text, line), at);
	}
	return err;
}

/* --- the advice */

int advice_proxy_buffering(const struct advice_case *c, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double streams = advice_sum(c->minutes, advice_streams);
	const struct nginx_conf *conf = &c->host->proxy;
	int err;

	if (!c->host->has_proxy || streams < STREAMS_LEAST)
		return 0;
	for (size_t i = 0; i < conf->n_passes; i++)
		if (nginx_is_set(conf, &conf->passes[i], "proxy_buffering", "off"))
			return 0;
	buf_printf(
		&d.evidence,
		"the service sent %.0f streams (answers that come in parts)\nnginx holds answers back in its "
		"buffers: proxy_buffering is not off anywhere before the service\n",
		streams);
	err = nginx_diff_files(c, do_not_buffer, "# proxy_buffering off; where streams pass\n",
			       &d.change);
	if (err)
		return err;
	buf_add_str(&d.change, ADVICE_NGINX_DO);
	buf_add_str(
		&d.effect,
		"the parts of an answer reach the user when they are made. Leave it out of locations without "
		"streams, where buffers free the service from slow clients; nothing changes where the service "
		"already sends X-Accel-Buffering: no");
	buf_add_str(&d.undo, ADVICE_NGINX_UNDO);
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

/* The line of the directive with the number @n. */
static int replace_number(struct advice_edits *e, const char *text, const struct nginx_setting *s,
			  unsigned int n)
{
	size_t len;
	const char *at = advice_line(text, s->place.line, &len), *value, *rest;

	value = memmem(at, len, s->name, strlen(s->name));
	if (!value)
		return -ENOENT;
	value += strlen(s->name);
	value += strspn(value, " \t");
	rest = value + strspn(value, "0123456789");
	if (rest == value || rest > at + len)
		return -ENOENT;
	return advice_edit(e, s->place.line, true, "%.*s%u%.*s", (int)(value - at), at, n,
			   (int)(at + len - rest), rest);
}

/* What a worker may open goes with what it may connect. */
static int change_files(const struct nginx_conf *conf, const char *text, unsigned int file,
			unsigned int n, struct advice_edits *e)
{
	const struct nginx_setting *limit = find_setting(conf, "worker_rlimit_nofile"),
				   *w = find_setting(conf, "worker_processes");

	if (limit && strtod(limit->value, NULL) >= n)
		return 0;
	if (limit)
		return limit->place.file == file ? replace_number(e, text, limit, n) : -ENOENT;
	if (!w || w->place.file != file ||
	    !nginx_stands_alone(text, w->place.line, "worker_processes"))
		return -ENOENT;
	return advice_edit(e, w->place.line, false, "worker_rlimit_nofile %u;", n);
}

static int change_connections(const struct advice_case *c, const struct nginx_setting *s,
			      unsigned int n, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	struct advice_edits e = { .n = 0 };
	const char *path = s ? nginx_conf_file(&c->host->proxy, &s->place) : "";
	int err = *path ? advice_host_read(c->host, path, &text) : -ENOENT, files = -ENOENT;

	if (!err)
		err = replace_number(&e, buf_str(&text), s, n);
	if (!err)
		files = change_files(&c->host->proxy, buf_str(&text), s->place.file, 2 * n, &e);
	if (!err)
		err = advice_host_diff(c->host, path, buf_str(&text), &e, out);
	if (err == -ENOMEM)
		return err;
	if (err)
		buf_printf(out, "# worker_connections %u; in \"events\" of nginx.conf\n", n);
	if (files)
		buf_printf(out,
			   "# and worker_rlimit_nofile %u; in nginx.conf, outside of all blocks\n",
			   2 * n);
	return out->err;
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
		"%s with %.0f (worker_connections%s): that is %.0f %% of them",
		peak, CONNECTIONS_A_CLIENT, workers, workers > 1 ? "workers" : "worker", each,
		s ? "" : ", its default", 100 * needed / (each * workers));
	buf_add_str(&d.evidence, needed > each * workers ?
					 ", so that it refused clients, or not all came by it\n" :
					 "\n");
	err = change_connections(c, s, n, &d.change);
	if (err)
		return err;
	buf_add_str(&d.change, ADVICE_NGINX_DO);
	buf_add_str(
		&d.effect,
		"room for four times what came until now. Without it nginx refuses clients (\"worker_connections "
		"are not enough\"). Each connection is an open file of nginx's, so that its limit goes with them");
	buf_add_str(&d.undo, ADVICE_NGINX_UNDO);
	return advice_draft_add(ret, &d, "proxy.connections", "More connections for nginx", false);
}
