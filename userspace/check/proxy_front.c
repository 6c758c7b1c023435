/* SPDX-License-Identifier: MIT */
/* What comes out in front: one request through nginx; whether it runs with the configuration that is on the disk; its log of errors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "care/health.h"
#include "check/nginx_log.h"
#include "check/proxy_impl.h"

#define FRONT_MS 2500
#define ANSWER_MAX (64 * 1024)
#define TEXT_MAX 1000
#define TAIL_BYTES (4u << 20)
#define LAST_S 3600
#define CLOCK_SLACK_S 1
#define DEFAULT_ERROR_LOG "/var/log/nginx/error.log"

/* --- a request */

/* Where the server listens in clear on this host; one without listen has port 80. */
static bool find_front(const struct proxy *p, size_t server, struct nginx_address *ret)
{
	if (server < p->conf.n_servers && !p->conf.servers[server].n_listen)
		return nginx_address_parse("80", true, ret);
	for (size_t i = 0; i < p->conf.n_listens; i++) {
		const struct nginx_listen *l = &p->conf.listens[i];

		if ((server == SIZE_MAX || l->server == server) && !l->tls &&
		    nginx_address_parse(l->text, true, ret) && !ret->unix_socket && !ret->variable)
			return true;
	}
	return false;
}

static int ask(const struct proxy *p, const struct nginx_address *front, const char *name,
	       struct http_reply *ret, struct buf *url)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(256);
	const bool any = strcmp(front->host, "*") == 0 || strcmp(front->host, "0.0.0.0") == 0 ||
			 strcmp(front->host, "::") == 0;
	const bool health = strcmp(p->config->service_health, CONFIG_HEALTH_NONE) != 0;
	const struct sigv4_header headers[] = { { "Connection", "close" }, { "Host", name } };
	struct transport_request r = {
		.method = "GET",
		.headers = headers,
		.n_headers = *name ? 2 : 1,
		.timeout_ms = FRONT_MS,
		.answer_max = ANSWER_MAX,
		.direct = true,
	};
	struct http *http;
	int err = http_new(&why, &http);

	if (err)
		return err;
	buf_printf(url, strchr(front->host, ':') && !any ? "http://[%s]:%u%s" : "http://%s:%u%s",
		   any ? "127.0.0.1" : front->host, front->port,
		   health ? p->config->service_health : "/");
	r.url = buf_str(url);
	http_ask(http, &r, ret);
	http_free(http);
	return 0;
}

static int tell_answer(struct proxy *p, const char *url, const struct http_reply *r)
{
	struct finding_text t = {
		.id = "proxy.front",
		.remedy = "the lines above tell at which step the way to the service ends",
	};

	/* A page without end is none of nginx's own, which tell of errors. */
	if (r->err == -EFBIG)
		return findings_add(p->out, &t, "%s answers, with more than %d KiB", url,
				    ANSWER_MAX / 1024);
	p->bad_gateway = r->err || r->status == 502 || r->status == 503 || r->status == 504;
	if (!p->bad_gateway)
		return findings_add(p->out, &t, "%s answers %d in %.0f ms", url, r->status,
				    (double)r->took_ns / 1e6);
	t.result = FINDING_PROBLEM;
	t.meaning = r->err ? "nginx does not answer" : "whoever comes by nginx gets an error";
	if (r->err)
		return findings_add(p->out, &t, "%s: %s", url, buf_str(&r->why));
	return findings_add(p->out, &t, "%s answers %d", url, r->status);
}

/* By the server that passes to the service; where none does, by the first that passes at all. */
int proxy_tell_front(struct proxy *p)
{
	_cleanup_(http_reply_done) struct http_reply reply = { .err = 0 };
	_cleanup_(buf_done) struct buf url = BUF_INIT(TEXT_MAX);
	const struct proxy_target *t = p->n_targets ? &p->targets[0] : NULL;
	struct nginx_address front;
	const char *name = "";

	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i].ours) {
			t = &p->targets[i];
			break;
		}
	if (!t || !find_front(p, t->pass->server, &front))
		return 0;
	if (t->pass->server < p->conf.n_servers)
		name = p->conf.servers[t->pass->server].name;
	if (strpbrk(name, "_*~$^"))
		name = "";
	if (ask(p, &front, name, &reply, &url))
		return 0;
	return tell_answer(p, buf_str(&url), &reply);
}

/* --- what it runs with */

int proxy_tell_reload(struct proxy *p)
{
	struct finding_text t = {
		.id = "proxy.reload",
		.result = FINDING_WARNING,
		.meaning = "nginx works by an older configuration than the one on the disk",
		.remedy = "nginx -s reload",
		.fix = "nginx-reload",
	};
	const char *newest = NULL;
	double newest_s = 0;

	for (size_t i = 0; i < p->conf.n_files; i++) {
		struct stat st;
		double at_s;

		if (stat(p->conf.files[i].path, &st))
			continue;
		at_s = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
		if (at_s <= newest_s)
			continue;
		newest_s = at_s;
		newest = p->conf.files[i].path;
	}
	if (!newest || p->processes.read_s <= 0)
		return 0;
	if (newest_s <= p->processes.read_s + CLOCK_SLACK_S)
		return findings_add(p->out, &(struct finding_text){ .id = t.id },
				    "nginx works by the configuration that is on the disk");
	/* Then the way on the disk is right, and the one in use is not. */
	if (p->bad_gateway && p->connects)
		t.result = FINDING_PROBLEM;
	return findings_add(p->out, &t, "%s was changed %.0f s after nginx had read it", newest,
			    newest_s - p->processes.read_s);
}

/* --- its log of errors */

static const char *error_log(const struct proxy *p)
{
	for (size_t i = 0; i < p->conf.n_error_logs; i++)
		if (p->conf.error_logs[i].path[0] == '/')
			return p->conf.error_logs[i].path;
	return DEFAULT_ERROR_LOG;
}

static unsigned int describe(const struct nginx_errors *e, struct buf *out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < NGINX_N_ERRORS; i++) {
		time_t at = (time_t)e->of[i].last_s;
		char clock[16] = "";
		struct tm tm;

		if (!e->of[i].n)
			continue;
		if (localtime_r(&at, &tm))
			strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		buf_printf(out, "%s%u %s, last %s", n ? "; " : "", e->of[i].n,
			   nginx_error_word((enum nginx_error)i), clock);
		n += e->of[i].n;
	}
	return n;
}

/* What is over is worth knowing; what goes on belongs to what was said above. */
int proxy_tell_errors(struct proxy *p)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct finding_text t = { .id = "proxy.errors" };
	const int64_t now_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	struct nginx_errors e = { .upstream = "" };
	const char *path = error_log(p);
	int err = nginx_errors_read(path, TAIL_BYTES, now_s - LAST_S, &e);
	unsigned int n;

	if (err) {
		t.result = err == -ENOENT ? FINDING_NOTE : FINDING_UNKNOWN;
		return findings_add(p->out, &t, "%s: %s", path, strerror(-err));
	}
	n = describe(&e, &text);
	if (!n)
		return findings_add(p->out, &t, "no error of the upstream in the last hour (%s)",
				    path);
	t.result = p->bad_gateway || !p->connects ? FINDING_WARNING : FINDING_NOTE;
	t.meaning = "requests of the last hour that nginx could not pass on";
	if (e.of[NGINX_DENIED].n)
		t.remedy = "SELinux forbids it: setsebool -P httpd_can_network_connect on";
	else if (e.of[NGINX_CONNECTIONS].n)
		t.remedy = "raise worker_connections in nginx.conf";
	else if (e.of[NGINX_FILES].n)
		t.remedy = "raise worker_rlimit_nofile in nginx.conf";
	return findings_add(p->out, &t, "%s%s%s", buf_str(&text), *e.upstream ? "; upstream " : "",
			    e.upstream);
}
