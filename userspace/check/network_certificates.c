/* SPDX-License-Identifier: MIT */
/* How long the site's certificate is still good: as it is configured, as nginx's configuration names it, and as it is served. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "check/network_impl.h"
#include "check/nginx_names.h"
#include "probe/listeners.h"

#define WARNING_DAYS 21
#define PROBLEM_DAYS 7
#define WHY_MAX 512
#define PATH_MAX_BYTES 1024
#define NGINX_MS 1000
#define NGINX_MAX (4u << 20)
#define HTTPS_PORT 443
#define SERVED_MS 1000

struct looking {
	struct findings *out;
	int64_t now_s;
	char sha256s[CONFIG_CERTIFICATES_MAX][CERTIFICATE_SHA256_HEX]; /* of the files */
	char paths[CONFIG_CERTIFICATES_MAX][PATH_MAX_BYTES];
	size_t n;
};

static int judge_days(const char *subject, const struct certificate *c, int64_t now_s,
		      const char *note, enum finding_result at_least, struct findings *out)
{
	long long days = (c->ends_s - now_s) / DAY_S;
	struct finding_text t = {
		.id = "network.certificate",
		.subject = subject,
		.result = days < PROBLEM_DAYS ? FINDING_PROBLEM :
			  days < WARNING_DAYS ? FINDING_WARNING :
						at_least,
		.meaning = "browsers and clients will refuse the site when it has expired",
		.remedy =
			"renew it: certbot renew, then systemctl reload nginx; see why nothing does so by itself",
	};

	if (c->ends_s <= now_s) {
		t.meaning = "browsers and clients refuse the site";
		return findings_add(out, &t, "it expired %lld days ago (%s)",
				    (long long)(now_s - c->ends_s) / DAY_S, c->subject);
	}
	if (days >= WARNING_DAYS)
		t.meaning = t.remedy = NULL;
	return findings_add(out, &t, "%lld days are left (%s, of %s)%s", days, c->subject,
			    c->issuer, note);
}

int network_judge_certificate(const char *subject, const struct certificate *c,
			      const struct reach *r, int64_t now_s, struct findings *out)
{
	struct finding_text t = {
		.id = "network.certificate",
		.subject = subject,
		.result = FINDING_PROBLEM,
	};

	if (c->begins_s > now_s) {
		t.meaning = "browsers and clients refuse the site";
		t.remedy = "look at the clock, and at the certificate";
		return findings_add(out, &t, "it is not valid yet (%s)", c->subject);
	}
	if (r && !r->fits) {
		t.meaning = "browsers and clients refuse the site";
		t.remedy =
			"make one for that name: certbot --nginx -d NAME; or correct server_name";
		return findings_add(out, &t, "it is for %s, not for %s", c->subject, r->to.host);
	}
	/* That it has expired, the days tell. */
	if (r && *r->untrusted && c->ends_s > now_s)
		return judge_days(
			subject, c, now_s,
			c->self_signed ?
				"; made by itself, so nobody trusts it" :
				"; its authority is not trusted here, or a certificate in between is not sent",
			FINDING_WARNING, out);
	return judge_days(subject, c, now_s, "", FINDING_FINE, out);
}

static int look_at_file(const char *path, void *ctx)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct looking *l = ctx;
	struct certificate c;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->paths[i], path) == 0)
			return 0;
	if (certificate_read(path, &c, &why))
		return findings_add(l->out,
				    &(struct finding_text){ .id = "network.certificate",
							    .subject = path,
							    .result = FINDING_UNKNOWN },
				    "%s", buf_str(&why));
	if (l->n < CONFIG_CERTIFICATES_MAX) {
		snprintf(l->paths[l->n], PATH_MAX_BYTES, "%s", path);
		memcpy(l->sha256s[l->n++], c.sha256, sizeof(c.sha256));
	}
	return network_judge_certificate(path, &c, NULL, l->now_s, l->out);
}

static int look_at_host(struct looking *l, const char *subject, const struct reach *r)
{
	const struct finding_text t = {
		.id = "network.certificate",
		.subject = subject,
		.result = FINDING_PROBLEM,
		.meaning = "the site is not served there",
		.remedy = "isamon doctor bad-gateway",
	};

	if (r->step != REACH_DONE || !r->has_certificate)
		return findings_add(l->out, &t, "%s: %s",
				    r->step == REACH_NAME    ? "the name is not resolved" :
				    r->step == REACH_CONNECT ? "no connection" :
							       "no TLS",
				    r->why);
	return network_judge_certificate(subject, &r->certificate, r, l->now_s, l->out);
}

static int look_at_configured(struct looking *l, const struct config *c)
{
	static struct reach list[CONFIG_CERTIFICATES_MAX]; /* a thread may be left with it */
	const char *names[CONFIG_CERTIFICATES_MAX];
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < c->n_doctor_certificates && !err; i++) {
		const char *text = c->doctor_certificates[i];

		if (*text == '/') {
			err = look_at_file(text, l);
			continue;
		}
		list[n] = (struct reach){ .tls = true };
		names[n] = text;
		if (host_port_parse(text, &list[n].to) == 0)
			n++;
	}
	err = err ?: reach_all(list, n, NETWORK_TIMEOUT_MS);
	for (size_t i = 0; i < n && !err; i++)
		err = look_at_host(l, names[i], &list[i]);
	return err;
}

/* --- nginx's */

struct each {
	int (*fn)(const char *path, void *ctx);
	void *ctx;
};

/* One with a variable is another one for each name. */
static int nginx_seen(enum nginx_names_kind kind, const char *name, void *ctx)
{
	const struct each *e = ctx;

	return kind == NGINX_NAMES_CERTIFICATE && *name == '/' && !strchr(name, '$') ?
		       e->fn(name, e->ctx) :
		       0;
}

int network_each_nginx_certificate(const char *text, int (*fn)(const char *path, void *ctx),
				   void *ctx)
{
	struct each e = { fn, ctx };

	return nginx_names_parse(text, strlen(text), nginx_seen, &e);
}

static int look_at_nginx(struct looking *l)
{
	static const char *const argv[] = { "nginx", "-T", NULL };
	_cleanup_(buf_done) struct buf text = BUF_INIT(NGINX_MAX);

	if (child_run(argv, NGINX_MS, &text) != 0)
		return 0; /* none, or a configuration that is wrong, which another check tells */
	return network_each_nginx_certificate(buf_str(&text), look_at_file, l);
}

/* A certificate that was renewed and not loaded is found out only by asking. */
static int look_at_served(struct looking *l)
{
	static struct reach r;
	const uint16_t port = HTTPS_PORT;
	struct finding_text t = {
		.id = "network.certificate",
		.subject = "127.0.0.1:443",
		.result = FINDING_WARNING,
		.meaning =
			"another one is served than the files have: it was renewed, and not loaded",
		.remedy = "systemctl reload nginx",
	};
	bool up = false;

	if (listeners_find("/proc", &port, 1, &up) || !up)
		return 0;
	r = (struct reach){ .to = { .host = "127.0.0.1", .port = HTTPS_PORT }, .tls = true };
	if (reach_all(&r, 1, SERVED_MS) || r.step != REACH_DONE || !r.has_certificate)
		return 0;
	/* Which name is asked for is not known here: nothing is said of names and trust. */
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->sha256s[i], r.certificate.sha256) == 0)
			return 0;
	if (l->n && l->n < CONFIG_CERTIFICATES_MAX)
		return findings_add(l->out, &t, "%s is served", r.certificate.subject);
	return network_judge_certificate(t.subject, &r.certificate, NULL, l->now_s, l->out);
}

int network_check_certificates(const struct check_input *in, struct findings *out)
{
	static struct looking l;
	int err;

	l = (struct looking){ .out = out, .now_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC) };
	if (in->config->n_doctor_certificates) {
		err = look_at_configured(&l, in->config);
	} else {
		err = look_at_nginx(&l);
		err = err ?: look_at_served(&l);
	}
	if (!err && !out->n)
		err = findings_add(out, &(struct finding_text){ .id = "network.certificate" },
				   "none is known of; certificate in [doctor] names one");
	return err;
}
