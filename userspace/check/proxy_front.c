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

/* Where the server listens in clear, or with @tls, on this host; one without listen has port 80. */
static bool find_front(const struct proxy *p, size_t server, bool tls, struct nginx_address *ret)
{
	if (server < p->conf.n_servers && !p->conf.servers[server].n_listen)
		return !tls && nginx_address_parse("80", true, ret);
	for (size_t i = 0; i < p->conf.n_listens; i++) {
		const struct nginx_listen *l = &p->conf.listens[i];

		if ((server == SIZE_MAX || l->server == server) && l->tls == tls &&
		    nginx_address_parse(l->text, true, ret) && !ret->unix_socket && !ret->variable)
			return true;
	}
	return false;
}

struct front {
	struct nginx_address address;
	const char *name; /* of the server; "": not known */
	bool tls;
};

/* Appends "127.0.0.1:443": what listens on every address is asked at that of the loopback. */
static void add_address(const struct nginx_address *a, struct buf *out)
{
	const bool any4 = strcmp(a->host, "*") == 0 || strcmp(a->host, "0.0.0.0") == 0;
	const char *host = any4 ? "127.0.0.1" : strcmp(a->host, "::") == 0 ? "::1" : a->host;

	buf_printf(out, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, a->port);
}

/* With TLS the name is in the URL, so that it is asked for (SNI), and holds against the certificate; without one there is nothing to hold. */
static void ask(const struct proxy *p, struct http *http, const struct front *f, bool verify,
		struct http_reply *ret, struct buf *url)
{
	_cleanup_(buf_done) struct buf to = BUF_INIT(TEXT_MAX);
	const bool health = strcmp(p->config->service_health, CONFIG_HEALTH_NONE) != 0;
	const struct sigv4_header headers[] = { { "Connection", "close" }, { "Host", f->name } };
	struct transport_request r = {
		.method = "GET",
		.headers = headers,
		.n_headers = *f->name && !f->tls ? 2 : 1,
		.timeout_ms = FRONT_MS,
		.answer_max = ANSWER_MAX,
		.direct = true,
		.any_certificate = !verify,
	};

	add_address(&f->address, &to);
	buf_reset(url);
	buf_add_str(url, f->tls ? "https://" : "http://");
	if (f->tls && *f->name)
		buf_printf(url, "%s:%u", f->name, f->address.port);
	else
		buf_add_str(url, buf_str(&to));
	buf_add_str(url, health ? p->config->service_health : "/");
	r.url = buf_str(url);
	r.connect_to = f->tls ? buf_str(&to) : NULL;
	http_ask(http, &r, ret);
}

static const char *mean_error(const struct http_reply *r)
{
	return r->err == -ETIMEDOUT ? "nginx waits for the service, and gives no answer in time" :
				      "nginx does not answer";
}

static int tell_answer(struct proxy *p, const char *url, const struct http_reply *r)
{
	struct finding_text t = {
		.id = "proxy.front",
		.remedy = "the lines above tell at which step the way to the service ends",
	};
	const bool bad = r->err || r->status == 502 || r->status == 503 || r->status == 504;

	/* A page without end is none of nginx's own, which tell of errors. */
	if (r->err == -EFBIG)
		return findings_add(p->out, &t, "%s answers, with more than %d KiB", url,
				    ANSWER_MAX / 1024);
	p->bad_gateway = p->bad_gateway || bad;
	if (!bad)
		return findings_add(p->out, &t, "%s answers %d in %.0f ms", url, r->status,
				    (double)r->took_ns / 1e6);
	t.result = FINDING_PROBLEM;
	t.meaning = r->err ? mean_error(r) : "whoever comes by nginx gets an error";
	if (r->err)
		return findings_add(p->out, &t, "%s: %s", url, buf_str(&r->why));
	return findings_add(p->out, &t, "%s answers %d", url, r->status);
}

/* One that only this host does not trust may be good for those who were told to; libcurl has one code for all, and OpenSSL's words for
 * which. */
static int tell_certificate(struct proxy *p, const struct front *f, const char *why)
{
	const bool untrusted =
		strstr(why, "self-signed") || strstr(why, "self signed") || strstr(why, "issuer");
	struct finding_text t = {
		.id = "proxy.certificate",
		.subject = f->name,
		.result = untrusted ? FINDING_WARNING : FINDING_PROBLEM,
		.meaning = untrusted ?
				   "browsers and clients refuse the site, but for those that were "
				   "told to trust it" :
				   "browsers and clients refuse the site",
		.remedy = "renew it (certbot renew), or correct server_name, then nginx -s reload; "
			  "isamon doctor network tells its days",
	};

	return findings_add(p->out, &t, "%s", why);
}

/* A certificate that is wrong is told by itself, and what is behind it is looked at all the same. */
static int look_through(struct proxy *p, struct http *http, const struct front *f, bool *ret_late)
{
	_cleanup_(buf_done) struct buf url = BUF_INIT(TEXT_MAX);
	struct http_reply reply;
	int err = 0;

	ask(p, http, f, *f->name, &reply, &url);
	if (f->tls && reply.err == -EKEYREJECTED) {
		err = tell_certificate(p, f, buf_str(&reply.why));
		http_reply_done(&reply);
		ask(p, http, f, false, &reply, &url);
	}
	*ret_late = reply.err == -ETIMEDOUT;
	err = err ?: tell_answer(p, buf_str(&url), &reply);
	http_reply_done(&reply);
	return err;
}

/* By the server that passes to the service; where none does, by the first that passes at all. */
int proxy_tell_front(struct proxy *p)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(256);
	const struct proxy_target *t = p->n_targets ? &p->targets[0] : NULL;
	struct front f = { .name = "" };
	bool clear, late = false;
	struct http *http;
	size_t server;
	int err = 0;

	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i].ours) {
			t = &p->targets[i];
			break;
		}
	if (!t || http_new(&why, &http))
		return 0;
	server = t->pass->server;
	if (server < p->conf.n_servers)
		f.name = p->conf.servers[server].name;
	if (strpbrk(f.name, "_*~$^"))
		f.name = "";
	clear = find_front(p, server, false, &f.address);
	if (clear)
		err = look_through(p, http, &f, &late);
	f.tls = true;
	/* Of a server that is not known one of its listening sockets is enough. */
	if (!err && !late && (!clear || server != SIZE_MAX) &&
	    find_front(p, server, true, &f.address))
		err = look_through(p, http, &f, &late);
	http_free(http);
	return err;
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
