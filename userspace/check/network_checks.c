/* SPDX-License-Identifier: MIT */
/* Endpoints, and ports that listen. Invariant: only hosts that the configuration uses or names are contacted. */
#include "check/network_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/endpoint.h"
#include "aws/lone_session.h"
#include "aws/url.h"
#include "base/file.h"
#include "check/aws_checks.h"
#include "check/listening.h"
#include "check/network_impl.h"

#define WHY_MAX 2048
#define REGION_MS 1200
#define SLOW_US 1000000u
#define HTTPS_PORT 443
#define RESOLV_CONF "/etc/resolv.conf"

/* --- endpoints */

struct endpoints {
	struct reach list[REACH_MAX];
	size_t n;
};

static void add(struct endpoints *e, const struct host_port *to, bool tls, const char *ca_bundle)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->list[i].to.port == to->port && strcmp(e->list[i].to.host, to->host) == 0)
			return;
	if (e->n < REACH_MAX)
		e->list[e->n++] = (struct reach){ .to = *to, .tls = tls, .ca_bundle = ca_bundle };
}

static void add_url(struct endpoints *e, const char *text, const char *ca_bundle)
{
	struct host_port to = { .port = 0 };
	struct url u;

	if (url_parse(text, &u) || u.host_len >= sizeof(to.host))
		return;
	memcpy(to.host, u.host, u.host_len);
	to.port = u.port;
	add(e, &to, u.tls, ca_bundle);
}

static const char *proxy_of(const struct config *c)
{
	const char *proxy = *c->aws_proxy ? c->aws_proxy : getenv("https_proxy");

	return proxy && *proxy ? proxy : NULL;
}

static const char *bundle_of(const struct config *c)
{
	const char *bundle = *c->aws_ca_bundle ? c->aws_ca_bundle : getenv("AWS_CA_BUNDLE");

	return bundle && *bundle ? bundle : NULL;
}

/* Where requests to AWS's own endpoints go through a proxy, it is the proxy that must be reached. */
static void add_service(struct endpoints *e, const struct config *c, const char *region,
			enum endpoint_service service, const char *url, struct buf *why)
{
	struct endpoint at;

	if (endpoint_find(service, url, c->aws_endpoint_url, region, &at, why))
		return;
	add_url(e, at.own && proxy_of(c) ? proxy_of(c) : at.url, bundle_of(c));
}

static int add_aws(struct endpoints *e, const struct config *c, struct findings *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	_cleanup_(lone_session_close) struct lone_session look = { 0 };
	const char *region = NULL;

	if (!aws_checks_wanted(c))
		return 0;
	if (lone_session_open(c, &why, &look) == 0)
		region = lone_session_region(&look, REGION_MS);
	region = region ? region : "";
	if (c->cloudwatch_enabled || c->n_alarms)
		add_service(e, c, region, ENDPOINT_CLOUDWATCH, c->aws_endpoint_url_cloudwatch,
			    &why);
	if (c->logs_enabled)
		add_service(e, c, region, ENDPOINT_LOGS, c->aws_endpoint_url_logs, &why);
	if (*c->backup_s3_bucket)
		add_service(e, c, region, ENDPOINT_S3, c->aws_endpoint_url_s3, &why);
	if (!why.len)
		return 0;
	return findings_add(out,
			    &(struct finding_text){ .id = "network.endpoint",
						    .subject = "AWS",
						    .result = FINDING_UNKNOWN,
						    .remedy = "isamon doctor aws says more" },
			    "its endpoints are not known: %s", buf_str(&why));
}

static void name_servers(struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(65536);

	if (file_read(RESOLV_CONF, &text))
		return;
	for (const char *line = buf_str(&text); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "nameserver", strlen("nameserver")) == 0)
			buf_printf(out, "%s%.*s", out->len ? ", " : "", (int)strcspn(line, "\n"),
				   line);
	}
}

static int tell_failure(const struct reach *r, const char *subject, struct findings *out)
{
	struct finding_text t = { .subject = subject, .result = FINDING_PROBLEM };
	_cleanup_(buf_done) struct buf servers = BUF_INIT(200);

	if (r->step == REACH_NAME) {
		name_servers(&servers);
		t.id = "network.dns";
		t.meaning = "the name is not resolved: DNS does not work, or there is no such name";
		t.remedy =
			"look at " RESOLV_CONF ", and at the VPC's DNS (enableDnsSupport, port 53)";
		return findings_add(out, &t, "%s (%s: %s)", r->why, RESOLV_CONF,
				    servers.len ? buf_str(&servers) : "no nameserver");
	}
	if (r->step == REACH_CONNECT) {
		t.id = "network.connect";
		t.meaning = "the host is not reached";
		t.remedy = "look at the route, the security group and the network ACL for outgoing "
			   "traffic; a private subnet needs NAT or a VPC endpoint";
		return findings_add(out, &t, "no connection: %s", r->why);
	}
	t.id = "network.tls";
	t.meaning = "the host is reached, but does not speak TLS as it should";
	t.remedy = "see who is in between: openssl s_client -connect HOST:PORT; ca_bundle in [aws]";
	return findings_add(out, &t, "connected to %s, then: %s", r->address, r->why);
}

static int tell_certificate(const struct reach *r, const char *subject, struct findings *out)
{
	const struct finding_text t = {
		.id = "network.tls",
		.subject = subject,
		.result = FINDING_PROBLEM,
		.meaning = "whoever answers there cannot be trusted, and is not spoken to",
		.remedy =
			"see who is in between: openssl s_client -connect HOST:PORT; ca_bundle in "
			"[aws]; the clock",
	};

	if (*r->untrusted)
		return findings_add(out, &t, "its certificate (%s, of %s) is not trusted: %s",
				    r->certificate.subject, r->certificate.issuer, r->untrusted);
	return findings_add(out, &t, "its certificate is for %s", r->certificate.subject);
}

int network_tell_endpoint(const struct reach *r, struct findings *out)
{
	_cleanup_(buf_done) struct buf subject = BUF_INIT(400), tls = BUF_INIT(100);
	struct finding_text t = { .id = "network.endpoint" };
	uint64_t whole_us = 0;

	buf_printf(&subject, strchr(r->to.host, ':') ? "[%s]:%u" : "%s:%u", r->to.host, r->to.port);
	t.subject = buf_str(&subject);
	if (r->step != REACH_DONE)
		return tell_failure(r, t.subject, out);
	if (r->tls && (*r->untrusted || !r->fits))
		return tell_certificate(r, t.subject, out);
	for (size_t i = 0; i < REACH_DONE; i++)
		whole_us += r->took_us[i];
	if (whole_us > SLOW_US) {
		t.result = FINDING_WARNING;
		t.meaning = "it is reached, but slowly";
		t.remedy = "see which step takes long: the name server, the way, or the other side";
	}
	if (r->tls)
		buf_printf(&tls, ", %s in %.0f ms", r->version,
			   (double)r->took_us[REACH_TLS] / 1000);
	return findings_add(out, &t, "name %.0f ms, connected to %s in %.0f ms%s",
			    (double)r->took_us[REACH_NAME] / 1000, r->address,
			    (double)r->took_us[REACH_CONNECT] / 1000, buf_str(&tls));
}

static int check_endpoints(const struct check_input *in, struct findings *out)
{
	static struct endpoints e; /* a thread may be left with a part of it */
	const struct config *c = in->config;
	struct host_port to;
	int err;

	e.n = 0;
	err = add_aws(&e, c, out);
	for (size_t i = 0; i < c->n_doctor_endpoints; i++)
		if (host_port_parse(c->doctor_endpoints[i], &to) == 0)
			add(&e, &to, to.port == HTTPS_PORT, NULL);
	if (!err && !e.n && !out->n)
		return findings_add(out, &(struct finding_text){ .id = "network.endpoint" },
				    "no other host is needed; endpoint in [doctor] names some");
	err = err ?: reach_all(e.list, e.n, NETWORK_TIMEOUT_MS - REGION_MS);
	for (size_t i = 0; i < e.n && !err; i++)
		err = network_tell_endpoint(&e.list[i], out);
	return err;
}

/* --- who listens */

static bool is_service_port(const struct config *c, uint16_t port)
{
	for (size_t i = 0; i < c->n_ports; i++)
		if (c->ports[i] == port)
			return true;
	return false;
}

/* The cgroup of a process, "/system.slice/nginx.service"; nothing if it is not known. */
static void add_cgroup(pid_t pid, struct buf *out)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(64), text = BUF_INIT(65536);
	const char *at;

	if (buf_printf(&path, "/proc/%d/cgroup", pid) || file_read(buf_str(&path), &text))
		return;
	at = strstr(buf_str(&text), "0::");
	if (at && (at == buf_str(&text) || at[-1] == '\n'))
		buf_printf(out, " in %.*s", (int)strcspn(at + 3, "\n"), at + 3);
}

static int tell_socket(const struct config *c, const struct listening *l, struct findings *out)
{
	_cleanup_(buf_done) struct buf subject = BUF_INIT(100), cgroup = BUF_INIT(512);
	struct finding_text t = { .id = "network.listening" };

	listening_add_address(&l->address, l->port, &subject);
	t.subject = buf_str(&subject);
	if (is_service_port(c, l->port) && l->any) {
		t.result = FINDING_NOTE;
		t.meaning = "others can reach the service without going through nginx";
		t.remedy = "let it listen at 127.0.0.1, unless that is meant";
	}
	if (!l->pid)
		return findings_add(
			out, &t,
			"the process is not seen: the kernel's, another namespace's, or not root's to see");
	add_cgroup(l->pid, &cgroup);
	return findings_add(out, &t, "%s, process %d of user %u%s", l->name, l->pid, l->uid,
			    buf_str(&cgroup));
}

static int by_port(const void *a, const void *b)
{
	const struct listening *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return memcmp(&x->address, &y->address, sizeof(x->address));
}

static int check_listening(const struct check_input *in, struct findings *out)
{
	_cleanup_(listening_done) struct listening_list l = { 0 };
	int err = listening_read("/proc", &l);

	if (l.n)
		qsort(l.items, l.n, sizeof(*l.items), by_port);
	for (size_t i = 0; i < l.n && !err; i++)
		err = tell_socket(in->config, &l.items[i], out);
	if (!err && !l.n)
		err = findings_add(out, &(struct finding_text){ .id = "network.listening" },
				   "nobody listens on any port");
	return err;
}

const struct check network_checks[] = {
	{ "network", "network.endpoint", check_endpoints, 0 },
	{ "network", "network.listening", check_listening, 0 },
	{ "network", "network.certificate", network_check_certificates, 0 },
};
const size_t n_network_checks = ARRAY_SIZE(network_checks);
