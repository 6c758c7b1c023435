/* SPDX-License-Identifier: MIT */
/* Looks at the host once, before anything is advised. Invariant: what is not known stays zero, and no advice is made of it. */
#include "check/advice_host.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/child.h"
#include "base/file.h"

#define NGINX_MS 4000
#define OUTPUT_MAX (8u << 20)
#define WHY_MAX 1024

/* --- who runs it */

static void look_at_manager(const struct config *c, struct advice_host *h)
{
	const char *program = *c->service_program ? c->service_program : c->service_name;
	struct discover_options o = { .root = h->root, .name = program };
	struct discovery *d = calloc(1, sizeof(*d));
	char unit[64];

	if (!d)
		return;
	buf_init(&d->notes, WHY_MAX);
	if (c->service_manager != CONFIG_MANAGER_SYSTEMD &&
	    discover_supervisor(&o, d, &h->run) != DISCOVER_NONE)
		h->manager = ADVICE_SUPERVISOR;
	snprintf(unit, sizeof(unit), "%.*s",
		 (int)strcspn(*c->service_unit ? c->service_unit : c->service_name, "."),
		 *c->service_unit ? c->service_unit : c->service_name);
	o.name = unit;
	if (!h->manager && c->service_manager != CONFIG_MANAGER_SUPERVISOR &&
	    discover_systemd(&o, d, &h->run) != DISCOVER_NONE)
		h->manager = ADVICE_SYSTEMD;
	buf_done(&d->notes);
	free(d);
}

/* --- databases */

static void look_at_databases(const struct config *c, struct advice_host *h)
{
	for (size_t i = 0; i < c->n_databases; i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
		struct advice_database *d = &h->databases[h->n_databases++];
		char path[4096];

		d->path = c->databases[i];
		snprintf(path, sizeof(path), "%s%s", h->root, d->path);
		d->known = database_figures(path, false, NULL, &why, &d->figures) == 0;
	}
}

/* What a file says in its first line; "" if it is not there. */
static void first_line(const struct advice_host *h, const char *path, char *to, size_t size)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4096);

	to[0] = '\0';
	if (advice_host_read(h, path, &text) == 0)
		snprintf(to, size, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
}

/* "m5.large", "u-6tb1.metal"; Xen instances say "HVM domU" there. */
static bool is_type(const char *text)
{
	const size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 1 && text[n] == '.' && text[n + 1] &&
	       !text[n + 1 + strspn(text + n + 1, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* Nitro: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html; Xen: the hypervisor's UUID. */
static void look_at_instance(struct advice_host *h)
{
	char text[128];

	first_line(h, "/sys/class/dmi/id/sys_vendor", text, sizeof(text));
	h->on_ec2 = strcmp(text, "Amazon EC2") == 0;
	if (!h->on_ec2) {
		first_line(h, "/sys/hypervisor/uuid", text, sizeof(text));
		h->on_ec2 = strncasecmp(text, "ec2", 3) == 0;
	}
	if (!h->on_ec2)
		return;
	first_line(h, "/sys/class/dmi/id/product_name", text, sizeof(text));
	if (is_type(text))
		snprintf(h->instance_type, sizeof(h->instance_type), "%.31s", text);
}

int advice_host_look(const struct config *c, const char *root, struct advice_host *ret)
{
	*ret = (struct advice_host){ .manager = ADVICE_NOBODY };
	if ((size_t)snprintf(ret->root, sizeof(ret->root), "%s", root) >= sizeof(ret->root))
		return -ENAMETOOLONG;
	buf_init(&ret->aws.lifecycle, ADVICE_FILE_MAX);
	look_at_instance(ret);
	look_at_manager(c, ret);
	look_at_databases(c, ret);
	return 0;
}

void advice_host_done(struct advice_host *h)
{
	for (size_t i = 0; i < h->n_databases; i++)
		database_figures_done(&h->databases[i].figures);
	nginx_conf_done(&h->proxy);
	buf_done(&h->aws.lifecycle);
}

int advice_host_read(const struct advice_host *h, const char *path, struct buf *ret)
{
	char whole[4096];

	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", h->root, path) >= sizeof(whole))
		return -ENAMETOOLONG;
	return file_read(whole, ret);
}

int advice_host_diff(const struct advice_host *h, const char *path, const char *text,
		     const struct advice_edits *e, struct buf *out)
{
	char whole[PATH_MAX], real[PATH_MAX], root[PATH_MAX] = "";
	size_t n;

	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", h->root, path) >= sizeof(whole))
		return -ENAMETOOLONG;
	if (!realpath(whole, real) || (*h->root && !realpath(h->root, root)))
		return -errno;
	n = strlen(root);
	return advice_diff(strncmp(real, root, n) == 0 ? real + n : real, text, e, out);
}

/* --- nginx */

static bool is_port(const struct config *c, uint16_t port)
{
	for (size_t i = 0; i < c->n_ports; i++)
		if (c->ports[i] == port)
			return true;
	return false;
}

static bool is_service(const struct config *c, const char *text)
{
	struct nginx_address a;

	return nginx_address_parse(text, false, &a) && !a.unix_socket && !a.variable &&
	       is_port(c, a.port);
}

static bool upstream_is_service(const struct config *c, const struct nginx_conf *conf,
				const char *name)
{
	for (size_t i = 0; i < conf->n_peers; i++)
		if (strcmp(conf->peers[i].upstream, name) == 0 &&
		    is_service(c, conf->peers[i].text))
			return true;
	return false;
}

/* Whether it goes to the service, directly or by an upstream; of these only are kept. */
static bool passes_to_service(const struct config *c, const struct nginx_conf *conf,
			      const struct nginx_pass *p)
{
	struct nginx_address a;

	if (is_service(c, p->text))
		return true;
	return nginx_address_parse(p->text, false, &a) && !a.unix_socket && !a.variable &&
	       upstream_is_service(c, conf, a.host);
}

int advice_host_use_proxy(const struct config *c, const char *text, size_t len,
			  struct advice_host *h)
{
	struct nginx_conf *conf = &h->proxy;
	size_t kept = 0;
	int err;

	nginx_conf_done(conf);
	err = nginx_conf_parse(text, len, conf);
	if (err == -ENOMEM)
		return err;
	for (size_t i = 0; i < conf->n_passes; i++)
		if (passes_to_service(c, conf, &conf->passes[i]))
			conf->passes[kept++] = conf->passes[i];
	conf->n_passes = kept;
	h->has_proxy = !err && kept > 0;
	return 0;
}

int advice_host_ask_proxy(const struct config *c, struct advice_host *h)
{
	static const char *const argv[] = { "nginx", "-T", "-q", NULL };
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);

	if (child_run(argv, NGINX_MS, &text))
		return 0;
	return advice_host_use_proxy(c, buf_str(&text), text.len, h);
}
